"""Pictures of the core in the reader's language: what they name is told before they are drawn, for a picture breaks names into lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kybern.server.wording import is_english, retell, say

if TYPE_CHECKING:
    from kybern.report import HeatMap
    from kybern.report._areas import Area, Flows
    from kybern.report._heatmap import Cell
    from kybern.report._tracegraph import TraceGraphView, TraceNode

_OF_THE_CATALOG = frozenset(("requirement", "control", "check"))


def told_heat(heat: HeatMap) -> HeatMap:
    """Give a heat map with its chapters named in the reader's language."""
    if is_english():
        return heat
    names = {one.ref: replace(one, title=say(one.title), band=retell(one.band, "picture")) for one in heat.columns}

    def told(cell: Cell | None) -> Cell | None:
        return None if cell is None else replace(cell, column=names[cell.column.ref])

    rows = tuple((layer, tuple(map(told, cells))) for layer, cells in heat.rows)
    return replace(heat, columns=tuple(names.values()), rows=rows)


def told_flows(flows: Flows) -> Flows:
    """Give what flows between two frameworks with their areas named in the reader's language."""

    def told(areas: tuple[Area, ...]) -> tuple[Area, ...]:
        return tuple(replace(one, title=say(one.title)) for one in areas)

    return flows if is_english() else replace(flows, left=told(flows.left), right=told(flows.right))


def told_trace(view: TraceGraphView) -> TraceGraphView:
    """Give a graph of traces with its boxes named in the reader's language; titles of records stay as somebody wrote them."""
    if is_english():
        return view
    return replace(view, columns=tuple(tuple(map(_told_node, nodes)) for nodes in view.columns))


def _told_node(node: TraceNode) -> TraceNode:
    if node.folded or not node.ref:
        return replace(node, title=retell(node.title, "picture"), detail=retell(node.detail, "counted"))
    if node.kind in _OF_THE_CATALOG:
        return replace(node, title=say(node.title))
    if node.kind == "evidence":
        says = retell(node.says) if node.says else ""
        return replace(node, title=retell(node.title, "piece"), detail=retell(node.detail, "picture"), says=says)
    return node
