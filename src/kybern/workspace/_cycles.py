"""Circles in a directed graph."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


def cycles(graph: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Give one shortest circle for each strongly connected part, in a fixed order; a node that names itself is a circle."""
    for part in sorted(map(sorted, _parts(graph))):
        first, members = part[0], set(part)
        if len(part) > 1 or first in graph.get(first, ()):
            yield _shortest(graph, first, members)


def _shortest(graph: Mapping[str, Collection[str]], start: str, members: set[str]) -> list[str]:
    """Walk the fewest steps from `start` back to itself, within its part."""
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for after in graph.get(node, ()):
            if after == start:
                way = [node]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if after in members and after not in came_from:
                came_from[after] = node
                queue.append(after)
    raise AssertionError(start)  # pragma: no cover - every member of such a part lies on a circle


def _parts(graph: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Find the strongly connected parts: Kosaraju's two walks, each with its own stack, so depth does not matter."""
    backward: dict[str, list[str]] = {}
    for node, targets in graph.items():
        for target in targets:
            backward.setdefault(target, []).append(node)
    seen: set[str] = set()
    for start in reversed(_finished(graph)):
        part, pending = [], [start]
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                part.append(node)
                pending += backward.get(node, ())
        if part:
            yield part


def _finished(graph: Mapping[str, Collection[str]]) -> list[str]:
    """List the nodes in the order a depth-first walk leaves them."""
    seen: set[str] = set()
    order: list[str] = []
    for start in graph:
        pending = [] if start in seen else [(start, iter(graph[start]))]
        seen.add(start)
        while pending:
            node, targets = pending[-1]
            after = next((target for target in targets if target not in seen), None)
            if after is None:
                order.append(node)
                pending.pop()
            else:
                seen.add(after)
                pending.append((after, iter(graph.get(after, ()))))
    return order
