"""Legal cases, written from the law: the rules say of each what the law says, on the day asked about, by the provisions that say so."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kybern.base import Place
from kybern.base.yaml import read_yaml
from kybern.catalog import Catalog
from kybern.catalog.applicability import Classification, Duty, classify, contradictions, duties, load_rules, read_facts

HERE = Path(__file__).parent
KEYS = {"name", "like", "facts", "as_of", "says", "in_effect", "not_yet", "binds", "free", "maybe", "by", "asks"}
TRUTHS = {"yes": True, "no": False, "open": None}


def load(file: Path) -> Any:
    return read_yaml(file.read_bytes(), file.name)[0].value


SITUATIONS = load(HERE / "situations.yaml")
CASES = [case for file in sorted((HERE / "cases").glob("*.yaml")) for case in load(file)]


def concluded(case: dict[str, Any]) -> Classification:
    rules = load_rules()
    stated = {**SITUATIONS[case["like"]], **case["facts"]}
    known, problems = read_facts(rules.schema, stated, Place)
    assert not problems
    assert not list(contradictions(rules.schema, known, lambda about: Place(str(about))))
    return classify(rules, known, date.fromisoformat(case["as_of"]))


def bound(case: dict[str, Any]) -> dict[str, Duty]:
    regimes = {name.partition(".")[0] for name in case["says"]}
    return {duty.requirement: duty for duty in duties(Catalog(frameworks={}, controls={}), concluded(case), regimes)}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_law_says_so(case: dict[str, Any]) -> None:
    found = concluded(case)
    for name, said in case["says"].items():
        answer = found.answer(name)
        assert answer.truth is TRUTHS.get(said, True), (name, answer.truth)
        if said not in TRUTHS:
            assert answer.since == date.fromisoformat(said), (name, answer.since)
    for name in case.get("in_effect", ()):
        assert found.answer(name).in_effect(found.as_of), name
    for name in case.get("not_yet", ()):
        assert found.truth(name) is True, name
        assert not found.answer(name).in_effect(found.as_of), name
    for name, provisions in case.get("by", {}).items():
        assert set(provisions) <= set(found.chain(name)), (name, found.chain(name))
    for name, facts in case.get("asks", {}).items():
        assert set(facts) <= set(found.open_facts([name])), (name, found.open_facts([name]))


DUTIES = [case for case in CASES if {"binds", "free", "maybe"} & case.keys()]


@pytest.mark.parametrize("case", DUTIES, ids=[case["name"] for case in DUTIES])
def test_these_provisions_bind_and_those_do_not(case: dict[str, Any]) -> None:
    found = bound(case)
    for ref, day in case.get("binds", {}).items():
        assert found[ref].truth is True, ref
        assert found[ref].since == date.fromisoformat(day), (ref, found[ref].since)
        assert found[ref].because, ref
    assert [ref for ref in case.get("free", ()) if found[ref].truth is not False] == []
    assert [ref for ref in case.get("maybe", ()) if found[ref].truth is not None] == []


def test_the_cases_are_many_and_each_is_well_formed() -> None:
    assert len(CASES) >= 240
    assert [name for name, times in Counter(case["name"] for case in CASES).items() if times > 1] == []
    for case in CASES:
        assert case.keys() <= KEYS, case["name"]
        assert case["name"].endswith("."), case["name"]


def test_the_cases_reach_every_prohibition_and_every_letter_of_annex_iii() -> None:
    """Each is said to hold at least once and not to hold, or to be open, at least once."""
    rules = load_rules()
    said = Counter((name, TRUTHS.get(value, True)) for case in CASES for name, value in case["says"].items())
    bans = [name for name in rules.conclusions if name.startswith("eu_ai_act.prohibited_")]
    assert len(bans) == 10
    assert [name for name in bans if not said[name, True]] == []
    assert [name for name in bans if name != "eu_ai_act.prohibited_e" and not (said[name, False] or said[name, None])] == [
        "eu_ai_act.prohibited_bb"
    ]
    chains = {ref for case in CASES for refs in case.get("by", {}).values() for ref in refs}
    letters = [
        ref
        for ruled in rules.conclusions.values()
        for ref in ruled.conclusion.basis
        if ref.startswith("EU_AI_ACT:Annex.III(") and "_" in ref
    ]
    assert {ref for ref in letters if ref.count("(") == 2} <= chains


def test_no_conclusion_is_without_a_case() -> None:
    """A new rule comes with a case that speaks of it, or of a provision that binds by it."""
    rules = load_rules()
    said = {name for case in CASES for name in case["says"]}
    binding = {ref for case in CASES for ref in case.get("binds", {})}
    shown = {name: ruled.conclusion for name, ruled in rules.conclusions.items() if ruled.conclusion.kind not in {"step", "exclusion"}}
    assert [name for name, one in shown.items() if name not in said and binding.isdisjoint(one.binds)] == []
