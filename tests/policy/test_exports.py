"""Exports decide as Kybern does, by engines that others made: cedarpy (Cedar's own, in Rust) and regorus (Rego, in Rust)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from policy_library import BUNDLES, GOOD, WHOLE, facts_for
from policy_rules import bundle_of, request
from policy_world import SCHEMA, expressions, values

from kybern.policy import Base, Bundle, Effect, Facts, Predicate, decide
from kybern.policy._cedar import cedar_context, cedar_effect, to_cedar
from kybern.policy._core import Expr
from kybern.policy._export import Export, NotExpressible, exported_facts
from kybern.policy._rego import to_rego
from kybern.policy._syntax import Fault
from kybern.policy._write import to_text

EFFECTS = [effect.value for effect in Effect]
RULES = st.lists(st.tuples(expressions(), st.sampled_from(EFFECTS)), min_size=1, max_size=5)


def made(rules: list[tuple[Expr, str]]) -> Bundle:
    try:
        return bundle_of(*(to_text(expr) for expr, _ in rules), effects=[effect for _, effect in rules])
    except Fault:
        assume(False)  # noqa: FBT003 - hypothesis has it so
        raise


def exported(bundle: Bundle, export: Export) -> Bundle:
    """The bundle without what was left out: what the export has to agree with."""
    return replace(bundle, rules=export.rules)


# --- Cedar -------------------------------------------------------------------------------------------------------------------------


def ask_cedar(cedarpy: Any, bundle: Bundle, export: Export, facts: Facts) -> tuple[bool, Effect]:
    """Ask cedarpy, the request checked against the exported schema; policies are named by their place in the text."""
    text = export.files["kybern.cedar"]
    ids = [line.partition('"')[2].rstrip('")') for line in text.splitlines() if line.startswith("@id(")]
    effects = [Effect(line.partition('"')[2].rstrip('")')) for line in text.splitlines() if line.startswith("@effect(")]
    assert len(ids) == len(effects)
    request = {
        "principal": 'Caller::"c"', "action": f'Action::"{facts.values["action"]}"', "resource": 'System::"s"',
        "context": cedar_context(facts),
    }  # fmt: skip
    found = cedarpy.is_authorized(request, text, [], schema=export.files["kybern.cedarschema"])
    assert found.diagnostics.errors == []
    return found.allowed, cedar_effect(bundle, [effects[int(name.removeprefix("policy"))] for name in found.diagnostics.reasons])


@pytest.mark.real
@settings(max_examples=120, deadline=None)
@given(RULES, values())
def test_cedar_decides_as_kybern(rules: list[tuple[Expr, str]], facts: dict[str, Any]) -> None:
    cedarpy = pytest.importorskip("cedarpy", reason="cedarpy is not installed")
    bundle = made(rules)
    export = to_cedar(bundle)
    found = decide(exported(bundle, export), Facts(facts, SCHEMA))
    assert ask_cedar(cedarpy, bundle, export, Facts(facts, SCHEMA)) == (found.allowed, found.effect), export.files


@pytest.mark.real
@settings(max_examples=60, deadline=None)
@given(RULES)
def test_cedars_own_checker_finds_nothing_wrong(rules: list[tuple[Expr, str]]) -> None:
    cedarpy = pytest.importorskip("cedarpy", reason="cedarpy is not installed")
    bundle = made(rules)
    files = to_cedar(bundle).files
    checked = cedarpy.validate_policies(files["kybern.cedar"], files["kybern.cedarschema"])
    unsafe = [error for error in checked.errors if "unable to guarantee safety" not in error.error]
    assert unsafe == [], "its checker follows only some of the ways to ask whether a fact is there"


@pytest.mark.real
def test_the_library_passes_cedars_checker_and_decides_the_same() -> None:
    cedarpy = pytest.importorskip("cedarpy", reason="cedarpy is not installed")
    export = to_cedar(WHOLE)
    checked = cedarpy.validate_policies(export.files["kybern.cedar"], export.files["kybern.cedarschema"])
    assert checked.errors == []
    for bundle in (BUNDLES["agents"], BUNDLES["critical-sector"]):
        mine = to_cedar(bundle)
        for name, change in (*((name, {}) for name in GOOD), ("deploy", {"tests.failed": 1}), ("writes", {"agent.stopped": True})):
            facts = facts_for(name, change)
            found = decide(exported(bundle, mine), facts)
            assert ask_cedar(cedarpy, bundle, mine, facts) == (found.allowed, found.effect), name


@pytest.mark.real
def test_cedar_denies_where_a_fact_that_must_be_there_is_missing() -> None:
    cedarpy = pytest.importorskip("cedarpy", reason="cedarpy is not installed")
    text = to_cedar(bundle_of("tests.failed > 8")).files["kybern.cedar"]
    request = {"principal": 'Caller::"c"', "action": 'Action::"deploy"', "resource": 'System::"s"', "context": {}}
    assert not cedarpy.is_authorized(request, text, []).allowed
    request["action"] = 'Action::"unheard-of"'
    assert not cedarpy.is_authorized(request, text, []).allowed, "the default speaks of the actions of the schema only"


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ('cost.total > quantity(5, "EUR")', "cost.total is a number with fractions"),
        ("score.auc < 0.5", "score.auc is a number with fractions"),
        ('system.region.matches("^eu.*$")', "no regular expressions"),
        ("size(approvals.roles) > 1", "does not count"),
        ("runs.failed.exists(r, r > 3)", "does not go through"),
        ("has(impact.at) && impact.at + impact.window >= request.time", "leaves the calendar"),
        ('predicate("luhn@1", system.owner)', "the predicate luhn@1 is code in Python"),
    ],
)
def test_what_cedar_cannot_say_is_left_out_by_name(when: str, why: str) -> None:
    predicates = {"luhn@1": Predicate("luhn@1", (Base.STRING,), lambda _: True)}
    bundle = bundle_of("tests.failed > 8", when, effects=("allow", "deny"), predicates=predicates)
    export = to_cedar(bundle)
    assert [rule.id for rule in export.rules] == ["r0"]
    [left] = export.left_out
    assert left.rule.id == "r1"
    assert why in left.why
    assert f"r1 (deny; what it decides may be let through here): {left.why}." in export.files["kybern.cedar"]
    assert (export.complete, [rule.id for rule in export.lets_through], export.holds_up) == (False, ["r1"], ())


def test_an_allow_that_is_left_out_errs_on_the_closed_side() -> None:
    export = to_cedar(bundle_of("tests.failed > 8", "score.auc < 0.5", effects=("deny", "allow")))
    assert (export.lets_through, [rule.id for rule in export.holds_up]) == ((), ["r1"])


def test_an_order_that_cedar_does_not_have_is_not_exported() -> None:
    order = (Effect.ALLOW, Effect.DENY, Effect.REQUIRE_APPROVAL, Effect.DEFER, Effect.MODIFY)
    with pytest.raises(NotExpressible, match="forbid always wins"):
        to_cedar(bundle_of("tests.failed > 8", order=order))


# --- Rego --------------------------------------------------------------------------------------------------------------------------


def ask_rego(regorus: Any, export: Export, action: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    engine = regorus.Engine()
    engine.add_policy("kybern.rego", export.files["kybern.rego"])
    engine.set_input_json(json.dumps({"action": action, "facts": dict(facts)}))
    answer = engine.eval_rule("data.kybern.decision")
    assert isinstance(answer, dict)
    return answer


@pytest.mark.real
@settings(max_examples=80, deadline=None)
@given(RULES, values(), st.permutations(list(Effect)), st.sampled_from(list(Effect)))
def test_rego_decides_as_kybern(rules: list[tuple[Expr, str]], facts: dict[str, Any], order: list[Effect], default: Effect) -> None:
    regorus = pytest.importorskip("regorus", reason="gordon-to-regorus is not installed")
    bundle = replace(made(rules), order=tuple(order), default=default)
    export = to_rego(bundle)
    came_in = Facts(facts, SCHEMA)
    found = decide(exported(bundle, export), came_in)
    said = ask_rego(regorus, export, "deploy", exported_facts(came_in))
    assert said["effect"] == found.effect.value, export.files["kybern.rego"]
    assert said["allow"] is found.allowed
    assert set(said["fired"]) == {rule.id for rule in found.fired}
    assert set(said["deciding"]) == {rule.id for rule in found.deciding}
    assert said["missing"] == set()


@pytest.mark.real
def test_the_library_decides_the_same_in_rego() -> None:
    regorus = pytest.importorskip("regorus", reason="gordon-to-regorus is not installed")
    bundle = BUNDLES["agents"]
    export = to_rego(bundle)
    assert export.complete, "everything in the library can be said in Rego"
    assert to_rego(WHOLE).complete
    for name, change in (("deploy", {}), ("deploy", {"tests.failed": 1}), ("sends", {"session.labels": ["confidential-hr"]})):
        facts = facts_for(name, change)
        found = decide(bundle, facts)
        said = ask_rego(regorus, export, str(facts.values["action"]), exported_facts(facts))
        assert (said["effect"], set(said["fired"])) == (found.effect.value, {rule.id for rule in found.fired})


@pytest.mark.real
def test_rego_denies_where_a_fact_is_missing_or_the_action_is_unknown() -> None:
    regorus = pytest.importorskip("regorus", reason="gordon-to-regorus is not installed")
    export = to_rego(bundle_of("tests.failed > 8"))
    said = ask_rego(regorus, export, "deploy", {"tests.failed": 1})
    assert (said["effect"], said["allow"]) == ("deny", False)
    assert "system.risk" in said["missing"]
    assert ask_rego(regorus, export, "unheard-of", {})["effect"] == "deny"


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("has(impact.at) && impact.at + impact.window >= request.time", "leaves the calendar"),
        ('predicate("luhn@1", system.owner)', "the predicate luhn@1 is code in Python"),
    ],
)
def test_what_rego_cannot_say_is_left_out_by_name(when: str, why: str) -> None:
    predicates = {"luhn@1": Predicate("luhn@1", (Base.STRING,), lambda _: True)}
    export = to_rego(bundle_of(when, predicates=predicates))
    [left] = export.left_out
    assert why in left.why
    assert f"r0 (deny; what it decides may be let through here): {left.why}." in export.files["kybern.rego"]
    assert 'fired contains "r0"' not in export.files["kybern.rego"]


NASTY = 'x\n}\nfired contains "all" if true # \u2028 \u0085 "'


@pytest.mark.real
def test_no_text_of_a_rule_becomes_code() -> None:
    """Titles and messages are anybody's: what stands in them ends no comment and no string."""
    regorus = pytest.importorskip("regorus", reason="gordon-to-regorus is not installed")
    cedarpy = pytest.importorskip("cedarpy", reason="cedarpy is not installed")
    found = bundle_of("tests.failed > 8", 'system.owner == "a*b\\"" || system.owner.startsWith("*\\\\")')
    rules = tuple(replace(rule, spec=rule.spec.model_copy(update={"title": NASTY, "message": NASTY})) for rule in found.rules)
    bundle = replace(found, rules=rules)
    for owner, fires in (('a*b"', True), ('aXb"', False), ("*\\", True), ("x\\", False)):
        given, provided = request({"system.owner": owner})
        facts = SCHEMA.facts_of(given, provided)
        decision = decide(bundle, facts)
        assert bool(decision.fired) is fires
        said = ask_rego(regorus, to_rego(bundle), "deploy", exported_facts(facts))
        assert (set(said["fired"]), said["effect"]) == ({rule.id for rule in decision.fired}, decision.effect.value)
        assert ask_cedar(cedarpy, bundle, to_cedar(bundle), facts) == (decision.allowed, decision.effect)


@pytest.mark.real
@pytest.mark.parametrize(
    "when",
    [
        "!has(impact.approved) || !impact.approved", "!has(impact.approved)", "!has(impact.approved) || !has(impact.at)",
        "!(has(impact.approved) && impact.approved)", "size(approvals.roles) == 0", "size(approvals.roles) < 1",
        "size(approvals.roles) <= 0",
        "size(approvals.roles) != 0", "size(approvals.roles) >= 1", "size(approvals.roles) > 0",
        'approvals.roles.exists(r, r == "dpo")', '!("dpo" in approvals.roles)',
        'has(impact.at) && request.time - impact.at < duration("24h")',
        'request.time >= timestamp("2026-11-23T09:00:00.000001Z")',
    ],
)  # fmt: skip
def test_what_is_missing_empty_or_a_moment_means_the_same(when: str) -> None:
    regorus = pytest.importorskip("regorus", reason="gordon-to-regorus is not installed")
    cedarpy = pytest.importorskip("cedarpy", reason="cedarpy is not installed")
    bundle = bundle_of(when)
    cedar, rego = to_cedar(bundle), to_rego(bundle)
    assert cedar.complete
    assert rego.complete
    seen = set()
    for more in (
        {}, {"impact.approved": True}, {"impact.approved": False, "impact.at": "2026-11-22T09:00:00Z"},
        {"impact.at": "2026-11-22T09:00:00.000001Z", "impact.approved": True}, {"approvals.roles": ["dpo"]},
        {"approvals.roles": ["owner", "board"]}, {"request.time": "2026-11-23T09:00:00.000001Z"},
    ):  # fmt: skip
        facts = SCHEMA.facts_of(*request(more))
        found = decide(bundle, facts)
        seen.add(found.effect)
        assert ask_cedar(cedarpy, bundle, cedar, facts) == (found.allowed, found.effect), more
        assert ask_rego(regorus, rego, "deploy", exported_facts(facts))["effect"] == found.effect.value, more
    assert len(seen) == 2, "it holds for some and not for others"
