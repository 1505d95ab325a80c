"""A crosswalk summed up by area: clauses, chapters, functions, and what flows between them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kybern.catalog import Catalog, Confidence, Crossing, Pair, Reach
from kybern.report._words import plural

MOST: Final = 24
"""Areas shown on a side; where more have rows, the smallest are put together."""
_SURE: Final = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a framework, with how many rows end in it."""

    id: str
    title: str
    rows: int

    @property
    def name(self) -> str:
        """Id and title, once where they are the same."""
        return self.id if self.title.casefold() in ("", self.id.casefold()) else f"{self.id} {self.title}"


@dataclass(frozen=True, slots=True)
class Flow:
    """The pairs between two areas, given by their places in the lists."""

    index: int
    left: int
    right: int
    pairs: tuple[Pair, ...]

    @property
    def reach(self) -> Reach:
        """The farthest any of the pairs reaches."""
        if any(pair.carries for pair in self.pairs):
            return Reach.CARRIED
        return Reach.SERVES if any(pair.relation for pair in self.pairs) else Reach.UNPROVEN

    @property
    def confidence(self) -> Confidence:
        """The best confidence among the pairs."""
        return next(one for one in _SURE if any(pair.confidence is one for pair in self.pairs))

    @property
    def counts(self) -> str:
        """How sure the pairs are, in words: `3 high, 1 low`."""
        found = Counter(pair.confidence for pair in self.pairs)
        return ", ".join(f"{found[one]} {one.value}" for one in _SURE if found[one])

    @property
    def relations(self) -> str:
        """The relations of the pairs in words: `4 intersects`."""
        return ", ".join(f"{count} {word}" for word, count in Counter(pair.words for pair in self.pairs).items())


@dataclass(frozen=True, slots=True)
class Flows:
    """Two frameworks as areas and what flows between them."""

    left: tuple[Area, ...]
    right: tuple[Area, ...]
    flows: tuple[Flow, ...]

    def label(self, flow: Flow) -> str:
        """Say a flow in a sentence."""
        ends = f"{self.left[flow.left].name} to {self.right[flow.right].name}"
        return f"{ends}: {plural(len(flow.pairs), 'row')} ({flow.relations}), confidence {flow.counts}"


def flows_of(crossing: Crossing) -> Flows:
    """Sum a crosswalk up."""
    left, left_of = _areas(crossing.catalog, [pair.source for pair in crossing.pairs])
    right, right_of = _areas(crossing.catalog, [pair.target for pair in crossing.pairs])
    between: defaultdict[tuple[int, int], list[Pair]] = defaultdict(list)
    for pair in crossing.pairs:
        between[left_of[pair.source], right_of[pair.target]].append(pair)
    flows = (Flow(index, *ends, tuple(between[ends])) for index, ends in enumerate(sorted(between)))
    return Flows(left, right, tuple(flows))


def _areas(catalog: Catalog, refs: Iterable[str]) -> tuple[tuple[Area, ...], dict[str, int]]:
    """List the areas that the entries lie in, in the order of the framework, and the place of each entry's area."""
    counted = Counter(refs)
    area_of = {ref: _area(catalog, ref) for ref in counted}
    rows: Counter[str] = Counter()
    for ref, count in counted.items():
        rows[area_of[ref]] += count
    order = {ref: index for index, ref in enumerate(catalog.requirements)}
    kept = {name for name, _ in rows.most_common(MOST if len(rows) <= MOST else MOST - 1)}
    shown = sorted(kept, key=order.__getitem__)
    found = [_entry(catalog, name, rows[name]) for name in shown]
    others = [name for name in rows if name not in kept]
    if others:
        found.append(Area(f"{len(others)} others", "", sum(rows[name] for name in others)))
    place = {name: shown.index(name) if name in kept else len(shown) for name in rows}
    return tuple(found), {ref: place[name] for ref, name in area_of.items()}


def _entry(catalog: Catalog, ref: str, rows: int) -> Area:
    entry = catalog.requirements[ref]
    return Area(entry.id, entry.title, rows)


def _area(catalog: Catalog, ref: str) -> str:
    """Find the topmost entry above one; an annex stands for the areas in it."""
    framework, path = ref.partition(":")[0], [ref]
    while (parent := catalog.requirements[path[-1]].parent) is not None:
        path.append(f"{framework}:{parent}")
    inside = len(path) > 1 and catalog.requirements[path[-1]].kind == "annex"
    return path[-2] if inside else path[-1]
