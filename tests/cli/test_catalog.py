"""`kybern catalog`: list, show, lint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from kybern.catalog import load_catalog
from kybern.cli._catalog import register

OWN = """\
id: HOUSE
title: House rules
edition: "1"
publisher: House
source: https://example.org/rules
status_date: "2026-11-23"
rights: own
requirements:
  - {id: "1", kind: rule, title: Say it, statement: Say that it is a machine.}
  - {id: "4.1", kind: rule, title: Same, statement: Has an id that ISO/IEC 42001 has too.}
"""
CONTROL = """\
- id: HSE-01
  layer: L6
  title: It is said
  statement: It is said [always].
  why: People want to know.
  owner_role: host
  cadence: P30D
  applies_to: [ai_system]
  satisfies: [{requirement: "HOUSE:1", relation: equal}]
  checks:
    - {type: evidence, id: said, title: It was said, predicate: attestation, topic: said, max_age: P30D}
"""


def run(*arguments: str) -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["catalog", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for name, text in (("frameworks/house.yaml", OWN), ("controls/house.yaml", CONTROL)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_list_tells_edition_counts_source_and_date() -> None:
    said = run("list")
    assert said.exit_code == 0
    line = next(line for line in said.stdout.splitlines() if line.strip().startswith("ISO42001 "))
    assert line.split()[:4] == ["ISO42001", "2023", "116", "70"]
    assert line.split()[-1] == "2026-11-23"
    assert "https://doi.org/10.6028/NIST.AI.100-1" in said.stdout


def test_list_as_json_is_the_catalog_that_is_loaded() -> None:
    told = json.loads(run("list", "--json").stdout)
    assert told["digest"] == load_catalog().digest
    counts = {row["id"]: (row["entries"], row["asks"]) for row in told["frameworks"]}
    assert counts.items() >= {"ISO42001": (116, 70), "NIST_AI_RMF": (95, 72), "EU_AI_ACT": (513, 287)}.items()


@pytest.mark.parametrize("ref", ["ISO42001:A.7.4", "A.6.2.4"])
def test_show_a_requirement_with_its_controls_and_checks(ref: str) -> None:
    said = run("show", ref).stdout
    catalog = load_catalog()
    name = f"ISO42001:{ref.rpartition(':')[2]}"
    assert catalog.requirements[name].statement in " ".join(said.split())
    controls = catalog.controls_for(name)
    assert controls
    for control, _ in controls:
        assert control.title in said
        assert all(f"{control.id}/{check.id}" in said for check in control.checks)


def test_show_a_requirement_as_json_tells_what_counts() -> None:
    told = json.loads(run("show", "NIST_AI_RMF:MAP 1.5", "--json").stdout)
    assert (told["ref"], told["parent"], told["children"]) == ("NIST_AI_RMF:MAP 1.5", "MAP 1", [])
    expected = [(c.id, m.relation.value != "intersects") for c, m in load_catalog().controls_for("NIST_AI_RMF:MAP 1.5")]
    assert [(control["id"], control["counts"]) for control in told["controls"]] == expected
    assert {"requirement": "ISO42001:6.1.1", "relation": "intersects", "confidence": "high"} in told["related"]


def test_show_a_group_names_what_is_below() -> None:
    told = json.loads(run("show", "ISO42001:6.1", "--json").stdout)
    assert told["children"] == ["ISO42001:6.1.1", "ISO42001:6.1.2", "ISO42001:6.1.3", "ISO42001:6.1.4"]
    assert "AI risk treatment" in run("show", "ISO42001:6.1").stdout


def test_show_an_entry_that_asks_nothing_says_so() -> None:
    assert "asks nothing by itself" in run("show", "C.2.5").stdout


def test_show_says_why_no_control_answers() -> None:
    page = " ".join(run("show", "NIS2:Art.28").output.split())
    assert "No control answers it: Asked of TLD registries" in page


def test_show_every_control_as_text_and_json() -> None:
    name, control = next(iter(load_catalog().controls.items()))
    said = run("show", name)
    assert said.exit_code == 0
    assert control.statement in " ".join(said.stdout.split())
    assert json.loads(run("show", name, "--json").stdout) == control.model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize(("ref", "hint"), [("iso42001:a.7.4", "Did you mean ISO42001:A.7.4?"), ("???", "kybern catalog list")])
def test_show_what_is_not_there_is_refused_with_the_nearest(ref: str, hint: str) -> None:
    said = run("show", ref)
    assert said.exit_code == 2
    assert hint in said.stderr


def test_lint_of_the_shipped_catalog_holds() -> None:
    said = run("lint")
    assert said.exit_code == 0
    catalog = load_catalog()
    counts = f"{len(catalog.frameworks)} frameworks, {len(catalog.requirements)} requirements, {len(catalog.controls)} controls"
    assert said.stdout.startswith(f"The catalog holds together: {counts}, ")


def test_an_id_of_several_frameworks_is_refused_with_their_names() -> None:
    said = run("show", "A.7.4")
    assert said.exit_code == 2
    assert "ISO27001:A.7.4, ISO42001:A.7.4" in said.stderr


def test_lint_of_an_own_catalog_with_and_without_the_shipped_one(own: Path) -> None:
    shipped = load_catalog()
    expected = f"{len(shipped.frameworks) + 1} frameworks, {len(shipped.requirements) + 2} requirements"
    assert expected in run("lint", str(own)).stdout
    assert "1 frameworks, 2 requirements, 1 controls, 0 crosswalk rows" in run("lint", str(own), "--alone").stdout


def test_lint_tells_every_fault_with_its_place(own: Path) -> None:
    (own / "controls/house.yaml").write_text(
        CONTROL.replace("HOUSE:1", "HOUSE:7").replace("id: said,", "id: said, on: mood,"), encoding="utf-8"
    )
    said = run("lint", str(own))
    assert said.exit_code == 2
    assert f"{own}/controls/house.yaml:9:29" in said.stderr
    assert f"{own}/controls/house.yaml:11:38" in said.stderr
    assert "[unknown-requirement]" in said.stderr
    assert "[unknown-kind]" in said.stderr


@pytest.mark.parametrize(("arguments", "rule"), [(["lint", "--alone"], "no-folder"), (["lint", "/nowhere"], "no-catalog")])
def test_lint_without_a_catalog_is_refused(arguments: list[str], rule: str) -> None:
    said = run(*arguments)
    assert said.exit_code == 2
    assert f"[{rule}]" in said.stderr
