"""The solver before brute force: what it says cannot be never is, what it says can be is borne out by the closures."""

from __future__ import annotations

import random
from typing import Any

import pytest
import re2
import z3
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from policy_rules import bundle_of
from policy_world import SCHEMA, SCHEMA_YAML, expressions, values

from kybern.policy import Base, Bundle, Effect, Facts, InvariantSpec, Predicate, decide, read_schema
from kybern.policy._box import Box
from kybern.policy._check import check
from kybern.policy._core import Expr
from kybern.policy._interpret import holds
from kybern.policy._patterns import compile_pattern
from kybern.policy._regex import NotTranslated, to_z3
from kybern.policy._solve import Questions, fires
from kybern.policy._spelling import with_dot
from kybern.policy._syntax import Fault
from kybern.policy._write import to_text
from kybern.policy.analysis import analyse, differences, prove, standing_out


def made(*exprs: Expr, effects: tuple[str, ...] = ()) -> Any:
    try:
        return bundle_of(*map(to_text, exprs), effects=effects)
    except Fault:
        assume(False)  # noqa: FBT003 - hypothesis has it so
        raise


@settings(max_examples=80, deadline=None)
@given(expressions(), expressions(), st.lists(values(), min_size=20, max_size=20))
def test_two_rules_the_solver_holds_apart_never_fire_together(one: Expr, two: Expr, samples: list[dict[str, Any]]) -> None:
    a, b = made(one, two).rules
    questions = Questions(SCHEMA, [a.expr, b.expr])
    both = z3.And(questions.holds(a.expr), questions.holds(b.expr))
    answer = questions.ask(("deploy",), both, lambda facts: fires(a, facts) and fires(b, facts), near=True)
    together = [facts for facts in samples if holds(one, facts, {}) and holds(two, facts, {})]
    if answer.possible is False:
        assert not together
    elif answer.possible:
        assert answer.facts is not None
        assert holds(one, answer.facts.values, {})
        assert holds(two, answer.facts.values, {})
    else:
        assert answer.why


@settings(max_examples=150, deadline=None)
@given(expressions(), expressions(), values())
def test_boxes_hold_apart_only_what_is_apart(one: Expr, two: Expr, facts: dict[str, Any]) -> None:
    if Box.of(one).apart(Box.of(two)):
        assert not (holds(one, facts, {}) and holds(two, facts, {}))


EFFECTS = st.sampled_from(("allow", "deny", "require-approval"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(expressions(), EFFECTS), min_size=2, max_size=5), st.lists(values(), min_size=30, max_size=30))
def test_findings_hold_on_samples(rules: list[tuple[Expr, str]], samples: list[dict[str, Any]]) -> None:
    found = made(*(expr for expr, _ in rules), effects=tuple(effect for _, effect in rules))
    analysis = analyse(found)
    conflicts = {frozenset(rule.id for rule in one.rules) for one in analysis.findings if one.kind in {"conflict", "undecided"}}
    for facts in samples:
        decision = decide(found, Facts(facts, SCHEMA))
        for a in decision.fired:
            for b in decision.fired:
                assert a.effect is b.effect or frozenset((a.id, b.id)) in conflicts
        for finding in analysis.findings:
            if finding.kind == "shadowed":
                assert finding.rules[0] not in decision.deciding
            if finding.kind == "redundant" and finding.rules[0] in decision.fired:
                assert set(decision.fired) & set(finding.rules[1:])


@settings(max_examples=30, deadline=None)
@given(expressions(), expressions(), st.lists(values(), min_size=30, max_size=30))
def test_a_difference_is_found_where_there_is_one(one: Expr, two: Expr, samples: list[dict[str, Any]]) -> None:
    old, new = made(one), made(two)
    changes = differences(old, new)
    told = {(change.before, change.after) for change in changes if change.action == "deploy"}
    for facts in samples:
        before, after = decide(old, Facts(facts, SCHEMA)).effect, decide(new, Facts(facts, SCHEMA)).effect
        assert before is after or (before, after) in told
    for change in changes:
        if change.example is not None:
            facts_, was, is_now = change.example
            assert (decide(old, facts_).effect, decide(new, facts_).effect) == (was.effect, is_now.effect) == (change.before, change.after)


@settings(max_examples=40, deadline=None)
@given(expressions(), expressions(), st.lists(values(), min_size=30, max_size=30))
def test_an_invariant_that_is_proved_holds_on_samples(rule: Expr, when: Expr, samples: list[dict[str, Any]]) -> None:
    found = made(rule)
    invariant = InvariantSpec(id="i", title="t", applies_to=("deploy",), when=to_text(when), never=(Effect.ALLOW,))
    try:
        [verdict] = prove(found, [invariant])
    except Fault:
        assume(False)  # noqa: FBT003
        raise
    broken = [facts for facts in samples if holds(when, facts, {}) and decide(found, Facts(facts, SCHEMA)).effect is Effect.ALLOW]
    if verdict.holds:
        assert not broken
    elif verdict.holds is False:
        assert verdict.example is not None
        assert verdict.example[1].effect is Effect.ALLOW


def test_the_invariant_of_the_handbook_is_refuted_and_then_proved() -> None:
    invariant = InvariantSpec(
        id="no-unassessed-deployment",
        title="No high-risk system is deployed without an approved impact assessment",
        applies_to=("deploy",),
        when='system.risk == "high" && !(has(impact.approved) && impact.approved)',
        never=(Effect.ALLOW, Effect.MODIFY),
    )
    loose = bundle_of('system.risk == "high" && has(impact.approved) && !impact.approved')
    [verdict] = prove(loose, [invariant])
    assert verdict.holds is False
    assert verdict.example is not None
    assert "impact.approved" not in verdict.example[0].values, "it is missing: the case the rule forgot"
    assert standing_out(verdict.example[0]) == {"action": "deploy"}
    tight = bundle_of('system.risk == "high" && (!has(impact.approved) || !impact.approved)')
    assert prove(tight, [invariant])[0].holds is True


def test_running_out_of_steps_is_never_a_proof() -> None:
    found = bundle_of(
        'system.owner.matches("^(?:a|b)*abb(?:a|b){20}$") && system.owner.contains("ba")', "tests.failed > 8", effects=("deny", "allow")
    )
    analysis = analyse(found, effort=1)
    assert {finding.kind for finding in analysis.findings} == {"undecided"}
    invariant = InvariantSpec(id="i", title="t", applies_to=("deploy",), when="tests.failed > 8", never=(Effect.ALLOW,))
    [verdict] = prove(found, [invariant], effort=1)
    assert verdict.holds is None
    assert verdict.why


PATTERNS = (
    "^eu-[0-9]+$", "^[^a-c]*$", r"^\d{2,4}(?:-\w+)?$", "^a.b$", r"^[\s]*$", "^(?:yes|no|)$", r"^\.\*$", "^[a-f0-9]{8}$", "^ä+$",
    "^a{0,3}b?$",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_the_language_that_re2_matches(pattern: str) -> None:
    language = to_z3(pattern)
    rng = random.Random(pattern)  # noqa: S311 - texts, not keys
    texts = ["", "eu-12", "ab", "a.b", "a\nb", "yes", ".*", "deadbeef", "ä", "aaab", "12-x", " \t", "a!"]
    texts += ["".join(rng.choices("abcü0123 -.\n*eu_\x0b", k=rng.randrange(6))) for _ in range(60)]
    compiled = re2.compile(pattern)
    for text in texts:
        word = z3.simplify(z3.InRe(z3.StringVal(text), language))
        assert z3.is_true(word) == (compiled.search(text) is not None), text


def test_what_a_pattern_of_res_own_means_is_not_guessed() -> None:
    for pattern in ("^[[:alpha:]]+$", "^(?i)anna$", r"^\pL+$", r"^\w\W$"):
        with pytest.raises(NotTranslated):
            to_z3(pattern)


def test_a_fact_that_is_only_asked_for_is_in_the_example() -> None:
    found = bundle_of("has(impact.at)", "has(impact.approved) && !has(impact.at)", effects=("deny", "allow"))
    invariant = InvariantSpec(id="i", title="t", applies_to=("deploy",), when="has(impact.at)", never=(Effect.DENY,))
    [verdict] = prove(found, [invariant])
    assert verdict.holds is False
    assert verdict.example is not None
    assert "impact.at" in verdict.example[0].values
    assert analyse(found).findings == ()


def test_the_bounds_of_numbers_meet_as_floats_do() -> None:
    """Real numbers lie between floats, and requests do not: what holds below and from a bound on holds always."""
    found = bundle_of("score.auc > 0.25", "score.auc <= 0.25", "tests.failed > 3", effects=("deny", "deny", "deny"))
    assert [(one.kind, one.rules[0].id) for one in analyse(found).findings] == [("redundant", "r2")]
    apart = bundle_of("score.auc > 0.25", "!(score.auc > 0.25)", "score.auc != 0.25", effects=("deny", "allow", "deny"))
    told = {(one.kind, *(rule.id for rule in one.rules)) for one in analyse(apart).findings}
    assert told == {("conflict", "r2", "r1"), ("redundant", "r0", "r2")}
    next_ = "0.25000000000000006"
    for when, beyond in (("score.auc > 0.25", f"score.auc >= {next_}"), ("!(score.auc <= 0.25)", f"!(score.auc < {next_})")):
        both = bundle_of(when, beyond, effects=("deny", "deny"))
        assert [one.kind for one in analyse(both).findings] == ["redundant"], "the same floats"


WIDE = read_schema(
    SCHEMA_YAML
    + b"""
  - {name: names.all, label: the names, type: list, items: string, case: exact, max_items: 9, description: Names, example: []}
  - {name: names.many, label: many names, type: list, items: string, case: exact, max_items: 900, description: Names, example: []}
  - {name: region.short, label: the short region, type: string, case: upper, description: Region, example: EU}
""",
    "wide.yaml",
)


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        ("tests.failed == 4 && size(runs.failed) == tests.failed", {"tests.failed": 4, "runs.failed": (0, 0, 0, 0)}),
        ("size(runs.failed) in [4]", {"runs.failed": (0, 0, 0, 0)}),
        ('names.all.exists(i, i.matches("^(?i)a$")) && names.all.exists(i, !i.matches("^(?i)a$"))', {"names.all": ("a", "b")}),
        ('system.owner in names.all && system.owner.startsWith("A")', {"names.all": ("Anna",)}),
        ('names.all.exists(i, i.startsWith("A")) && system.owner in names.all', {"names.all": ("Anna",)}),
        (r'system.owner == "\\u{41}" && system.owner.startsWith("\\")', {"system.owner": r"\u{41}"}),
        ('system.owner.matches("^a{,3}$") && system.owner != "a"', {"system.owner": "a{,3}"}),
        ('system.owner != "b" && !system.owner.matches("^a{0}b$") && system.owner.endsWith("b")', {"system.owner": "ab"}),
        ('system.owner.matches("^[^[:alpha:]]$")', {"system.owner": "0"}),
        ('system.owner.matches("^[a[:digit:]]$") && system.owner != "a"', {"system.owner": "0"}),
        ("size(names.many) == tests.failed && tests.failed == 9", {"names.many": ("x",) * 9, "tests.failed": 9}),
        ('region.short != "EU" && system.live', {"region.short": "US", "system.live": True}),
        ("has(impact.approved)", {"impact.approved": True}),
        ('system.owner.matches("^(?s).x$") && system.owner.startsWith("\\n")', {"system.owner": "\nx"}),
    ],
)
def test_what_can_be_is_never_held_to_be_impossible(when: str, facts: dict[str, Any]) -> None:
    expr = check(when, WIDE, ("deploy",), {})
    whole = {name: WIDE.read(name, WIDE.by_name[name].example) for name in WIDE.doors["deploy"].needed} | {"action": "deploy", **facts}
    assert holds(expr, whole, {}), "the example of this test"
    answer = Questions(WIDE, [expr]).ask(("deploy",), Questions(WIDE, [expr]).holds(expr), lambda found: holds(expr, found.values, {}))
    assert answer.possible is not False


def test_an_example_is_a_request_that_can_come_in() -> None:
    expr = check('system.risk == system.owner && system.owner.startsWith("m")', WIDE, ("deploy",), {})
    questions = Questions(WIDE, [expr])
    answer = questions.ask(("deploy",), questions.holds(expr), lambda found: holds(expr, found.values, {}))
    assert answer.facts is not None
    assert answer.facts.values["system.risk"] == "minimal"
    never = check('system.risk == system.owner && system.owner.startsWith("x")', WIDE, ("deploy",), {})
    questions = Questions(WIDE, [never])
    assert questions.ask(("deploy",), questions.holds(never), lambda _: True).possible is False, "x begins none of the values"


def test_what_is_proved_of_moments_and_timespans_is_proved_of_all_that_come_in() -> None:
    for name, value in (("impact.window", "40000d"), ("impact.window", "-40000d"), ("request.time", "2200-01-02T00:00:00Z")):
        with pytest.raises(ValueError, match=r"century|outside 1900 to 2200"):
            SCHEMA.read(name, value)
    with pytest.raises(Fault, match="leave the calendar"):
        check("(" * 19 + "request.time" + " - impact.window)" * 19 + " > request.time", SCHEMA, ("deploy",), {})


def test_a_pin_that_is_no_value_of_its_fact_lets_no_rule_fire() -> None:
    expr = check('system.region == "eu" && tests.failed > 3', SCHEMA, ("deploy",), {})
    questions = Questions(SCHEMA, [expr])
    for name, value, possible in (("system.region", "EU", True), ("tests.failed", "four", False), ("tests.failed", 4, True)):
        pinned = questions.equals(name, value)
        assert questions.ask(("deploy",), z3.And(questions.holds(expr), pinned), lambda _: True).possible is possible


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"ab01{},[]^-:|()?*+.", "\\d", "\\w", "\\s", "[:alpha:]", "[^", "{2}", "{0}", "{,2}", "(?:", "é"]), max_size=7
    ),
    st.lists(st.text("ab01{},[]^-: \né", max_size=4), min_size=8, max_size=8),
)
def test_a_pattern_that_is_translated_is_what_re2_matches(signs: list[str], texts: list[str]) -> None:
    pattern = f"^{''.join(signs)}$"
    try:
        fits = compile_pattern(with_dot(pattern))
        language = to_z3(with_dot(pattern))
    except (ValueError, NotTranslated):
        return
    for text in (*texts, "", "a", "ab"):
        assert z3.is_true(z3.simplify(z3.InRe(z3.StringVal(text), language))) == fits(text), (pattern, text)


def test_a_proof_of_nothing_says_so_and_a_predicate_that_may_fail_is_no_proof_against_denials() -> None:
    def proved(rules: Bundle, when: str, never: Effect) -> tuple[bool | None, str]:
        [found] = prove(rules, [InvariantSpec(id="i", title="t", applies_to=("deploy",), when=when, never=(never,))])
        return found.holds, found.why

    plain = bundle_of("tests.failed > 8")
    assert proved(plain, "tests.failed > 8", Effect.ALLOW) == (True, "")
    nothing = "size(runs.failed) > tests.failed && tests.failed > 6"
    assert proved(plain, nothing, Effect.ALLOW) == (True, "no request meets its condition")
    asks = Predicate("asks@1", (Base.BOOL,), lambda live: live)
    opaque = bundle_of('predicate("asks@1", system.live)', predicates={"asks@1": asks}, effects=("allow",))
    open_ = Bundle(SCHEMA, opaque.rules, opaque.predicates, default=Effect.ALLOW)
    assert proved(open_, "tests.failed > 8", Effect.DENY) == (None, "a predicate that fails denies, and r0 asks one")
