"""The risk matrix: likelihood by consequence, five by five, with the risks of a system as numbered marks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from kybern.report._svg import element, group, line, picture, rect, text
from kybern.report._words import plural

_STEPS: Final = 5
_CELL: Final = 46
_LEFT: Final = 30
_TOP: Final = 4
_SHADES: Final = (4, 6, 10, 15)
"""Scores up to which a cell has the first, second, ... shade of YlOrBr."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A risk in the matrix: its number in the table beside it, and where it lies, 1 to 5 each."""

    number: int
    likelihood: int
    consequence: int


def matrix(label: str, marks: Sequence[Mark], acceptable: int | None) -> Markup:
    """Draw the marks; a thick line parts what may be accepted (score up to `acceptable`) from what may not."""
    size = _CELL * _STEPS
    cells = [_cell(likelihood, consequence) for likelihood in range(1, 6) for consequence in range(1, 6)]
    bounds = [] if acceptable is None else [_bound(acceptable)]
    axes = [
        text(_LEFT + size / 2, _TOP + size + 34, "Consequence", class_="axis mid"),
        element("text", "Likelihood", class_="axis mid", transform=f"translate(11 {_TOP + size / 2:.0f}) rotate(-90)"),
        *(text(_LEFT + _CELL * (step - 0.5), _TOP + size + 16, str(step), class_="axis mid") for step in range(1, 6)),
        *(text(_LEFT - 7, _y(step) + _CELL / 2 + 4, str(step), class_="axis end") for step in range(1, 6)),
    ]
    said = f"{label}: {plural(len(marks), 'risk')}. " + " ".join(
        f"Risk {mark.number}: likelihood {mark.likelihood}, consequence {mark.consequence}." for mark in marks
    )
    return picture(said.strip(), _LEFT + size + 4, _TOP + size + 40, *cells, *bounds, *axes, *_marks(marks), class_="matrix")


def _y(likelihood: int) -> float:
    return _TOP + _CELL * (_STEPS - likelihood)


def _cell(likelihood: int, consequence: int) -> Markup:
    score = likelihood * consequence
    shade = sum(score > bound for bound in _SHADES)
    x, y = _LEFT + _CELL * (consequence - 1), _y(likelihood)
    return group(
        rect(x + 1, y + 1, _CELL - 2, _CELL - 2, rx=3, class_=f"risk-{shade}"), text(x + 5, y + 13, str(score), class_=f"score on-{shade}")
    )


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


def _marks(marks: Sequence[Mark]) -> list[Markup]:
    """Place the marks of a cell in rows of three, smaller where there are many."""
    cells: defaultdict[tuple[int, int], list[Mark]] = defaultdict(list)
    for mark in marks:
        cells[mark.likelihood, mark.consequence].append(mark)
    found = []
    for (likelihood, consequence), inside in cells.items():
        wide = 2 if len(inside) <= 4 else 3 if len(inside) <= 9 else 4  # noqa: PLR2004 - a square grows with its root
        step = (_CELL - 10) / wide
        for at, mark in enumerate(inside):
            x = _LEFT + _CELL * (consequence - 1) + 5 + step * (at % wide + 0.5)
            y = _y(likelihood) + (16 if wide == 2 and len(inside) <= 2 else 5) + step * (at // wide + 0.5)  # noqa: PLR2004
            found.append(_dot(mark, x, y, min(9.0, step / 2 - 0.8)))
    return found


def _dot(mark: Mark, x: float, y: float, radius: float) -> Markup:
    number = text(x, y + radius * 0.38, str(mark.number), class_="dot-no", font_size=radius * 1.15)
    return group(element("circle", cx=x, cy=y, r=radius, class_="dot"), number)
