"""Periods of law: what holds for every moment, period and place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.catalog.clocks import Period, Where, deadline, is_public_holiday, load_clocks

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2034, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001 - zoned after
PERIODS = st.sampled_from(["PT24H", "PT72H", "P2D", "P10D", "P14D", "P15D", "P1M", "P3M"]).map(Period.read)
PLACES = st.sampled_from([Where(zone, country) for country, zone in load_clocks().zones.items() if country != "EU"])
COUNTINGS = st.sampled_from(["union", "calendar"])


@settings(deadline=None)
@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40)), PERIODS, PLACES, COUNTINGS)
def test_a_later_start_never_gives_an_earlier_deadline(
    start: datetime, later: timedelta, period: Period, place: Where, counting: Any
) -> None:
    assert deadline(start, period, place, counting).at <= deadline(start + later, period, place, counting).at


@settings(deadline=None)
@given(MOMENTS, PERIODS, PLACES, COUNTINGS)
def test_a_deadline_lies_after_its_start(start: datetime, period: Period, place: Where, counting: Any) -> None:
    found = deadline(start, period, place, counting)
    assert found.at > start
    assert found.at.tzinfo is UTC


@settings(deadline=None)
@given(MOMENTS, st.integers(-14 * 60, 14 * 60), PERIODS, PLACES, COUNTINGS)
def test_the_zone_a_moment_is_written_in_does_not_matter(start: datetime, offset: int, period: Period, place: Where, counting: Any) -> None:
    elsewhere = start.astimezone(timezone(timedelta(minutes=offset)))
    assert deadline(elsewhere, period, place, counting) == deadline(start, period, place, counting)


@settings(deadline=None)
@given(MOMENTS, st.sampled_from(["P2D", "P10D", "P15D", "P1M"]).map(Period.read), PLACES)
def test_union_days_end_on_a_working_day_after_two_of_them(start: datetime, period: Period, place: Where) -> None:
    zone = ZoneInfo(place.zone)
    first, last = start.astimezone(zone).date(), deadline(start, period, place, "union").at.astimezone(zone).date()
    days = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    works = [day.weekday() < 5 and not is_public_holiday(place.country or "", day) for day in days]
    assert works[-1]
    assert sum(works) >= 2
    plain = deadline(start, period, place, "calendar").at.astimezone(zone).date()
    assert last >= plain
    assert not any(works[(plain - first).days - 1 : -1]) or sum(works[:-1]) < 2


def test_the_caller_may_bring_a_calendar_of_holidays() -> None:
    start = datetime(2027, 12, 6, 9, tzinfo=UTC)
    days = {date(2027, 12, 8), date(2027, 12, 9)}
    found = deadline(start, Period.read("P2D"), Where("Europe/Berlin", "DE"), "union", lambda _, day: day in days)
    assert found.at == datetime(2027, 12, 10, 22, 59, 59, tzinfo=UTC)
    assert found.nominal == date(2027, 12, 8)


@pytest.mark.parametrize("text", ["", "72h", "P1Y", "PT", "P1DT2H", "PT72", "72"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no period"):
        Period.read(text)
