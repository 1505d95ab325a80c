"""Decision diagrams over open facts: exactly which questions can still change an answer, and how much.

A reduced ordered decision diagram is canonical: a variable stands in it if and only if the answer depends on it. A truth is a
variable of two values, an enum one of many, a number or a day one of the ranges its thresholds make; each member of a set, and each
country asked about, is a variable of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Final

from kybern.catalog.applicability._formula import Atom, Either, Every, Named, holds, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kybern.catalog.applicability._formula import FactValue, Formula
    from kybern.catalog.applicability._models import Fact

NO: Final = 0
YES: Final = 1
_LAST: Final = 1 << 30
_MEMBER: Final = (0.8, 0.2)
"""How likely a member of a set is left out or in: of a long list most things do not apply. It ranks questions, and settles nothing."""

Thresholds = dict[str, tuple[float | date, ...]]


@dataclass
class Diagrams:
    """Diagrams that share their nodes. A node is a number; `NO` and `YES` are the two ends."""

    facts: Mapping[str, Fact]
    regions: Mapping[str, frozenset[str]]
    thresholds: Mapping[str, tuple[float | date, ...]]
    known: Mapping[str, FactValue]
    nodes: list[tuple[int, tuple[int, ...]]] = field(default_factory=lambda: [(_LAST, ()), (_LAST, ())])
    variables: list[str] = field(default_factory=list)
    """The fact that each variable belongs to, in the order of the variables."""
    weights: list[tuple[float, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the tables that keep a diagram reduced."""
        self._unique: dict[tuple[int, tuple[int, ...]], int] = {}
        self._level: dict[tuple[str, str], int] = {}
        self._both: dict[tuple[int, int], int] = {}
        self._negated: dict[int, int] = {NO: YES, YES: NO}

    def build(self, formula: Formula, drawn: Mapping[str, int]) -> int:
        """Make the diagram of a formula; `drawn` has those of other conclusions."""
        match formula:
            case Atom():
                return self._atom(formula)
            case Named(name):
                return drawn[name]
            case Every(parts):
                return reduce(self.both, (self.build(part, drawn) for part in parts), YES)
            case Either(parts):
                return self.negated(reduce(self.both, (self.negated(self.build(part, drawn)) for part in parts), YES))
            case _:
                return self.negated(self.build(formula.part, drawn))

    def both(self, left: int, right: int) -> int:
        """Combine two diagrams with and."""
        if right in (left, YES):
            return left
        if NO in {left, right} or left == YES:
            return NO if NO in {left, right} else right
        key = (left, right) if left < right else (right, left)
        if key not in self._both:
            (one, ones), (other, others) = self.nodes[left], self.nodes[right]
            level = min(one, other)
            width = len(ones if one == level else others)
            first = ones if one == level else (left,) * width
            second = others if other == level else (right,) * width
            self._both[key] = self._node(level, tuple(map(self.both, first, second)))
        return self._both[key]

    def negated(self, node: int) -> int:
        """Turn a diagram round."""
        if node not in self._negated:
            level, below = self.nodes[node]
            self._negated[node] = self._node(level, tuple(map(self.negated, below)))
        return self._negated[node]

    def _node(self, level: int, below: tuple[int, ...]) -> int:
        if all(one == below[0] for one in below):
            return below[0]
        key = (level, below)
        if key not in self._unique:
            self._unique[key] = len(self.nodes)
            self.nodes.append(key)
        return self._unique[key]

    def _atom(self, atom: Atom) -> int:
        if atom.fact in self.known:
            return YES if holds(atom, self.known[atom.fact], self.regions) else NO
        if atom.operator == "has":
            members = (self._node(self._variable(atom.fact, str(one), _MEMBER), (NO, YES)) for one in atom.operands)
            return self.negated(reduce(self.both, map(self.negated, members), YES))
        values = self.values(atom.fact)
        even = (1 / len(values),) * len(values)
        below = tuple(YES if holds(atom, value, self.regions) else NO for value in values)
        return self._node(self._variable(atom.fact, "", even), below)

    def _variable(self, fact: str, member: str, weights: tuple[float, ...]) -> int:
        key = (fact, member)
        if key not in self._level:
            self._level[key] = len(self.variables)
            self.variables.append(fact)
            self.weights.append(weights)
        return self._level[key]

    def values(self, fact: str) -> Sequence[FactValue]:
        """Give one value of each kind that formulas can tell apart; not for sets and countries."""
        kind = self.facts[fact]
        if kind.type == "bool":
            return (False, True)
        return tuple(kind.values) if kind.type == "enum" else samples(self.thresholds[fact])

    def above(self, root: int) -> list[int]:
        """List the nodes of a diagram, each before those under it."""
        seen, todo = {NO, YES}, [root]
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo += self.nodes[node][1]
        return sorted(seen - {NO, YES}, key=lambda node: self.nodes[node][0])

    def influence(self, root: int) -> dict[str, float]:
        """Say of every fact on which a diagram depends how much its value shifts the likelihood of the answer, the others open."""
        order = self.above(root)
        chance = {NO: 0.0, YES: 1.0}
        for node in reversed(order):
            level, below = self.nodes[node]
            chance[node] = sum(weight * chance[one] for weight, one in zip(self.weights[level], below, strict=True))
        reach: defaultdict[int, float] = defaultdict(float, {root: 1.0})
        found: defaultdict[str, float] = defaultdict(float)
        for node in order:
            level, below = self.nodes[node]
            under = [chance[one] for one in below]
            found[self.variables[level]] += reach[node] * (max(under) - min(under))
            for weight, one in zip(self.weights[level], below, strict=True):
                reach[one] += reach[node] * weight
        return dict(found)


def thresholds_of(formulas: Iterable[Formula]) -> Thresholds:
    """Collect the numbers and days that formulas compare each fact with."""
    found: defaultdict[str, set[float | date]] = defaultdict(set)
    for formula in formulas:
        for leaf in names(formula):
            if isinstance(leaf, Atom):
                found[leaf.fact] |= {one for one in leaf.operands if isinstance(one, float | date)}
    return {fact: tuple(sorted(bounds)) for fact, bounds in found.items() if bounds}


def samples(bounds: Sequence[float | date]) -> tuple[float | date, ...]:
    """Give a value below the first bound, at each, between each two, and above the last."""
    found: set[float | date] = set(bounds)
    days = [one for one in bounds if isinstance(one, date)]
    found |= {one + step for one in days for step in (timedelta(-1), timedelta(1))}
    numbers = [one for one in bounds if not isinstance(one, date)]
    found |= {(low + high) / 2 for low, high in zip([0.0, *numbers], [*numbers, 2 * numbers[-1] + 2], strict=True)} if numbers else set()
    return tuple(sorted(found))
