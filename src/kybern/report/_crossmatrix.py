"""A crosswalk as a matrix: areas of the source down, of the target across, darker where there are more rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from markupsafe import Markup

from kybern.catalog import Confidence, Reach
from kybern.report._areas import Area, Flow, Flows
from kybern.report._svg import element, group, link, picture, rect, text, wrapped

_LABEL: Final = 290
_ROW: Final = 34
_GAP: Final = 3
_WIDTH: Final = 1160
_HEAD: Final = (48.0, 190.0)
"""The least and the most room above the cells: the slanting names take as much as the longest needs."""
_RISE: Final = 4.9
"""How much higher a slanting name gets with each character."""
_WIDEST: Final = 78.0
STEPS: Final = (1, 3, 6, 12, 24)
"""From how many rows on a cell has which of the five shades."""


def matrix(found: Flows, source: str, target: str) -> Markup:
    """Draw the matrix; each cell with rows is a link to them, `#flow-N`."""
    step = max(30.0, min(_WIDEST, (_WIDTH - _LABEL) / max(len(found.right), 1)))
    head = _head(found, step)
    by_cell = {(flow.left, flow.right): flow for flow in found.flows}
    parts = [*_columns(found, step, head)]
    for row, area in enumerate(found.left):
        y = head + _ROW * row
        lines = wrapped(area.name, 44, 2)
        top = y + (_ROW - _GAP) / 2 + 4 - 6 * (len(lines) - 1)
        parts.append(group(*(text(_LABEL - 10, top + 12 * at, one, class_="m-name end") for at, one in enumerate(lines))))
        cells = (_cell(found, by_cell.get((row, column)), _LABEL + step * column, y, step) for column in range(len(found.right)))
        parts += cells
    width, height = _LABEL + step * len(found.right) + _corner(step), head + _ROW * len(found.left) + 4
    label = f"How many rows join the areas of {source} and {target}; each cell leads to its rows"
    return picture(label, width, height, *parts, class_="cross", links=True)


def _corner(step: float) -> float:
    """Give the room that the last slanting head needs."""
    return 150 if step < _WIDEST else 110


def _names(area: Area, step: float) -> list[str]:
    return wrapped(area.name, 30, 2 if step >= 50 else 1)  # noqa: PLR2004 - what two slanting lines need


def _head(found: Flows, step: float) -> float:
    longest = max((len(line) for area in found.right for line in _names(area, step)), default=0)
    return max(_HEAD[0], min(_HEAD[1], 30 + _RISE * longest))


def _columns(found: Flows, step: float, head: float) -> Iterator[Markup]:
    for column, area in enumerate(found.right):
        x, y = _LABEL + step * (column + 0.5), head - 10.0
        lines = _names(area, step)
        names = (text(0, 12 * at - 4 * (len(lines) - 1), one, class_="m-name") for at, one in enumerate(lines))
        yield element("g", *names, transform=f"translate({x:.1f} {y:.1f}) rotate(-52)")


def _cell(found: Flows, flow: Flow | None, x: float, y: float, step: float) -> Markup:
    wide, high = step - _GAP, _ROW - _GAP
    if flow is None:
        return rect(x, y, wide, high, rx=4, class_="m-none")
    shade = sum(len(flow.pairs) >= least for least in STEPS)
    doubtful = flow.reach is Reach.UNPROVEN or flow.confidence is Confidence.LOW
    marks = [
        rect(x, y, wide, high, rx=4, class_=f"m-cell shade-{shade}{' doubtful' if doubtful else ''}"),
        text(x + wide / 2, y + high / 2 + 4, str(len(flow.pairs)), class_=f"m-num on-shade-{shade} mid"),
    ]
    if flow.reach is Reach.CARRIED:
        marks.append(element("path", d=f"M{x + wide - 11:.1f} {y:.1f}h11v11z", class_="m-carried"))
    return link(f"#flow-{flow.index}", found.label(flow), *marks)
