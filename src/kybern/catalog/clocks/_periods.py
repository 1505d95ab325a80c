"""Periods of law: when hours, days and months that run from a moment are over, and where the law moves their end.

Hours are hours that pass, counted from the moment itself; no weekend makes them longer. Union law lets a period of hours begin with the
next full hour: whoever keeps to the moment is never late. Days and months leave out the day they run from and end with the last hour of
their last day, where the report has to be made. Under Union law (Regulation (EEC, Euratom) No 1182/71) a last day that is a Saturday,
Sunday or public holiday gives way to the next working day, and a period of two days or more holds at least two working days.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

Counting = Literal["union", "calendar"]
"""How days count: by Regulation 1182/71, or as days of the calendar that nothing moves."""

IsHoliday = Callable[[str, date], bool]
"""Tells whether a day is a public holiday of a country."""

PERIOD: Final = r"^(PT[1-9]\d{0,3}H|P[1-9]\d{0,2}D|P[1-9]\d?M)$"
_PARTS: Final = re.compile(r"PT?(\d+)([HDM])")
_UNITS: Final = {"H": "hour", "D": "day", "M": "month"}
_SATURDAY: Final = 5
_TWO: Final = 2
_ALIASES: Final = {"EL": "GR"}
LAST_DAY: Final = "Regulation 1182/71, Article 3(4)"
TWO_DAYS: Final = "Regulation 1182/71, Article 3(5)"


@dataclass(frozen=True, slots=True)
class Period:
    """A number of hours, days or months."""

    amount: int
    unit: Literal["H", "D", "M"]

    @classmethod
    def read(cls, text: str) -> Period:
        """Read `PT72H`, `P15D` or `P1M`; the model of a clock has checked the form."""
        found = _PARTS.fullmatch(text)
        if found is None:
            msg = f"{text!r} is no period"
            raise ValueError(msg)
        unit: Literal["H", "D", "M"] = found[2]  # type: ignore[assignment]  # the pattern has these three
        return cls(int(found[1]), unit)

    def __str__(self) -> str:
        """Write it in words."""
        return f"{self.amount} {_UNITS[self.unit]}{'s' if self.amount > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a report has to be made: the zone in which days end, and the country whose public holidays count, if it is known."""

    zone: str
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last moment, in UTC, and the zone it was counted in. `nominal` is the day that law moved it from, `moved_by` which law."""

    at: datetime
    zone: str
    nominal: date | None = None
    moved_by: tuple[str, ...] = ()


@cache
def _calendar(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - it is heavy, and most of Kybern asks for no holiday

    known = holidays.country_holidays(_ALIASES.get(country, country), years=year)
    return frozenset(known)


def is_public_holiday(country: str, day: date) -> bool:
    """Tell whether a day is a public holiday in the whole of a country. Those of a region are left out: without them nobody is late."""
    return day in _calendar(country, day.year)


def deadline(start: datetime, period: Period, where: Where, counting: Counting, is_holiday: IsHoliday = is_public_holiday) -> Deadline:
    """Say when a period from a moment is over."""
    if period.unit == "H":
        return Deadline(start.astimezone(UTC) + timedelta(hours=period.amount), where.zone)
    first = start.astimezone(ZoneInfo(where.zone)).date()
    nominal = first + (timedelta(days=period.amount) if period.unit == "D" else relativedelta(months=period.amount))
    last, moved_by = (nominal, ()) if counting == "calendar" else _moved(first, nominal, where.country, is_holiday)
    return Deadline(_end_of(last, where.zone), where.zone, nominal if moved_by else None, moved_by)


def _moved(first: date, nominal: date, country: str | None, is_holiday: IsHoliday) -> tuple[date, tuple[str, ...]]:
    """Move the last day as Regulation 1182/71 says: until two working days lie in the period, and onto a working day."""

    def works(day: date) -> bool:
        return day.weekday() < _SATURDAY and not (country is not None and is_holiday(country, day))

    last, moved_by = nominal, []
    if (nominal - first).days >= _TWO:
        while sum(works(first + timedelta(days=n)) for n in range(1, min((last - first).days, 31) + 1)) < _TWO:
            last += timedelta(days=1)
        moved_by += [TWO_DAYS] if last > nominal else []
    before = last
    while not works(last):
        last += timedelta(days=1)
    moved_by += [LAST_DAY] if last > before else []
    return last, tuple(moved_by)


def _end_of(day: date, zone: str) -> datetime:
    """Give the last second of a day in a zone, the second of two where the hour is put back."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone)).replace(fold=1).astimezone(UTC)
