"""A cheap bound on when a condition can hold: for each fact the values its parts leave, by itself. Says "never together" or nothing.

Of a thousand rules half a million pairs are asked about; nearly all are told apart by one fact, without a solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kybern.policy._core import Compare, Expr, Fact, Has, In, Lit, Not, Truth, conjuncts


@dataclass
class Box:
    """What a condition needs of each fact: one of some values, none of some, a span, that it is there or is not."""

    among: dict[str, frozenset[Any]] = field(default_factory=dict)
    never: dict[str, frozenset[Any]] = field(default_factory=dict)
    least: dict[str, tuple[Any, bool]] = field(default_factory=dict)
    """The lower bound, and whether it is itself allowed."""
    most: dict[str, tuple[Any, bool]] = field(default_factory=dict)
    there: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, expr: Expr) -> Box:
        """Read the parts of a condition that speak of one fact and a value."""
        box = cls()
        for part in conjuncts(expr):
            box._take(part)
        return box

    def _take(self, part: Expr) -> None:
        denied = isinstance(part, Not)
        inner = part.inner if isinstance(part, Not) else part
        if isinstance(inner, Truth) and isinstance(inner.term, Fact):
            self._only(inner.term.name, frozenset((not denied,)))
        elif isinstance(inner, Has):
            self.there[inner.fact.name] = not denied
        elif isinstance(inner, In) and isinstance(inner.item, Fact) and isinstance(inner.among, tuple):
            values = frozenset(one.value for one in inner.among)
            (self._not if denied else self._only)(inner.item.name, values)
        elif isinstance(inner, Compare) and not denied and isinstance(inner.left, Fact) and isinstance(inner.right, Lit):
            self._compare(inner.left.name, inner.operator, inner.right.value)

    def _compare(self, name: str, operator: str, value: Any) -> None:
        if operator == "==":
            self._only(name, frozenset((value,)))
        elif operator == "!=":
            self._not(name, frozenset((value,)))
        elif operator in {">", ">="}:
            self.least[name] = max(self.least.get(name, (value, True)), (value, operator == ">="), key=lambda one: (one[0], not one[1]))
        else:
            self.most[name] = min(self.most.get(name, (value, True)), (value, operator == "<="), key=lambda one: (one[0], one[1]))

    def _only(self, name: str, values: frozenset[Any]) -> None:
        self.among[name] = self.among.get(name, values) & values

    def _not(self, name: str, values: frozenset[Any]) -> None:
        self.never[name] = self.never.get(name, frozenset()) | values

    def apart(self, other: Box) -> bool:
        """Tell whether the two surely never hold together."""
        return (
            any(self.there[name] is not other.there[name] for name in self.there.keys() & other.there.keys())
            or any(self.among[name].isdisjoint(other.among[name]) for name in self.among.keys() & other.among.keys())
            or _excluded(self, other)
            or _excluded(other, self)
            or _gap(self.least, other.most)
            or _gap(other.least, self.most)
        )


def _excluded(one: Box, other: Box) -> bool:
    """Tell whether the values one needs of a fact are all ruled out by the other."""
    for name, values in one.among.items():
        if values <= other.never.get(name, frozenset()):
            return True
        low, high = other.least.get(name), other.most.get(name)
        if low is not None and all(value < low[0] or (value == low[0] and not low[1]) for value in values):
            return True
        if high is not None and all(value > high[0] or (value == high[0] and not high[1]) for value in values):
            return True
    return False


def _gap(least: Mapping[str, tuple[Any, bool]], most: Mapping[str, tuple[Any, bool]]) -> bool:
    """Tell whether some fact would have to be above what it must be below."""
    for name in least.keys() & most.keys():
        (low, at_low), (high, at_high) = least[name], most[name]
        if low > high or (low == high and not (at_low and at_high)):
            return True
    return False
