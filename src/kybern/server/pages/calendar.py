"""The calendar: law, obligations, reviews, evidence that lapses, audits, actions; by month, as an agenda, as a file for calendars."""

from __future__ import annotations

import calendar as months
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kybern.report import CalendarEvent, calendar_file
from kybern.report._words import short_name
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _waiting as inbox
from kybern.server.pages._asked import asked
from kybern.server.pages._days import (
    EVIDENCE,
    KINDS,
    LAW,
    SIGNS,
    Pick,
    days_between,
    days_of,
    grouped,
    in_one_line,
    laws_shown,
    note_reading,
    seen_by,
    together,
)
from kybern.server.pages._lapsing import is_large, lapsing_controls
from kybern.server.pages._query import query_with
from kybern.server.pages.door import organization_name, page, render
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest

    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._days import Day
    from kybern.server.pages._lapsing import Owing

MINE: Final = "mine"
"""In the place of an owner: the reader, in their own name and in their roles."""

_IN_CELL: Final = 3
_MANY_LISTED, _IN_AGENDA = 300, 8
"""Lines of a month from which on each day tells only its first ones."""
_IN_FILE: Final = 1_000
"""Lines of evidence of a large organisation in a calendar file."""
_LATE_SHOWN: Final = 12
_LATE_MOST: Final = 2000
_NEVER: Final = date.max
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_FILE_BACK, _FILE_AHEAD = timedelta(days=31), timedelta(days=400)
_REMIND: Final = timedelta(days=7)


@dataclass(frozen=True)
class Cell:
    """A day of the grid with the first of what happens on it."""

    on: date
    inside: bool
    """Whether it lies in the month that is shown."""
    shown: tuple[Day, ...]
    more: int


@page(Permission.ASSESSMENT_READ)
def month(request: HttpRequest) -> HttpResponse:
    """Show the month that the address names, or this one."""
    who, standing = actor(request), current()
    today = timezone.now().date()
    first = _month(request, today)
    weeks = months.Calendar().monthdatescalendar(first.year, first.month)
    pick = _pick(request, who, standing)
    start, end = weeks[0][0], weeks[-1][-1]
    found = grouped(seen_by(who, _in_weeks(standing, pick, start, end + timedelta(days=1), today)))
    late = [] if request.GET.get("late") == "no" else _late(who, standing, pick, today)
    note_reading(who, (ones[0].ref for ones in (*found, *late)), "calendar")
    by_day: dict[date, list[list[Day]]] = {}
    for ones in found:
        by_day.setdefault(ones[0].on, []).append(ones)
    listed = {day: lines for day, lines in by_day.items() if (day.year, day.month) == (first.year, first.month)}
    total = sum(map(len, listed.values()))
    most = _IN_AGENDA if total > _MANY_LISTED else total
    query = request.META.get("QUERY_STRING", "")
    before, after = _beside(first)
    return render(
        request,
        "calendar.html.j2",
        first=first,
        heading=_heading(first),
        weekdays=[(date_format(day, "D"), date_format(day, "l")) for day in weeks[0]],
        weeks=[[_cell(day, first, by_day.get(day, ())) for day in week] for week in weeks],
        agenda=_agenda(listed, most),
        total=total,
        any_day=bool(listed)
        or any(one.kind != LAW for one in days_of(standing))
        or (is_large(standing) and bool(lapsing_controls(standing))),
        late=[in_one_line(ones) for ones in late[:_LATE_SHOWN]],
        late_count=len(late),
        today=today,
        previous=None if before is None else (query_with(query, month=f"{before:%Y-%m}"), _heading(before)),
        following=None if after is None else (query_with(query, month=f"{after:%Y-%m}"), _heading(after)),
        this_month=query_with(query, month=None),
        is_this_month=(first.year, first.month) == (today.year, today.month),
        next_day=None if listed else _next_day(who, standing, pick, today),
        selects=_selects(standing),
        day_kinds=KINDS,
        day_signs=SIGNS,
    )


def _agenda(listed: Mapping[date, Sequence[Sequence[Day]]], most: int) -> list[tuple[date, str, list[Day], int]]:
    """Put what happens under its days: the day, in words, the first lines of it, and how many more there are."""
    return [
        (day, date_format(day, "D j F"), [in_one_line(ones) for ones in lines[:most]], max(len(lines) - most, 0))
        for day, lines in sorted(listed.items())
    ]


def _in_weeks(standing: Standing, pick: Pick, start: date, before: date, today: date) -> list[Day]:
    """Give the days of the weeks that are shown; those of today, which most ask for, are worked out once."""
    if pick != Pick(shown=pick.shown) or not start <= today < before:
        return days_between(standing, pick, start, before)
    key = ("weeks", standing.frameworks, start, get_language())
    return standing.assessment.once(key, lambda: days_between(standing, pick, start, before))


def _heading(first: date) -> str:
    return date_format(first, "F Y")


def _month(request: HttpRequest, today: date) -> date:
    said = re.fullmatch(r"([0-9]{4})-([0-9]{2})", asked(request, "month"))
    if said is None:
        return today.replace(day=1)
    year, number = int(said[1]), int(said[2])
    return date(year, number, 1) if _FIRST_YEAR <= year <= _LAST_YEAR and 1 <= number <= 12 else today.replace(day=1)  # noqa: PLR2004 - months


def _beside(first: date) -> tuple[date | None, date | None]:
    """Give the months before and after, as far as the calendar goes."""
    before = (first - timedelta(days=1)).replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return before if before.year >= _FIRST_YEAR else None, after if after.year <= _LAST_YEAR else None


def _cell(day: date, first: date, own: Sequence[Sequence[Day]]) -> Cell:
    shown = tuple(map(in_one_line, own if len(own) <= _IN_CELL else own[: _IN_CELL - 1]))
    return Cell(day, (day.year, day.month) == (first.year, first.month), shown, len(own) - len(shown))


def _pick(request: HttpRequest, who: Actor, standing: Standing) -> Pick:
    """Read what the filters of the address ask for, whether the reader may see it or not."""
    kinds = frozenset(request.GET.getlist("kind")) & frozenset(KINDS)
    owners = frozenset(one for said in request.GET.getlist("owner") if said for one in _owners(said, who))
    return Pick(kinds, owners, asked(request, "framework"), laws_shown(standing))


def _owners(said: str, who: Actor) -> tuple[str, ...]:
    return (str(who.person), *(ref for ref, _title in inbox.roles_of(who.person))) if said == MINE else (said,)


def _late(who: Actor, standing: Standing, pick: Pick, today: date) -> list[list[Day]]:
    """Give what is late, the longest first: of so much as a reader goes through."""

    def make() -> list[Day]:
        return [one for one in days_between(standing, pick, None, today, _LATE_MOST) if one.late(today)][:_LATE_MOST]

    plain = pick == Pick(shown=pick.shown)
    found = standing.assessment.once(("late", standing.frameworks, today, get_language()), make) if plain else make()
    return grouped(seen_by(who, found))


def _next_day(who: Actor, standing: Standing, pick: Pick, today: date) -> Day | None:
    """Give the next thing that happens, for a month with nothing in it."""
    return next(iter(seen_by(who, days_between(standing, pick, today, _NEVER, 200)[:200])), None)


def _selects(standing: Standing) -> list[dict[str, Any]]:
    owners, names = standing.assessment.once(("calendar selects", standing.frameworks, get_language()), lambda: _owners_and_names(standing))
    return [
        {"name": "kind", "label": _("What"), "options": list(KINDS.items())},
        {"name": "owner", "label": _("Whose"), "options": [(MINE, _("mine")), *sorted(owners.items(), key=lambda one: one[1].lower())]},
        {"name": "framework", "label": _("Framework"), "options": [(name, short_name(name)) for name in names]},
    ]


def _owners_and_names(standing: Standing) -> tuple[dict[str, str], list[str]]:
    """Name who owes something on some day, and the frameworks that some day serves."""
    every: list[Day | Owing] = [*days_of(standing), *(lapsing_controls(standing) if is_large(standing) else ())]
    owners = {one.owner_ref or one.owner: say(one.owner) for one in every if one.owner}
    return owners, sorted({name for one in every for name in one.frameworks})


# --- for calendars -----------------------------------------------------------------------------------------------------------------


@page(Permission.ASSESSMENT_READ)
def as_ics(request: HttpRequest) -> HttpResponse:
    """Give what the filters ask for as an iCalendar file (RFC 5545): from a month back to more than a year ahead."""
    who, standing = actor(request), current()
    today = timezone.now().date()
    near = days_between(standing, _pick(request, who, standing), today - _FILE_BACK, today + _FILE_AHEAD + timedelta(days=1), _IN_FILE)
    host, found = request.get_host(), together(seen_by(who, near))
    note_reading(who, (one.ref for one in found), "calendar file")
    events = [_event(one, request.build_absolute_uri(one.href), host) for one in found]
    # The stamp is the day, so that the same calendar gives the same bytes the whole day.
    stamp = datetime.combine(today, time(), UTC)
    name = _("%s: governance calendar") % organization_name()
    answer = HttpResponse(_written(tuple(events), name, stamp), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="kybern-calendar.ics"'
    return answer


@lru_cache(maxsize=16)
def _written(events: tuple[CalendarEvent, ...], name: str, stamp: datetime) -> bytes:
    """Write the file; calendars ask for it every hour, and it seldom is another."""
    return calendar_file(events, name, stamp)


def _event(one: Day, address: str, host: str) -> CalendarEvent:
    owed = [_("Owed by: %s") % say(one.owner)] if one.owner else []
    about = [", ".join(one.refs[:10])] if one.kind == EVIDENCE and one.refs else []
    text = "\n".join((one.why, *owed, *about, address))
    summary = f"{KINDS[one.kind]}: {one.title}"
    return CalendarEvent(f"{one.uid}@{host}", one.on, summary, text, (str(KINDS[one.kind]),), _REMIND if one.open else None)


ROUTES: Final = (path("calendar", month, name="calendar"), path("calendar.ics", as_ics, name="calendar-ics"))
