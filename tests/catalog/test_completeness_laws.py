"""The laws, principles and lists of threats carry the facts of their tables: who is bound, when, on which penalty, how it stands."""

from __future__ import annotations

import re

import pytest
from reference_tables import NOT_IN_FORCE, ONE_OF_TWO, OTHERS, REFERENCES, SPELLED_OUT, cell, pairs

from kybern.catalog import Catalog, Confidence

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

each_framework = pytest.mark.parametrize("framework", OTHERS)


def slugs(text: str) -> set[str]:
    """Roles as the table writes them, in the catalog's spelling."""
    whole = {"essential": "essential-entity", "important": "important-entity"}
    words = (word.strip().lower().replace("_", "-") for word in text.split(";") if word.strip())
    return {whole.get(word, word) for word in words}


@each_framework
def test_who_is_bound_agrees_with_the_reference_table(laws: Catalog, framework: str) -> None:
    for ref, entry, row in pairs(laws, framework):
        named = slugs(cell(row, REFERENCES[framework].bound))
        assert ONE_OF_TWO.get(ref, named) <= set(entry.bound), ref
        assert ref not in ONE_OF_TWO or set(entry.bound) == ONE_OF_TWO[ref] < named


@each_framework
def test_every_penalty_of_the_reference_table_is_carried(laws: Catalog, framework: str) -> None:
    for ref, entry, row in pairs(laws, framework):
        penalty = cell(row, REFERENCES[framework].penalty)
        expected = SPELLED_OUT.get(penalty, penalty)
        assert (entry.penalty or "").startswith(expected), ref
        assert bool(entry.penalty) == bool(expected), ref


@each_framework
def test_every_date_of_the_reference_table_is_carried(laws: Catalog, framework: str) -> None:
    for ref, entry, row in pairs(laws, framework):
        told = set(ISO_DATE.findall(entry.model_dump_json() + laws.framework_of(ref).edition))
        assert set(ISO_DATE.findall(" ".join(row.values()))) <= told, ref


@each_framework
def test_what_binds_begins_on_the_days_of_the_reference_table(laws: Catalog, framework: str) -> None:
    for ref, entry, row in pairs(laws, framework):
        days = set(ISO_DATE.findall(cell(row, REFERENCES[framework].since))) if ref not in NOT_IN_FORCE else set()
        assert days <= {rule.since.isoformat() for rule in entry.dates}, ref
        assert not (entry.normative and ref in NOT_IN_FORCE), ref


@each_framework
def test_status_and_confidence_agree_with_the_reference_table(laws: Catalog, framework: str) -> None:
    reference = REFERENCES[framework]
    for ref, entry, row in pairs(laws, framework):
        assert entry.status == (cell(row, reference.status) if reference.status else entry.status), ref
        assert entry.confidence == (cell(row, reference.confidence) if reference.confidence else entry.confidence), ref
        assert (entry.status is None) == (entry.status_date is None), ref


def test_relations_agree_with_the_reference_tables(laws: Catalog) -> None:
    for ref, entry, row in pairs(laws, "NIST_GENAI"):
        assert entry.cites == tuple(f"NIST_AI_RMF:{one}" for one in row["ai_rmf_subcategories_with_actions"].split(";")), ref
        assert (entry.note or "").startswith(f"{row['suggested_action_count']} of the 212 "), ref
    for ref, entry, row in pairs(laws, "OWASP_LLM"):
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
    statements = [entry.statement.casefold() for name in OTHERS for entry in laws.frameworks[name].requirements]
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
    named = {f"{name}:{entry.id}" for name in OTHERS for entry in laws.frameworks[name].requirements if entry.documented_information}
    assert named <= {ref for name in OTHERS for ref in laws.leaves(name)}
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
