"""Questions to the solver, and what may be made of its answers: no, yes with an example that was replayed, or cannot tell.

Effort is counted in the solver's own steps, not in seconds, so the same question has the same answer on every machine. Running out
of them is "cannot tell", never "no".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import z3  # type: ignore[import-untyped]  # z3-solver has no types

from kybern.policy._bundle import Bundle
from kybern.policy._core import Expr
from kybern.policy._rules import Effect, Rule
from kybern.policy._schema import ACTION, BadFacts, Facts, FactSchema, FactSpec, Value
from kybern.policy._smt import Encoder
from kybern.policy._types import Base

MISSING: Final = object()
"""Stands for the value of an optional fact that is not there."""

EFFORT: Final = 3_000_000
"""Steps of the solver for one question."""


@dataclass(frozen=True)
class Answer:
    """Whether something can be: no (`possible` is false), yes with the facts of an example, or None and why nobody can tell."""

    possible: bool | None
    facts: Facts | None = None
    why: str = ""


class Questions:
    """A schema with conditions, and a solver that knows both."""

    def __init__(self, schema: FactSchema, exprs: Sequence[Expr], effort: int = EFFORT) -> None:
        """Write every condition as a formula, once."""
        self.schema = schema
        self._encoder = Encoder(schema, exprs)
        self._bases: dict[str, dict[str, Any]] = {}
        for expr in exprs:
            self._encoder.formula(expr)
        self._encoder.action(schema.actions)
        self._solver = z3.Solver()
        self._solver.set("rlimit", effort)
        self._solver.add(self._encoder.domain())

    @property
    def opaque(self) -> tuple[str, ...]:
        """What nothing is proved of, in words."""
        return tuple(sorted(self._encoder.opaque))

    def holds(self, expr: Expr) -> Any:
        """Give the formula of a condition."""
        return self._encoder.formula(expr)

    def action(self, names: Sequence[str]) -> Any:
        """Give the formula that the action is one of these."""
        return self._encoder.action(names)

    def equals(self, name: str, value: object) -> Any | None:
        """Give the formula that a fact is there and has a value; None where no condition speaks of it."""
        return self._encoder.equals(name, value)

    def ask(self, actions: Sequence[str], wanted: Any, replay: Callable[[Facts], bool], *, near: bool = False) -> Answer:
        """Ask whether something can be for one of these actions; an example counts only if replaying it bears it out.

        With `near` the example is the one that differs least from the schema's own: people understand what stands out.
        """
        self._solver.push()
        try:
            self._solver.add(self._encoder.action(actions), wanted)
            found = self._solver.check()
            if found == z3.unsat:
                return self._cannot_be()
            if found != z3.sat:
                return Answer(None, why="the solver did not come to an end within its steps")
            return self._borne_out(replay, near=near)
        finally:
            self._solver.pop()

    def _cannot_be(self) -> Answer:
        """Say no, unless the encoding left something out that could be."""
        short = [one for one in self.opaque if one.startswith("lists of more")]
        return Answer(None, why=f"not thought of were {short[0]}") if short else Answer(possible=False)

    def _borne_out(self, replay: Callable[[Facts], bool], *, near: bool) -> Answer:
        facts = self._complete(self._solver.model())
        if facts is None or not replay(facts):  # the solver chose letters that a request cannot have: ask for plain ones
            self._solver.add(self._encoder.plain())
            facts = self._complete(self._solver.model()) if self._solver.check() == z3.sat else None
        if facts is None or not replay(facts):
            return Answer(None, why=f"its example is not borne out when replayed{''.join(f'; {one}' for one in self.opaque)}")
        nearer = self._nearest() if near else None
        return Answer(possible=True, facts=nearer if nearer is not None and replay(nearer) else facts)

    def _nearest(self) -> Facts | None:
        for spec in self.schema.facts:
            like = (
                None
                if spec.example is None or spec.type == "list"
                else self._encoder.equals(spec.name, self.schema.read(spec.name, spec.example))
            )
            if like is not None and self._solver.check(like) == z3.sat:
                self._solver.add(like)
        return self._complete(self._solver.model()) if self._solver.check() == z3.sat else None

    def completed(self, action: str, values: Mapping[str, Any]) -> Facts:
        """Complete facts for an action with the schema's own examples."""
        base = self._bases.get(action)
        if base is None:
            needed = self.schema.doors[action].needed
            base = self._bases[action] = {name: self.schema.read(name, self.schema.by_name[name].example) for name in needed}
        found = {**base, **values, ACTION: action}
        return Facts({name: value for name, value in found.items() if value is not MISSING}, self.schema)

    def _complete(self, model: Any) -> Facts | None:
        """Fill what the formulas do not speak of with the schema's examples."""
        found = self._encoder.facts_in(model)
        action = found.get(ACTION)
        door = self.schema.doors.get(str(action))
        if door is None:
            return None
        missing = self._encoder.missing(model)
        values: dict[str, Any] = {ACTION: action}
        for name in (*door.needed, *(found.keys() & (door.caller | door.provided))):
            if name not in missing:
                values[name] = found[name] if name in found else self.schema.read(name, self.schema.by_name[name].example)
        for name in self._encoder.present(model) - values.keys():
            values[name] = _some(self.schema.by_name[name])
        facts = Facts(values, self.schema)
        return facts if self._comes_in(facts) else None

    def _comes_in(self, facts: Facts) -> bool:
        """Tell whether a request can have these facts: the door takes them, and leaves them as they are."""
        door = self.schema.doors[str(facts.values[ACTION])]
        provided = {name: value for name, value in facts.values.items() if name in door.provided}
        given = {name: value for name, value in facts.values.items() if name not in provided}
        try:
            return self.schema.facts_of(given, provided).values == facts.values
        except BadFacts:
            return False


_SOME: Final[Mapping[Base, Value]] = {
    Base.BOOL: False, Base.STRING: "x", Base.TIMESTAMP: datetime(2026, 1, 1, tzinfo=UTC), Base.DURATION: timedelta(0), Base.LIST: (),
}  # fmt: skip


def _some(spec: FactSpec) -> Value:
    """Choose a value for a fact of which it is only asked whether it is there."""
    kind = spec.kind
    if kind.values:
        return kind.values[0]
    if kind.base in {Base.INT, Base.NUMBER}:
        number = spec.minimum if spec.minimum is not None else min(0, spec.maximum or 0)
        return int(number) if kind.base is Base.INT else float(number)
    text = _SOME[kind.base]
    return text.upper() if isinstance(text, str) and spec.case == "upper" else text


def outcome(questions: Questions, bundle: Bundle, action: str) -> Mapping[Effect, Any]:
    """Write for each effect when it is what a bundle decides for an action."""
    rules = [rule for rule in bundle.rules if action in rule.spec.applies_to]
    found: dict[Effect, Any] = {}
    earlier: list[Any] = []
    for effect in bundle.order:
        fired = z3.Or([questions.holds(rule.expr) for rule in rules if rule.effect is effect])
        found[effect] = z3.And(fired, *(z3.Not(one) for one in earlier))
        earlier.append(fired)
    found[bundle.default] = z3.Or(found[bundle.default], z3.Not(z3.Or(earlier)))
    return found


def fires(rule: Rule, facts: Facts) -> bool:
    """Replay an example on a rule; one that cannot be tested does not bear anything out."""
    try:
        return rule.test(facts.values)
    except Exception:  # noqa: BLE001 - see the sentence above
        return False
