"""Analysis of a bundle: rules that contradict each other, rules that never decide, rules that add nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import z3  # type: ignore[import-untyped]  # z3-solver has no types

from kybern.policy._box import Box
from kybern.policy._bundle import Bundle
from kybern.policy._core import facts_of
from kybern.policy._rules import Rule
from kybern.policy._schema import Facts
from kybern.policy._solve import EFFORT, MISSING, Answer, Questions, fires

Kind = Literal["conflict", "shadowed", "redundant", "undecided"]


@dataclass(frozen=True)
class Finding:
    """Something about rules.

    `conflict`: both fire on the example, and the order decides. `shadowed`: wherever the first fires, another that wins does too.
    `redundant`: wherever the first fires, others with its effect do. `undecided`: the solver cannot tell; `message` says why.
    """

    kind: Kind
    rules: tuple[Rule, ...]
    message: str
    example: Facts | None = None


@dataclass(frozen=True)
class Analysis:
    """What an analysis found, how much it asked, and what nothing is proved of."""

    findings: tuple[Finding, ...]
    pairs: int
    asked: int
    opaque: tuple[str, ...]


def analyse(bundle: Bundle, effort: int = EFFORT) -> Analysis:
    """Analyse the rules of a bundle pair by pair, and each against all others. Pure: the same bundle, the same findings."""
    return _Analyst(bundle, effort).run()


class _Analyst:
    def __init__(self, bundle: Bundle, effort: int) -> None:
        self._bundle = bundle
        self._questions = Questions(bundle.schema, [rule.expr for rule in bundle.rules], effort)
        self._boxes = [Box.of(rule.expr) for rule in bundle.rules]
        self._beside: list[list[int]] = [[] for _ in bundle.rules]
        self._examples: dict[Rule, Mapping[str, Any] | None] = {}
        self._pairs = self._asked = 0

    def run(self) -> Analysis:
        findings = [*self._conflicts(), *self._needless()]
        return Analysis(tuple(findings), self._pairs, self._asked, self._questions.opaque)

    def _conflicts(self) -> Iterator[Finding]:
        """Find rules of different effects that fire together."""
        rules = self._bundle.rules
        actions = [frozenset(rule.spec.applies_to) for rule in rules]
        for one, two in combinations(range(len(rules)), 2):
            shared = actions[one] & actions[two]
            if not shared:
                continue
            self._pairs += 1
            if self._boxes[one].apart(self._boxes[two]):
                continue
            self._beside[one].append(two)
            self._beside[two].append(one)
            if rules[one].effect is not rules[two].effect:
                yield from self._conflict(rules[one], rules[two], sorted(shared))

    def _conflict(self, one: Rule, two: Rule, actions: Sequence[str]) -> Iterator[Finding]:
        """Ask whether two rules can fire together: first by laying an example of the one over that of the other."""
        met = self._meeting(one, two, actions)
        if met is not None:
            yield self._told(one, two, met)
            return
        self._asked += 1
        both = z3.And(self._questions.holds(one.expr), self._questions.holds(two.expr))
        answer = self._questions.ask(actions, both, lambda facts: fires(one, facts) and fires(two, facts))
        if answer.possible is None:
            yield Finding("undecided", (one, two), f"Whether {one.id} and {two.id} can fire together: {answer.why}.")
        elif answer.facts is not None:
            yield self._told(one, two, answer.facts)

    def _told(self, one: Rule, two: Rule, facts: Facts) -> Finding:
        wins, loses = sorted((one, two), key=lambda rule: self._bundle.rank[rule.effect])
        message = f"{wins.id} ({wins.effect.value}) and {loses.id} ({loses.effect.value}) can fire together; {wins.effect.value} wins."
        return Finding("conflict", (wins, loses), message, facts)

    def _meeting(self, one: Rule, two: Rule, actions: Sequence[str]) -> Facts | None:
        """Lay the facts that make one rule fire over those of the other; None where not both fire on that."""
        first, second = self._alone(one), self._alone(two)
        if first is None or second is None:
            return None
        for under, over in ((first, second), (second, first)):
            facts = self._questions.completed(actions[0], {**under, **over})
            if fires(one, facts) and fires(two, facts):
                return facts
        return None

    def _alone(self, rule: Rule) -> Mapping[str, Any] | None:
        """Find facts on which a rule fires, of those it speaks of; one that is missing is `MISSING`."""
        if rule not in self._examples:
            self._asked += 1
            answer = self._questions.ask(rule.spec.applies_to, self._questions.holds(rule.expr), lambda facts: fires(rule, facts))
            names = {fact.name for fact in facts_of(rule.expr)}
            found = None if answer.facts is None else {name: answer.facts.values.get(name, MISSING) for name in names}
            self._examples[rule] = found
        return self._examples[rule]

    def _needless(self) -> Iterator[Finding]:
        """Find rules that never decide, and rules that add nothing to others of their effect."""
        rules, rank = self._bundle.rules, self._bundle.rank
        gone: set[int] = set()
        for index, rule in enumerate(rules):
            wider = [at for at in self._beside[index] if set(rule.spec.applies_to) <= set(rules[at].spec.applies_to)]
            above = [rules[at] for at in wider if rank[rules[at].effect] < rank[rule.effect]]
            alike = [rules[at] for at in wider if rules[at].effect is rule.effect and at not in gone and _adds_nothing(rule, rules[at])]
            found = self._covered("shadowed", rule, above) or self._covered("redundant", rule, alike)
            if found is not None:
                if found.kind == "redundant":
                    gone.add(index)  # of two that say the same, one is needed
                yield found

    def _covered(self, kind: Literal["shadowed", "redundant"], rule: Rule, by: Sequence[Rule]) -> Finding | None:
        """Ask whether a rule can fire without any of the others.

        The solver is not given all of them at once: each example it finds is replayed on all, and those that fire on it are added,
        until none fires (so the rule is not covered) or no example is left (so those that were added cover it).
        """
        added: dict[Rule, None] = {}
        while by:
            self._asked += 1
            alone = z3.And(self._questions.holds(rule.expr), *(z3.Not(self._questions.holds(other.expr)) for other in added))
            answer = self._questions.ask(rule.spec.applies_to, alone, lambda facts: fires(rule, facts))
            if answer.facts is None:
                return self._verdict(kind, rule, tuple(added), answer)
            facts = answer.facts
            more = [other for other in by if other not in added and fires(other, facts)]
            if not more:
                return None
            added |= dict.fromkeys(more)
        return None

    def _verdict(self, kind: Literal["shadowed", "redundant"], rule: Rule, by: tuple[Rule, ...], answer: Answer) -> Finding:
        if answer.possible is None:
            return Finding("undecided", (rule,), f"Whether {rule.id} is {kind}: {answer.why}.")
        needed = self._least(rule, by)
        names = ", ".join(other.id for other in needed)
        if kind == "shadowed":
            message = f"{rule.id} never decides: wherever it fires, so does one of {names}, which wins."
        else:
            message = f"{rule.id} adds nothing: wherever it fires, so does one of {names} with the same effect."
        return Finding(kind, (rule, *needed), message)

    def _least(self, rule: Rule, by: Sequence[Rule]) -> tuple[Rule, ...]:
        """Name as few of the others as cover the rule."""
        needed = list(by)
        for other in by if len(by) <= _FEW else ():
            fewer = [one for one in needed if one is not other]
            alone = z3.And(self._questions.holds(rule.expr), *(z3.Not(self._questions.holds(one.expr)) for one in fewer))
            if fewer and self._questions.ask(rule.spec.applies_to, alone, lambda _: True).possible is False:
                needed = fewer
        return tuple(needed)


_FEW = 12


def _adds_nothing(rule: Rule, other: Rule) -> bool:
    """Tell whether a rule asks nothing that the other does not: same obligations, approvers and modifications."""
    one, two = rule.spec, other.spec
    return (one.obligations, one.approvers, one.modify) == (two.obligations, two.approvers, two.modify)
