"""The shipped frameworks are whole: every id, title, parent and date of their tables, and what each asks."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from reference_tables import BESIDE, DATES, REFERENCES, TITLES, Row, pairs, table

from kybern.catalog import Catalog, Layer, Relation, Requirement

each_framework = pytest.mark.parametrize("framework", REFERENCES)


def astray(ids: list[str], expected: list[str]) -> list[str]:
    """Say how ids differ from those expected: one missing, one too many, one twice, or another order."""
    missing = [f"{name} is missing" for name in expected if name not in ids]
    extra = [f"{name} is too many" for name in ids if name not in expected]
    twice = [f"{name} stands {count} times" for name, count in Counter(ids).items() if count > 1]
    return missing + extra + twice or ([] if ids == expected else ["the order differs"])


def test_one_id_missing_or_too_many_or_out_of_order_is_told() -> None:
    assert astray(["a", "b"], ["a", "b"]) == []
    assert astray(["a"], ["a", "b"]) == ["b is missing"]
    assert astray(["a", "b", "c"], ["a", "b"]) == ["c is too many"]
    assert astray(["a", "b", "b"], ["a", "b"]) == ["b stands 2 times"]
    assert astray(["b", "a"], ["a", "b"]) == ["the order differs"]


def test_every_shipped_framework_is_held_against_a_table(laws: Catalog, reference_ids: dict) -> None:
    assert set(laws.frameworks) == set(REFERENCES) == {name for name in reference_ids if isinstance(reference_ids[name], dict)}


@each_framework
def test_ids_are_complete_and_in_order(laws: Catalog, reference_ids: dict, framework: str) -> None:
    assert astray([entry.id for entry in laws.frameworks[framework].requirements], reference_ids[framework]["ids"]) == []


@each_framework
def test_the_committed_ids_are_those_of_the_table(reference_ids: dict, framework: str) -> None:
    reference = REFERENCES[framework]
    assert astray(reference_ids[framework]["ids"], [row[reference.id] for row in reference.rows()]) == []


@each_framework
def test_parents_and_kinds_agree_with_the_table(laws: Catalog, framework: str) -> None:
    for ref, entry, row in pairs(laws, framework):
        parent = None if ref in BESIDE else row.get("parent", entry.parent) or None
        assert (entry.parent, entry.kind) == (parent, row.get("kind", entry.kind)), ref


@pytest.mark.parametrize("framework", [name for name, reference in REFERENCES.items() if reference.title])
def test_titles_are_those_of_the_table(laws: Catalog, framework: str) -> None:
    column = REFERENCES[framework].title or ""
    differing = [ref for ref, entry, row in pairs(laws, framework) if entry.title != _abridged(framework, row[column], entry)]
    assert differing == [ref for ref in TITLES if ref.startswith(f"{framework}:")]


def _abridged(framework: str, title: str, entry: Requirement) -> str:
    """Give a title of the table as the catalog may shorten it: for ISO/IEC 42001 by its end."""
    return entry.title if framework == "ISO42001" and title.startswith(entry.title) else title


@each_framework
def test_leaves_are_what_the_framework_asks(laws: Catalog, reference_ids: dict, framework: str) -> None:
    assert [ref.partition(":")[2] for ref in laws.leaves(framework)] == reference_ids[framework]["asks"]


@each_framework
def test_nothing_that_is_asked_stands_below_an_entry_that_asks_nothing(laws: Catalog, framework: str) -> None:
    """Reports and statuses go down from the roots through what asks something."""
    entries = {entry.id: entry for entry in laws.frameworks[framework].requirements}
    lost = [entry.id for entry in entries.values() if entry.normative and entry.parent and not entries[entry.parent].normative]
    assert lost == []


def test_nist_rows_agree_with_the_reference_table_word_for_word(laws: Catalog) -> None:
    assert [(entry.id, entry.statement) for _, entry, _ in pairs(laws, "NIST_AI_RMF")] == [
        (row["id"], row["statement"]) for row in REFERENCES["NIST_AI_RMF"].rows()
    ]


def test_ai_act_dates_are_those_of_the_table_before_and_after_the_amendment(laws: Catalog) -> None:
    differing = [
        entry.id
        for _, entry, row in pairs(laws, "EU_AI_ACT")
        if [_days(entry, day) for day in (date(2026, 7, 26), date(2026, 7, 27))] != [_days_of(row, "original_"), _days_of(row, "")]
    ]
    assert differing == list(DATES)


def test_what_the_table_says_was_amended_remembers_how_it_stood(laws: Catalog) -> None:
    for _, entry, row in pairs(laws, "EU_AI_ACT"):
        past = entry.earlier
        if row["original_applies_from"] == "not in original":
            assert [one.absent for one in past] == [True], row["id"]
        elif row["omnibus_2026_1744_change"] not in {"", "not amended"}:
            assert [(one.by, one.until) for one in past] == [("Regulation (EU) 2026/1744", date(2026, 7, 26))], row["id"]


def _days(entry: Requirement, on: date) -> set[str]:
    """Name the days from which an entry binds, as law was known on a day; none where it was not there."""
    known = entry.as_known(on)
    return {str(row.since) for row in known.dates_as_known(on)} if known else set()


def _days_of(row: Row, of: str) -> set[str]:
    annex_i = row["original_annex_i_route" if of else "applies_from_annex_i_route"]
    return {day for day in (row[f"{of}applies_from"], annex_i) if day and day != "not in original"}


ASKED_BY_AUDITORS = ("A.8.3", "A.9.4", "A.10.2", "A.10.3", "A.10.4")
"""Applicable Annex A documents that auditors ask for beyond the table (audit-practice.md section 1)."""


def test_documented_information_is_named_where_it_is_asked_for(laws: Catalog, reference_ids: dict) -> None:
    named = {entry.id for entry in laws.frameworks["ISO42001"].requirements if entry.documented_information}
    assert named == {*reference_ids["ISO42001"]["documented"], *ASKED_BY_AUDITORS}


def test_documented_list_agrees_with_the_reference_table(reference_ids: dict) -> None:
    rows = REFERENCES["ISO42001"].rows()
    assert reference_ids["ISO42001"]["documented"] == [row["id"] for row in rows if row["documented_information_required"] == "yes"]


def test_crosswalk_is_complete(laws: Catalog, reference_ids: dict) -> None:
    crosswalk = next(one for one in laws.crosswalks if one.target_framework == "NIST_AI_RMF")
    assert len(crosswalk.rows) == reference_ids["crosswalk_rows"]
    assert {row.relation for row in crosswalk.rows} == {Relation.INTERSECTS}
    assert set(crosswalk.bases) == {row.basis for row in crosswalk.rows}


def test_crosswalk_agrees_with_the_reference_table(laws: Catalog) -> None:
    rows = [row for row in table("crosswalk.csv") if (row["source_framework"], row["target_framework"]) == ("ISO42001", "NIST_AI_RMF")]
    crosswalk = next(one for one in laws.crosswalks if one.target_framework == "NIST_AI_RMF")
    assert [(r.source, r.target, r.relation.value, r.confidence.value) for r in crosswalk.rows] == [
        (f"ISO42001:{row['source_id']}", f"NIST_AI_RMF:{row['target_id']}", row["relation"], row["confidence"]) for row in rows
    ]


def test_annexes_b_to_d_ask_nothing(laws: Catalog) -> None:
    asking_nothing = {entry.id for entry in laws.frameworks["ISO42001"].requirements if not entry.normative}
    assert asking_nothing == {entry.id for entry in laws.frameworks["ISO42001"].requirements if entry.id[0] in "BCD"}


@each_framework
def test_every_leaf_has_a_layer_and_statements_are_not_shared(laws: Catalog, framework: str) -> None:
    assert all(laws.requirements[ref].layer in Layer for ref in laws.leaves(framework))
    statements = [entry.statement for entry in laws.frameworks[framework].requirements]
    assert len(set(statements)) == len(statements)


@pytest.mark.parametrize(("framework", "least"), [("ISO42001", 10), ("EU_AI_ACT", 5)])
def test_statements_are_short_and_ours(laws: Catalog, framework: str, least: int) -> None:
    for entry in laws.frameworks[framework].requirements:
        words = entry.statement.split()
        assert least <= len(words) <= 75, entry.id
        assert "shall" not in words, entry.id
        assert entry.statement != entry.title, entry.id


def test_every_ai_act_entry_says_who_is_bound_about_what_and_from_when(laws: Catalog) -> None:
    for entry in laws.frameworks["EU_AI_ACT"].requirements:
        assert entry.bound, entry.id
        assert entry.classes, entry.id
        assert entry.dates_as_known(date(2026, 11, 23)), entry.id


ORGANISATIONS = {
    "provider", "deployer", "importer", "distributor", "authorised-representative", "product-manufacturer", "third-party-supplier",
    "operators", "notified-body", "gpai-provider", "gpai-systemic-provider", "gpai-authorised-representative",
}  # fmt: skip


def test_what_the_ai_act_asks_it_asks_of_an_organisation(laws: Catalog) -> None:
    for entry in laws.frameworks["EU_AI_ACT"].requirements:
        assert not entry.normative or ORGANISATIONS & set(entry.bound), entry.id
