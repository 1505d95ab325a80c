"""What line charts share: a frame, ticks of time, marks that differ by shape, lines, and labels that keep clear of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

from kybern.report._svg import Value, element, group, number, text

Dot = tuple[float, float]
"""A place in a drawing: x, y."""

KEY: Final = 38
"""What the words on one line of a chart take under the plot."""
_KEY_X, _KEY_LINE = 17.0, 16
_MONTHS: Final = (1, 2, 3, 6)
_DAYS: Final = (1, 2, 7, 14)
_MONTH_DAYS: Final = 30.44

_SHAPES: Final = (
    "m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0-{d} 0z",
    "m-{r}-{r}h{d}v{d}h-{d}z",
    "m0-{w}l{w} {w}l-{w} {w}l-{w}-{w}z",
    "m0-{w}l{w} {d}h-{e}z",
    "m0 {w}l{w}-{d}h-{e}z",
    "m-{r}-{w}h{d}l{r} {w}l-{r} {w}h-{d}l-{r}-{w}z",
)
"""A disc, a square, a lozenge, a triangle, one that stands on its head, a hexagon."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The room that a chart is drawn in, and its margins about the plot; a compact one, for phones, has its words under the plot."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    ticks: int
    compact: bool = False

    @property
    def edge(self) -> int:
        """Where the plot ends on the right."""
        return self.width - self.right

    @property
    def plot(self) -> int:
        """How wide the plot is."""
        return self.edge - self.left

    def inside(self, x: float, half: float) -> float:
        """Move the middle of a text so that it does not run over the right end."""
        return min(x, self.width - half)


def mark(kind: int, x: float, y: float, radius: float, **attributes: Value) -> Markup:
    """Draw a mark of about this radius; marks of neighbouring kinds have different shapes."""
    wide = radius * 1.3
    shape = _SHAPES[kind % len(_SHAPES)]
    sizes = {"r": radius, "d": 2 * radius, "w": wide, "e": 2 * wide}
    drawn = shape.format(**{name: number(float(size)) for name, size in sizes.items()})
    return element("path", d=f"M{number(float(x))} {number(float(y))}{drawn}", **attributes)


def track(dots: Sequence[Dot], **attributes: Value) -> Markup:
    """Draw a line through some places."""
    return element("path", d=_through(dots), fill="none", **attributes)


def key_dot(top: float, at: int) -> Dot:
    """Give where the mark stands that the words on a line begin with, `at` of those under the plot."""
    return _KEY_X, top + KEY * at + 12


def key(dot: Dot, shape: Markup, head: str, says: str, *, line: str, hue: str) -> Markup:  # noqa: PLR0913  (what is drawn, what is said)
    """Say under a plot what a line is: a piece of it with its mark, its name, and what it comes to."""
    x, y = dot
    piece = track([(2.0, y), (2 * x - 2, y)], class_=line)
    words = (text(2 * x + 6, y + 4, head, class_="t-name"), text(2 * x + 6, y + 4 + _KEY_LINE, says, class_="t-axis"))
    return group(piece, shape, *words, class_=hue)


def area(upper: Sequence[Dot], lower: Sequence[Dot], **attributes: Value) -> Markup:
    """Fill what lies between two lines."""
    return element("path", d=_through([*upper, *reversed(lower)]) + "Z", **attributes)


def _through(dots: Sequence[Dot]) -> str:
    return "".join(f"{'L' if at else 'M'}{number(float(x))} {number(float(y))}" for at, (x, y) in enumerate(dots))


def time_ticks(start: datetime, end: datetime, most: int) -> tuple[tuple[datetime, str], ...]:
    """Choose at most `most` days between two moments, whole months where these suffice, and how they are written."""
    days = (end - start) / timedelta(days=1)
    if days < _MONTH_DAYS * 2:
        step = next((one for one in _DAYS if days / one < most), 28)
        first = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        found = (first + timedelta(days=step * at) for at in range(1, int(days / step) + 2))
        return tuple((one, f"{one.day} {one:%b}") for one in found if start <= one <= end)[:most]
    months = days / _MONTH_DAYS
    step = next((one for one in _MONTHS if months / one < most), 12 * max(1, -int(-months // (12 * most))))
    return tuple((one, f"{one:%b %Y}") for one in _month_starts(start, end, step))[:most]


def _month_starts(start: datetime, end: datetime, step: int) -> list[datetime]:
    """Give the first days of every `step`-th month, counted from January so that they fall alike in every year."""
    first = start.astimezone(UTC)
    index = -(-(first.year * 12 + first.month - 1) // step) * step
    found = []
    while index < 9999 * 12:
        moment = datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
        if moment > end:
            break
        if moment >= start:
            found.append(moment)
        index += step
    return found


def spread(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Place labels, given by their middles, as near to where they belong as fits: none over another, none outside if there is room."""
    order = sorted(range(len(wanted)), key=lambda at: (wanted[at], at))
    offsets, total = [], 0.0
    for at in order:
        offsets.append(total + heights[at] / 2)
        total += heights[at]
    # Less their offsets the places need only not fall: labels that would overlap form a run, set about the mean of what they want.
    runs: list[tuple[float, int]] = []
    for at, offset in zip(order, offsets, strict=True):
        sum_, count = wanted[at] - offset, 1
        while runs and runs[-1][0] / runs[-1][1] >= sum_ / count:
            before = runs.pop()
            sum_, count = sum_ + before[0], count + before[1]
        runs.append((sum_, count))
    starts = [sum_ / count for sum_, count in runs for _ in range(count)]
    placed = [0.0] * len(order)
    for at, offset, start in zip(order, offsets, starts, strict=True):
        placed[at] = max(low, min(start, high - total)) + offset
    return placed
