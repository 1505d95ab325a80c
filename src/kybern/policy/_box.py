"""A cheap bound on when a condition can hold: for each fact the values its parts leave, by itself. Says "never together" or nothing.

Of a thousand rules half a million pairs are asked about; nearly all are told apart by one fact, without a solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from kybern.policy._core import Compare, Comparison, Expr, Fact, Has, In, Item, Lit, Not, Quantified, Size, Term, Truth, conjuncts
from kybern.policy._types import Base


@dataclass
class Box:
    """What a condition needs of each fact, item, size and `has`: one of some values, none of some, a span."""

    among: dict[object, frozenset[Any]] = field(default_factory=dict)
    never: dict[object, frozenset[Any]] = field(default_factory=dict)
    least: dict[object, tuple[Any, bool]] = field(default_factory=dict)
    """The lower bound, and whether it is itself allowed."""
    most: dict[object, tuple[Any, bool]] = field(default_factory=dict)

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
        if isinstance(inner, Truth):
            self._only(inner.term.name, frozenset((not denied,)))
        elif isinstance(inner, Has):
            self._only(f"has({inner.fact.name})", frozenset((not denied,)))
        elif isinstance(inner, In) and isinstance(inner.among, tuple):
            self._values(inner.item, frozenset(one.value for one in inner.among), denied=denied)
        elif isinstance(inner, Compare) and isinstance(inner.right, Lit):
            operator = _DENIED[inner.operator] if denied else inner.operator
            if operator in {"==", "!="}:
                self._values(inner.left, frozenset((inner.right.value,)), denied=operator == "!=")
            else:
                self._compare(inner.left, operator, inner.right.value)
        else:
            self._whole(inner, denied=denied)

    def _whole(self, part: Expr, *, denied: bool) -> None:
        """Take a part that is not read: it holds or does not; and what is asked of an item needs one."""
        if isinstance(part, Compare) and part.operator in {"!=", ">", ">="}:
            part, denied = replace(part, operator=cast("Comparison", _DENIED[part.operator])), not denied
        self._only(part, frozenset((not denied,)))
        of = part.among if isinstance(part, In) else part.of if isinstance(part, Quantified) and part.kind == "exists" else None
        if isinstance(of, Fact) and not denied:
            self._compare(Size(of), ">=", 1)

    def _values(self, term: Term, values: frozenset[Any], *, denied: bool) -> None:
        """Take a value out of some, or out of none of them: of an enumeration, out of the others."""
        name = _name(term)
        if name is None:
            return
        if denied and term.type.values:
            self._only(name, frozenset(term.type.values) - values)
        else:
            (self._not if denied else self._only)(name, values)

    def _compare(self, term: Term, operator: str, value: Any) -> None:
        name = _name(term)
        if name is None:
            return
        if term.type.base is Base.INT and operator in {"<", ">"}:  # between two whole numbers there is none
            operator, value = f"{operator}=", value + (1 if operator == ">" else -1)
        if operator in {">", ">="}:
            self.least[name] = max(self.least.get(name, (value, True)), (value, operator == ">="), key=lambda one: (one[0], not one[1]))
        else:
            self.most[name] = min(self.most.get(name, (value, True)), (value, operator == "<="), key=lambda one: (one[0], one[1]))

    def _only(self, name: object, values: frozenset[Any]) -> None:
        self.among[name] = self.among.get(name, values) & values

    def _not(self, name: object, values: frozenset[Any]) -> None:
        self.never[name] = self.never.get(name, frozenset()) | values

    def apart(self, other: Box) -> bool:
        """Tell whether the two surely never hold together."""
        return (
            any(self.among[name].isdisjoint(other.among[name]) for name in self.among.keys() & other.among.keys())
            or _excluded(self, other)
            or _excluded(other, self)
            or _gap(self.least, other.most)
            or _gap(other.least, self.most)
        )


_DENIED: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _name(term: Term) -> str | None:
    """Name what is bounded by itself."""
    if isinstance(term, Size):
        return f"size({term.of.name})"
    return term.name if isinstance(term, Fact | Item) else None


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


def _gap(least: Mapping[object, tuple[Any, bool]], most: Mapping[object, tuple[Any, bool]]) -> bool:
    """Tell whether some fact would have to be above what it must be below."""
    for name in least.keys() & most.keys():
        (low, at_low), (high, at_high) = least[name], most[name]
        if low > high or (low == high and not (at_low and at_high)):
            return True
    return False
