"""The shipped frameworks are whole, and every requirement of theirs is reached by evidence."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from kybern.catalog import Catalog, EvidenceCheck, Layer, Relation, Requirement

TABLES = next((up / "shared" / "reference" for up in Path(__file__).parents if (up / "shared" / "reference").is_dir()), None)
"""The reference tables: they lie beside the repository and are no part of it."""


@dataclass(frozen=True)
class Reference:
    """The table that a framework is held against: its file, the column of its ids, and of a table of several editions the one meant.

    Columns named `parent` and `kind` are compared where the table has them; `title` is the column of the short titles.
    """

    file: str
    id: str = "id"
    edition: tuple[str, str] | None = None
    title: str | None = "short_title"

    def rows(self) -> list[dict[str, str]]:
        """Read the rows; a test skips, by name, where the tables are not there."""
        return [row for row in table(self.file) if self.edition is None or row[self.edition[0]] == self.edition[1]]


REFERENCES = {
    "ISO42001": Reference("iso42001.csv"),
    "NIST_AI_RMF": Reference("nist_ai_rmf.csv", title=None),
    "EU_AI_ACT": Reference("eu_ai_act.csv"),
}
"""A framework that joins the catalog adds its line here, and its ids to `reference_ids.yaml`."""
FRAMEWORKS = ("ISO42001", "NIST_AI_RMF")
"""The frameworks whose every requirement is reached by evidence."""
COUNTING = {Relation.EQUAL, Relation.SUPERSET, Relation.SUBSET}
SHOWN_ONLY = {
    "TRU-05": "no requirement asks for an audit by outsiders",
    "TRU-20": "no requirement asks for a check of public claims as such",
}
"""Controls that only intersect with requirements: shown as what they add, without effect on status."""


def table(name: str) -> list[dict[str, str]]:
    """Rows of a reference table."""
    if TABLES is None:
        pytest.skip(f"the reference table {name} is not beside the repository; the committed ids are checked instead")
    with (TABLES / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


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


@pytest.mark.parametrize("framework", REFERENCES)
def test_ids_are_complete_and_in_order(laws: Catalog, reference_ids: dict, framework: str) -> None:
    assert astray([entry.id for entry in laws.frameworks[framework].requirements], reference_ids[framework]["ids"]) == []


@pytest.mark.parametrize("framework", REFERENCES)
def test_the_committed_ids_are_those_of_the_table(reference_ids: dict, framework: str) -> None:
    reference = REFERENCES[framework]
    assert astray(reference_ids[framework]["ids"], [row[reference.id] for row in reference.rows()]) == []


@pytest.mark.parametrize("framework", REFERENCES)
def test_parents_and_kinds_agree_with_the_table(laws: Catalog, framework: str) -> None:
    reference = REFERENCES[framework]
    entries = {entry.id: entry for entry in laws.frameworks[framework].requirements}
    for row in reference.rows():
        entry = entries[row[reference.id]]
        assert (entry.parent or "", entry.kind) == (row.get("parent", entry.parent or ""), row.get("kind", entry.kind)), entry.id


@pytest.mark.parametrize("framework", REFERENCES)
def test_leaves_are_what_the_framework_asks(laws: Catalog, reference_ids: dict, framework: str) -> None:
    assert laws.leaves(framework) == tuple(f"{framework}:{name}" for name in reference_ids[framework]["asks"])


@pytest.mark.parametrize("framework", REFERENCES)
def test_nothing_that_is_asked_stands_below_an_entry_that_asks_nothing(laws: Catalog, framework: str) -> None:
    """Reports and statuses go down from the roots through what asks something."""
    entries = {entry.id: entry for entry in laws.frameworks[framework].requirements}
    lost = [entry.id for entry in entries.values() if entry.normative and entry.parent and not entries[entry.parent].normative]
    assert lost == []


def test_iso_titles_are_those_of_the_table(laws: Catalog) -> None:
    for entry, row in zip(laws.frameworks["ISO42001"].requirements, REFERENCES["ISO42001"].rows(), strict=True):
        assert row["short_title"].startswith(entry.title)


def test_nist_rows_agree_with_the_reference_table_word_for_word(laws: Catalog) -> None:
    entries = laws.frameworks["NIST_AI_RMF"].requirements
    assert [(e.id, e.statement) for e in entries] == [(row["id"], row["statement"]) for row in REFERENCES["NIST_AI_RMF"].rows()]


TITLES = {"Art.77": "the amending act gives Article 77 a new heading too; the table has that of 2024"}
DATES = {
    "Annex.I.A.1": "deleted, so the later date never held for it",
    "Annex.I.B.21": "added by the amending act, so the date of 2024 never held for it",
}
"""Where the catalog knows better than the table, and why (Regulation (EU) 2026/1744, Article 1, points 34(a) and 41)."""


def test_ai_act_titles_are_those_of_the_table(laws: Catalog) -> None:
    rows = REFERENCES["EU_AI_ACT"].rows()
    differing = [e.id for e, row in zip(laws.frameworks["EU_AI_ACT"].requirements, rows, strict=True) if e.title != row["short_title"]]
    assert differing == list(TITLES)


def test_ai_act_dates_are_those_of_the_table_before_and_after_the_amendment(laws: Catalog) -> None:
    differing = [
        entry.id
        for entry, row in zip(laws.frameworks["EU_AI_ACT"].requirements, REFERENCES["EU_AI_ACT"].rows(), strict=True)
        if [_days(entry, day) for day in (date(2026, 7, 26), date(2026, 7, 27))] != [_days_of(row, "original_"), _days_of(row, "")]
    ]
    assert differing == list(DATES)


def test_what_the_table_says_was_amended_remembers_how_it_stood(laws: Catalog) -> None:
    entries = {entry.id: entry for entry in laws.frameworks["EU_AI_ACT"].requirements}
    for row in REFERENCES["EU_AI_ACT"].rows():
        past = entries[row["id"]].earlier
        if row["original_applies_from"] == "not in original":
            assert [one.absent for one in past] == [True], row["id"]
        elif row["omnibus_2026_1744_change"] not in {"", "not amended"}:
            assert [(one.by, one.until) for one in past] == [("Regulation (EU) 2026/1744", date(2026, 7, 26))], row["id"]


def _days(entry: Requirement, on: date) -> set[str]:
    """Name the days from which an entry binds, as law was known on a day; none where it was not there."""
    known = entry.as_known(on)
    return {str(row.since) for row in known.dates_as_known(on)} if known else set()


def _days_of(row: dict[str, str], of: str) -> set[str]:
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
    rows = [row for row in table("crosswalk.csv") if (row["source_framework"], row["target_framework"]) == FRAMEWORKS]
    crosswalk = next(one for one in laws.crosswalks if one.target_framework == "NIST_AI_RMF")
    assert [(r.source, r.target, r.relation.value, r.confidence.value) for r in crosswalk.rows] == [
        (f"ISO42001:{row['source_id']}", f"NIST_AI_RMF:{row['target_id']}", row["relation"], row["confidence"]) for row in rows
    ]


def test_annexes_b_to_d_ask_nothing(laws: Catalog) -> None:
    asking_nothing = {entry.id for entry in laws.frameworks["ISO42001"].requirements if not entry.normative}
    assert asking_nothing == {entry.id for entry in laws.frameworks["ISO42001"].requirements if entry.id[0] in "BCD"}


@pytest.mark.parametrize("framework", REFERENCES)
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
