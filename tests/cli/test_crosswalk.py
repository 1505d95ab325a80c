"""`kybern crosswalk` as it is typed: table, CSV, JSON, pictures, what stays uncovered, how far evidence carries over."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the helper module beside the tests

from click.testing import Result
from own_world import HEAD, control, run, workspace

from kybern.catalog import crosswalk, load_catalog

TARGET = f"""\
id: HOUSE
title: House rules
{HEAD}  - {{id: "1", kind: rule, title: Take it over, statement: Just what the other asks.}}
  - {{id: "2", kind: rule, title: Take it over later, statement: Just what another asks.}}
  - {{id: "3", kind: rule, title: Show something, statement: A part.}}
  - {{id: "4", kind: rule, title: Show nothing, statement: A part.}}
  - {{id: "5", kind: rule, title: =left(out), statement: Nothing reaches it.}}
---
id: SOURCE
title: Source
{HEAD}  - {{id: a, kind: rule, title: Said, statement: Say it.}}
  - {{id: b, kind: rule, title: Unsaid, statement: Say it too.}}
"""
WALK = """\
id: source-house
source_framework: SOURCE
target_framework: HOUSE
status_date: "2026-11-23"
bases: {read: We read both.}
rows:
  - {source: "SOURCE:a", target: "HOUSE:1", relation: superset, confidence: high, basis: read}
  - {source: "SOURCE:b", target: "HOUSE:2", relation: equal, confidence: high, basis: read}
  - {source: "SOURCE:a", target: "HOUSE:3", relation: intersects, confidence: low, basis: read}
  - {source: "SOURCE:b", target: "HOUSE:4", relation: intersects, confidence: high, basis: read}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = {
        "kybern.yaml": "kybern: 1\nframeworks: [SOURCE]\ncatalogs: [catalogs/house]\n",
        "catalogs/house/frameworks/house.yaml": TARGET,
        "catalogs/house/controls/house.yaml": control("SOURCE:a"),
        "catalogs/house/crosswalks/walk.yaml": WALK,
    }
    return workspace(tmp_path_factory.mktemp("workspace"), texts)


def here(made: Path, *words: str | Path, code: int = 0) -> Result:
    return run("crosswalk", "SOURCE", "HOUSE", "-C", made, "--as-of", "2026-11-20", *words, code=code)


def test_the_table_tells_rows_coverage_and_what_it_does_not_say() -> None:
    said = run("crosswalk", "ISO42001", "ISO27001").stdout
    found = crosswalk(load_catalog(), "ISO42001", "ISO27001")
    assert said.count("intersects") == len(found.pairs)
    assert f"Of {len(found.coverage)} entries of ISO27001 that ask something: 0 carried (0%)" in said
    assert "with low confidence only" in said
    assert "does not establish" in said


def test_json_is_the_whole_of_it_in_either_direction() -> None:
    told = json.loads(run("crosswalk", "ISO27001", "ISO42001", "--format", "json").stdout)
    assert (told["source"], told["target"], told["hubs"], len(told["pairs"])) == ("ISO27001", "ISO42001", [], 94)
    assert sum(told["reached"].values()) == told["asks"] == 70 == len(told["entries"])


def test_frameworks_without_rows_go_through_the_hub() -> None:
    said = run("crosswalk", "ISO27001", "ISO9001").stdout
    assert "Composed through ISO42001" in said
    assert "related, unproven" in said
    told = json.loads(run("crosswalk", "ISO27001", "ISO9001", "--format", "json").stdout)
    assert all(pair["relation"] is None and pair["via"] and not pair["carries"] for pair in told["pairs"])


def test_frameworks_that_nothing_joins_are_told_so() -> None:
    assert "No row joins ISO42001 and ISO_RELATED" in run("crosswalk", "ISO42001", "ISO_RELATED").stdout


def test_what_is_uncovered(made: Path) -> None:
    assert "=left(out)" in here(made, "--uncovered").stdout
    assert list(csv.reader(io.StringIO(here(made, "--uncovered", "--format", "csv").stdout))) == [
        ["target", "target_title"],
        ["HOUSE:5", "'=left(out)"],
    ]
    told = json.loads(here(made, "--uncovered", "--format", "json").stdout)
    assert ([one["ref"] for one in told["entries"]], told["pairs"]) == (["HOUSE:5"], [])


def test_how_far_the_evidence_carries_over(made: Path) -> None:
    told = json.loads(here(made, "--format", "json").stdout)
    assert {one["ref"]: one["standing"] for one in told["carried"]} == {
        "HOUSE:1": "carried over",
        "HOUSE:2": "would carry over",
        "HOUSE:3": "evidence that may serve",
        "HOUSE:4": "no evidence yet",
        "HOUSE:5": "uncovered",
    }
    assert {one["ref"]: one["status"] for one in told["carried"]}["HOUSE:1"] == "unknown", "nothing changes a status"
    said = here(made).stdout
    assert "1 carried over" in said
    rows = list(csv.DictReader(io.StringIO(here(made, "--format", "csv").stdout)))
    assert [(row["source"], row["source_status"], row["target_status"]) for row in rows][:1] == [("SOURCE:a", "met", "unknown")]


def test_what_is_unproven_is_never_called_evidence(made: Path) -> None:
    told = json.loads(run("crosswalk", "ISO27001", "ISO9001", "-C", made, "--format", "json").stdout)
    assert set(told["standing"]) == {"unproven", "uncovered"}


@pytest.mark.parametrize("kind", ["matrix", "sankey"])
def test_pictures_are_written(made: Path, tmp_path: Path, kind: str) -> None:
    here(made, "--format", kind, "--out", tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<!doctype html>" in page
    assert "met" in page
    here(made, "--format", kind, "--out", tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert here(made, "--format", kind).stdout.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("ISO4201", "NIST_AI_RMF"), "unknown-framework"),
        (("ISO42001", "NIST"), "unknown-framework"),
        (("ISO42001", "ISO42001"), "same-framework"),
        (("ISO42001", "ISO9001", "--via", "ISO9001"), "same-framework"),
        (("ISO42001", "ISO9001", "--via", "X"), "unknown-framework"),
        (("ISO42001", "ISO9001", "--format", "sankey", "--uncovered"), "uncovered-picture"),
        (("ISO42001", "ISO9001", "--out", "x.txt"), "table-file"),
        (("ISO42001", "ISO9001", "--format", "csv", "--out", "/nowhere/x.csv"), "unwritable"),
        (("ISO42001", "ISO9001", "--format", "json", "--out", "/nowhere/x.json"), "unwritable"),
        (("ISO42001", "ISO9001", "-C", "/nowhere"), "no-folder"),
        (("ISO42001", "ISO9001", "--as-of", "2026-11-20"), "as-of"),
    ],
)
def test_what_cannot_be_answered_is_refused(words: tuple[str, ...], rule: str) -> None:
    assert f"[{rule}]" in run("crosswalk", *words, code=2).stderr
