"""What the reference tables say of the ISO frameworks beyond their ids: titles of both editions, marks, status; every statement ours."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from kybern.base.yaml import read_yaml
from kybern.catalog import Catalog, Confidence, Layer

_BESIDE = (above / "shared" / "reference" for above in Path(__file__).parents)
REFERENCE = next((folder for folder in _BESIDE if folder.is_dir()), Path("shared"))
"""Beside the repository, or beside the folder of its worktrees."""
IDS = Path(__file__).with_name("reference_ids_iso.yaml")
TABLES = {"ISO27001": "iso27001.csv", "ISO9001": "iso9001.csv", "ISO_RELATED": "iso_related.csv"}
FRAMEWORKS = tuple(TABLES)


@pytest.fixture(scope="module", name="ids")
def _ids() -> dict[str, dict[str, Any]]:
    (document,) = read_yaml(IDS.read_bytes(), str(IDS))
    return document.value  # type: ignore[return-value]


def reference(name: str) -> list[dict[str, str]]:
    file = REFERENCE / name
    if not file.is_file():
        pytest.skip(f"the reference table {name} is not beside the repository; the committed ids are checked instead")
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_27001_agrees_with_the_reference_table(laws: Catalog) -> None:
    found = [
        (e.id, e.parent or "", e.kind, e.title, ";".join(e.classes), bool(e.documented_information), bool(e.note))
        for e in laws.frameworks["ISO27001"].requirements
    ]
    assert found == [
        (r["id"], r["parent"], r["kind"], r["short_title"], r["theme"], r["documented_information_required"] == "yes", bool(r["notes"]))
        for r in reference("iso27001.csv")
    ]


def test_9001_agrees_with_the_reference_table_in_both_editions(laws: Catalog) -> None:
    for entry, row in zip(laws.frameworks["ISO9001"].requirements, reference("iso9001.csv"), strict=True):
        before = entry.earlier[0] if entry.earlier else None
        title_2015 = "" if before and before.absent else (before and before.title) or entry.title
        title_2026 = "" if entry.status else entry.title
        assert (entry.id, entry.parent or "") == (row["id"], row["parent"])
        assert (title_2015, title_2026) == (row["short_title_2015"], row["short_title_2026"]), entry.id
        assert list(entry.classes) == [f"edition-{year}" for year in row["editions"].split(";")]


def test_the_bibliography_agrees_with_the_reference_table(laws: Catalog) -> None:
    for entry, row in zip(laws.frameworks["ISO_RELATED"].requirements, reference("iso_related.csv"), strict=True):
        assert (entry.id, entry.title, entry.status, entry.source) == (row["id"], row["title"], row["status"], row["committee"])
        assert (entry.confidence.value, list(entry.classes)) == (row["confidence"], [row["topic"].replace("_", "-")])
        assert (entry.note or "").casefold() == row["notes"].casefold()


def test_27001_names_its_documented_information_and_sorts_its_93_controls_by_theme(laws: Catalog, ids: dict) -> None:
    entries = laws.frameworks["ISO27001"].requirements
    assert [entry.id for entry in entries if entry.documented_information] == ids["ISO27001"]["documented"]
    themes = [entry.classes[0] for entry in entries if entry.kind == "control"]
    assert {theme: themes.count(theme) for theme in themes} == {"organizational": 37, "people": 8, "physical": 14, "technological": 34}


def test_9001_says_which_entries_stand_in_one_edition_only(laws: Catalog, ids: dict) -> None:
    entries, known = laws.frameworks["ISO9001"].requirements, ids["ISO9001"]
    only = {year: [entry.id for entry in entries if entry.classes == (f"edition-{year}",)] for year in (2015, 2026)}
    assert only == {2015: known["only_2015"], 2026: known["only_2026"]}
    assert [entry.id for entry in entries if entry.earlier and not entry.earlier[0].absent] == known["renamed"]
    assert [entry.id for entry in entries if not entry.normative] == known["only_2015"], "what the present edition dropped asks nothing"


def test_titles_of_9001_2026_are_never_shown_as_sure(laws: Catalog) -> None:
    assert all(e.confidence is not Confidence.HIGH for e in laws.frameworks["ISO9001"].requirements if "edition-2026" in e.classes)


def test_the_bibliography_asks_nothing_and_says_how_each_entry_stands(laws: Catalog) -> None:
    framework = laws.frameworks["ISO_RELATED"]
    assert framework.nature == "bibliography"
    assert not any(entry.normative for entry in framework.requirements)
    assert all(entry.status for entry in framework.requirements)


@pytest.mark.parametrize("framework", FRAMEWORKS[:2])
def test_every_entry_has_a_layer_and_a_short_statement_of_our_own(laws: Catalog, framework: str) -> None:
    entries = laws.frameworks[framework].requirements
    for entry in entries:
        words = entry.statement.split()
        assert entry.layer in Layer
        assert 10 <= len(words) <= 75, entry.id
        assert "shall" not in words, entry.id
    assert len({entry.statement for entry in entries}) == len(entries)
