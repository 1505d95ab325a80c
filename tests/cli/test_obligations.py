"""`kybern obligations` on a workspace: register, filters, deadlines, JSON, CSV, calendar; and what is refused."""

from __future__ import annotations

import csv
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

sys.path.insert(0, str(Path(__file__).parent))  # for the helper module beside the tests

from own_world import run

RECORDS = """\
- kind: organization
  id: acme
  title: Acme
  legal_name: Acme
  sector: Lending
  countries: [DE]
  employees: 400
  ai_roles: [provider]
  facts: {nis2_sector: health, nis2_special: []}
- {kind: person, id: anna, title: Anna}
- {kind: role, id: boss, title: Head of AI, responsibilities: [all], holders: [person:anna]}
- kind: ai_system
  id: scorer
  title: Credit scoring
  owner: role:boss
  reviewed_on: 2026-11-01
  review_every: P90D
  role: provider
  purpose: Rates applications.
  use_case: credit
  autonomy: advises
  users: [clerks]
  personal_data: true
  generates_content: false
  jurisdictions: [DE]
  stage: validation
  facts:
    {exclusions: [], open_source: false, practices: [], biometrics: [], product_law: none, annex_iii: [5b], fraud_detection_only: false,
     annex_iii_task: [], profiling: true, provider_role_passed_on: false, annex_x_system: false, controller: true, processor: false}
- kind: obligation
  id: risks
  title: Risk management by the Act
  owner: person:anna
  origin: law
  source: Article 9
  requirement: EU_AI_ACT:Art.9
- {kind: obligation, id: pledge, title: Our pledge, origin: voluntary, source: "=SUM(A1)", binds_from: 2027-03-01}
- {kind: scope, id: aims, title: Scope, statement: All of it, systems: [ai_system:scorer]}
"""
AT = ("--as-of", "2026-11-26")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("acme")
    (root / "records").mkdir()
    (root / "kybern.yaml").write_text("kybern: 1\n")
    (root / "records" / "all.yaml").write_text(RECORDS)
    return root


@cache
def found(root: Path, *words: str) -> Any:
    return json.loads(run("obligations", "-C", root, *AT, *words, "--json").stdout)


def test_the_register_is_readable_at_a_hundred_columns(workspace: Path) -> None:
    shown = run("obligations", "-C", workspace, *AT).stdout
    assert all(len(line) <= 100 for line in shown.splitlines())
    assert "NIS2, Directive (EU) 2022/2555: " in shown.partition("ai_system:scorer")[0]
    assert "NIS2, Directive (EU) 2022/2555: " not in shown.partition("ai_system:scorer")[2].partition("Registered")[0]
    assert "Risk management system" in shown
    assert "from 2027-12-02" in shown
    assert "first 2026-08-02" in shown
    assert "obligation:pledge" in shown
    assert "cannot tell yet" in shown


def test_json_says_everything_of_a_requirement(workspace: Path) -> None:
    whole = found(workspace)
    one = next(one for one in whole["bindings"] if one["requirement"] == "EU_AI_ACT:Art.9(2)(a)")
    assert one["since"] == "2027-12-02"
    assert one["before"] == "2026-08-02"
    assert one["in_effect"] is False
    assert "EU_AI_ACT:Annex.III(5)(b)" in one["why"]
    assert "15 000 000" in one["penalty"]
    assert one["carry_over"]["sources"]
    assert (one["owner"], one["records"]) == ("Anna", ["obligation:risks"])
    other = next(one for one in whole["bindings"] if one["requirement"] == "EU_AI_ACT:Art.12(1)")
    assert (other["owner_ref"], other["records"]) == ("role:boss", [])


def test_filters_keep_what_is_asked_for(workspace: Path) -> None:
    now = found(workspace, "--in-effect", "--regime", "eu_ai_act")["bindings"]
    assert now
    assert all(one["in_effect"] and one["regime"] == "eu_ai_act" for one in now)
    one = found(workspace, "--system", "scorer", "--unmet")
    assert {row["subject"] for row in one["bindings"]} == {"ai_system:scorer"}
    assert all(row["status"] != "met" for row in one["bindings"])


def test_all_unfolds_each_requirement(workspace: Path) -> None:
    shown = run("obligations", "-C", workspace, *AT, "--regime", "eu_ai_act", "--all").stdout
    assert "EU_AI_ACT:Art.9(2)(a)" in shown
    assert "penalty" in shown
    assert "15 000 000" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_csv_has_a_row_a_requirement_and_no_formula(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    run("obligations", "-C", workspace, *AT, "--csv", file)
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(found(workspace)["bindings"])
    assert {row["in_effect"] for row in rows} == {"true", "false"}


def test_deadlines_ahead_as_table_and_data(workspace: Path) -> None:
    days = found(workspace, "--ahead", "400")
    kinds = {one["kind"] for one in days}
    assert {"law begins to bind", "review falls due", "own obligation begins"} <= kinds
    assert [one["on"] for one in days] == sorted(one["on"] for one in days)
    assert "2027-01-30" in {one["on"] for one in days if one["kind"] == "review falls due"}
    shown = run("obligations", "-C", workspace, *AT, "--ahead", "400").stdout
    assert "2027-12-02  law begins to bind" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())
    assert "Nothing falls into the 1 days" in run("obligations", "-C", workspace, *AT, "--ahead", "1").stdout


def test_the_calendar_is_the_same_for_the_same_question(workspace: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.ics", tmp_path / "other.ics"
    for file in (one, other):
        run("obligations", "-C", workspace, *AT, "--ahead", "400", "--ics", file)
    assert one.read_bytes() == other.read_bytes()
    events = Calendar.from_ical(one.read_bytes()).walk("VEVENT")
    assert len(events) == len({str(event["uid"]) for event in events}) == len(found(workspace, "--ahead", "400"))
    assert {"20271202"} <= {event["dtstart"].to_ical().decode() for event in events}
    assert all(len(event["dtstart"].to_ical()) == 8 for event in events)


def test_a_uid_stays_when_the_day_it_is_asked_on_changes(workspace: Path, tmp_path: Path) -> None:
    uids = []
    for day in ("2026-11-26", "2026-12-24"):
        file = tmp_path / f"{day}.ics"
        run("obligations", "-C", workspace, "--as-of", day, "--ahead", "380", "--ics", file)
        law = [event for event in Calendar.from_ical(file.read_bytes()).walk("VEVENT") if "Art.9" in str(event["summary"])]
        uids.append({str(event["uid"]) for event in law})
    assert uids[0] == uids[1] != set()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--system", "scorr"), "Did you mean scorer?"),
        (("--regime", "eu_ai"), "There are no rules for eu_ai."),
        (("--csv", "nowhere/file.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_asked_is_refused(workspace: Path, words: tuple[str, ...], says: str) -> None:
    assert says in run("obligations", "-C", workspace, *AT, *words, code=2).stderr
