"""A trace graph as a picture: columns of boxes with their signs, and rounded links between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from kybern.report._svg import element, glyph, group, link, number, picture, rect, text, wrapped

if TYPE_CHECKING:
    from kybern.report._tracegraph import TraceEdge, TraceGraphView, TraceNode

_BOX: Final = 224
_BETWEEN: Final = 52
_STEP: Final = _BOX + _BETWEEN
_HEAD: Final = 30
_GAP: Final = 12
_LINE: Final = 14
_PAD: Final = 10
_SIGN: Final = 14
_TITLE, _DETAIL = 22, 27
"""How many characters a line of a box holds."""
_HEADS: Final = ("Requirements", "Controls", "Checks", "Records", "Evidence")


@dataclass(frozen=True, slots=True)
class Placed:
    """A node with its box."""

    node: TraceNode
    title: tuple[str, ...]
    detail: tuple[str, ...]
    x: float
    y: float

    @property
    def height(self) -> float:
        """As high as its lines need."""
        return _tall(self.title, self.detail)

    @property
    def middle(self) -> float:
        """Where its links meet it."""
        return self.y + self.height / 2


def _tall(title: tuple[str, ...], detail: tuple[str, ...]) -> float:
    return 2 * _PAD + _LINE * (len(title) + len(detail)) - 2


def placed(view: TraceGraphView) -> tuple[Placed, ...]:
    """Give every node its box: columns that hold nothing take no room, the others are centred beside the tallest."""
    columns = [nodes for nodes in view.columns if nodes]
    texts = {node.key: _texts(node) for nodes in columns for node in nodes}
    talls = [sum(_tall(*texts[node.key]) + _GAP for node in nodes) - _GAP for nodes in columns]
    tallest, found = max(talls, default=0.0), []
    for at, nodes in enumerate(columns):
        y = _HEAD + (tallest - talls[at]) / 2
        for node in nodes:
            found.append(Placed(node, *texts[node.key], 2.0 + at * _STEP, y))
            y += found[-1].height + _GAP
    return tuple(found)


def _texts(node: TraceNode) -> tuple[tuple[str, ...], tuple[str, ...]]:
    room = _TITLE if node.status is not None else _TITLE + 2
    detail = tuple(wrapped(node.detail, _DETAIL, 3 if node.folded else 2)) if node.detail else ()
    return tuple(wrapped(node.title, room, 3)), detail


def draw(view: TraceGraphView, label: str) -> Markup:
    """Draw the graph; what leads somewhere is a link."""
    boxes = placed(view)
    by_key = {one.node.key: one for one in boxes}
    bottom = max((one.y + one.height for one in boxes), default=_HEAD)
    wide = max((one.x + _BOX for one in boxes), default=_BOX) + 2
    used = [(at, nodes) for at, nodes in enumerate(view.columns) if nodes]
    heads = (text(2 + place * _STEP, 14, f"{_HEADS[at]} ({_count(nodes)})", class_="g-head") for place, (at, nodes) in enumerate(used))
    edges = sorted(view.edges, key=lambda edge: edge.counts)
    links = group(*(_edge(edge, by_key[edge.source], by_key[edge.target]) for edge in edges), class_="g-edges")
    parts = [*heads, links, *(_box(one, view.href(one.node)) for one in boxes)]
    linked = any(view.href(one.node) is not None for one in boxes)
    return picture(label, wide, bottom + 4, *parts, class_=f"trace of-{len(used)}", links=linked)


def _count(nodes: tuple[TraceNode, ...]) -> int:
    return sum(len(node.folded) or 1 for node in nodes)


def _edge(edge: TraceEdge, source: Placed, target: Placed) -> Markup:
    x0, x1 = source.x + _BOX, target.x
    bend = x0 + (x1 - x0) / 2
    a, b, m, y0, y1 = map(number, (x0, x1, bend, source.middle, target.middle))
    return element("path", d=f"M{a} {y0}C{m} {y0} {m} {y1} {b} {y1}", fill="none", class_="g-edge" if edge.counts else "g-edge aside")


def _box(one: Placed, href: str | None) -> Markup:
    parts = (rect(one.x, one.y, _BOX, one.height, rx=8, class_="g-box"), *_inside(one))
    classes = " ".join(_classes(one.node))
    if href is None:
        return group(element("title", one.node.label), *parts, class_=classes)
    return link(href, one.node.label, *parts, class_=classes)


def _classes(node: TraceNode) -> Iterator[str]:
    yield f"g-{'more' if node.folded else node.kind}"
    if node.status is not None:
        yield node.status.slug
    if node.focus:
        yield "focus"


def _inside(one: Placed) -> Iterator[Markup]:
    status, left = one.node.status, one.x + _PAD
    if status is not None:
        yield glyph(status, one.x + _PAD, one.y + _PAD, _SIGN)
        left += _SIGN + 7
    for at, said in enumerate(one.title):
        yield text(left, one.y + _PAD + 11 + _LINE * at, said, class_="g-title")
    for at, said in enumerate(one.detail, len(one.title)):
        yield text(left, one.y + _PAD + 11 + _LINE * at, said, class_="g-detail")
