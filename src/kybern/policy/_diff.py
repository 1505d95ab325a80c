"""What a new version of the rules decides otherwise: not which lines differ, but which requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import z3  # type: ignore[import-untyped]  # z3-solver has no types

from kybern.policy._bundle import Bundle, make_rule
from kybern.policy._check import check
from kybern.policy._decide import Decision, decide
from kybern.policy._rules import Effect, Rule
from kybern.policy._schema import Facts
from kybern.policy._solve import EFFORT, Questions, outcome
from kybern.policy._syntax import Fault


class NotComparable(Exception):  # noqa: N818 - a finding about two bundles
    """Two bundles that cannot be held against each other; the words say why."""


@dataclass(frozen=True)
class Change:
    """A request that is decided otherwise now: what both versions decide on it. None where the solver cannot tell, and why."""

    action: str
    before: Effect
    after: Effect
    example: tuple[Facts, Decision, Decision] | None
    why: str = ""

    @property
    def loosens(self) -> bool:
        """Whether something may go on now that did not."""
        return self.after in _GOES_ON and self.before not in _GOES_ON


_GOES_ON = frozenset((Effect.ALLOW, Effect.MODIFY))


def differences(old: Bundle, new: Bundle, effort: int = EFFORT) -> tuple[Change, ...]:
    """Find for each action, and each change of effect, a request that shows it; empty where no request is decided otherwise.

    The old rules are read over the new schema. Raises `NotComparable` where one cannot be.
    """
    before = _over(old, new)
    questions = Questions(new.schema, [rule.expr for rule in (*before.rules, *new.rules)], effort)
    return tuple(change for action in new.schema.actions for change in _of_action(questions, before, new, action))


def _over(old: Bundle, new: Bundle) -> Bundle:
    """Read the rules of a bundle over the schema of another."""
    if old.schema.digest == new.schema.digest:
        return old
    rules: list[Rule] = []
    for rule in old.rules:
        try:
            rules.append(make_rule(rule.spec, check(rule.spec.when, new.schema, rule.spec.applies_to, old.predicates), old.predicates))
        except (Fault, KeyError) as fault:
            msg = f"the old rule {rule.id} does not read over {new.schema.ref}: {fault}"
            raise NotComparable(msg) from None
    return Bundle(new.schema, tuple(rules), old.predicates, old.order, old.default)


def _of_action(questions: Questions, old: Bundle, new: Bundle, action: str) -> Iterator[Change]:
    one, two = outcome(questions, old, action), outcome(questions, new, action)
    for before, was in one.items():
        for after, is_now in two.items():
            if before is not after:
                yield from _ask(questions, (old, new), (action, before, after), z3.And(was, is_now))


def _ask(questions: Questions, bundles: tuple[Bundle, Bundle], change: tuple[str, Effect, Effect], wanted: object) -> Iterator[Change]:
    old, new = bundles
    action, before, after = change

    def replay(facts: Facts) -> bool:
        return decide(old, facts).effect is before and decide(new, facts).effect is after

    answer = questions.ask((action,), wanted, replay, near=True)
    if answer.possible is None:
        yield Change(action, before, after, None, answer.why)
    elif answer.facts is not None:
        yield Change(action, before, after, (answer.facts, decide(old, answer.facts), decide(new, answer.facts)))


def standing_out(facts: Facts) -> Mapping[str, object]:
    """Give the facts of an example that are not the schema's own: what a person has to look at."""
    schema = facts.schema
    found: dict[str, object] = {}
    for name, value in facts.values.items():
        spec = schema.by_name.get(name)
        if spec is None or spec.example is None:
            found[name] = value
            continue
        own = schema.read(name, spec.example)
        if value != own:
            found[name] = value
    return found
