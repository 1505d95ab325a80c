"""Readiness over time as a line chart: solid what was shown, dashed what will stand, dotted what the plan would bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from markupsafe import Markup

from kybern.assessment import Course, CourseLine, CoursePoint, Status
from kybern.report._chart import KEY, Dot, Frame, area, key, key_dot, mark, spread, time_ticks, track
from kybern.report._svg import element, group, line, link, picture, rect, text, wrapped
from kybern.report._words import day, percent, plural, short_name

PointHref = Callable[[str, CoursePoint], str | None]
"""Where a point leads: framework and point to an address, or to None for no link."""

Measure = Literal["coverage", "met"]

NOTHING_NEW: Final = "if nothing new is done"
PLAN_DONE: Final = "if everything planned is done on its day"

_WIDE: Final = Frame(960, 360, left=52, right=208, top=40, bottom=34, ticks=8)
_COMPACT: Final = Frame(380, 304, left=46, right=14, top=42, bottom=34, ticks=5, compact=True)
_ROOM: Final = 150
_TICK: Final = 30
"""Half of what the widest word under the axis takes."""
_WITH_PLANS: Final = 3
"""Up to this many frameworks the planned lines are drawn too; with more of them nobody could tell the lines apart."""
_LINE: Final = 14
_SLOT: Final = 2 * _LINE + 4
"""What the label of one of many frameworks takes: as many as there are must fit beside the plot."""
_HUES: Final = 8
_CONDITIONS: Final = (NOTHING_NEW, PLAN_DONE)
_TENSES: Final = {"past": "shown", "now": "shown now", "ahead": NOTHING_NEW}


@dataclass(frozen=True, slots=True)
class TrendRow:
    """A row of the table that says what the chart draws; `planned_*` is None where nothing is planned, and in the past."""

    framework: str
    name: str
    at: datetime
    says: str
    coverage: float
    met: float
    counts: dict[Status, int]
    planned_coverage: float | None
    planned_met: float | None


def trend_rows(course: Course) -> tuple[TrendRow, ...]:
    """Say the course row by row: framework by framework, in order of time."""
    return tuple(row for found in course.lines.values() for row in _rows(found))


def _rows(found: CourseLine) -> Iterator[TrendRow]:
    plans = {point.at: point for point in found.planned}
    for point in found.points:
        plan = plans.get(point.at) if point.tense == "ahead" else None
        shares = (plan.coverage, plan.met) if plan else (None, None)
        name = short_name(found.framework)
        yield TrendRow(found.framework, name, point.at, _TENSES[point.tense], point.coverage, point.met, point.counts, *shares)


def trend_words(course: Course) -> tuple[str, ...]:
    """Say how the chart is to be read: what it rests on before now, after now, and what the plan is taken for."""
    records = "the records of its time" if course.records_then else "the records as they are now"
    found = [
        f"Up to {day(course.as_of)} each point is what the evidence of that day shows, held against {records}.",
        f"After it, each point is what still stands {NOTHING_NEW}: evidence lapses on days that are known.",
        "This is reckoned, not estimated, so it has no interval.",
    ]
    if course.plan:
        days = f"{plural(len(course.plan), 'control has', 'controls have')} a day in a plan"
        found.append(f"{days}: the dotted line supposes each met from its day on and kept up. It is the best the plan can bring.")
    if course.overdue:
        late = plural(len(course.overdue), "control was", "controls were")
        names = ", ".join(one.control for one in course.overdue)
        found.append(f"{late} planned for a day gone by and not done ({names}); nothing is supposed of them.")
    return tuple(found)


def trend_svg(
    course: Course, framework: str | None = None, *, measure: Measure = "coverage", href: PointHref | None = None, compact: bool = False
) -> Markup:
    """Draw the course of one framework, or of all if none is named; `KeyError` for one that is not in the course.

    Each point is a link where `href` gives it an address. The planned lines are drawn for up to three frameworks; the table has them all.
    `compact` draws it for a phone, with the words on the lines under the plot.
    """
    lines = list(course.lines.values()) if framework is None else [course.lines[framework]]
    frame = _COMPACT if compact else _WIDE
    chart = _Chart(course, lines, measure, href, frame)
    what = "Coverage" if measure == "coverage" else "Share of requirements met"
    names = ", ".join(short_name(one.framework) for one in lines) or "no framework"
    label = f"{what} over time: {names}. Solid up to {day(course.as_of)}, dashed what stands {NOTHING_NEW}"
    label += f", dotted {PLAN_DONE}" if chart.plans else ""
    return picture(label, frame.width, chart.height, *chart.draw(), class_="trend compact" if compact else "trend", links=href is not None)


@dataclass(frozen=True, slots=True)
class _Label:
    """What is said of a line, at its right end or under the plot."""

    at: int
    y: float
    head: str
    says: str
    planned: bool = False

    @property
    def hue(self) -> str:
        return f"t-{self.at % _HUES}"

    @property
    def lines(self) -> list[str]:
        return wrapped(self.says, 28, 2) if self.says in _CONDITIONS else [self.says]

    @property
    def height(self) -> float:
        return _LINE * (1 + len(self.lines)) + 4


class _Chart:
    def __init__(self, course: Course, lines: Sequence[CourseLine], measure: Measure, href: PointHref | None, frame: Frame) -> None:
        self.course, self.lines, self.measure, self.href, self.frame = course, lines, measure, href, frame
        moments = [point.at for one in lines for point in one.points] or [course.as_of]
        self.start, self.end = min(moments), max(moments)
        self.plans = any(one.planned for one in lines) and len(lines) <= _WITH_PLANS
        least = frame.height if frame.compact else max(frame.height, frame.top + _SLOT * len(lines))
        self.floor = least - frame.bottom
        self.labels = tuple(self._ends())
        self.height = least + KEY * len(self.labels) if frame.compact else least

    def x(self, moment: datetime) -> float:
        span = self.end - self.start
        return self.frame.left + self.frame.plot * ((moment - self.start) / span if span else 0.5)

    def y(self, point: CoursePoint) -> float:
        return self.floor - (self.floor - self.frame.top) * self.share(point)

    def share(self, point: CoursePoint) -> float:
        return min(1.0, max(0.0, point.coverage if self.measure == "coverage" else point.met))

    def dots(self, points: Sequence[CoursePoint]) -> list[Dot]:
        return [(self.x(point.at), self.y(point)) for point in points]

    def draw(self) -> Iterator[Markup]:
        yield from self._axes()
        if len(self.lines) == 1:
            shown = self.dots([point for point in self.lines[0].points if point.tense != "ahead"])
            yield area(shown, [(x, self.floor) for x, _ in shown], class_="t-area t-0")
        yield from self._now()
        for at, found in enumerate(self.lines):
            yield self._line(at, found)
        if len(self.lines) == 1:
            yield self._value(self.lines[0].now)
        yield from self._under() if self.frame.compact else self._beside()

    # --- axes ------------------------------------------------------------------------------------------------------------------

    def _axes(self) -> Iterator[Markup]:
        frame = self.frame
        for quarter in range(5):
            y = self.floor - (self.floor - frame.top) * quarter / 4
            yield line(frame.left, y, frame.edge, y, class_="t-grid" if quarter else "t-floor")
            yield text(frame.left - 8, y + 4, percent(quarter / 4), class_="t-axis end")
        for moment, said in time_ticks(self.start, self.end, frame.ticks):
            x = self.x(moment)
            yield line(x, self.floor, x, self.floor + 5, class_="t-floor")
            yield text(frame.inside(x, _TICK), self.floor + 20, said, class_="t-axis mid")

    def _now(self) -> Iterator[Markup]:
        frame, x = self.frame, self.x(self.course.as_of)
        yield line(x, frame.top - 14, x, self.floor, class_="t-now")
        said = f"now, {day(self.course.as_of)}"
        yield text(min(max(x, frame.left + 50), frame.edge - 50), frame.top - 20, said, class_="t-now-word mid")
        if x - frame.left > _ROOM:
            yield text(x - 10, frame.top - 5, "what was shown", class_="t-axis end")
        if frame.edge - x > _ROOM:
            yield text(x + 10, frame.top - 5, "what will stand", class_="t-axis")

    # --- lines -----------------------------------------------------------------------------------------------------------------

    def _line(self, at: int, found: CourseLine) -> Markup:
        shown = self.dots([point for point in found.points if point.tense != "ahead"])
        ahead = self.dots([point for point in found.points if point.tense != "past"])
        tracks = [track(shown, class_="t-line")] if len(shown) > 1 else []
        tracks += [track(ahead, class_="t-line t-ahead")] if len(ahead) > 1 else []
        plan = found.planned if self.plans else ()
        tracks += [track(self.dots(plan), class_="t-line t-plan")] if len(plan) > 1 else []
        plans = [self._planned(found.framework, point) for point in plan if point.tense == "ahead"]
        return group(*tracks, *plans, *(self._point(at, found.framework, point) for point in found.points), class_=f"t-{at % _HUES}")

    def _says(self, framework: str, point: CoursePoint, when: str) -> str:
        count = f"{point.counts[Status.MET]} of {plural(point.applicable, 'requirement')} met"
        return f"{short_name(framework)}, {day(point.at)}, {when}: coverage {percent(point.coverage)}, {count}"

    def _planned(self, framework: str, point: CoursePoint) -> Markup:
        x, y = self.x(point.at), self.y(point)
        said = element("title", self._says(framework, point, PLAN_DONE))
        return group(said, element("circle", cx=x, cy=y, r=2.2, class_="t-plan-dot"))

    def _point(self, at: int, framework: str, point: CoursePoint) -> Markup:
        x, y = self.x(point.at), self.y(point)
        said = self._says(framework, point, _TENSES[point.tense])
        shape = mark(at, x, y, 5.0 if point.tense == "now" else 3.4, class_=f"t-dot {point.tense}")
        where = self.href(framework, point) if self.href else None
        if where is None:
            return group(element("title", said), shape)
        return link(where, said, element("circle", cx=x, cy=y, r=11, class_="t-hit"), shape)

    # --- words -----------------------------------------------------------------------------------------------------------------

    def _value(self, now: CoursePoint) -> Markup:
        """Write today's share beside its mark, on a plate so that no line runs through it."""
        x, y = self.x(now.at), self.y(now)
        above = y - 12 if y > self.frame.top + 30 else y + 26
        left = max(x - 56, self.frame.left + 2)
        plate = rect(left, above - 15, 48, 20, rx=4, class_="t-plate")
        return group(plate, text(left + 24, above, percent(self.share(now)), class_="t-value mid"))

    def _beside(self) -> Iterator[Markup]:
        """Write the labels right of the plot, each as near to its line as fits."""
        found = self.labels
        placed = spread([one.y for one in found], [one.height for one in found], self.frame.top - 14, self.height - 4)
        edge = float(self.frame.edge)
        for one, y in zip(found, placed, strict=True):
            top = y - one.height / 2 + 12
            rows = (text(edge + 26, top + _LINE * (at + 1), said, class_="t-axis") for at, said in enumerate(one.lines))
            lead = track([(edge + 7, one.y), (edge + 14, one.y), (edge + 18, y), (edge + 22, y)], class_="t-lead")
            yield group(lead, text(edge + 26, top, one.head, class_="t-name"), *rows, class_=one.hue)

    def _under(self) -> Iterator[Markup]:
        """Write the labels under the plot, each with a piece of its line."""
        for at, one in enumerate(self.labels):
            x, y = key_dot(self.floor + self.frame.bottom, at)
            planned = element("circle", cx=x, cy=y, r=2.2, class_="t-plan-dot")
            shape = planned if one.planned else mark(one.at, x, y, 4.4, class_="t-dot ahead")
            yield key((x, y), shape, one.head, one.says, line=f"t-line {'t-plan' if one.planned else 't-ahead'}", hue=one.hue)

    def _ends(self) -> Iterator[_Label]:
        """Say at the right end of each line what it is, so that nobody has to tell colours apart."""
        single = len(self.lines) == 1
        for at, found in enumerate(self.lines):
            last, name = found.points[-1], short_name(found.framework)
            share = percent(self.share(last))
            says = NOTHING_NEW if last.tense == "ahead" else "now"
            if single:
                yield _Label(at, self.y(last), share, says)
            else:
                now = "" if last.tense == "now" else f"{percent(self.share(found.now))} now, "
                yield _Label(at, self.y(last), name, f"{now}{share} {'now' if not now else f'by {day(last.at)}'}")
            if self.plans and found.planned and found.planned[-1].tense == "ahead":
                plan = found.planned[-1]
                head = percent(self.share(plan)) if single else f"{name}: {percent(self.share(plan))}"
                yield _Label(at, self.y(plan), head, PLAN_DONE, planned=True)
