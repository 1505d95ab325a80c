"""`kybern catalog diff` and `kybern catalog schema`, as a person or a pipeline runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from kybern.catalog import catalog_schema
from kybern.cli._catalog import register

ABOUT = "id: HOUSE\ntitle: Rules\nedition: '1'\npublisher: Us\nsource: our wiki\nstatus_date: 2026-11-23\nrights: own\nrequirements:\n"
OLD = f"""\
{ABOUT}\
  - {{id: "1", kind: rule, title: Say it, statement: Say that it is a machine.}}
  - {{id: "2", kind: rule, title: Keep it, statement: Keep logs for a month.}}
"""
NEW = OLD.replace("for a month", "for six months").replace(
    '- {id: "1"', '- {id: "3", kind: rule, title: Ask, statement: Ask first.}\n  - {id: "1"'
)
SYSTEM = (
    "kind: ai_system\nid: helper\ntitle: Helper\nrole: deployer\npurpose: p\nuse_case: u\nautonomy: advises\n"
    "users: [staff]\njurisdictions: [DE]\nstage: operation\n"
)
RECORDS = f"""\
kind: organization
id: acme
title: Acme
legal_name: Acme
sector: s
countries: [DE]
ai_roles: [deployer]
---
{SYSTEM}---
kind: obligation
id: oversight
title: People oversee
origin: law
source: AI Act
requirement: EU_AI_ACT:Art.26
applies_to: [ai_system:helper]
---
kind: obligation
id: literacy
title: People understand
origin: law
source: AI Act
requirement: EU_AI_ACT:Art.4(1)
---
kind: obligation
id: models
title: Models are documented
origin: law
source: AI Act
requirement: EU_AI_ACT:Art.53
"""


def run(*arguments: object) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["catalog", *map(str, arguments)], env={"COLUMNS": "200"}, catch_exceptions=False)


def told(*arguments: object) -> dict[str, Any]:
    said = run("diff", *arguments, "--json")
    assert said.exit_code == 0, said.stderr
    return json.loads(said.stdout)  # type: ignore[no-any-return]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(OLD)
    new.write_text(NEW)
    return old, new


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("acme")
    (root / "records").mkdir()
    (root / "kybern.yaml").write_text("kybern: 1\nframeworks: [EU_AI_ACT]\n")
    (root / "records/all.yaml").write_text(RECORDS)
    return root


def test_the_ai_act_before_and_after_its_amendment() -> None:
    said = run("diff", "EU_AI_ACT@2026-07-26")
    assert said.exit_code == 0
    assert said.stdout.startswith("EU_AI_ACT as known on 2026-07-26, against EU_AI_ACT as it stands:\n26 entries added, 3 removed, ")
    assert "By Regulation (EU) 2026/1744 (known since 2026-07-27)." in said.stdout
    lines = [line.split() for line in said.stdout.splitlines()]
    assert ["applies", "from", "(annex-iii)", "2026-08-02", "2027-12-02"] in [line[:5] for line in lines]
    assert ["applies", "from", "(annex-i)", "2027-08-02", "2028-08-02"] in [line[:5] for line in lines]


def test_as_json_everything_is_told() -> None:
    found = told("EU_AI_ACT@2026-07-26")
    assert (found["old"], found["new"]) == (
        {"frameworks": ["EU_AI_ACT"], "as_known_on": "2026-07-26"},
        {"frameworks": ["EU_AI_ACT"], "as_known_on": None},
    )
    added = {one["ref"]: one for one in found["added"]}
    assert added["EU_AI_ACT:Art.5(1)(ba)"]["fields"] == [
        {"field": "applies from", "old": None, "new": "2026-12-02", "basis": "Article 113(a)"}
    ]
    assert {one["ref"] for one in found["removed"]} == {
        "EU_AI_ACT:Annex.I.A.1", "EU_AI_ACT:Annex.VIII.B.7", "EU_AI_ACT:Annex.VIII.B.9",
    }  # fmt: skip
    (literacy,) = [one for one in found["changed"] if one["ref"] == "EU_AI_ACT:Art.4(1)"]
    assert literacy["amendments"][0]["act"] == "Regulation (EU) 2026/1744"
    assert literacy["amendments"][0]["until"] == "2026-07-26"
    assert [one["field"] for one in literacy["fields"]] == ["statement"]
    assert found["touched"]["records"] == found["touched"]["systems"] == found["touched"]["statuses"] == []


def test_in_a_workspace_it_says_whom_it_touches(workspace: Path) -> None:
    touched = told("EU_AI_ACT@2026-07-26", "-C", workspace, "--as-of", "2026-11-26")["touched"]
    records = {one["ref"]: one for one in touched["records"]}
    assert set(records) >= {"obligation:oversight", "obligation:literacy"}
    assert "obligation:models" not in records
    assert records["obligation:literacy"]["because"] == ["EU_AI_ACT:Art.4(1)"]
    assert "EU_AI_ACT:Art.26(2)" in records["obligation:oversight"]["because"]
    assert touched["systems"] == ["ai_system:helper"]
    statuses = {(one["requirement"], one["subject"]): (one["old"], one["new"]) for one in touched["statuses"]}
    assert statuses["EU_AI_ACT:Art.4a(1)", "organization:acme"][0] is None
    assert statuses["EU_AI_ACT:Annex.VIII.B.7", "organization:acme"][1] is None
    page = run("diff", "EU_AI_ACT@2026-07-26", "-C", workspace).stdout
    assert "obligation:literacy" in page
    assert "AI systems that these records name: ai_system:helper." in page


def test_in_a_workspace_that_nothing_touches_it_says_so(workspace: Path) -> None:
    said = run("diff", "ISO42001", "-C", workspace).stdout
    assert "0 entries added, 0 removed, 0 changed." in said
    assert "No record of the workspace names what changed." in said
    assert "No status changes." in said


def test_two_files_are_compared_field_by_field(files: tuple[Path, Path]) -> None:
    said = run("diff", *files).stdout
    assert "1 entry added, 0 removed, 1 changed." in said
    assert "statement: Keep logs for a month. -> Keep logs for six months." in said
    assert [one["ref"] for one in told(*files)["added"]] == ["HOUSE:3"]


def test_a_folder_is_a_side_too(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "own/frameworks").mkdir(parents=True)
    (tmp_path / "own/frameworks/house.yaml").write_text(NEW)
    assert [one["ref"] for one in told(files[0], tmp_path / "own")["changed"]] == ["HOUSE:2"]


def test_the_exit_code_tells_only_where_it_is_asked_to(files: tuple[Path, Path]) -> None:
    assert run("diff", *files).exit_code == 0
    assert run("diff", *files, "--exit-code").exit_code == 1
    assert run("diff", files[0], files[0], "--exit-code").exit_code == 0


def test_full_shows_old_and_new_wording_and_every_entry() -> None:
    short, full = (run("diff", "EU_AI_ACT@2026-07-26", *more).stdout for more in ([], ["--full"]))
    assert "Differs in statement." in short
    assert "Differs in statement." not in full
    assert " more" in short
    assert "Art.17(1)(m)" not in short
    assert "Art.17(1)(m)" in full


@pytest.mark.parametrize(
    ("side", "rule", "hint"),
    [
        ("EU_AI_AC", "unknown-law", "Did you mean EU_AI_ACT?"),
        ("EU_AI_AC@2026-07-26", "unknown-law", "Did you mean EU_AI_ACT?"),
        ("EU_AI_ACT@2026-02-30", "bad-day", "EU_AI_ACT@2026-07-26"),
        ("EU_AI_ACT@yesterday", "unknown-law", ""),
        ("", "unknown-law", ""),
        ("@2026-07-26", "unknown-law", ""),
    ],
)
def test_what_is_no_law_is_refused(side: str, rule: str, hint: str) -> None:
    said = run("diff", side)
    assert said.exit_code == 2
    assert f"[{rule}]" in said.stderr
    assert hint in said.stderr


def test_a_file_that_does_not_hold_is_refused_with_its_place(files: tuple[Path, Path]) -> None:
    files[1].write_text(NEW.replace("statement: Ask first.", "statment: Ask first."))
    said = run("diff", *files)
    assert said.exit_code == 2
    assert f"{files[1]}:9:" in said.stderr


def test_an_empty_folder_and_a_folder_of_controls_are_refused(tmp_path: Path) -> None:
    assert "[no-catalog]" in run("diff", tmp_path).stderr
    (tmp_path / "controls").mkdir()
    said = run("diff", tmp_path)
    assert (said.exit_code, "[no-framework]" in said.stderr) == (2, True)


@pytest.mark.parametrize("kind", ["framework", "control", "crosswalk"])
def test_schema_is_printed_and_written(kind: str, tmp_path: Path) -> None:
    assert json.loads(run("schema", kind).stdout) == catalog_schema(kind)
    assert run("schema", kind, "--out", tmp_path / "schema.json").exit_code == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == catalog_schema(kind)


def test_schema_is_of_a_framework_by_default_and_of_nothing_else() -> None:
    assert json.loads(run("schema").stdout) == catalog_schema("framework")
    said = run("schema", "frameworks")
    assert said.exit_code == 2
    assert "Did you mean framework?" in said.stderr


def test_show_tells_dates_penalty_and_what_changed() -> None:
    said = " ".join(run("show", "EU_AI_ACT:Art.25(2)").stdout.split())
    assert "Bound: provider" in said
    assert "Applies from 2027-12-02 on the route annex-iii: Article 113(c)(i)" in said
    assert "2026-08-02" not in said
    assert "Penalty: up to EUR 15 000 000" in said
    assert "Until 2026-07-26 otherwise; Regulation (EU) 2026/1744:" in said
    assert "Until 2026-07-26 not there" in run("show", "Art.4a(1)").stdout
    assert "No longer law from 2026-07-27." in run("show", "Annex.VIII.B.7").stdout


def test_the_handbook_shows_what_is_printed() -> None:
    page = (Path(__file__).parents[2] / "docs/handbook/law-diff.md").read_text(encoding="utf-8")
    shown = page.partition("$ kybern catalog diff EU_AI_ACT@2026-07-26\n")[2].partition("```")[0].splitlines()
    said = [" ".join(line.split()) for line in run("diff", "EU_AI_ACT@2026-07-26").stdout.splitlines()]
    held = [line for line in shown[:3] + shown[-5:] if line.strip()]
    assert len(held) == 8
    assert [line for line in held if " ".join(line.split()) not in said] == []
