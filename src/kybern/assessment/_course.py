"""The course of readiness: what the evidence showed, shows, and will show if nothing is done, or if what is planned is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from kybern.assessment._assessment import Assessment, Readiness, assess
from kybern.assessment._gaps import planned_on
from kybern.assessment._status import Status
from kybern.assessment._table import EvidenceTable
from kybern.base import InputError, Place
from kybern.catalog import Catalog
from kybern.evidence import Evidence
from kybern.records import RecordSet

RecordsThen = Callable[[datetime], RecordSet]
"""The records as they were at a moment."""

Tense = Literal["past", "now", "ahead"]

_DONE: Final = (Status.MET, Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """A framework's readiness at a moment: coverage and the share of applicable requirements that are met, 0 to 1, and the counts."""

    at: datetime
    tense: Tense
    coverage: float
    met: float
    counts: dict[Status, int]

    @property
    def applicable(self) -> int:
        """How many requirements the shares are taken over."""
        return sum(count for status, count in self.counts.items() if status is not Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class CourseLine:
    """A framework's points in order of time, and from now on its points if everything planned is done; without a plan, none of these."""

    framework: str
    points: tuple[CoursePoint, ...]
    planned: tuple[CoursePoint, ...]

    @property
    def now(self) -> CoursePoint:
        """The point of today."""
        return next(point for point in self.points if point.tense == "now")


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A control, and the day its implementation is due."""

    control: str
    on: date


@dataclass(frozen=True, slots=True)
class Course:
    """Readiness over time, by framework.

    Up to `as_of` a point is what the evidence of that day shows. After it, a point is what still stands of today's evidence when nothing
    new is done: a reckoning with the days on which evidence lapses, no statistic, so it has no interval.
    """

    as_of: datetime
    lines: dict[str, CourseLine]
    plan: tuple[PlannedStep, ...]
    """What is planned from today on, by day: the controls that the planned points suppose met."""
    overdue: tuple[PlannedStep, ...]
    """What was planned for a day gone by and is not met: no day is left on which it could be done in time, so nothing is supposed."""
    records_then: bool
    """Whether the past was held against the records of its time; otherwise against today's."""


def moments_around(as_of: datetime, back_days: int, ahead_days: int, count: int) -> tuple[datetime, ...]:
    """Spread `count` moments evenly over the days before and after `as_of`, both ends and `as_of` itself among them.

    Raises `ValueError` if the days are below 0, or there are too few moments for the ends.
    """
    sides = (back_days > 0) + (ahead_days > 0)
    if min(back_days, ahead_days) < 0 or count < 1 + sides or (sides == 0 and count > 1):
        msg = f"{count} moments cannot be spread over {back_days} days back and {ahead_days} ahead"
        raise ValueError(msg)
    if not sides:
        return (as_of,)
    steps = count - 1
    share = round(steps * back_days / (back_days + ahead_days))
    back = steps if not ahead_days else max(1, min(share, steps - 1)) if back_days else 0
    ahead = steps - back
    before = (as_of - timedelta(days=back_days * step / back) for step in range(back, 0, -1))
    after = (as_of + timedelta(days=ahead_days * step / ahead) for step in range(1, ahead + 1))
    return (*before, as_of, *after)


def course(  # noqa: PLR0913  (the inputs of an assessment, and the moments)
    catalog: Catalog,
    records: RecordSet | RecordsThen,
    evidence: Iterable[Evidence],
    frameworks: Sequence[str],
    moments: Collection[datetime],
    *,
    as_of: datetime,
) -> Course:
    """Reckon readiness at each moment; `as_of`, the present, is always among them. A pure function of its inputs.

    Evidence observed after `as_of` is not seen, at no moment. Records of the past may be given as a function of the moment; those of the
    future are those of `as_of`. The planned points suppose each control that has a day in its plan met from that day on, wherever it
    applies, and nothing else done: the best that the plan can bring.

    Raises `InputError` for a moment without a time zone, `KeyError` for a framework that the catalog does not have.
    """
    if any(one.tzinfo is None for one in (as_of, *moments)):
        raise InputError.one(
            "naive-time", "a moment of the course has no time zone", Place("moments"), "Add one, as in 2026-11-20T00:00:00Z."
        )
    law, now_records = _narrowed(catalog, frameworks), records if isinstance(records, RecordSet) else records(as_of)
    table = EvidenceTable(one for one in evidence if one.observed_at <= as_of)

    def at(moment: datetime) -> Assessment:
        then = now_records if isinstance(records, RecordSet) or moment >= as_of else records(moment)
        return assess(law, then, table, moment)

    stands = {moment: at(moment) for moment in sorted({as_of, *moments})}
    steps = _steps(stands[as_of])
    plan, overdue = tuple(one for one in steps if one.on >= _day(as_of)), _overdue(stands[as_of], steps)
    from_now = {moment: found for moment, found in stands.items() if moment >= as_of and plan}
    planned = {moment: found if moment == as_of else _supposing(found, plan) for moment, found in from_now.items()}
    lines = {
        name: CourseLine(
            name,
            tuple(_point(found.readiness(name), moment, as_of) for moment, found in stands.items()),
            tuple(_point(found.readiness(name), moment, as_of) for moment, found in planned.items()),
        )
        for name in frameworks
    }
    return Course(as_of, lines, plan, overdue, not isinstance(records, RecordSet))


def _narrowed(catalog: Catalog, frameworks: Sequence[str]) -> Catalog:
    """Leave out the controls that answer none of the frameworks: they bear on none of the numbers, and there are many moments."""
    return Catalog({name: catalog.frameworks[name] for name in frameworks}, catalog.controls).with_frameworks({})


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _steps(now: Assessment) -> tuple[PlannedStep, ...]:
    dated = ((control.id, planned_on(now.plan, control)) for control in now.catalog.controls.values())
    return tuple(sorted((PlannedStep(name, on) for name, on in dated if on is not None), key=lambda one: (one.on, one.control)))


def _overdue(now: Assessment, steps: Iterable[PlannedStep]) -> tuple[PlannedStep, ...]:
    late = (one for one in steps if one.on < _day(now.as_of))
    return tuple(one for one in late if (score := now.control(one.control)) is not None and score.status not in _DONE)


def _supposing(found: Assessment, plan: Iterable[PlannedStep]) -> Assessment:
    """Suppose what is due by the moment done, and kept up since."""
    done = {one.control for one in plan if one.on <= _day(found.as_of)}
    return Assessment(found.board.supposing(done)) if done else found


def _point(found: Readiness, moment: datetime, as_of: datetime) -> CoursePoint:
    tense: Tense = "now" if moment == as_of else "past" if moment < as_of else "ahead"
    return CoursePoint(moment, tense, found.coverage, found.counts[Status.MET] / max(found.applicable, 1), found.counts)
