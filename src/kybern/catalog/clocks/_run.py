"""Which clocks run for an incident: when each started, when it is over, and what would settle what is open. Pure: no clock is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from kybern.catalog.applicability._evaluate import truth_of
from kybern.catalog.applicability._formula import Atom, Either, Every, Negation, join
from kybern.catalog.clocks._periods import Deadline, IsHoliday, Period, Where, deadline, is_public_holiday

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from kybern.catalog.applicability import Classification, FactValue, Truth
    from kybern.catalog.applicability._formula import Formula
    from kybern.catalog.clocks._models import Clock, RegimeClocks
    from kybern.catalog.clocks._read import Clocks, Timed

_UNION: Final = "EU"


@dataclass(frozen=True)
class IncidentFacts:
    """What is known of an incident: its moments (UTC), facts, Member States, and when a report was first made on each clock."""

    title: str
    moments: Mapping[str, datetime]
    facts: Mapping[str, FactValue]
    member_states: tuple[str, ...] = ()
    reports: Mapping[str, datetime] | None = None

    def reported(self, clock: str) -> datetime | None:
        """Say when the first report on a clock was made."""
        return (self.reports or {}).get(clock)


class State(StrEnum):
    """How a clock stands at a moment."""

    OVERDUE = "overdue"
    AT_ONCE = "due at once"
    RUNNING = "running"
    NOT_STARTED = "not started"
    OPEN = "cannot tell yet"
    LATE = "reported late"
    REPORTED = "reported"
    NOT_LAW = "not law yet"
    NOT = "does not run"


@dataclass(frozen=True)
class Running:
    """A clock as it stands for an incident: `due` is the last moment, `at_once` since when the report is due at once.

    `open` names the facts, moments and reports of other clocks that would settle it; `law_since` is the day from which the duty binds.
    Where it cannot be told whether the clock runs, `due` is when it would be over.
    """

    clock: Clock
    regime: RegimeClocks
    truth: Truth
    state: State
    start: datetime | None
    due: Deadline | None
    at_once: datetime | None
    reported: datetime | None
    open: tuple[str, ...]
    law_since: date | None
    because: tuple[str, ...]


def run_clocks(
    clocks: Clocks, incident: IncidentFacts, found: Classification, as_of: datetime, is_holiday: IsHoliday = is_public_holiday
) -> tuple[Running, ...]:
    """Run every clock for an incident with a system that is classified, at a moment.

    The law is that of the classification's day; a duty that takes effect after the clock would start makes none run.
    """
    return tuple(_Run(clocks, timed, incident, found, is_holiday).at(as_of) for timed in clocks.clocks.values())


class _Run:
    def __init__(self, clocks: Clocks, timed: Timed, incident: IncidentFacts, found: Classification, is_holiday: IsHoliday) -> None:
        self.clocks, self.timed, self.incident, self.found, self.is_holiday = clocks, timed, incident, found, is_holiday
        self.clock = timed.clock
        self.known = {**found.known, **incident.facts}
        self.bound = join((found.truth(name) for name in self.clock.bound), every=False)
        self.when = self._value(timed.when)

    def at(self, as_of: datetime) -> Running:
        truth = join((self.bound, self.when), every=True)
        start, due = self._start(), self._due()
        at_once = None if self.clock.at_once_from is None else self.incident.moments.get(self.clock.at_once_from)
        since = self._since()
        if truth is not False and since is not None and start is not None and self._day(start) < since:
            truth, state = False, State.NOT_LAW
        else:
            state = self._state(truth, as_of, start, due, at_once)
        because = tuple(name for name in self.clock.bound if self.found.truth(name) is self.bound)
        reported = self.incident.reported(self.clock.id)
        opened = () if truth is False else tuple(dict.fromkeys(self._open(start)))
        return Running(self.clock, self.timed.regime, truth, state, start, due, at_once, reported, opened, since, because)

    def _state(self, truth: Truth, as_of: datetime, start: datetime | None, due: Deadline | None, at_once: datetime | None) -> State:
        reported = self.incident.reported(self.clock.id)
        if truth is not True:
            return State.NOT if truth is False else State.OPEN
        if reported is not None and reported <= as_of:
            return State.LATE if due is not None and reported > due.at else State.REPORTED
        if start is None or start > as_of:
            return State.NOT_STARTED
        if due is not None and as_of > due.at:
            return State.OVERDUE
        return State.AT_ONCE if at_once is not None and at_once <= as_of else State.RUNNING

    def _start(self) -> datetime | None:
        if self.clock.start is not None:
            return self.incident.moments.get(self.clock.start)
        made = (self.incident.reported(name) for name in self.clock.after)
        return min((moment for moment in made if moment is not None), default=None)

    def _due(self) -> Deadline | None:
        """Say when the time is over: where several Member States are told, in the one where that is first."""
        start = self._start()
        if start is None or self.clock.within is None:
            return None
        period, counting = Period.read(self.clock.within), self.timed.regime.counting
        ends = (deadline(start, period, where, counting, self.is_holiday) for where in self._places())
        return min(ends, key=lambda end: end.at)

    def _places(self) -> Iterator[Where]:
        """Name the places where the report has to be made."""
        if self.timed.regime.zone is not None:
            yield Where(self.timed.regime.zone)
            return
        countries = [name for name in _countries(self.incident.member_states) if name in self.clocks.zones and name != _UNION]
        yield from (Where(self.clocks.zones[name], name) for name in countries)
        if not countries:
            yield Where(self.clocks.zones[_UNION])

    def _day(self, moment: datetime) -> date:
        """Give the day that a moment lies in; of several places the latest, which no law has missed."""
        return max(moment.astimezone(ZoneInfo(where.zone)).date() for where in self._places())

    def _since(self) -> date | None:
        """Find from when the duty binds, or would: by the first of the conclusions that hold, or may; None where it always did."""
        starts = [self.found.begins(name) for name in self.clock.bound if self.found.truth(name) is self.bound]
        return None if None in starts else min((one for one in starts if one is not None), default=None)

    def _open(self, start: datetime | None) -> Iterator[str]:
        """Name what would settle the clock: what the incident is, who is bound, then when it starts."""
        if self.when is None:
            yield from self._asked(self.timed.when)
        if self.bound is None:
            yield from self.found.open_facts(self.clock.bound)
        if start is None:
            yield from (self.clock.start,) if self.clock.start is not None else self.clock.after

    def _asked(self, formula: Formula) -> Iterator[str]:
        """Go through the facts in the parts of a formula that are open."""
        if self._value(formula) is not None:
            return
        match formula:
            case Atom(fact=name):
                yield name
            case Every(parts) | Either(parts):
                for part in parts:
                    yield from self._asked(part)
            case Negation(part):
                yield from self._asked(part)

    def _value(self, formula: Formula) -> Truth:
        return truth_of(formula, self.known, {}, self.clocks.schema.regions)


def _countries(states: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.partition("-")[0] for one in states))
