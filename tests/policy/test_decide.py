"""Decisions: deterministic, closed, and the same by the index as by testing every rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from policy_rules import bundle, bundle_of, request
from policy_world import SCHEMA, SCHEMA_YAML, expressions, values

from kybern.policy import BadFacts, Base, Effect, Facts, Predicate, decide, decide_on, read_schema
from kybern.policy._core import Expr
from kybern.policy._interpret import holds
from kybern.policy._syntax import Fault
from kybern.policy._write import to_text

EFFECTS = [effect.value for effect in Effect]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(expressions(), st.sampled_from(EFFECTS)), min_size=1, max_size=8), values())
def test_the_index_decides_as_testing_every_rule_does(rules: list[tuple[Expr, str]], facts: dict[str, Any]) -> None:
    try:
        found = bundle_of(*(to_text(expr) for expr, _ in rules), effects=[effect for _, effect in rules])
    except Fault:
        assume(False)  # noqa: FBT003 - hypothesis has it so
        raise
    decision = decide(found, Facts(facts, SCHEMA))
    fired = {f"r{number}" for number, (expr, _) in enumerate(rules) if holds(expr, facts, {})}
    assert {rule.id for rule in decision.fired} == fired
    effects = [Effect(effect) for number, (_, effect) in enumerate(rules) if f"r{number}" in fired]
    assert decision.effect is (min(effects, key=found.order.index) if effects else found.default)
    assert decision == decide(found, Facts(facts, SCHEMA)), "it is deterministic"


def broken(_: bool) -> bool:  # noqa: FBT001 - the fact is a truth
    msg = "the register does not answer"
    raise ConnectionError(msg)


PREDICATES = {"asks@1": Predicate("asks@1", (Base.BOOL,), broken)}


def test_a_rule_that_fails_denies_and_says_why() -> None:
    found = bundle_of('predicate("asks@1", system.live)', "tests.failed < 9", effects=("allow", "allow"), predicates=PREDICATES)
    decision = decide_on(found, *request({}))
    assert decision.effect is Effect.DENY
    assert "the register does not answer" in decision.reasons[0]
    assert [rule.id for rule in decision.fired] == ["r1"], "what fired is told all the same"


def test_a_failure_does_not_count_where_another_side_settles_the_answer() -> None:
    found = bundle_of('predicate("asks@1", system.live) && tests.failed > 8', predicates=PREDICATES)
    decision = decide_on(found, *request({"tests.failed": 1}))
    assert (decision.effect, decision.failures) == (Effect.ALLOW, ())


def test_a_moment_beyond_the_calendar_denies() -> None:
    found = bundle_of('request.time + duration("8760h") > timestamp("2026-12-01T00:00:00Z")')
    for moment in ("9999-12-31T00:00:00Z", "0001-01-01T00:00:00+23:00", "2200-01-01T00:00:00.000001Z"):
        decision = decide_on(found, *request({"request.time": moment}))
        assert decision.effect is Effect.DENY
        assert "lies outside 1900 to 2200" in decision.reasons[0]


@pytest.mark.parametrize(
    ("given_", "provided", "words"),
    [
        ({}, {}, "action is None"),
        ({"action": ["deploy"]}, {}, "one of deploy, call"),
        (request({})[0], {}, "request.time is missing"),
        (request({})[0] | {"request.time": "2026-11-23T09:00:00Z"}, {}, "request.time comes from clock: a caller cannot state it"),
        (request({})[0], {"tests.failed": 1}, "is not a provider's fact"),
        (request({"tool.name": "pay"})[0], request({})[1], "tool.name is not a fact of deploy"),
        (request({"runs.failed": [1] * 6})[0], request({})[1], "at most 5"),
        (request({"cost.total": 101})[0], request({})[1], "outside 0 to 100"),
        (request({"system.live": 1})[0], request({})[1], "neither true nor false"),
        (request({"score.auc": float("nan")})[0], request({})[1], "not a number"),
        (request({"tests.failed": True})[0], request({})[1], "not a whole number"),
        (request({})[0] | {3: 4}, request({})[1], "3 is not the name of a fact"),
    ],
)
def test_facts_that_cannot_come_in_are_denied(given_: dict[str, Any], provided: dict[str, Any], words: str) -> None:
    decision = decide_on(bundle_of("tests.failed > 8"), given_, provided)
    assert decision.effect is Effect.DENY
    assert words in " ".join(decision.reasons)


def test_facts_of_another_schema_are_not_decided_on() -> None:
    other = read_schema(SCHEMA_YAML.replace(b'version: "1"', b'version: "2"'), "schema.yaml")
    given_, provided = request({})
    facts = other.facts_of(given_, provided)
    with pytest.raises(ValueError, match="sample/2"):
        decide(bundle_of("tests.failed > 8"), facts)


def test_what_fires_is_told_in_the_order_of_the_bundle_whatever_the_index_does() -> None:
    found = bundle_of("tests.failed > 7", "tests.failed > 3", 'system.risk == "high"', "tests.failed < 9", "tests.failed != 5")
    decision = decide_on(found, *request({"tests.failed": 8}))
    assert [rule.id for rule in decision.fired] != ["r0", "r1", "r2", "r3", "r4"], "the index finds them otherwise"
    assert [rule.id for rule in decision.deciding] == ["r0", "r1", "r2", "r3", "r4"]


def test_what_no_rule_speaks_of_is_denied_by_default() -> None:
    found = bundle("tests.failed > 8", fires="{tests.failed: 9}", effect="allow")
    decision = decide_on(found, *request({}))
    assert decision.effect is Effect.DENY
    assert decision.reasons == ("no rule fired, and what no rule speaks of is deny",)


def test_obligations_and_approvers_come_from_the_effect_that_won() -> None:
    more = "  approvers: [risk-owner]\n  obligations: [{id: log, text: Keep the record}]"
    found = bundle("tests.failed > 8", fires="{tests.failed: 9}", effect="require-approval", more=more)
    decision = decide_on(found, *request({"tests.failed": 9}))
    assert decision.effect is Effect.REQUIRE_APPROVAL
    assert decision.approvers == ("risk-owner",)
    assert [one.id for one in decision.obligations] == ["log"]
    assert not decision.allowed


def test_a_rule_is_in_force_within_its_days_only() -> None:
    more = '  effective: {since: "2026-12-02", until: "2026-12-31"}'
    found = bundle("tests.failed > 8", fires="{tests.failed: 9}", more=more)
    for moment, effect in (
        ("2026-12-01T23:59:59Z", 0), ("2026-12-02T00:00:00Z", 1), ("2026-12-31T23:59:59Z", 1), ("2027-01-01T00:00:00Z", 0),
        ("2026-12-02T00:30:00+01:00", 0),
    ):  # fmt: skip
        fired = decide_on(found, *request({"tests.failed": 9, "request.time": moment})).fired
        assert len(fired) == effect, moment


def test_the_digest_names_what_was_decided_by() -> None:
    one, same, other = bundle_of("tests.failed > 8"), bundle_of("tests.failed > 8"), bundle_of("tests.failed > 7")
    assert one.digest == same.digest != other.digest


def test_bad_facts_tell_everything_at_once() -> None:
    given_, provided = request({"tests.failed": -1, "cost.total": "5"})
    with pytest.raises(BadFacts) as error:
        SCHEMA.facts_of(given_, provided)
    assert len(error.value.faults) == 2
