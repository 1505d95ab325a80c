"""The rules as files: what is wrong in them is told with its place, and the shipped ones hold together with the law."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from rules_in_memory import Holding

from kybern.base import InputError
from kybern.base.yaml import read_yaml
from kybern.catalog import Catalog, Framework
from kybern.catalog.applicability import check_catalog, classify, facts_schema, load_rules, read_rules
from kybern.catalog.applicability._formula import parse_line

FACTS = """\
version: 2026-11-26
regions: {EU: [DE, IE]}
facts:
  - {name: wet, type: bool, question: Is it wet?, source: ["LAW:1"]}
  - {name: size, type: enum, question: How large?, source: ["LAW:1"], values: {small: little, large: much}}
  - {name: uses, type: set, question: What for?, source: ["LAW:1"], values: {a: one, b: two}}
  - {name: weight, type: number, question: How heavy?, source: ["LAW:1"], unit: kg}
  - {name: places, type: countries, question: Where?, source: ["LAW:1"]}
  - {name: day, type: date, question: When?, source: ["LAW:1"]}
"""
RULES = """\
regime: law
title: A law
status_date: 2026-11-23
order: 1
frameworks: [LAW]
applies: law.applies
conclusions:
  - {id: law.applies, kind: scope, says: It applies., basis: ["LAW:1"], when: {all: [places has EU, wet]}}
  - {id: law.heavy, kind: class, says: Heavy., basis: ["LAW:1"], when: {all: [law.applies, weight > 10, size is large]}}
  - {id: law.late, kind: class, says: Late., basis: ["LAW:1"], when: {any: [uses has a, day >= 2026-08-02]}}
"""


def problems(facts: str = FACTS, rules: str = RULES) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_rules(Holding({"facts.yaml": facts, "law.yaml": rules}))  # type: ignore[arg-type]  # as far as Traversable is used
    return [str(problem) for problem in caught.value.problems]


def test_rules_in_order_are_read() -> None:
    rules = read_rules(Holding({"facts.yaml": FACTS, "law.yaml": RULES}))  # type: ignore[arg-type]  # the same
    found = classify(rules, {"places": frozenset(["DE-BY"]), "wet": True, "weight": 11.0}, date(2026, 1, 1))
    assert [found.truth(name) for name in rules.conclusions] == [True, None, None]
    assert found.open_facts(["law.heavy"]) == ("size",)


def test_a_row_of_dates_holds_through_its_last_day_and_the_next_row_follows() -> None:
    """The formula of each row counts in its own time; after the last row there is no such law."""
    rows = "dates: [{since: 2026-01-01, until: 2026-06-30, basis: b}, {since: 2026-07-01, until: 2026-12-31, basis: c, when: wet}]"
    files = {"facts.yaml": FACTS, "law.yaml": RULES.replace("day >= 2026-08-02]}}", f"day >= 2026-08-02]}}, {rows}}}")}
    rules = read_rules(Holding(files))  # type: ignore[arg-type]  # as far as Traversable is used
    found = {day: classify(rules, {"uses": frozenset("a"), "wet": False}, day) for day in (DAY_1, DAY_2, DAY_3)}
    first = found[DAY_1].answer("law.late")
    assert (first.truth, first.since, first.until, first.basis) == (True, date(2026, 1, 1), DAY_1, "b")
    assert [found[day].truth("law.late") for day in (DAY_2, DAY_3)] == [False, False]
    assert [answer.reason.kind for answer in (found[DAY_2].answer("law.late"), found[DAY_3].answer("law.late"))] == ["fact", "law"]


DAY_1, DAY_2, DAY_3 = date(2026, 6, 30), date(2026, 7, 1), date(2027, 1, 1)
WRONG = {
    "unknown-fact": ("places has EU, wet", "places has EU, weet", "weet", "There is no fact weet. Did you mean wet?"),
    "unknown-conclusion": ("[law.applies,", "[law.aplies,", "law.aplies", "There is no conclusion law.aplies. Did you mean law.applies?"),
    "unknown-value": ("size is large", "size is lage", "size is lage", "size cannot be lage. Did you mean large?"),
    "type-clash": ("uses has a,", "uses,", "uses,", "uses is of type set: 'uses' does not fit it. Write like `NAME has VALUE`."),
    "wrong-formula": ("{any: [uses has a, ", "{some: [uses has a, ", "{some", "This is no formula. Write one line of text, or a mapping"),
    "cycle": (
        "EU, wet]",
        "EU, wet, law.heavy]",
        "law.applies, kind",
        "law.applies rests on itself: law.applies -> law.heavy -> law.applies.",
    ),
    "duplicate-conclusion": ("law.late", "law.heavy", "law.heavy, kind: class, says: Late", "law.heavy is concluded twice. It is first at"),
    "missing-field": ('Heavy., basis: ["LAW:1"], ', "Heavy., ", "{id: law.heavy", "The field conclusions[1].basis is missing."),
    "unreachable": ("class, says: Late", "step, says: Late", "law.late", "Nothing rests on law.late. Use it, or leave it out."),
}
"""By the slug of the problem: what is put in place of what, where the problem then stands, and how its words begin."""


@pytest.mark.parametrize("slug", WRONG)
def test_what_is_wrong_in_rules_is_told_with_its_place(slug: str) -> None:
    old, new, at, told = WRONG[slug]
    assert old in RULES
    text = RULES.replace(old, new, 1)
    before = text[: text.index(at)]
    place = f"law.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    (found,) = problems(rules=text)
    assert found.startswith(f"{place}: error: "), (place, found)
    assert told.partition(" Did")[0] in found
    assert told in found
    assert found.endswith(f" [{slug}]")


@pytest.mark.parametrize(
    ("old", "new"),
    [("size is large", "size > 3"), ("weight > 10", "weight > 2026-01-01"), ("day >= 2026-08-02", "day >= 3"), ("wet]", "wet is x]")],
)
def test_a_formula_fits_the_type_of_its_fact(old: str, new: str) -> None:
    found = problems(rules=RULES.replace(old, new, 1))
    assert [problem.rpartition(" ")[2] for problem in found] == ["[type-clash]"]


def test_a_fact_that_nothing_asks_is_told() -> None:
    assert problems(rules=RULES.replace("uses has a, ", ""))[0].startswith("facts.yaml:6:12: error: No formula asks the fact uses.")


def test_a_translation_names_a_conclusion() -> None:
    found = problems(rules=RULES.replace("applies: law.applies\n", "applies: law.aplies\nroles: {provider: law.hevy}\n"))
    assert [re.search(r"law.yaml:(\d+)", problem)[1] for problem in found] == ["6", "7"]  # type: ignore[index]  # each has a place


def test_what_is_wrong_in_facts_is_told_too() -> None:
    assert "duplicate-fact" in problems(FACTS.replace("name: size", "name: wet"), RULES)[0]
    assert "an enum and a set, and only they, list their values" in problems(FACTS.replace(", values: {small: little, large: much}", ""))[0]
    assert "only a number has a unit" in problems(FACTS.replace("Is it wet?,", "Is it wet?, unit: kg,"))[0]
    assert "There is no fact uses before size." in problems(FACTS.replace("large: much}", "large: much}, after: [uses]"))[0]
    against = "contradictions:\n  - {id: a, when: weet, says: s, hint: h, basis: ['LAW:1']}\nfacts:"
    assert "unknown-fact" in problems(FACTS.replace("facts:", against))[0]


@pytest.mark.parametrize(
    "line",
    [
        "wet > ",
        "wet >",
        "a is",
        "uses has any of",
        "weight > x",
        "day < 2026-13-01",
        "law.x is y",
        "WET",
        "a b",
        "1/0",
        "weight > 1e999",
        "weight > nan",
    ],
)
def test_a_line_of_no_form_is_no_formula(line: str) -> None:
    assert parse_line(line) is None


def test_every_provision_the_rules_name_is_in_the_law() -> None:
    """Held against the reference tables, where they lie beside the repository."""
    known = reference()
    rules = load_rules()
    named = {ref for ruled in rules.conclusions.values() for ref in (*ruled.conclusion.basis, *ruled.conclusion.binds)}
    named |= {ref for fact in rules.schema.facts.values() for ref in fact.source}
    named |= {ref for one, _ in rules.schema.contradictions for ref in one.basis}
    assert sorted(named - known) == []


def reference() -> set[str]:
    tables = {
        "EU_AI_ACT": "eu_ai_act", "GDPR": "gdpr", "NIS2": "nis2", "DPDP": "dpdp",
        "CALIFORNIA": "california", "US_STATES": "us_state_ai", "OTHER_REGIMES": "other_regimes",
    }  # fmt: skip
    beside = [above / "shared" / "reference" for above in Path(__file__).parents[4:6]]
    folder = next((one for one in beside if one.is_dir()), None)
    if folder is None:
        pytest.skip("the reference tables are not beside the repository")
    found = set()
    for framework, name in tables.items():
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            found |= {f"{framework}:{row['id']}" for row in csv.DictReader(lines)}
    return found


def framework(*entries: dict[str, object], **more: object) -> Catalog:
    head = {"title": "t", "edition": "e", "publisher": "p", "source": "s", "status_date": date(2026, 1, 1), "rights": "r"}
    shaped = Framework.model_validate({"id": "EU_AI_ACT", **head, "requirements": entries, **more})
    return Catalog(frameworks={shaped.id: shaped}, controls={})


def test_rules_and_catalog_are_held_against_each_other() -> None:
    entry = {"kind": "article", "title": "t", "statement": "s"}
    found = check_catalog(
        load_rules(), framework({"id": "Art.2", **entry, "applies_when": "eu_ai_act.high_rsk"}, applies_when="eu_ai_act.nothing")
    )
    assert {problem.rule for problem in found} == {"unknown-requirement", "unknown-conclusion"}
    assert any("eu_ai_act.high_risk?" in problem.hint for problem in found)
    assert all("eu_ai_act.yaml" in problem.place.file for problem in found if problem.rule == "unknown-requirement")


def test_the_facts_schema_takes_what_the_reader_takes() -> None:
    schema = facts_schema(load_rules().schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    good = {
        "profiling": None,
        "annex_iii": ["4a"],
        "jurisdictions": ["DE", "US-CA"],
        "employees": 3,
        "eu_market_since": "2026-08-02",
        "product_law": "lifts",
    }
    assert list(check.iter_errors({**good, "eu_market_since": "2026-08-02"})) == []
    for bad in ({"profilling": True}, {"profiling": "yes"}, {"annex_iii": ["9z"]}, {"jurisdictions": ["Germany"]}, {"employees": -1}):
        assert list(check.iter_errors(bad)), bad


def test_the_shipped_files_say_no_more_than_they_mean() -> None:
    """Every question is a question, every sentence ends as one, every formula stands once in its file."""
    rules = load_rules()
    for fact in rules.schema.facts.values():
        assert "?" in fact.question, fact.name
    for ruled in rules.conclusions.values():
        assert ruled.conclusion.says.endswith("."), ruled.conclusion.id
    for file in Path(read_yaml.__code__.co_filename).parents[1].joinpath("catalog", "applicability").glob("*.yaml"):
        assert "legal advice" in file.read_text(encoding="utf-8"), file.name
