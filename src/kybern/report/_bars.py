"""Small pictures: how many requirements have which status, and where a measured value lies against its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kybern.assessment import Status
from kybern.report._svg import element, line, picture, rect
from kybern.report._words import figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

ORDER: Final = (Status.MET, Status.PARTLY_MET, Status.EXPIRED, Status.NOT_MET, Status.UNKNOWN, Status.NOT_APPLICABLE)
"""How statuses are lined up everywhere in the report."""

_WIDTH: Final = 600.0


def stacked(counts: Mapping[Status, int], height: float = 14) -> Markup:
    """Draw the counts by status as one bar, with a thin gap between the parts."""
    shown = [(status, counts.get(status, 0)) for status in ORDER if counts.get(status, 0)]
    total = sum(count for _, count in shown)
    label = ", ".join(f"{count} {status.label}" for status, count in shown) or "No requirements"
    room, x, parts = _WIDTH - 3 * max(len(shown) - 1, 0), 0.0, []
    for status, count in shown:
        wide = room * count / total
        parts.append(rect(x, 0, wide, height, rx=3, class_=f"fill {status.slug}"))
        x += wide + 3
    return element(
        "svg",
        *parts,
        class_="stack",
        view_box=f"0 0 600 {height}",
        preserve_aspect_ratio="none",
        role="img",
        aria_label=label,
    )


def meter(share: float | None, status: Status, label: str) -> Markup:
    """Draw a share as a short bar."""
    wide = 100.0 * max(0.0, min(1.0, share or 0.0))
    return picture(
        label, 100, 6, rect(0, 0, 100, 6, rx=3, class_="track"), rect(0, 0, wide, 6, rx=3, class_=f"fill {status.slug}"), class_="meter"
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured value with its interval, and the bounds it is to stay within."""

    value: float
    lower: float | None
    upper: float | None
    minimum: float | None
    maximum: float | None

    @property
    def within(self) -> bool:
        """Whether the value lies within the bounds; a bound itself is within."""
        return (self.minimum is None or self.value >= self.minimum) and (self.maximum is None or self.value <= self.maximum)

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        low = [] if self.minimum is None else [f"at least {figure(self.minimum)}"]
        high = [] if self.maximum is None else [f"at most {figure(self.maximum)}"]
        return ", ".join([*low, *high])

    @property
    def interval(self) -> str:
        """The interval in words, or nothing."""
        return "" if self.lower is None or self.upper is None else f"{figure(self.lower)} to {figure(self.upper)}"


def bullet(reading: Reading) -> Markup:
    """Draw a value on its scale: the band that is allowed, the bounds, the interval as a whisker, the value as a mark."""
    known = [reading.value, reading.lower, reading.upper, reading.minimum, reading.maximum]
    points = [point for point in known if point is not None]
    low, high = min(points), max(points)
    margin = (high - low) * 0.18 or abs(high) * 0.2 or 1.0
    start, end = low - margin, high + margin

    def at(point: float) -> float:
        return 196.0 * (point - start) / (end - start) + 2

    left = at(reading.minimum) if reading.minimum is not None else 2.0
    right = at(reading.maximum) if reading.maximum is not None else 198.0
    marks = [rect(2, 11, 196, 6, rx=3, class_="track"), rect(left, 11, max(right - left, 0.0), 6, class_="allowed")]
    marks += [line(at(bound), 5, at(bound), 23, class_="bound") for bound in (reading.minimum, reading.maximum) if bound is not None]
    if reading.lower is not None and reading.upper is not None:
        marks.append(line(at(reading.lower), 14, at(reading.upper), 14, class_="whisker"))
    marks.append(_mark(at(reading.value), within=reading.within))
    spread = f", interval {reading.interval}" if reading.interval else ""
    return picture(f"{figure(reading.value)}{spread}; asked is {reading.bounds}", 200, 28, *marks, class_="bullet")


def _mark(x: float, *, within: bool) -> Markup:
    """Mark the value: a disc within the bounds, a lozenge outside them, so that colour is not the only sign."""
    if within:
        return element("circle", cx=x, cy=14, r=5.5, class_="mark met")
    return element("path", d=f"M{x:.1f} 7l7 7l-7 7l-7-7z", class_="mark not_met")
