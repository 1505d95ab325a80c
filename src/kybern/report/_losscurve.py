"""The loss exceedance curve: how likely a year costs more than a sum, before treatment and after."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from kybern.assessment import ExceedancePoint, LossCurve, Losses
from kybern.report._chart import KEY, Dot, Frame, area, key, key_dot, track
from kybern.report._svg import element, group, line, picture, text
from kybern.report._words import THIN, percent, plural

_WIDE: Final = Frame(960, 380, left=60, right=40, top=34, bottom=52, ticks=9)
_COMPACT: Final = Frame(380, 330, left=46, right=14, top=34, bottom=56, ticks=5, compact=True)
_LINE: Final = 15
_TOPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_NUMBERS: Final = (1, 2, 5)
_LARGE: Final = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_ROOM: Final = 230
"""What a label takes at most."""
_HIGH, _LOW, _FLAT = 0.62, 0.22, 0.35
"""Where the labels stand, in shares of the height; below the last a curve is too flat for words under it."""
_TICK: Final = 34
"""Half of what the widest sum under the axis takes."""
_BEFORE_LOOK, _AFTER_LOOK = "t-1 l-before", "t-0 l-after"

BEFORE: Final = "before treatment"
AFTER: Final = "after treatment"
ALIKE: Final = f"{BEFORE} and after alike"


@dataclass(frozen=True, slots=True)
class LossRow:
    """A row of the table: how likely a year costs more than `loss`, before treatment and after."""

    loss: float
    says: str
    inherent: ExceedancePoint
    residual: ExceedancePoint


def loss_rows(curve: LossCurve) -> tuple[LossRow, ...]:
    """Say the curve at round sums: any loss at all, then 1, 2, 5 of each decade."""
    before, after = curve.inherent, curve.residual
    pairs = [(one, other) for one, other in zip(before.points, after.points, strict=True) if _round(one.loss)]
    found = [LossRow(one.loss, f"more than {money(curve.currency, one.loss)}", one, other) for one, other in pairs]
    return (LossRow(0.0, "any loss", before.any_loss, after.any_loss), *found)


def _round(loss: float) -> bool:
    decade = 10.0 ** math.floor(math.log10(loss) + 1e-9)
    return any(math.isclose(loss, number * decade, rel_tol=1e-9) for number in _NUMBERS)


def money(currency: str, amount: float) -> str:
    """Write a sum with three digits that count: `EUR 12 300`, `EUR 1.2 million`."""
    return f"{currency} {_sum(amount)}"


def _sum(amount: float) -> str:
    if amount <= 0:
        return "0"
    digits = 2 - math.floor(math.log10(amount))
    rounded = round(amount, digits)
    large = next(((unit, name) for unit, name in _LARGE if rounded >= unit), None)
    if large:
        return f"{rounded / large[0]:.3g} {large[1]}"
    return f"{rounded:,.{max(digits, 0) if rounded < 1 else 0}f}".replace(",", THIN) if rounded >= 100 or rounded < 1 else f"{rounded:.3g}"  # noqa: PLR2004


def loss_words(curve: LossCurve) -> tuple[str, ...]:
    """Say what the curves come to, what they rest on and what they leave out."""

    def year(found: Losses, level: float) -> str:
        return money(curve.currency, next(one.loss for one in found.quantiles if one.level == level))

    def side(found: Losses) -> str:
        return f"{money(curve.currency, found.mean)} a year on average; one year in twenty costs more than {year(found, 0.95)}"

    counted = plural(len(curve.inherent.shares), "risk")
    found = [
        f"Before treatment: {side(curve.inherent)}.",
        f"After treatment: {side(curve.residual)}.",
        f"{counted} counted. {curve.method}",
    ]
    if curve.pending:
        late = plural(len(curve.pending), "treatment is", "treatments are")
        found.append(f"{late} not done yet; the curve after treatment takes them for done.")
    if curve.left_out:
        found.append(f"{plural(len(curve.left_out), 'risk is', 'risks are')} left out, for want of numbers.")
    return tuple(found)


def loss_curve_svg(curve: LossCurve, *, compact: bool = False) -> Markup:
    """Draw both curves with their bands over a logarithmic scale of money; `compact` for a phone, with what they are under the plot."""
    chart = _Chart(curve, _COMPACT if compact else _WIDE)
    label = f"How likely a year costs more than a sum. {' '.join(loss_words(curve)[:2])}"
    return picture(label, chart.frame.width, chart.height, *chart.draw(), class_="losses compact" if compact else "losses")


class _Chart:
    def __init__(self, curve: LossCurve, frame: Frame) -> None:
        self.curve, self.frame = curve, frame
        self.floor = frame.height - frame.bottom
        losses = [point.loss for point in curve.inherent.points]
        self.low, self.high = math.log10(losses[0]), math.log10(losses[-1])
        most = max(point.high for side in (curve.inherent, curve.residual) for point in side.points)
        self.top = next((top for top in _TOPS if top >= most - 1e-9), 1.0)
        self.height = frame.height + KEY * len(self._sides()) if frame.compact else frame.height

    def x(self, loss: float) -> float:
        return self.frame.left + self.frame.plot * (math.log10(loss) - self.low) / (self.high - self.low)

    def y(self, share: float) -> float:
        return self.floor - (self.floor - self.frame.top) * min(share / self.top, 1.0)

    def dots(self, found: Losses, side: str = "probability") -> list[Dot]:
        return [(self.x(point.loss), self.y(getattr(point, side))) for point in found.points]

    def draw(self) -> Iterator[Markup]:
        yield from self._axes()
        sides = ((self.curve.inherent, _BEFORE_LOOK), (self.curve.residual, _AFTER_LOOK))
        for found, name in sides:
            yield area(self.dots(found, "high"), self.dots(found, "low"), class_=f"l-band {name}")
        for found, name in sides:
            dots = (self._dot(found, point) for point in found.points if _round(point.loss))
            yield group(track(self.dots(found), class_="t-line"), *dots, class_=name)
        yield from self._under() if self.frame.compact else self._labels()

    def _axes(self) -> Iterator[Markup]:
        frame = self.frame
        yield text(frame.left, 16, "Chance that a year costs more", class_="t-axis")
        for quarter in range(5):
            share = self.top * quarter / 4
            y = self.y(share)
            yield line(frame.left, y, frame.edge, y, class_="t-grid" if quarter else "t-floor")
            yield text(frame.left - 8, y + 4, f"{share * 100:.3g}{THIN}%", class_="t-axis end")
        for point in self._ticks():
            x = self.x(point.loss)
            yield line(x, frame.top, x, self.floor, class_="t-grid")
            yield text(frame.inside(x, _TICK), self.floor + 19, _sum(point.loss), class_="t-axis mid")
        yield text(frame.left + frame.plot / 2, self.floor + 42, f"Loss in a year, {self.curve.currency}, logarithmic", class_="t-axis mid")

    def _ticks(self) -> list[ExceedancePoint]:
        """Choose whole decades, and 2 and 5 of each where there are few; some of them where there is no room for all."""
        points = self.curve.inherent.points
        decades = [point for point in points if math.isclose(point.loss, 10.0 ** round(math.log10(point.loss)), rel_tol=1e-9)]
        found = decades if len(decades) > 3 else [point for point in points if _round(point.loss)][:9]  # noqa: PLR2004
        return found[:: -(-len(found) // self.frame.ticks)]

    def _dot(self, found: Losses, point: ExceedancePoint) -> Markup:
        when = BEFORE if found is self.curve.inherent else AFTER
        said = f"{when}: {percent(point.probability)} of years cost more than {money(self.curve.currency, point.loss)}"
        return group(element("title", said), element("circle", cx=self.x(point.loss), cy=self.y(point.probability), r=3.2, class_="l-dot"))

    # --- words under the plot --------------------------------------------------------------------------------------------------

    def _sides(self) -> tuple[tuple[Losses, str, str], ...]:
        """Give the curves that need words, each with these and its look; curves that are alike need them once."""
        before, after = self.curve.inherent, self.curve.residual
        if before == after:
            return ((before, ALIKE, _AFTER_LOOK),)
        return ((before, BEFORE, _BEFORE_LOOK), (after, AFTER, _AFTER_LOOK))

    def _under(self) -> Iterator[Markup]:
        for at, (found, when, look) in enumerate(self._sides()):
            x, y = key_dot(self.frame.height, at)
            dot = element("circle", cx=x, cy=y, r=3.6, class_="l-dot")
            yield key((x, y), dot, when, self._mean(found), line="t-line", hue=look)

    # --- words beside the curves -----------------------------------------------------------------------------------------------

    def _labels(self) -> Iterator[Markup]:
        """Write what each curve is where nothing else runs: right of the upper one, below or above the lower one."""
        before, after = self.curve.inherent, self.curve.residual
        if before == after:
            yield self._label(before, ALIKE, self._right(before, _HIGH), "t-0")
            return
        yield self._label(before, BEFORE, self._right(before, _HIGH), "t-1")
        if after.points[0].probability < _FLAT * self.top:
            x, y = self.frame.left + 10.0, self.y(after.points[0].high) - _LINE - 10
        else:
            x, y = self._right(after, _LOW)
            inside = self._across([one for one in after.points if one.low >= self._share(y - _LINE)][-1:])
            if inside - 12 - _ROOM >= self.frame.left:
                yield self._label(after, AFTER, (inside - 12, y), "t-0", " end")
                return
        yield self._label(after, AFTER, (x, y), "t-0")

    def _right(self, found: Losses, level: float) -> Dot:
        """Find the place right of a curve at which two lines of words are clear of it and of its band."""
        y = self.y(self.top * level)
        below = [one for one in found.points if one.high <= self._share(y + _LINE + 6)]
        return (min(self._across(below[:1] or found.points[-1:]) + 8, float(self.frame.width - _ROOM)), y)

    def _across(self, points: Sequence[ExceedancePoint]) -> float:
        return self.x(points[0].loss) if points else float(self.frame.left)

    def _share(self, y: float) -> float:
        return self.top * (self.floor - y) / (self.floor - self.frame.top)

    def _label(self, found: Losses, when: str, at: Dot, hue: str, side: str = "") -> Markup:
        x, y = at
        words = (text(x, y, when, class_=f"t-name{side}"), text(x, y + _LINE, self._mean(found), class_=f"t-axis{side}"))
        return group(*words, class_=hue)

    def _mean(self, found: Losses) -> str:
        return f"{money(self.curve.currency, found.mean)} a year on average"
