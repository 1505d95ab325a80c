"""Days on which evidence lapses, for organisations too large to list every duty: read from columns, only as many as are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from django.utils.translation import gettext as _

from kybern.assessment import owner_of
from kybern.assessment._lapses import lapses
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from kybern.assessment._lapses import Lapses
    from kybern.assessment._status import Ints
    from kybern.catalog import Control
    from kybern.server.live import Standing

MOST_SYSTEMS: Final = 500
"""AI systems up to which every duty is listed by itself."""
_DAY: Final = 86_400_000_000
"""Microseconds."""
_FIRST: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Owing:
    """A control with whom it is owed by and the frameworks it answers."""

    control: Control
    owner: str
    owner_ref: str | None
    frameworks: tuple[str, ...]


@dataclass(frozen=True)
class Lapse:
    """A day on which what a check rests on ends, for all records of which that is so."""

    on: date
    name: str
    title: str
    why: str
    owing: Owing
    refs: tuple[str, ...]


def is_large(standing: Standing) -> bool:
    """Tell whether days of evidence are read from columns."""
    return len(standing.assessment.systems) > MOST_SYSTEMS


def owing_of(standing: Standing) -> dict[str, Owing]:
    """Say who owes each control that answers what the organisation asks about."""

    def make() -> dict[str, Owing]:
        asked, found = standing.catalog.answering(standing.frameworks), {}
        for one in standing.catalog.controls.values():
            if one.id in asked:
                frameworks = dict.fromkeys(each.requirement.partition(":")[0] for each in one.satisfies)
                owed = owner_of(standing.assessment.plan, one, standing.assessment.systems)
                found[one.id] = Owing(one, owed.words, owed.ref, tuple(frameworks))
        return found

    return standing.assessment.plan.once(("owing", standing.frameworks), make)


def lapsing(standing: Standing, since: date | None, before: date, takes: Callable[[Owing], bool], most: int) -> list[Lapse]:
    """Give what lapses from a day on and before another, the first first and at most so many, of the owed controls that are taken."""
    owing = owing_of(standing)
    taken = {name for name, one in owing.items() if takes(one)}
    start = datetime.min.replace(tzinfo=UTC) if since is None else datetime.combine(since, time(), UTC)
    end = datetime.combine(before, time(), UTC)
    found = [_by_day(one) for one in lapses(standing.assessment, lambda control: control.id in taken, start, end)]
    if not found:
        return []
    day = np.concatenate([one.days for one in found])
    place = np.repeat(np.arange(len(found)), [len(one.days) for one in found])
    nth = np.concatenate([np.arange(len(one.days)) for one in found])
    first = np.lexsort((place, day))[:most]
    why = _("%(check)s rests on evidence that is good until this day.")
    said = [(say(one.lapses.check.title), why % {"check": one.lapses.name}) for one in found]
    return [
        _lapse(standing, found[at], number, owing[found[at].lapses.control.id], said[at])
        for at, number in zip(place[first].tolist(), nth[first].tolist(), strict=True)
    ]


@dataclass(frozen=True)
class _ByDay:
    """What lapses of a check by its days (n,) since 1970: the records (m,) in that order, a day's from a `starts` (n + 1,) to the next."""

    lapses: Lapses
    days: Ints
    members: Ints
    starts: list[int]


def _by_day(found: Lapses) -> _ByDay:
    day = found.due // _DAY
    order = np.argsort(day, kind="stable")
    day = day[order]
    starts = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
    return _ByDay(found, day[starts], found.members[order], [*starts.tolist(), len(day)])


def _lapse(standing: Standing, found: _ByDay, nth: int, owing: Owing, said: tuple[str, str]) -> Lapse:
    kind, members = found.lapses.kind, found.members[found.starts[nth] : found.starts[nth + 1]].tolist()
    names = standing.assessment.plan.once(("refs", kind), lambda: tuple(standing.assessment.plan.index[kind]))
    on = _FIRST + timedelta(days=int(found.days[nth]))
    return Lapse(on, found.lapses.name, *said, owing, tuple(map(names.__getitem__, members)))


def lapsing_controls(standing: Standing) -> tuple[Owing, ...]:
    """Give the controls of which some evidence lapses some day."""

    def make() -> tuple[Owing, ...]:
        owing = owing_of(standing)
        ends = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        names = dict.fromkeys(one.control.id for one in lapses(standing.assessment, lambda control: control.id in owing, *ends))
        return tuple(owing[name] for name in names)

    return standing.assessment.once(("lapsing controls", standing.frameworks), make)
