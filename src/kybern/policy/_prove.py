"""Invariants: what must hold of every decision, proved of a bundle or refuted by a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]  # z3-solver has no types

from kybern.policy._bundle import Bundle
from kybern.policy._check import check
from kybern.policy._core import Expr, Opaque, walk
from kybern.policy._decide import Decision, decide
from kybern.policy._interpret import holds
from kybern.policy._rules import Effect, InvariantSpec
from kybern.policy._schema import Facts
from kybern.policy._solve import EFFORT, Questions, outcome


@dataclass(frozen=True)
class Verdict:
    """Whether an invariant holds: proved (True), refuted by a request (False), or None and why nobody can tell.

    Of one that is proved `why` says where it is proved of nothing.
    """

    invariant: InvariantSpec
    holds: bool | None
    example: tuple[Facts, Decision] | None = None
    why: str = ""
    opaque: tuple[str, ...] = ()


def prove(bundle: Bundle, invariants: Sequence[InvariantSpec], effort: int = EFFORT) -> tuple[Verdict, ...]:
    """Prove each invariant or refute it. `Fault` or `KeyError` for one whose condition does not read over the schema."""
    conditions = [check(one.when, bundle.schema, one.applies_to, bundle.predicates) for one in invariants]
    questions = Questions(bundle.schema, [*conditions, *(rule.expr for rule in bundle.rules)], effort)
    found: list[Verdict] = []
    for invariant, condition in zip(invariants, conditions, strict=True):
        broken = z3.Or([_broken(questions, bundle, invariant, action) for action in invariant.applies_to])

        def replay(facts: Facts, invariant: InvariantSpec = invariant, condition: Expr = condition) -> bool:
            return decide(bundle, facts).effect in invariant.never and holds(condition, facts.values, bundle.predicates)

        wanted = z3.And(questions.holds(condition), broken)
        answer = questions.ask(invariant.applies_to, wanted, replay, near=True)
        example = None if answer.facts is None else (answer.facts, decide(bundle, answer.facts))
        verdict, why = None if answer.possible is None else not answer.possible, answer.why
        if verdict is True:
            verdict, why = _reach(questions, bundle, invariant, condition)
        found.append(Verdict(invariant, verdict, example, why, questions.opaque))
    return tuple(found)


def _reach(questions: Questions, bundle: Bundle, invariant: InvariantSpec, condition: Expr) -> tuple[bool | None, str]:
    """Say how far a proof reaches: a predicate that fails denies, which the solver does not think of; and one may be of nothing."""
    asked = [rule for rule in bundle.rules if not set(rule.spec.applies_to).isdisjoint(invariant.applies_to)]
    may_fail = next((rule for rule in asked if any(isinstance(one, Opaque) for one in walk(rule.expr))), None)
    if Effect.DENY in invariant.never and may_fail is not None:
        return None, f"a predicate that fails denies, and {may_fail.id} asks one"
    fits = questions.ask(invariant.applies_to, questions.holds(condition), lambda facts: holds(condition, facts.values, bundle.predicates))
    return True, "no request meets its condition" if fits.possible is False else ""


def _broken(questions: Questions, bundle: Bundle, invariant: InvariantSpec, action: str) -> object:
    by_effect = outcome(questions, bundle, action)
    return z3.And(questions.action((action,)), z3.Or([by_effect[effect] for effect in invariant.never]))
