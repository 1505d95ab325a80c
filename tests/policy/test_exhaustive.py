"""Analysis before every request there is: over a schema so small that all its requests can be gone through."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import Any, Final

import z3
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kybern.policy import Bundle, Effect, Facts, FactSchema, InvariantSpec, RuleSpec, decide, read_schema
from kybern.policy._box import Box
from kybern.policy._bundle import make_rule
from kybern.policy._check import check
from kybern.policy._interpret import holds
from kybern.policy._solve import Questions, fires
from kybern.policy._syntax import Fault
from kybern.policy.analysis import analyse, differences, prove

SMALL: Final[FactSchema] = read_schema(
    b"""
id: small
version: "1"
title: Facts of few values
actions: {deploy: A system goes live}
providers: {clock: The clock}
facts:
  - {name: request.time, label: the time, type: timestamp, description: When, provider: clock, example: "2026-11-23T09:00:00Z"}
  - {name: a.live, label: live, type: bool, description: Live, example: false}
  - {name: a.ok, label: ok, type: bool, optional: true, description: Approved}
  - {name: a.risk, label: the risk, type: string, values: [high, low, none], description: Risk, example: high}
  - {name: a.was, label: the former risk, type: string, values: [low, high, Odd], description: Former risk, example: high}
  - {name: a.count, label: the count, type: int, minimum: -1, maximum: 2, description: Count, example: 0}
  - {name: a.limit, label: the limit, type: int, minimum: 0, maximum: 2, optional: true, description: Limit}
  - {name: a.roles, label: the roles, type: list, items: string, values: [high, low], max_items: 2, description: Roles, example: []}
  - {name: a.runs, label: the runs, type: list, items: int, minimum: 0, maximum: 1, max_items: 2, description: Runs, example: []}
""",
    "small.yaml",
)
_ABSENT: Final = object()


def _lists(*items: Any) -> list[tuple[Any, ...]]:
    return [found for size in range(3) for found in product(items, repeat=size)]


_VALUES: Final[dict[str, list[Any]]] = {
    "a.live": [False, True],
    "a.ok": [_ABSENT, False, True],
    "a.risk": ["high", "low", "none"],
    "a.was": ["low", "high", "Odd"],
    "a.count": [-1, 0, 1, 2],
    "a.limit": [_ABSENT, 0, 1, 2],
    "a.roles": _lists("high", "low"),
    "a.runs": _lists(0, 1),
}


@cache
def base() -> dict[str, Any]:
    """Give the schema's own request."""
    return {"action": "deploy"} | {name: SMALL.read(name, SMALL.by_name[name].example) for name in SMALL.doors["deploy"].needed}


def every(names: frozenset[str]) -> list[dict[str, Any]]:
    """Give every request that differs in these facts."""
    asked = sorted(names & _VALUES.keys())
    assume(_many(asked) <= 3000)
    found = ({**base(), **dict(zip(asked, values, strict=True))} for values in product(*(_VALUES[name] for name in asked)))
    return [{name: value for name, value in one.items() if value is not _ABSENT} for one in found]


def _many(names: list[str]) -> int:
    total = 1
    for name in names:
        total *= len(_VALUES[name])
    return total


LEAVES: Final = (
    "a.live", "!a.live", "has(a.ok)", "!has(a.ok)", "(has(a.ok) && a.ok)", "(!has(a.ok) || !a.ok)", 'a.risk == "high"', 'a.risk != "low"',
    'a.risk in ["low", "none"]', "a.risk == a.was", "a.risk != a.was", 'a.was == "Odd"', "a.risk in a.roles", "!(a.was in a.roles)",
    "a.count > 0", "a.count <= 1", "a.count == 2", "a.count in [-1, 2]", "(has(a.limit) && a.count < a.limit)", "has(a.limit)",
    "(has(a.limit) && a.limit != 1)", "size(a.runs) == a.count", "size(a.runs) != size(a.roles)", "size(a.roles) in [1, 2]",
    "size(a.runs) > 1", "size(a.runs) < 2", "1 in a.runs", "!(0 in a.runs)", "a.count in a.runs", "a.runs.exists(r, r == 1)",
    "a.runs.exists(r, r >= a.count)", "(size(a.runs) > 0 && a.runs.all(r, r == 0))", "(size(a.runs) == 0 || a.runs.all(r, r < a.count))",
    'a.roles.exists(r, r != "high")', "a.roles.exists(r, r == a.risk)", '"low" in a.roles', "a.runs.exists(r, r > 0 || a.live)",
    '(size(a.roles) > 0 && a.roles.all(r, r == "low" || r == a.was))',
)  # fmt: skip


def conditions() -> st.SearchStrategy[str]:
    """Make conditions as people write them, to be read by the checker."""
    return st.recursive(
        st.sampled_from(LEAVES),
        lambda inner: st.one_of(
            inner.map(lambda one: f"!({one})"),
            st.lists(inner, min_size=2, max_size=3, unique=True).map(lambda all_: f"({' && '.join(all_)})"),
            st.lists(inner, min_size=2, max_size=3, unique=True).map(lambda all_: f"({' || '.join(all_)})"),
        ),
        max_leaves=5,
    )


def bundle(rules: list[tuple[str, Effect]], default: Effect = Effect.DENY) -> Bundle:
    """Load rules without their examples; what the checker refuses is no case."""
    found = []
    for number, (when, effect) in enumerate(rules):
        spec = RuleSpec.model_construct(
            id=f"r{number}", title="A rule", owner="governance", rationale="It is tested.", controls=(), requirements=(),
            applies_to=("deploy",), effect=effect, when=when, message="Mend it", obligations=(), approvers=(), modify={}, retry=None,
            effective=None, profiles=(), examples=(),
        )  # fmt: skip
        try:
            found.append(make_rule(spec, check(when, SMALL, ("deploy",), {}), {}))
        except Fault as fault:
            assume(fault.rule not in {"twice", "constant"})
            raise
    return Bundle(SMALL, tuple(found), {}, default=default)


def spoken_of(*bundles: Bundle) -> frozenset[str]:
    """Name the facts that bundles speak of."""
    text = " ".join(rule.spec.when for one in bundles for rule in one.rules)
    return frozenset(name for name in _VALUES if name in text)


EFFECTS = st.sampled_from((Effect.ALLOW, Effect.DENY, Effect.MODIFY))
RULES = st.lists(st.tuples(conditions(), EFFECTS), min_size=2, max_size=3)


@settings(max_examples=150, deadline=None)
@given(RULES)
def test_what_is_found_of_rules_is_what_there_is(rules: list[tuple[str, Effect]]) -> None:
    found = bundle(rules)
    decisions = [decide(found, Facts(facts, SMALL)) for facts in every(spoken_of(found))]
    analysis = analyse(found)
    assert not [one for one in analysis.findings if one.kind == "undecided"], "so small a schema leaves nothing open"
    told = {frozenset(rule.id for rule in one.rules) for one in analysis.findings if one.kind == "conflict"}
    there = {
        frozenset((a.id, b.id)) for one in decisions for a, b in combinations(one.fired, 2) if a.effect is not b.effect
    }  # fmt: skip
    assert told == there
    shadowed = {one.rules[0].id for one in analysis.findings if one.kind == "shadowed"}
    deciding = {rule.id for one in decisions for rule in one.deciding}
    assert shadowed.isdisjoint(deciding)
    fired = {rule.id for one in decisions for rule in one.fired}
    redundant = {one.rules[0].id for one in analysis.findings if one.kind == "redundant"}
    assert fired - deciding <= shadowed | redundant, "a rule that fires and never decides is told"
    for one in analysis.findings:
        if one.kind == "redundant":
            others = {rule.id for rule in one.rules[1:]}
            assert all(others & {rule.id for rule in d.fired} for d in decisions if one.rules[0] in d.fired)


@settings(max_examples=150, deadline=None)
@given(RULES, RULES)
def test_a_difference_is_told_where_there_is_one_and_nowhere_else(one: list[tuple[str, Effect]], two: list[tuple[str, Effect]]) -> None:
    old, new = bundle(one), bundle(two, Effect.ALLOW)
    there = {
        (decide(old, Facts(facts, SMALL)).effect, decide(new, Facts(facts, SMALL)).effect) for facts in every(spoken_of(old, new))
    }  # fmt: skip
    changes = differences(old, new)
    assert not any(change.why for change in changes)
    assert {(change.before, change.after) for change in changes} == {(was, now) for was, now in there if was is not now}


@settings(max_examples=150, deadline=None)
@given(RULES, conditions(), EFFECTS)
def test_an_invariant_is_proved_where_it_holds_and_refuted_where_not(rules: list[tuple[str, Effect]], when: str, never: Effect) -> None:
    found, condition = bundle(rules), bundle([(when, Effect.DENY)])
    broken = any(
        holds(condition.rules[0].expr, facts, {}) and decide(found, Facts(facts, SMALL)).effect is never
        for facts in every(spoken_of(found, condition))
    )
    [verdict] = prove(found, [InvariantSpec(id="i", title="t", applies_to=("deploy",), when=when, never=(never,))])
    assert verdict.holds is not broken


@settings(max_examples=300, deadline=None)
@given(conditions(), conditions())
def test_boxes_and_the_index_leave_nothing_out(one: str, two: str) -> None:
    found = bundle([(one, Effect.DENY), (two, Effect.ALLOW)])
    first, second = found.rules
    apart = Box.of(first.expr).apart(Box.of(second.expr))
    for facts in every(spoken_of(found)):
        fired = [rule.id for rule in found.rules if holds(rule.expr, facts, {})]
        assert [rule.id for rule in decide(found, Facts(facts, SMALL)).in_order] == fired
        assert not (apart and len(fired) == 2)


@settings(max_examples=200, deadline=None)
@given(conditions())
def test_what_loads_reads_no_fact_that_is_missing_and_example_requests_can_be(when: str) -> None:
    found = bundle([(when, Effect.DENY)])
    [rule] = found.rules
    answers = {rule.test(facts) for facts in every(spoken_of(found))}  # a missing fact that is read raises KeyError
    questions = Questions(SMALL, [rule.expr])
    for wanted in (True, False):
        formula = questions.holds(rule.expr) if wanted else z3.Not(questions.holds(rule.expr))
        answer = questions.ask(("deploy",), formula, lambda facts, wanted=wanted: fires(rule, facts) is wanted)  # type: ignore[misc]
        assert answer.possible is (wanted in answers)
        if answer.facts is not None:
            for name, value in answer.facts.values.items():
                assert name not in _VALUES or value in _VALUES[name]
