"""What one framework says about another: rows read either way, composed through a hub, and how much of the target they reach.

A relation is one of sets (NIST IR 8477, section 4.3), read loosely, so that each says no more than is sure: `equal` that source and target
are the same, `subset` and `superset` that one lies within the other, `intersects` that they share something. Nothing is empty. None
is what is left where two rows prove nothing: the pair is related through something, and that is all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from kybern.catalog._catalog import Catalog
from kybern.catalog._scales import Confidence, Relation

_INVERSE: Final = {Relation.SUBSET: Relation.SUPERSET, Relation.SUPERSET: Relation.SUBSET}
_SURER: Final = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
CARRYING: Final = frozenset((Relation.EQUAL, Relation.SUPERSET))
"""Relations that carry a status over: whoever did all of the source did all of the target."""


def inverted(relation: Relation | None) -> Relation | None:
    """Read a relation from target to source."""
    return None if relation is None else _INVERSE.get(relation, relation)


def composed(first: Relation | None, second: Relation | None) -> Relation | None:
    """Tell what holds of A and B for sure where A stands in `first` to a hub, and the hub in `second` to B."""
    if first is None or second is None:
        return None
    if Relation.EQUAL in (first, second):
        return second if first is Relation.EQUAL else first
    if first is second and first is not Relation.INTERSECTS:
        return first
    shares = first in (Relation.SUPERSET, Relation.INTERSECTS) and second in (Relation.SUBSET, Relation.INTERSECTS)
    return Relation.INTERSECTS if shares and (first, second) != (Relation.INTERSECTS, Relation.INTERSECTS) else None


def together(relations: Iterable[Relation | None]) -> Relation | None:
    """Tell the strongest that is sure where all of the relations hold at once."""
    said = set(relations) - {None}
    if Relation.EQUAL in said or {Relation.SUBSET, Relation.SUPERSET} <= said:
        return Relation.EQUAL
    return next((one for one in (Relation.SUBSET, Relation.SUPERSET, Relation.INTERSECTS) if one in said), None)


@dataclass(frozen=True, slots=True)
class Pair:
    """What is known of two entries. `via` names the hub's entries that it was composed through; it is empty for a row of a crosswalk."""

    source: str
    target: str
    relation: Relation | None
    confidence: Confidence
    basis: str
    via: tuple[str, ...] = ()

    @property
    def carries(self) -> bool:
        """Tell whether a status carries over: only by inclusion, and never on a row that nobody is sure of."""
        return self.relation in CARRYING and self.confidence is not Confidence.LOW

    @property
    def words(self) -> str:
        """The relation in a word."""
        return self.relation.value if self.relation else "related, unproven"


class Reach(StrEnum):
    """How far a source reaches into an entry of the target."""

    CARRIED = "carried"
    SERVES = "may serve"
    UNPROVEN = "unproven"
    NONE = "uncovered"


@dataclass(frozen=True, slots=True)
class Covered:
    """An entry that asks something, with the pairs that reach it, the best first."""

    ref: str
    reach: Reach
    pairs: tuple[Pair, ...]

    @property
    def confidence(self) -> Confidence | None:
        """The best confidence among the pairs that give the reach."""
        return max((pair.confidence for pair in self.pairs if _reach(pair) is self.reach), key=_SURER.index, default=None)


@dataclass(frozen=True)
class Crossing:
    """One framework beside another: their pairs in the order of the source, and the hubs they were composed through."""

    catalog: Catalog
    source: str
    target: str
    pairs: tuple[Pair, ...]
    hubs: tuple[str, ...] = ()

    @cached_property
    def coverage(self) -> tuple[Covered, ...]:
        """Every entry of the target that asks something, with how far it is reached."""
        by_target: defaultdict[str, list[Pair]] = defaultdict(list)
        for pair in self.pairs:
            by_target[pair.target].append(pair)
        return tuple(self._covered(ref, by_target) for ref in self.catalog.leaves(self.target))

    def share(self, *reaches: Reach) -> float:
        """Give the share of the target's entries that are reached so; 0 where it asks nothing."""
        return sum(one.reach in reaches for one in self.coverage) / len(self.coverage) if self.coverage else 0.0

    def count(self, reach: Reach) -> int:
        """Count the target's entries that are reached so."""
        return sum(one.reach is reach for one in self.coverage)

    def _covered(self, ref: str, by_target: Mapping[str, list[Pair]]) -> Covered:
        pairs = [*by_target.get(ref, ()), *self._from_below(ref, by_target), *self._from_above(ref, by_target)]
        ranked = sorted(pairs, key=lambda pair: (_REACHES.index(_reach(pair)), -_SURER.index(pair.confidence)))
        return Covered(ref, _reach(ranked[0]) if ranked else Reach.NONE, tuple(ranked))

    def _from_above(self, ref: str, by_target: Mapping[str, list[Pair]]) -> Iterator[Pair]:
        """Hand down what is known of the groups of an entry: who has all of a group has all of its parts; otherwise nobody knows which."""
        for above in _above(self.catalog, ref):
            for pair in by_target.get(above, ()):
                down = Relation.SUPERSET if pair.relation in CARRYING else None
                yield Pair(pair.source, ref, down, pair.confidence, pair.basis, (*pair.via, above))

    def _from_below(self, ref: str, by_target: Mapping[str, list[Pair]]) -> Iterator[Pair]:
        """Hand up what is known of the parts of an entry: who shares something with a part shares something with the whole."""
        for below in _below(self.catalog, ref):
            for pair in by_target.get(below, ()):
                up = Relation.SUBSET if pair.relation in (Relation.EQUAL, Relation.SUBSET) else pair.relation and Relation.INTERSECTS
                yield Pair(pair.source, ref, up, pair.confidence, pair.basis, (*pair.via, below))


_REACHES: Final = tuple(Reach)


def _reach(pair: Pair) -> Reach:
    if pair.carries:
        return Reach.CARRIED
    return Reach.UNPROVEN if pair.relation is None else Reach.SERVES


def _above(catalog: Catalog, ref: str) -> Iterator[str]:
    framework = ref.partition(":")[0]
    while (parent := catalog.requirements[ref].parent) is not None:
        ref = f"{framework}:{parent}"
        yield ref


def _below(catalog: Catalog, ref: str) -> Iterator[str]:
    for child in catalog.children(ref):
        yield child
        yield from _below(catalog, child)


def crosswalk(catalog: Catalog, source: str, target: str, *, via: str | None = None) -> Crossing:
    """Set a framework beside another: by the rows between them, in whichever direction they were written; without any, through hubs.

    A hub is a framework that has rows with both. `via` names one to go through, rows or not. Raises `KeyError` for a framework that
    is not there.
    """
    catalog.frameworks[source], catalog.frameworks[target], catalog.frameworks[via or source]
    direct = () if via else tuple(_rows(catalog, source, target))
    if direct:
        return Crossing(catalog, source, target, _in_order(catalog, _merged(direct)))
    between = _neighbours(catalog, source) & _neighbours(catalog, target) - {source, target}
    hubs = tuple(name for name in catalog.frameworks if name in between and via in (None, name))
    return Crossing(catalog, source, target, _in_order(catalog, _merged(_through(catalog, source, hubs, target))), hubs)


def _neighbours(catalog: Catalog, framework: str) -> set[str]:
    ends = [(one.source_framework, one.target_framework) for one in catalog.crosswalks]
    return {other for pair in ends if framework in pair for other in pair}


def _rows(catalog: Catalog, source: str, target: str) -> Iterator[Pair]:
    """Read the rows between two frameworks as from the one to the other."""
    for walk in catalog.crosswalks:
        if (walk.source_framework, walk.target_framework) == (source, target):
            yield from (Pair(row.source, row.target, row.relation, row.confidence, walk.bases[row.basis]) for row in walk.rows)
        elif (walk.source_framework, walk.target_framework) == (target, source):
            yield from (Pair(row.target, row.source, inverted(row.relation), row.confidence, walk.bases[row.basis]) for row in walk.rows)


def _through(catalog: Catalog, source: str, hubs: Iterable[str], target: str) -> Iterator[Pair]:
    for hub in hubs:
        onward: defaultdict[str, list[Pair]] = defaultdict(list)
        for pair in _merged(_rows(catalog, hub, target)):
            onward[pair.source].append(pair)
        for first in _merged(_rows(catalog, source, hub)):
            for second in onward[first.target]:
                yield _composed(first, second)


def _composed(first: Pair, second: Pair) -> Pair:
    confidence = min(first.confidence, second.confidence, key=_SURER.index)
    basis = f"Composed. To the hub: {first.basis} From it: {second.basis}"
    return Pair(first.source, second.target, composed(first.relation, second.relation), confidence, basis, (first.target,))


def _merged(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Make one of the pairs that join the same two entries: all of them hold, and what rests on several is as sure as the least of them."""
    same: defaultdict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        same[pair.source, pair.target].append(pair)
    for found in same.values():
        yield found[0] if len(found) == 1 else _one_of(found)


def _one_of(found: list[Pair]) -> Pair:
    relation = together(pair.relation for pair in found)
    saying = [pair for pair in found if pair.relation is relation]
    rests_on = [max(saying, key=lambda pair: _SURER.index(pair.confidence))] if saying else [one for one in found if one.relation]
    confidence = min((pair.confidence for pair in rests_on), key=_SURER.index)
    via = tuple(dict.fromkeys(name for pair in found for name in pair.via))
    return Pair(found[0].source, found[0].target, relation, confidence, " ".join(dict.fromkeys(one.basis for one in rests_on)), via)


def _in_order(catalog: Catalog, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    order = {ref: index for index, ref in enumerate(catalog.requirements)}
    return tuple(sorted(pairs, key=lambda pair: (order[pair.source], order[pair.target])))
