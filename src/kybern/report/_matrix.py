"""The risk matrix: likelihood by consequence, five by five, with the risks of a system as numbered marks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from markupsafe import Markup

from kybern.report._svg import element, group, line, link, picture, rect, text
from kybern.report._words import plural

_STEPS: Final = 5
_CELL: Final = 46
_LEFT: Final = 30
_TOP: Final = 4
_Box = tuple[int, int, int, int]
_UNDER: Final[_Box] = (2, 15, 44, 44)
"""Where marks stand under a cell's score: left, top, right, bottom within the cell."""
_CORNER: Final[_Box] = (5, 5, 41, 41)
_SHADES: Final = (4, 6, 10, 15)
"""Scores up to which a cell has the first, second, ... shade of YlOrBr."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A risk in the matrix: its number in the table beside it, and where it lies, 1 to 5 each; its title is said where it is a link."""

    number: int
    likelihood: int
    consequence: int
    title: str = ""


CellHref = Callable[[int, int], str | None]
"""Where a cell leads: likelihood and consequence to an address, or to None for no link."""

MarkHref = Callable[[Mark], str | None]
"""Where a mark leads."""


def matrix(  # noqa: PLR0913  (where things lead, and how many are drawn, each has a use of its own)
    label: str,
    marks: Sequence[Mark],
    acceptable: int | None,
    *,
    cells: CellHref | None = None,
    dots: MarkHref | None = None,
    most: int | None = None,
) -> Markup:
    """Draw the marks; a thick line parts what may be accepted (score up to `acceptable`) from what may not.

    Cells and marks are links where `cells` and `dots` give them an address. A cell of more than `most` marks says how many they are.
    """
    size = _CELL * _STEPS
    boxes = [_linked(likelihood, consequence, marks, cells) for likelihood in range(1, 6) for consequence in range(1, 6)]
    bounds = [] if acceptable is None else [_bound(acceptable)]
    axes = [
        text(_LEFT + size / 2, _TOP + size + 34, "Consequence", class_="axis mid"),
        element("text", "Likelihood", class_="axis mid", transform=f"translate(11 {_TOP + size / 2:.0f}) rotate(-90)"),
        *(text(_LEFT + _CELL * (step - 0.5), _TOP + size + 16, str(step), class_="axis mid") for step in range(1, 6)),
        *(text(_LEFT - 7, _y(step) + _CELL / 2 + 4, str(step), class_="axis end") for step in range(1, 6)),
    ]
    said = f"{label}: {plural(len(marks), 'risk')}. {_said(marks, most)}"
    links = cells is not None or dots is not None
    drawn = (*boxes, *bounds, *axes, *_marks(marks, dots, most or len(marks), through=cells is not None))
    return picture(said.strip(), _LEFT + size + 4, _TOP + size + 40, *drawn, class_="matrix", links=links)


def _said(marks: Sequence[Mark], most: int | None) -> str:
    """Say where the marks lie: each of them, or how many a cell has where some cell says no more than that itself."""
    cells = Counter((mark.likelihood, mark.consequence) for mark in marks)
    if most is None or max(cells.values(), default=0) <= most:
        return " ".join(f"Risk {mark.number}: likelihood {mark.likelihood}, consequence {mark.consequence}." for mark in marks)
    counts = sorted(cells.items(), reverse=True)
    return " ".join(f"Likelihood {high}, consequence {wide}: {plural(count, 'risk')}." for (high, wide), count in counts)


def _y(likelihood: int) -> float:
    return _TOP + _CELL * (_STEPS - likelihood)


def _cell(likelihood: int, consequence: int) -> Markup:
    score = likelihood * consequence
    shade = sum(score > bound for bound in _SHADES)
    x, y = _LEFT + _CELL * (consequence - 1), _y(likelihood)
    return group(
        rect(x + 1, y + 1, _CELL - 2, _CELL - 2, rx=3, class_=f"risk-{shade}"), text(x + 5, y + 13, str(score), class_=f"score on-{shade}")
    )


def _linked(likelihood: int, consequence: int, marks: Sequence[Mark], href: CellHref | None) -> Markup:
    """Draw a cell, as a link where it is one."""
    where = href(likelihood, consequence) if href else None
    if where is None:
        return _cell(likelihood, consequence)
    inside = sum((mark.likelihood, mark.consequence) == (likelihood, consequence) for mark in marks)
    said = f"Likelihood {likelihood}, consequence {consequence}: {plural(inside, 'risk')}"
    return link(where, said, _cell(likelihood, consequence), class_="m-cell")


def _bound(acceptable: int) -> Markup:
    """Draw the step between scores up to the bound and those above it."""
    found = []
    for likelihood in range(1, 6):
        for consequence in range(1, 6):
            if likelihood * consequence > acceptable:
                continue
            right, top = _LEFT + _CELL * consequence, _y(likelihood)
            if consequence < _STEPS and likelihood * (consequence + 1) > acceptable:
                found.append(line(right, top, right, top + _CELL, class_="limit"))
            if likelihood < _STEPS and (likelihood + 1) * consequence > acceptable:
                found.append(line(right - _CELL, top, right, top, class_="limit"))
    return group(*found)


def _marks(marks: Sequence[Mark], href: MarkHref | None, most: int, *, through: bool) -> list[Markup]:
    """Place the marks in their cells; what is no link lets a pointer `through` to its cell."""
    cells: defaultdict[tuple[int, int], list[Mark]] = defaultdict(list)
    for mark in marks:
        cells[mark.likelihood, mark.consequence].append(mark)
    found = []
    for (likelihood, consequence), inside in cells.items():
        if len(inside) > most:
            found.append(_count(likelihood, consequence, len(inside), through=through))
            continue
        left, top = _LEFT + _CELL * (consequence - 1), _y(likelihood)
        radius, places = _places(len(inside))
        for mark, (x, y) in zip(inside, places, strict=True):
            found.append(_dot(mark, left + x, top + y, radius, href(mark) if href else None, through=through))
    return found


@cache
def _places(count: int) -> tuple[float, tuple[tuple[float, float], ...]]:
    """Choose where the marks of a cell stand, as large as fits: in rows under its score, or in a square that begins with it."""
    grids = [_grid(count, columns, _UNDER) for columns in range(1, count + 1)]
    grids += [_grid(count, side, _CORNER, skip=1) for side in (2, 3) if side * side > count]
    return max(grids, key=lambda grid: grid[0])


def _grid(count: int, columns: int, box: _Box, skip: int = 0) -> tuple[float, tuple[tuple[float, float], ...]]:
    """Divide a box into columns and rows, and give the middle of each place after those that are skipped, with the radius that fits."""
    left, top, right, bottom = box
    rows = -(-(count + skip) // columns)
    wide, high = (right - left) / columns, (bottom - top) / rows
    places = ((left + wide * (at % columns + 0.5), top + high * (at // columns + 0.5)) for at in range(skip, count + skip))
    return min(9.0, max(min(wide, high) / 2 - 0.8, 0.5)), tuple(places)


def _count(likelihood: int, consequence: int, count: int, *, through: bool) -> Markup:
    """Say how many marks a cell has, on a plate that no mark looks like."""
    x, y = _LEFT + _CELL * (consequence - 0.5), _y(likelihood) + _CELL / 2 + 5
    parts = (rect(x - 17, y - 10, 34, 20, rx=6, class_="dot"), text(x, y + 4.5, f"×{count}", class_="dot-no", font_size=12))
    return group(*parts, pointer_events="none" if through else None)


def _dot(mark: Mark, x: float, y: float, radius: float, href: str | None, *, through: bool) -> Markup:  # noqa: PLR0913  (mark, place)
    size = radius * (1.3 if mark.number < 10 else 1.15)  # noqa: PLR2004 - two digits are wider than one
    number = text(x, y + size * 0.35, str(mark.number), class_="dot-no", font_size=size)
    parts = (element("circle", cx=x, cy=y, r=radius, class_="dot"), number)
    if href is None:
        return group(*parts, pointer_events="none" if through else None)
    return link(href, f"Risk {mark.number}{': ' if mark.title else ''}{mark.title}", *parts, class_="m-dot")
