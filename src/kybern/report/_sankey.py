"""A crosswalk as a Sankey diagram: areas of the source left, of the target right, as wide as there are rows between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from kybern.report._areas import Area, Flow, Flows
from kybern.report._svg import element, group, link, number, picture, rect, text, wrapped
from kybern.report._words import plural, short_name

_WIDTH: Final = 1160
_LABEL: Final = 300
_NODE: Final = 12
_GAP: Final = 12
_SLOT: Final = 32.0
"""The least height of a node with its label."""
_TALL: Final = 620
_HEAD: Final = 34
_THICK: Final = (2.2, 12.0)
"""The least and the most a row is high."""


@dataclass(frozen=True, slots=True)
class Node:
    """An area with its place: `top` and `height` of the bar."""

    area: Area
    top: float
    height: float

    @property
    def middle(self) -> float:
        """The height its label stands at."""
        return self.top + self.height / 2


def sankey(found: Flows, source: str, target: str) -> Markup:
    """Draw the flows; each is a link to its rows, `#flow-N`."""
    total = sum(area.rows for area in found.left) or 1
    thick = max(_THICK[0], min(_THICK[1], _TALL / total))
    height = max(_needed(found.left, thick), _needed(found.right, thick))
    left, right = _nodes(found.left, thick, height), _nodes(found.right, thick, height)
    parts = [
        text(_LABEL, 16, short_name(source), class_="s-head end"),
        text(_WIDTH - _LABEL, 16, short_name(target), class_="s-head"),
        *_ribbons(found, left, right, thick),
        *(_node(node, _LABEL, left=True) for node in left),
        *(_node(node, _WIDTH - _LABEL - _NODE, left=False) for node in right),
    ]
    label = f"What {source} and {target} share, by area; each band leads to its rows"
    return picture(label, _WIDTH, height + _HEAD + 8, *parts, class_="sankey", links=True)


def _needed(areas: Sequence[Area], thick: float) -> float:
    return sum(max(area.rows * thick, _SLOT) + _GAP for area in areas) - _GAP if areas else _SLOT


def _nodes(areas: Sequence[Area], thick: float, height: float) -> list[Node]:
    """Set the areas of a side one under the other, the room that is left spread between them."""
    spare = (height - _needed(areas, thick)) / (len(areas) + 1)
    y, found = _HEAD + spare, []
    for area in areas:
        tall, slot = area.rows * thick, max(area.rows * thick, _SLOT)
        found.append(Node(area, y + (slot - tall) / 2, tall))
        y += slot + _GAP + spare
    return found


def _ribbons(found: Flows, left: Sequence[Node], right: Sequence[Node], thick: float) -> Iterator[Markup]:
    """Draw the bands, at both ends in the order of the other side so that few cross; the thick ones first, under the thin."""
    leave = [node.top for node in left]
    arrive = [node.top for node in right]
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    for flow in sorted(found.flows, key=lambda flow: (flow.left, flow.right)):
        starts[flow.index], leave[flow.left] = leave[flow.left], leave[flow.left] + len(flow.pairs) * thick
    for flow in sorted(found.flows, key=lambda flow: (flow.right, flow.left)):
        ends[flow.index], arrive[flow.right] = arrive[flow.right], arrive[flow.right] + len(flow.pairs) * thick
    for flow in sorted(found.flows, key=lambda flow: -len(flow.pairs)):
        band = element("path", d=_path(starts[flow.index], ends[flow.index], len(flow.pairs) * thick))
        yield link(f"#flow-{flow.index}", found.label(flow), band, class_=_classes(flow))


def _classes(flow: Flow) -> str:
    return f"band-{flow.reach.name.lower()} sure-{flow.confidence.value}"


def _path(start: float, end: float, thick: float) -> str:
    x0, x1 = float(_LABEL + _NODE), float(_WIDTH - _LABEL - _NODE)
    bend = (x0 + x1) / 2
    a, b, c, d, m, y0, y1, y2, y3 = map(number, (x0, x1, x1, x0, bend, start, end, end + thick, start + thick))
    return f"M{a} {y0}C{m} {y0} {m} {y1} {b} {y1}L{c} {y2}C{m} {y2} {m} {y3} {d} {y3}Z"


def _node(node: Node, x: float, *, left: bool) -> Markup:
    """Draw a bar with its name and number beside it, on at most two lines."""
    lines = wrapped(node.area.name, 40, 1 if node.height < _SLOT else 2)
    at, side = (x - 8, " end") if left else (x + _NODE + 8, "")
    top = node.middle + 4 - 7 * len(lines)
    names = (text(at, top + 14 * row, one, class_=f"s-name{side}") for row, one in enumerate(lines))
    count = text(at, top + 14 * len(lines), plural(node.area.rows, "row"), class_=f"s-small{side}")
    return group(rect(x, node.top, _NODE, max(node.height, 1.5), rx=2, class_="node"), *names, count)
