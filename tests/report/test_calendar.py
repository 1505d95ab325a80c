"""The calendar: what is written is read back by its library, whatever the text; the same input gives the same bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from kybern.report import CalendarEvent, calendar_file

STAMP = datetime(2026, 11, 26, 2, tzinfo=UTC)
TEXT = st.text(max_size=200)
EVENTS = st.builds(
    CalendarEvent,
    uid=st.from_regex(r"[a-z]{1,20}@kybern", fullmatch=True),
    on=st.dates(date(1990, 1, 1), date(2100, 1, 1)) | st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - zoned
    summary=TEXT,
    description=TEXT,
    categories=st.lists(st.sampled_from(["eu_ai_act", "gdpr, too", "a;b"]), max_size=2).map(tuple),
    remind=st.none() | st.just(timedelta(days=7)),
)


@given(st.lists(EVENTS, max_size=4, unique_by=lambda one: one.uid))
def test_what_is_written_is_read_back(events: list[CalendarEvent]) -> None:
    written = calendar_file(events, "Deadlines", STAMP)
    assert written == calendar_file(list(reversed(events)), "Deadlines", STAMP)
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    read = {str(one["uid"]): one for one in Calendar.from_ical(written).walk("VEVENT")}
    assert read.keys() == {one.uid for one in events}
    for event in events:
        found = read[event.uid]
        on = event.on.replace(microsecond=0) if isinstance(event.on, datetime) else event.on
        assert found.decoded("dtstart") == on
        assert found.decoded("dtstamp") == STAMP
        assert str(found["summary"]) == " ".join("".join(c for c in event.summary if c.isprintable() or c == "\n").split())
        assert len(found.walk("VALARM")) == (event.remind is not None)


def test_days_are_whole_days_in_order() -> None:
    events = [CalendarEvent(name, day, name, "d") for name, day in (("b@k", date(2027, 12, 2)), ("a@k", date(2026, 12, 2)))]
    text = calendar_file(events, "n", STAMP).decode()
    assert text.index("DTSTART;VALUE=DATE:20261202") < text.index("DTSTART;VALUE=DATE:20271202")
    assert "VERSION:2.0" in text
    assert "PRODID" in text
