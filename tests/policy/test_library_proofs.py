"""The rules that ship before the solver: none never decides, none is needless, and the invariants that ship are proved."""

from __future__ import annotations

import pytest
import z3
from policy_library import BUNDLES, PROFILES, WHOLE

from kybern.base.validation import validate
from kybern.base.yaml import read_yaml
from kybern.policy import DENY_WINS, Effect, InvariantSpec, shipped_invariants
from kybern.policy._solve import Questions
from kybern.policy.analysis import Analysis, analyse, differences, prove


@pytest.fixture(scope="module")
def whole() -> Analysis:
    return analyse(WHOLE)


def test_no_rule_of_the_library_is_shadowed_redundant_or_beyond_the_solver(whole: Analysis) -> None:
    """Of any choice from it the same is true: with fewer rules beside it, a rule is covered by fewer."""
    assert [finding.message for finding in whole.findings if finding.kind != "conflict"] == []
    assert whole.opaque == ()


def test_where_rules_contradict_each_other_the_stricter_wins(whole: Analysis) -> None:
    for finding in whole.findings:
        wins, loses = finding.rules
        assert DENY_WINS.index(wins.effect) < DENY_WINS.index(loses.effect), finding.message


@pytest.mark.parametrize("profile", ["sme", "agents"])
def test_the_findings_of_a_profile_are_those_of_the_library_that_are_about_its_rules(whole: Analysis, profile: str) -> None:
    """So what the analysis of the whole does not find is in no profile; two are analysed by themselves to see it."""
    found = analyse(BUNDLES[profile])
    here = set(BUNDLES[profile].by_id)
    pairs = {tuple(rule.id for rule in finding.rules) for finding in whole.findings}
    assert {tuple(rule.id for rule in finding.rules) for finding in found.findings} == {pair for pair in pairs if here.issuperset(pair)}
    assert {finding.kind for finding in found.findings} == {"conflict"}
    assert found.opaque == ()


def test_two_rules_that_modify_do_not_set_one_fact() -> None:
    names = [name for rule in WHOLE.rules for name in rule.spec.modify]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("profile", PROFILES)
def test_the_invariants_of_a_profile_are_proved(profile: str) -> None:
    [document, *more] = read_yaml(shipped_invariants(profile).encode(), "invariants.yaml")
    assert not more
    invariants: list[InvariantSpec] = []
    for index in range(len(document.value)):  # type: ignore[arg-type]
        spec, problems = validate(InvariantSpec, document, (index,), whole="The invariant")
        assert problems == []
        assert spec is not None
        invariants.append(spec)
    verdicts = prove(BUNDLES[profile], invariants)
    assert len(verdicts) >= 12
    assert [(one.invariant.id, one.why) for one in verdicts if one.holds is not True] == []


def test_an_invariant_is_lost_with_the_rule_that_keeps_it() -> None:
    """The proofs above can fail: without one rule of the core, its invariant is refuted."""
    invariant = InvariantSpec(id="stop", title="t", applies_to=("call-tool",), when="agent.stopped", never=(Effect.ALLOW,))
    core = BUNDLES["core"]
    without = type(core)(core.schema, tuple(rule for rule in core.rules if rule.id != "stopped-agent-does-nothing"), core.predicates)
    [kept], [lost] = prove(core, [invariant]), prove(without, [invariant])
    assert (kept.holds, lost.holds) == (True, False)
    assert lost.example is not None
    assert lost.example[0].values["agent.stopped"] is True


def test_no_profile_lets_go_on_what_the_core_holds_up() -> None:
    """Wherever a rule beside the core lets something go on, a rule of the core fires. So where nothing is held up, that one lets it too."""
    core = BUNDLES["core"].rules
    more = [rule for rule in WHOLE.rules if rule not in core and rule.effect in {Effect.ALLOW, Effect.MODIFY}]
    assert len(more) >= 4
    questions = Questions(WHOLE.schema, [rule.expr for rule in (*core, *more)])
    for rule in more:
        for action in rule.spec.applies_to:
            beside = [questions.holds(one.expr) for one in core if action in one.spec.applies_to]
            alone = z3.And(questions.holds(rule.expr), z3.Not(z3.Or(beside)))
            assert questions.ask((action,), alone, lambda _: True).possible is False, rule.id


def test_the_diff_of_the_core_and_a_profile_says_so_too() -> None:
    changes = differences(BUNDLES["core"], BUNDLES["sme"])
    assert [(one.action, one.before, one.after) for one in changes if one.loosens] == []
    assert [one.why for one in changes if one.example is None] == []
    assert changes, "it decides some requests otherwise"
