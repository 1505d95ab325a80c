"""The shipped frameworks are whole, and every requirement of theirs is reached by evidence."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kybern.catalog import Catalog, EvidenceCheck, Layer, Relation

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
FRAMEWORKS = ("ISO42001", "NIST_AI_RMF")
COUNTING = {Relation.EQUAL, Relation.SUPERSET, Relation.SUBSET}
SHOWN_ONLY = {
    "TRU-05": "no requirement asks for an audit by outsiders",
    "TRU-20": "no requirement asks for a check of public claims as such",
}
"""Controls that only intersect with requirements: shown as what they add, without effect on status."""


def reference(name: str) -> list[dict[str, str]]:
    """Rows of a reference table, which lies beside the repository and is not part of it."""
    file = REFERENCE / name
    if not file.is_file():
        pytest.skip(f"the reference table {name} is not beside the repository; the committed ids are checked instead")
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_ids_are_complete_and_in_order(laws: Catalog, reference_ids: dict, framework: str) -> None:
    assert [entry.id for entry in laws.frameworks[framework].requirements] == reference_ids[framework]["ids"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_leaves_are_what_the_framework_asks(laws: Catalog, reference_ids: dict, framework: str) -> None:
    assert laws.leaves(framework) == tuple(f"{framework}:{name}" for name in reference_ids[framework]["asks"])


def test_iso_rows_agree_with_the_reference_table(laws: Catalog) -> None:
    rows = reference("iso42001.csv")
    entries = laws.frameworks["ISO42001"].requirements
    assert [(e.id, e.parent or "", e.kind) for e in entries] == [(row["id"], row["parent"], row["kind"]) for row in rows]
    for entry, row in zip(entries, rows, strict=True):
        assert row["short_title"].startswith(entry.title)


def test_nist_rows_agree_with_the_reference_table_word_for_word(laws: Catalog) -> None:
    rows = reference("nist_ai_rmf.csv")
    entries = laws.frameworks["NIST_AI_RMF"].requirements
    assert [(e.id, e.parent or "", e.kind, e.statement) for e in entries] == [
        (row["id"], row["parent"], row["kind"], row["statement"]) for row in rows
    ]


ASKED_BY_AUDITORS = ("A.8.3", "A.9.4", "A.10.2", "A.10.3", "A.10.4")
"""Applicable Annex A documents that auditors ask for beyond the table (audit-practice.md section 1)."""


def test_documented_information_is_named_where_it_is_asked_for(laws: Catalog, reference_ids: dict) -> None:
    named = {entry.id for entry in laws.frameworks["ISO42001"].requirements if entry.documented_information}
    assert named == {*reference_ids["ISO42001"]["documented"], *ASKED_BY_AUDITORS}


def test_documented_list_agrees_with_the_reference_table(reference_ids: dict) -> None:
    rows = reference("iso42001.csv")
    assert reference_ids["ISO42001"]["documented"] == [row["id"] for row in rows if row["documented_information_required"] == "yes"]


def test_crosswalk_is_complete(laws: Catalog, reference_ids: dict) -> None:
    crosswalk = next(one for one in laws.crosswalks if one.target_framework == "NIST_AI_RMF")
    assert len(crosswalk.rows) == reference_ids["crosswalk_rows"]
    assert {row.relation for row in crosswalk.rows} == {Relation.INTERSECTS}
    assert set(crosswalk.bases) == {row.basis for row in crosswalk.rows}


def test_crosswalk_agrees_with_the_reference_table(laws: Catalog) -> None:
    rows = [row for row in reference("crosswalk.csv") if (row["source_framework"], row["target_framework"]) == FRAMEWORKS]
    crosswalk = next(one for one in laws.crosswalks if one.target_framework == "NIST_AI_RMF")
    assert [(r.source, r.target, r.relation.value, r.confidence.value) for r in crosswalk.rows] == [
        (f"ISO42001:{row['source_id']}", f"NIST_AI_RMF:{row['target_id']}", row["relation"], row["confidence"]) for row in rows
    ]


def test_annexes_b_to_d_ask_nothing(laws: Catalog) -> None:
    asking_nothing = {entry.id for entry in laws.frameworks["ISO42001"].requirements if not entry.normative}
    assert asking_nothing == {entry.id for entry in laws.frameworks["ISO42001"].requirements if entry.id[0] in "BCD"}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_leaf_has_a_layer_and_statements_are_not_shared(laws: Catalog, framework: str) -> None:
    assert all(laws.requirements[ref].layer in Layer for ref in laws.leaves(framework))
    statements = [entry.statement for entry in laws.frameworks[framework].requirements]
    assert len(set(statements)) == len(statements)


def test_iso_statements_are_short_and_ours(laws: Catalog) -> None:
    for entry in laws.frameworks["ISO42001"].requirements:
        words = entry.statement.split()
        assert 10 <= len(words) <= 75, entry.id
        assert "shall" not in words, entry.id


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_requirement_is_reached_by_evidence(shipped: Catalog, framework: str) -> None:
    reached = {
        ref
        for ref in shipped.leaves(framework)
        for control, mapping in shipped.controls_for(ref)
        if mapping.relation in COUNTING and any(isinstance(check, EvidenceCheck) for check in control.checks)
    }
    assert [ref for ref in shipped.leaves(framework) if ref not in reached] == []


def test_every_control_reaches_a_requirement_that_asks_something(shipped: Catalog) -> None:
    leaves = {ref for framework in shipped.frameworks for ref in shipped.leaves(framework)}
    assert [control.id for control in shipped.controls.values() if not leaves & {m.requirement for m in control.satisfies}] == []


def test_controls_that_count_for_nothing_are_known_and_argued(shipped: Catalog) -> None:
    idle = {control.id for control in shipped.controls.values() if not any(m.relation in COUNTING for m in control.satisfies)}
    assert idle == set(SHOWN_ONLY)


def test_the_library_has_at_least_ninety_controls(shipped: Catalog) -> None:
    assert len(shipped.controls) >= 90


def test_every_layer_has_controls(shipped: Catalog) -> None:
    assert {control.layer for control in shipped.controls.values()} == set(Layer)
