"""Deadlines as an iCalendar file (RFC 5545): days and moments that any calendar can subscribe to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import icalendar

_PRODUCT: Final = "-//Kybern//Deadlines//EN"


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """A day, or a moment, on which something is due. `uid` stays the same as long as it is the same thing that is due.

    `remind` says how long before there is an alarm; none without it.
    """

    uid: str
    on: date | datetime
    summary: str
    description: str
    categories: tuple[str, ...] = ()
    remind: timedelta | None = None


def calendar_file(events: Iterable[CalendarEvent], name: str, stamp: datetime) -> bytes:
    """Write events as one calendar, the first first. Pure: the same events, name and stamp give the same bytes."""
    from icalendar import Calendar  # noqa: PLC0415 - it is heavy, and most documents need no calendar

    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _line(name))
    for event in sorted(events, key=lambda one: (_moment(one.on), one.uid)):
        calendar.add_component(_event(event, stamp))
    written: bytes = calendar.to_ical()
    return written


def _event(event: CalendarEvent, stamp: datetime) -> icalendar.Event:
    from icalendar import Event  # noqa: PLC0415 - the same

    made = Event()
    made.add("uid", event.uid)
    made.add("dtstamp", stamp.astimezone(UTC).replace(microsecond=0))
    made.add("dtstart", event.on.astimezone(UTC).replace(microsecond=0) if isinstance(event.on, datetime) else event.on)
    made.add("summary", _line(event.summary))
    made.add("description", _text(event.description))
    made.add("transp", "TRANSPARENT")
    if event.categories:
        made.add("categories", [_line(one) for one in event.categories])
    if event.remind is not None:
        made.add_component(_alarm(event, event.remind))
    return made


def _alarm(event: CalendarEvent, before: timedelta) -> icalendar.Alarm:
    from icalendar import Alarm  # noqa: PLC0415 - the same

    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _line(event.summary))
    alarm.add("trigger", -before)
    return alarm


def _moment(on: date | datetime) -> datetime:
    return on if isinstance(on, datetime) else datetime(on.year, on.month, on.day, tzinfo=UTC)


def _line(text: str) -> str:
    return " ".join(_text(text).split())


def _text(text: str) -> str:
    """Leave out what no calendar may hold: control characters, which a title in a record may carry."""
    return "".join(char for char in text if char.isprintable() or char == "\n")
