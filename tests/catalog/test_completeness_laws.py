"""The laws, principles and lists of threats that are shipped are whole, and carry the facts of their reference tables."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from kybern.base.yaml import read_yaml
from kybern.catalog import Catalog, Confidence, Requirement

Row: TypeAlias = dict[str, str]

BESIDE_THE_REPOSITORY = [above / "shared" / "reference" for above in Path(__file__).parents]
"""Where the reference tables may lie; they are not part of the repository."""
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Table:
    """A framework and the table its facts come from: which column holds what."""

    framework: str
    file: str
    title: str = "title"
    bound: str | None = None
    penalty: str | None = None
    since: str | None = None
    status: str | None = None
    confidence: str | None = None


LAW = {"title": "short_title", "bound": "applies_to"}
INSTRUMENT = {**LAW, "penalty": "max_penalty", "since": "effective_from", "status": "status_2026_11", "confidence": "confidence"}
TABLES = (
    Table("GDPR", "gdpr.csv", **LAW, penalty="max_fine"),
    Table("NIS2", "nis2.csv", **LAW, penalty="max_fine"),
    Table("DPDP", "dpdp.csv", **LAW, penalty="max_penalty", since="applies_from"),
    Table("CALIFORNIA", "california.csv", **INSTRUMENT),
    Table("US_STATES", "us_state_ai.csv", **INSTRUMENT),
    Table("OTHER_REGIMES", "other_regimes.csv", **INSTRUMENT),
    Table("NIST_GENAI", "nist_genai_profile.csv"),
    Table("OECD", "oecd.csv"),
    Table("UNESCO", "unesco.csv"),
    Table("OWASP_LLM", "owasp_llm_top10.csv"),
    Table("OWASP_AGENTIC", "owasp_agentic_top10.csv"),
    Table("MITRE_ATLAS", "mitre_atlas_tactics.csv", title="name"),
    Table("IMDA_AGENTIC", "imda_agentic.csv", status="status", confidence="confidence"),
    Table("IMDA_AI_VERIFY", "imda_ai_verify.csv"),
)
NAMES = tuple(table.framework for table in TABLES)
BESIDE = {
    *(f"GDPR:Art.{part}" for part in ("13(2)(f)", "14(2)(g)", "15(1)(h)", "28(3)")),
    *(f"DPDP:{part}" for part in ("S.5(1)", "S.6(1)", "S.6(4)", "S.6(10)", "R.6(1)(e)", "R.13(1)", "R.13(3)")),
}
"""Parts of an entry that asks for more than its parts: they stand beside it, or its status would come from them alone."""
ONE_OF_TWO = {
    **{f"GDPR:{paragraph}": {"controller"} for paragraph in ("Art.30(1)", "Art.33(1)", "Art.33(5)")},
    **{f"GDPR:{paragraph}": {"processor"} for paragraph in ("Art.30(2)", "Art.33(2)")},
}
"""Paragraphs whose article binds both, and the paragraph one of them: the table repeats the article."""
SPELLED_OUT = {"see subsections": "see subsections: INR 50 crore", "as above": "USD 2 500 / 7 500 per violation (CPI-adjusted)"}
"""Penalties that a table gives by pointing elsewhere, and how the catalog begins instead."""
NOT_IN_FORCE = {"CALIFORNIA:CA-SB951", "CALIFORNIA:CA-AB1018", "US_STATES:CO-SB24-205", "OTHER_REGIMES:EU-CoE-225"}
"""Instruments without a day from which they bind: failed, repealed, not confirmed, binding States only."""

each_table = pytest.mark.parametrize("table", TABLES, ids=NAMES)
each_framework = pytest.mark.parametrize("framework", NAMES)


@pytest.fixture(scope="session")
def reference_laws() -> dict[str, dict[str, list[str]]]:
    """The ids that the frameworks must have, and which of them ask something: committed beside the tests."""
    file = Path(__file__).with_name("reference_laws.yaml")
    (document,) = read_yaml(file.read_bytes(), str(file))
    return document.value  # type: ignore[return-value]


def pairs(laws: Catalog, table: Table) -> Iterator[tuple[str, Requirement, Row]]:
    """Each entry beside its row of the reference table."""
    file = next((folder / table.file for folder in BESIDE_THE_REPOSITORY if (folder / table.file).is_file()), None)
    if file is None:
        pytest.skip(f"the reference table {table.file} is not beside the repository; the committed ids are checked instead")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for entry, row in zip(laws.frameworks[table.framework].requirements, rows, strict=True):
        yield f"{table.framework}:{entry.id}", entry, row


def slugs(text: str) -> set[str]:
    """Roles as the table writes them, in the catalog's spelling."""
    whole = {"essential": "essential-entity", "important": "important-entity"}
    words = (word.strip().lower().replace("_", "-") for word in text.split(";") if word.strip())
    return {whole.get(word, word) for word in words}


@each_framework
def test_ids_are_complete_and_in_order(laws: Catalog, reference_laws: dict, framework: str) -> None:
    assert [entry.id for entry in laws.frameworks[framework].requirements] == reference_laws[framework]["ids"]


@each_framework
def test_leaves_are_what_the_framework_asks(laws: Catalog, reference_laws: dict, framework: str) -> None:
    assert laws.leaves(framework) == tuple(f"{framework}:{name}" for name in reference_laws[framework]["asks"])


@each_table
def test_ids_titles_parents_and_kinds_agree_with_the_reference_table(laws: Catalog, table: Table) -> None:
    for ref, entry, row in pairs(laws, table):
        parent = None if ref in BESIDE else row.get("parent") or None
        assert (entry.id, entry.title, entry.parent) == (row["id"], row[table.title], parent)
        assert entry.kind == row.get("kind", entry.kind), ref


@each_table
def test_who_is_bound_agrees_with_the_reference_table(laws: Catalog, table: Table) -> None:
    for ref, entry, row in pairs(laws, table):
        named = slugs(row[table.bound] if table.bound else "")
        assert ONE_OF_TWO.get(ref, named) <= set(entry.bound), ref
        assert ref not in ONE_OF_TWO or set(entry.bound) == ONE_OF_TWO[ref] < named


@each_table
def test_every_penalty_of_the_reference_table_is_carried(laws: Catalog, table: Table) -> None:
    for ref, entry, row in pairs(laws, table):
        penalty = row[table.penalty] if table.penalty else ""
        expected = SPELLED_OUT.get(penalty, penalty)
        assert (entry.penalty or "").startswith(expected), ref
        assert bool(entry.penalty) == bool(expected), ref


@each_table
def test_every_date_of_the_reference_table_is_carried(laws: Catalog, table: Table) -> None:
    for ref, entry, row in pairs(laws, table):
        told = set(ISO_DATE.findall(entry.model_dump_json() + laws.framework_of(ref).edition))
        assert set(ISO_DATE.findall(" ".join(row.values()))) <= told, ref


@each_table
def test_what_binds_begins_on_the_days_of_the_reference_table(laws: Catalog, table: Table) -> None:
    for ref, entry, row in pairs(laws, table):
        days = set(ISO_DATE.findall(row[table.since])) if table.since and ref not in NOT_IN_FORCE else set()
        assert days <= {rule.since.isoformat() for rule in entry.dates}, ref
        assert not (entry.normative and ref in NOT_IN_FORCE), ref


@each_table
def test_status_and_confidence_agree_with_the_reference_table(laws: Catalog, table: Table) -> None:
    for ref, entry, row in pairs(laws, table):
        if table.status:
            assert entry.status == row[table.status], ref
        if table.confidence:
            assert entry.confidence == row[table.confidence], ref
        assert (entry.status is None) == (entry.status_date is None), ref


def test_relations_agree_with_the_reference_tables(laws: Catalog) -> None:
    tables = {table.framework: table for table in TABLES}
    for ref, entry, row in pairs(laws, tables["NIST_GENAI"]):
        assert entry.cites == tuple(f"NIST_AI_RMF:{one}" for one in row["ai_rmf_subcategories_with_actions"].split(";")), ref
        assert (entry.note or "").startswith(f"{row['suggested_action_count']} of the 212 "), ref
    for ref, entry, row in pairs(laws, tables["OWASP_LLM"]):
        assert entry.cites == (f"OWASP_LLM:{row['other_edition_id']}",), ref


def test_what_is_cited_is_there(laws: Catalog) -> None:
    cited = {(ref, target) for ref, entry in laws.requirements.items() for target in entry.cites}
    assert len(cited) > 200
    assert {pair for pair in cited if pair[1] not in laws.requirements} == set()


def test_editions_of_the_list_of_llm_threats_cite_each_other(laws: Catalog) -> None:
    for entry in laws.frameworks["OWASP_LLM"].requirements:
        (other,) = entry.cites
        assert laws.requirements[other].cites == (f"OWASP_LLM:{entry.id}",)
        assert other[-4:] != entry.id[-4:]


@each_framework
def test_every_entry_that_asks_has_a_layer(laws: Catalog, framework: str) -> None:
    assert [entry.id for entry in laws.frameworks[framework].requirements if entry.normative and entry.layer is None] == []


@each_framework
def test_statements_say_something_of_their_own(laws: Catalog, framework: str) -> None:
    for entry in laws.frameworks[framework].requirements:
        assert len(entry.statement) >= 40, entry.id
        assert entry.statement.casefold() != entry.title.casefold(), entry.id
        assert len(entry.statement.split()) <= 75, entry.id


def test_no_statement_stands_twice(laws: Catalog) -> None:
    statements = [entry.statement.casefold() for name in NAMES for entry in laws.frameworks[name].requirements]
    assert len(set(statements)) == len(statements)


@each_framework
def test_statements_are_our_words_and_no_advice(laws: Catalog, framework: str) -> None:
    foreign = re.compile(r"\b(shall|should|hereby|thereof|pursuant|you|your|compliant|certified)\b", re.IGNORECASE)
    said = {entry.id: foreign.findall(entry.statement) for entry in laws.frameworks[framework].requirements}
    assert {name: words for name, words in said.items() if words} == {}


@each_framework
def test_what_a_law_asks_says_of_whom_from_when_and_where_it_stands(laws: Catalog, framework: str) -> None:
    if laws.frameworks[framework].nature == "law":
        asked = [entry for entry in laws.frameworks[framework].requirements if entry.normative]
        assert [entry.id for entry in asked if not (entry.bound and entry.dates and entry.source)] == []


@each_framework
def test_what_is_of_low_confidence_says_what_is_unconfirmed(laws: Catalog, framework: str) -> None:
    unsure = [entry for entry in laws.frameworks[framework].requirements if entry.confidence is Confidence.LOW]
    assert [entry.id for entry in unsure if "nconfirmed" not in (entry.note or "")] == []


def test_what_a_law_wants_in_writing_is_named_where_it_asks(laws: Catalog) -> None:
    named = {f"{name}:{entry.id}" for name in NAMES for entry in laws.frameworks[name].requirements if entry.documented_information}
    assert named <= {ref for name in NAMES for ref in laws.leaves(name)}
    assert {"GDPR:Art.30(1)", "GDPR:Art.33(5)", "GDPR:Art.35(7)(c)", "DPDP:R.3", "CALIFORNIA:CA-SB53-framework"} <= named


def test_a_changed_date_is_a_row_for_each_time_it_was_law(laws: Catalog) -> None:
    for name in ("CA-SB942", "CA-SB942-latent", "CA-SB942-tool", "CA-SB942-licensee"):
        rows = laws.requirements[f"CALIFORNIA:{name}"].dates
        assert [(str(row.since), str(row.enacted)) for row in rows] == [("2026-01-01", "2024-09-19"), ("2026-08-02", "2025-10-13")]


def test_an_instrument_is_not_there_before_the_day_it_was_enacted(laws: Catalog) -> None:
    enacted = {ref: entry for ref, entry in laws.requirements.items() if any(row.absent for row in entry.earlier)}
    assert len(enacted) > 90
    for ref, entry in enacted.items():
        (absent,) = (row for row in entry.earlier if row.absent)
        first = min((row.enacted for row in entry.dates if row.enacted), default=None)
        assert first is None or absent.until < first, ref
        assert all(row.until > absent.until for row in entry.earlier if not row.absent), ref


FACTS = (
    ("GDPR:Art.12", "within one month"),
    ("GDPR:Art.33(1)", "within 72 hours of becoming aware"),
    ("GDPR:Art.36(1)", "within eight weeks"),
    ("GDPR:Art.8", "below 16"),
    ("GDPR:Art.83(4)", "EUR 10 000 000 or 2 %"),
    ("GDPR:Art.83(5)", "EUR 20 000 000 or 4 %"),
    ("NIS2:Art.23(4)(a)", "within 24 hours of becoming aware"),
    ("NIS2:Art.23(4)(b)", "within 72 hours of becoming aware"),
    ("NIS2:Art.23(4)(d)", "Within one month of the incident notification"),
    ("NIS2:Art.34(4)", "EUR 10 000 000 or 2 %"),
    ("NIS2:Art.34(5)", "EUR 7 000 000 or 1.4 %"),
    ("NIS2:Art.46", "through their national law"),
    ("DPDP:Sch.1", "INR 250 crore"),
    ("DPDP:Sch.2", "INR 200 crore"),
    ("DPDP:Sch.4", "INR 150 crore"),
    ("DPDP:Sch.7", "INR 50 crore"),
    ("DPDP:R.7(2)(b)", "Within 72 hours of becoming aware"),
    ("DPDP:R.13(1)", "every twelve months"),
    ("DPDP:R.14", "at most 90 days"),
    ("DPDP:R.4", "INR 2 crore"),
    ("CALIFORNIA:CA-SB53", "10^26"),
    ("CALIFORNIA:CA-SB53", "USD 500 million"),
    ("CALIFORNIA:CA-SB53-framework", "within 30 days"),
    ("CALIFORNIA:CA-SB53-incident", "within 15 days of discovering"),
    ("CALIFORNIA:CA-SB53-incident", "within 24 hours"),
    ("CALIFORNIA:CA-SB942-licensee", "within 96 hours"),
    ("CALIFORNIA:CA-SB243-minors", "every three hours"),
    ("CALIFORNIA:CA-CCPA-RISK", "within 45 days"),
    ("CALIFORNIA:CA-CRD-ADS", "four years"),
    ("US_STATES:NY-RAISE", "within 72 hours"),
    ("US_STATES:US-TAKEITDOWN", "within 48 hours"),
    ("OTHER_REGIMES:EU-CRA", "24 hours, 72 hours"),
    ("OTHER_REGIMES:KR-AIBA", "10^26"),
)


@pytest.mark.parametrize(("ref", "fact"), FACTS)
def test_deadlines_thresholds_and_ceilings_are_said(laws: Catalog, ref: str, fact: str) -> None:
    assert fact in laws.requirements[ref].statement
