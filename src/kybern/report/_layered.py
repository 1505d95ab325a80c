"""Order nodes in columns so that few links cross: barycentre sweeps, the same every time, never worse than the order given."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

Key = TypeVar("Key", bound=Hashable)

_SWEEPS: Final = 12


def crossings(columns: Sequence[Sequence[Key]], links: Sequence[tuple[Key, Key]]) -> int:
    """Count the pairs of links between the same two columns that cross."""
    column = {key: at for at, keys in enumerate(columns) for key in keys}
    place = {key: at for keys in columns for at, key in enumerate(keys)}
    between: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for source, target in links:
        between[column[source], column[target]].append((place[source], place[target]))
    return sum(map(_inversions, between.values()))


def _inversions(pairs: list[tuple[int, int]]) -> int:
    """Count the pairs of which one starts above the other and ends below it."""
    ends: list[int] = []
    count = 0
    for _, end in sorted(pairs):
        count += len(ends) - bisect_right(ends, end)
        insort(ends, end)
    return count


def ordered(columns: Sequence[Sequence[Key]], links: Sequence[tuple[Key, Key]]) -> tuple[tuple[Key, ...], ...]:
    """Order each column by where the neighbours of its nodes lie, forth and back, and give the best order that was seen."""
    before: defaultdict[Key, list[Key]] = defaultdict(list)
    after: defaultdict[Key, list[Key]] = defaultdict(list)
    for source, target in links:
        after[source].append(target)
        before[target].append(source)
    best = current = [list(keys) for keys in columns]
    fewest = crossings(best, links)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        forth = sweep % 2 == 0
        current = _swept(current, before if forth else after, forth=forth)
        count = crossings(current, links)
        if count < fewest:
            best, fewest = current, count
    return tuple(map(tuple, best))


def _swept(columns: list[list[Key]], neighbours: Mapping[Key, Sequence[Key]], *, forth: bool) -> list[list[Key]]:
    """Sort column after column by the mean place of each node's neighbours; a node without any stays where it is."""
    found = list(columns)
    place = {key: _share(at, len(keys)) for keys in columns for at, key in enumerate(keys)}
    for column in range(len(found)) if forth else reversed(range(len(found))):
        keys = found[column]
        wish = {key: _mean([place[one] for one in neighbours.get(key, ())], place[key]) for key in keys}
        found[column] = sorted(keys, key=wish.__getitem__)
        place.update({key: _share(at, len(keys)) for at, key in enumerate(found[column])})
    return found


def _share(at: int, count: int) -> float:
    return (at + 0.5) / count


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
