"""Laws of the engine: more facts never take an answer back, order never matters, and what is asked can still matter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from itertools import chain, combinations, product
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_in_memory import Holding

from kybern.base import Place
from kybern.base.yaml import read_yaml
from kybern.catalog.applicability import Classification, Fact, FactValue, Rules, Truth, classify, load_rules, read_facts, truths
from kybern.catalog.applicability._diagram import samples
from kybern.catalog.applicability._evaluate import truth_of
from kybern.catalog.applicability._formula import both, either, negated
from kybern.catalog.applicability._models import Conclusion
from kybern.catalog.applicability._read import _Reader
from kybern.catalog.applicability._rules import FactSchema, Ruled
from kybern.cli._interview import still_open

RULES = load_rules()
PLACES = ("DE", "EU", "US", "US-CA", "US-CO", "US-NY", "US-IL", "US-TX", "IN", "KR", "CH")
DAYS = st.sampled_from([date(2025, 2, 1), date(2026, 7, 26), date(2026, 7, 27), date(2026, 11, 26), date(2027, 12, 2), date(2030, 12, 31)])
Facts: TypeAlias = Mapping[str, FactValue]


def values(fact: Fact) -> st.SearchStrategy[FactValue]:
    """Values of a fact that formulas can tell apart."""
    if fact.type == "bool":
        return st.booleans()
    if fact.type == "enum":
        return st.sampled_from(list(fact.values))
    if fact.type in {"set", "countries"}:
        return st.frozensets(st.sampled_from(list(fact.values) or PLACES), max_size=3)
    return st.sampled_from(samples(RULES.thresholds[fact.name]))


COMPLETE = st.fixed_dictionaries({name: values(fact) for name, fact in RULES.schema.facts.items()})
NAMES = list(RULES.schema.facts)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(COMPLETE, st.frozensets(st.sampled_from(NAMES)), st.frozensets(st.sampled_from(NAMES)), DAYS)
def test_more_facts_never_take_back_an_answer(whole: Facts, few: frozenset[str], more: frozenset[str], day: date) -> None:
    """What some facts settle, more facts leave as it is; and all facts settle everything."""
    steps = [few, few | more, frozenset(NAMES)]
    found = [classify(RULES, {name: whole[name] for name in names}, day) for names in steps]
    for name in RULES.conclusions:
        some, further, all_of_it = (one.truth(name) for one in found)
        assert all_of_it is not None, name
        assert further in {None, all_of_it}, name
        assert some is None or some is further, name


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(COMPLETE, st.frozensets(st.sampled_from(NAMES)), DAYS)
def test_quick_truths_agree_where_they_settle(whole: Facts, few: frozenset[str], day: date) -> None:
    """Three-valued logic alone may leave open what a closer look settles, and never says otherwise."""
    known = {name: whole[name] for name in few}
    found = classify(RULES, known, day)
    for name, truth in truths(RULES, known, day).items():
        assert truth is None or truth is found.truth(name), name


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(COMPLETE, st.randoms(use_true_random=False), DAYS, st.sampled_from([("eu_ai_act",), ("gdpr", "nis2"), ("california", "us_states")]))
def test_the_order_of_the_interview_never_changes_the_result(whole: Facts, random: Any, day: date, regimes: tuple[str, ...]) -> None:
    """The most decisive question first, or any open question at random: the answers come out the same, as if all facts were known."""
    straight = asked(whole, day, regimes, lambda names: names[0])
    mixed = asked(whole, day, regimes, random.choice)
    every = classify(RULES, whole, day)
    for regime in regimes:
        for one in RULES.regimes[regime].conclusions:
            if one.kind not in {"step", "exclusion"}:
                assert straight.truth(one.id) is mixed.truth(one.id) is every.truth(one.id), one.id


def asked(whole: Facts, day: date, regimes: tuple[str, ...], choose: Any) -> Classification:
    """Hold an interview in which every question is answered."""
    found = classify(RULES, {}, day)
    while names := still_open(found, regimes):
        name = choose(names)
        assert name not in found.known
        found = classify(RULES, {**found.known, name: whole[name]}, day)
    return found


# A small world whose formulas can be looked through whole: every fact has few values.
SMALL = """\
version: 2026-01-01
facts:
  - {name: b, type: bool, question: b?, source: ["L:1"]}
  - {name: c, type: bool, question: c?, source: ["L:1"]}
  - {name: e, type: enum, question: e?, source: ["L:1"], values: {x: one, "y": two, z: three}}
  - {name: s, type: set, question: s?, source: ["L:1"], values: {p: one, q: two}}
  - {name: n, type: number, question: n?, source: ["L:1"]}
  - {name: d, type: date, question: d?, source: ["L:1"]}
"""
ATOMS = [
    "b", "not b", "c", "not c", "e is x", "e is not y", "e is z", "s has p", "s has q", "s has any of p, q", "s has none of p, q",
    "n > 10", "n >= 10", "n < 20", "n <= 20", "d < 2026-08-02", "d >= 2026-08-02",
]  # fmt: skip
FORMULAS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=9,
)


def world(formulas: list[Any]) -> Rules:
    """Make rules of one conclusion a formula; the last also rests on the first."""
    reader = _Reader()
    document = read_yaml(SMALL.encode(), "facts.yaml")[0]
    reader.read_facts(Holding({"facts.yaml": SMALL}))
    schema: FactSchema = reader.schema()
    found: dict[str, Ruled] = {}
    for index, formula in enumerate([*formulas, {"any": ["w.c0", formulas[-1]]}]):
        read = reader.formulas.read(formula, document, (), list(found))
        assert read is not None, reader.problems
        one = Conclusion(id=f"w.c{index}", kind="class", says="s", basis=("L:1",), when=formula)
        found[one.id] = Ruled(one, "w", ((None, read),), document, ())
    return Rules(schema, {}, found)


SPACE: dict[str, list[FactValue]] = {
    "b": [False, True],
    "c": [False, True],
    "e": ["x", "y", "z"],
    "s": [frozenset(one) for one in chain.from_iterable(combinations("pq", size) for size in range(3))],
    "n": [0.0, 9.9, 10.0, 15.0, 20.0, 21.0],
    "d": [date(2026, 8, 1), date(2026, 8, 2), date(2026, 8, 3)],
}


@settings(max_examples=40, deadline=None)
@given(st.lists(FORMULAS, min_size=1, max_size=2), st.data())
def test_an_open_question_is_exactly_one_that_can_still_matter(formulas: list[Any], data: st.DataObject) -> None:
    """Looked through whole: an answer is settled if and only if all ways agree, and a fact is open if and only if two ways differ by it."""
    rules = world(formulas)
    known = {name: data.draw(st.sampled_from(SPACE[name])) for name in data.draw(st.frozensets(st.sampled_from(sorted(SPACE)), max_size=4))}
    found = classify(rules, known, date(2026, 1, 1))
    for name in rules.conclusions:
        ways = every_way(rules, name, known)
        outcomes = set(ways.values())
        assert found.truth(name) is (outcomes.pop() if len(outcomes) == 1 else None)
        assert set(found.open_facts([name])) == {fact for fact in SPACE if fact not in known and matters(ways, sorted(SPACE).index(fact))}


def every_way(rules: Rules, name: str, known: Facts) -> dict[tuple[FactValue, ...], bool | None]:
    """Evaluate a conclusion in every way the open facts can turn out."""
    ways: dict[tuple[FactValue, ...], bool | None] = {}
    for combination in product(*([known[fact]] if fact in known else SPACE[fact] for fact in sorted(SPACE))):
        drawn: dict[str, bool | None] = {}
        facts = dict(zip(sorted(SPACE), combination, strict=True))
        for other, ruled in rules.conclusions.items():
            drawn[other] = truth_of(ruled.formulas[0][1], facts, drawn, {})
        ways[combination] = drawn[name]
    return ways


def matters(ways: Mapping[tuple[FactValue, ...], bool | None], index: int) -> bool:
    """Tell whether two ways that differ in one fact only come out differently."""
    seen: dict[tuple[FactValue, ...], bool | None] = {}
    return any(seen.setdefault((*way[:index], *way[index + 1 :]), truth) is not truth for way, truth in ways.items())


def test_influence_is_how_much_a_fact_shifts_the_likelihood_of_the_answer() -> None:
    """By hand: a truth is as likely as not, each of three values a third, a member of a set one in five."""
    found = classify(
        world([{"any": [{"all": ["b", "c"]}, {"all": ["b", "e is x"]}]}, {"any": ["s has p", "s has q"]}]), {}, date(2026, 1, 1)
    )
    first, second = found.diagrams.influence(found._diagram_of["w.c0"]), found.diagrams.influence(found._diagram_of["w.c1"])
    assert first == pytest.approx({"b": 1 - 1 / 2 * 2 / 3, "c": 1 / 2 * 2 / 3, "e": 1 / 2 * 1 / 2})
    assert second == pytest.approx({"s": (1 - 0.2) + 0.8 * 1})


KLEENE = [(True, True), (True, False), (True, None), (False, False), (False, None), (None, None)]


@pytest.mark.parametrize(("left", "right"), KLEENE + [(right, left) for left, right in KLEENE])
def test_unknown_is_what_either_answer_could_still_change(left: Truth, right: Truth) -> None:
    """Kleene's tables, from what they mean: an answer stands where every way of settling what is unknown gives it."""
    lefts, rights = ([True, False] if one is None else [one] for one in (left, right))
    for joined, plain in ((both, all), (either, any)):
        ways = {plain(way) for way in product(lefts, rights)}
        assert joined(left, right) is (ways.pop() if len(ways) == 1 else None)
    assert negated(left) is (None if left is None else not left)


LINES = st.text(alphabet="abes.>=<,/-_ 0129nothasfyi", max_size=30) | st.sampled_from(ATOMS) | st.text(max_size=20)
JSON = st.recursive(
    LINES | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["all", "any", "not", "some"]), inner, max_size=2),
    max_leaves=8,
)


@given(JSON)
def test_whatever_stands_for_a_formula_is_read_or_refused_in_words(value: Any) -> None:
    """Nothing makes the reader stumble: there is a formula, or a problem with a hint or a name."""
    reader = _Reader()
    reader.read_facts(Holding({"facts.yaml": SMALL}))  # type: ignore[arg-type]  # as far as Traversable is used
    found = reader.formulas.read(value, read_yaml(b"{}", "f.yaml")[0], (), ["w.c0"])
    assert (found is None) == bool(reader.problems)
    assert all(problem.message and problem.rule for problem in reader.problems)


def test_the_most_decisive_question_comes_first() -> None:
    """What decides alone comes before what needs a partner, a quick truth before a number that decides as much."""
    rules = world([{"all": ["b", {"any": ["c", "e is x"]}]}])
    assert classify(rules, {}, date(2026, 1, 1)).open_facts(["w.c0"])[0] == "b"
    even = world([{"all": ["n > 10", "c"]}])
    assert classify(even, {}, date(2026, 1, 1)).open_facts(["w.c0"]) == ("c", "n")


@given(
    st.dictionaries(
        st.text(max_size=12) | st.sampled_from(NAMES),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=4,
        ),
        max_size=5,
    )
)
def test_whatever_is_stated_is_read_or_refused_in_words(stated: dict[str, Any]) -> None:
    """Nothing makes the reader stumble; what it reads is only what is of the fact's type."""
    known, problems = read_facts(RULES.schema, stated, Place)
    assert len(known) + len(problems) + sum(value is None and name in RULES.schema.facts for name, value in stated.items()) == len(stated)
    for problem in problems:
        assert problem.message
    json.dumps(sorted(known))


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_can_decide_something(name: str) -> None:
    """Each fact that a formula asks can change an answer, seen from where nothing is known; the rest only guard against contradictions."""
    against = {"develops", "markets_under_own_name"}
    assert name in OPEN or name in against


OPEN = {fact for day in (date(2026, 7, 26), date(2026, 11, 26)) for fact in classify(RULES, {}, day).open_facts(RULES.conclusions)}


def test_a_question_comes_after_those_it_builds_on() -> None:
    """Nobody is asked for an assessment under product law before it is said which law, though it may decide more."""
    order = classify(RULES, {}, date(2026, 11, 26)).open_facts(RULES.conclusions)
    at = {name: index for index, name in enumerate(order)}
    pairs = [(earlier, fact.name) for fact in RULES.schema.facts.values() for earlier in fact.after]
    assert len(pairs) > 40
    assert [(earlier, name) for earlier, name in pairs if earlier in at and name in at and at[earlier] > at[name]] == []


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(COMPLETE, DAYS)
def test_who_is_outside_the_ai_act_is_asked_nothing_more_about_it(whole: Facts, day: date) -> None:
    """An exclusion alone ends the interview, whatever else is known."""
    some = {name: value for index, (name, value) in enumerate(whole.items()) if index % 3 == 0}
    outside = {**some, "exclusions": frozenset({"military"}), "ai_system": True}
    assert still_open(classify(RULES, outside, day), ("eu_ai_act",)) == ()
