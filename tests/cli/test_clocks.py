"""`kybern clocks`: from a record, from a file, as text, JSON and calendar; and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from icalendar import Calendar

sys.path.insert(0, str(Path(__file__).parent))  # for the helper module beside the tests

from own_world import run

RECORDS = """\
- {kind: organization, id: acme, title: Acme, legal_name: Acme, sector: Lending, countries: [DE], ai_roles: [deployer]}
- kind: ai_system
  id: mailer
  title: Mailer
  role: deployer
  purpose: Writes letters.
  use_case: letters
  autonomy: advises
  users: [clerks]
  personal_data: true
  jurisdictions: [DE]
  stage: operation
  facts: {controller: true, processor: false}
- kind: incident
  id: wrong-letters
  title: Letters to the wrong people
  systems: [ai_system:mailer]
  severity: high
  occurred_at: 2026-10-22T20:00:00Z
  aware_at: 2026-10-23T10:20:00+02:00
  account: Two lists were swapped.
  member_states: [DE]
  harms: []
  facts: {personal_data_breach: true, breach_risk: risk}
"""
FACTS = "title: Lost\nmoments: {aware_at: 2026-11-02T09:00:00Z}\nincident: {personal_data_breach: true, breach_risk: risk}\n"
AS_OF = ("--as-of", "2026-10-24T12:00:00Z")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "records").mkdir()
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    (tmp_path / "records" / "all.yaml").write_text(RECORDS)
    return tmp_path


def found(*words: str | Path) -> Any:
    return json.loads(run("clocks", *words, "--json").stdout)


def test_the_clocks_of_a_record_are_shown_in_local_and_universal_time(workspace: Path) -> None:
    shown = run("clocks", "wrong-letters", "-C", workspace, *AS_OF).stdout
    assert "DUE AT ONCE  Personal data breach: notify the authority  [GDPR:Art.33(1)]" in shown
    assert "until  Mon 2026-10-26 09:20 Europe/Berlin (2026-10-26 08:20 UTC): 1 d 20 h left" in shown
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_json_says_everything_of_each_clock(workspace: Path) -> None:
    [whole] = found("incident:wrong-letters", "-C", workspace, *AS_OF)
    clocks = {one["clock"]: one for one in whole["clocks"]}
    one = clocks["gdpr.authority"]
    assert one["runs"] is True
    assert one["due"]["at"] == "2026-10-26T08:20:00Z"
    assert one["due"]["local"] == "2026-10-26T09:20:00+01:00"
    assert one["due"]["seconds_left"] == 159_600
    assert clocks["dpdp.board"]["state"] in {"does not run", "not law yet"}
    assert clocks["nis2.early_warning"]["runs"] is None
    assert "significant_incident" in clocks["nis2.early_warning"]["open"]


def test_a_report_on_the_record_stops_the_clock(workspace: Path) -> None:
    file = workspace / "records" / "all.yaml"
    file.write_text(RECORDS + "  reports: [{clock: gdpr.authority, at: 2026-10-25T10:00:00Z, to: BfDI}]\n")
    shown = run("clocks", "wrong-letters", "-C", workspace, "--as-of", "2026-11-24").stdout
    assert "REPORTED  Personal data breach: notify the authority" in shown


def test_an_overdue_clock_can_fail_a_pipeline(workspace: Path) -> None:
    run("clocks", "wrong-letters", "-C", workspace, "--as-of", "2026-10-26T08:20:00Z", "--fail")
    shown = run("clocks", "wrong-letters", "-C", workspace, "--as-of", "2026-10-26T08:20:01Z", "--fail", code=1).stdout
    assert "OVERDUE" in shown


def test_the_calendar_holds_the_deadlines_that_are_open(workspace: Path) -> None:
    ics = workspace / "clocks.ics"
    words = ("clocks", "wrong-letters", "-C", workspace, *AS_OF, "--ics", ics)
    run(*words)
    written = ics.read_bytes()
    run(*words)
    assert ics.read_bytes() == written
    events = {str(one["uid"]).partition("--")[0]: one for one in Calendar.from_ical(written).walk("VEVENT")}
    assert events["gdpr.authority"].decoded("dtstart").isoformat() == "2026-10-26T08:20:00+00:00"
    assert "nis2.early_warning" in events
    assert str(events["nis2.early_warning"]["summary"]).startswith("Perhaps: ")


def test_a_file_needs_no_workspace_and_fits_its_schema(tmp_path: Path) -> None:
    file = tmp_path / "incident.yaml"
    file.write_text(FACTS)
    [whole] = found("--facts", file, "--as-of", "2026-11-02T10:00:00Z")
    assert whole["system"] is None
    assert {one["clock"]: one["state"] for one in whole["clocks"]}["gdpr.authority"] == "cannot tell yet"
    jsonschema.Draft202012Validator.check_schema(json.loads(run("clocks", "--schema").stdout))


def test_all_shows_what_does_not_run_and_what_reports_say(workspace: Path) -> None:
    shown = run("clocks", "wrong-letters", "-C", workspace, *AS_OF, "--all").stdout
    assert "does not run" in shown
    assert "likely consequences" in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("clocks",), "Say which incident."),
        (("clocks", "wrong-leters", "-C", "."), "Did you mean wrong-letters?"),
        (("clocks", "x", "--facts", "y"), "facts come from one of them"),
        (("clocks", "--facts", "none.yaml"), "none.yaml cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_refused(workspace: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str) -> None:
    monkeypatch.chdir(workspace)
    assert says in run(*words, code=2).stderr


def test_a_wrong_fact_is_told_with_its_place(workspace: Path) -> None:
    file = workspace / "records" / "all.yaml"
    file.write_text(RECORDS.replace("breach_risk: risk", "breach_risk: rsk"))
    told = run("clocks", "wrong-letters", "-C", workspace, code=2).stderr
    assert "all.yaml:24:" in told
    assert "risk" in told
