"""The calendar: what has a day, who sees it, filters, months, and the file for calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import icalendar
import pytest
from record_pages import XSS, assert_escaped, write
from server_world import PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()


def action(**more: Any) -> dict[str, Any]:
    return {
        "kind": "improvement", "id": "calendar-test", "title": "Mend the calendar", "origin": "suggestion", "action": "Mend it.",
        "owner": "role:ai-governance-lead", "due_on": (TODAY + timedelta(days=3)).isoformat(), **more,
    }  # fmt: skip


def month_of(on: date) -> str:
    return f"/calendar?month={on:%Y-%m}"


def events(answer: Any) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(answer.content).walk("VEVENT"))


def test_the_law_has_its_days(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("governance-lead").get("/calendar?month=2027-12").content.decode()
    assert "<h1>December 2027</h1>" in page
    assert 'id="d-2027-12-02"' in page
    assert "219 points apply" in page
    assert "bind you" in page
    shown = page.partition('<table class="month">')[2]
    assert "California" not in shown, "what nobody asks about and what binds nobody is left out"
    asked = sign_in("governance-lead").get("/calendar?month=2027-12&framework=CALIFORNIA").content.decode()
    assert "California" in asked.partition('<table class="month">')[2]


def test_an_action_stands_on_its_day_and_is_late_after_it(sign_in: Callable[[str], Client]) -> None:
    write(action())
    on = TODAY + timedelta(days=3)
    page = sign_in("governance-lead").get(month_of(on)).content.decode()
    assert f'id="d-{on}"' in page
    assert "Mend the calendar" in page
    gone = TODAY - timedelta(days=40)
    write(action(due_on=gone.isoformat()))
    page = sign_in("governance-lead").get(month_of(gone) + "&kind=action&owner=role:ai-governance-lead").content.decode()
    assert "late since" in page
    write(action(due_on=gone.isoformat(), done_on=gone.isoformat()))
    page = sign_in("governance-lead").get(month_of(gone) + "&kind=action&owner=role:ai-governance-lead").content.decode()
    assert "Mend the calendar" in page
    assert "is-late" not in page


def test_a_review_comes_round(sign_in: Callable[[str], Client]) -> None:
    write(action(due_on=None, reviewed_on=(TODAY - timedelta(days=10)).isoformat(), review_every="P30D") | {"due_on": "2099-01-01"})
    on = TODAY + timedelta(days=20)
    page = sign_in("governance-lead").get(month_of(on) + "&kind=review").content.decode()
    assert f'id="d-{on}"' in page
    assert "Review: last on" in page


def test_evidence_lapses_on_its_day(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.live import current
    from kybern.server.pages._days import EVIDENCE, days_of
    from kybern.server.store.evidence import take_evidence

    piece = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], suite="v", passed=40, failed=0, topic="validation-test")
    assert take_evidence([piece], datetime.now(UTC))[0].outcome == "accepted"
    found = [one for one in days_of(current()) if one.kind == EVIDENCE and one.ref == PROJECT_SYSTEM]
    assert found
    assert all(one.assessed for one in found)
    page = sign_in("governance-lead").get(month_of(found[0].on) + "&kind=evidence").content.decode()
    assert f'id="d-{found[0].on}"' in page
    assert "rests on evidence that is good until this day" in page


def test_a_large_organisation_is_told_the_same_days(sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.access.actor import actor_of
    from kybern.server.access.models import User
    from kybern.server.live import current, forget
    from kybern.server.pages import _lapsing
    from kybern.server.pages._days import EVIDENCE, LAW, Pick, days_between, seen_by, together
    from kybern.server.store.evidence import take_evidence

    write(action())
    piece = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], suite="v", passed=40, failed=0, topic="validation-test")
    assert take_evidence([piece], datetime.now(UTC))[0].outcome == "accepted"

    def told(name: str = "governance-lead") -> set[tuple[object, ...]]:
        forget()
        who = actor_of(User.objects.get(handle=name))
        found = together(seen_by(who, days_between(current(), Pick(), None, date(2099, 1, 1))))
        return {(one.on, one.kind, one.group, one.title, frozenset(one.refs), one.owner, one.uid) for one in found if one.kind != LAW}

    sign_in("project-engineer")
    client = sign_in("governance-lead")
    listed, of_project = told(), told("project-engineer")
    assert of_project < listed
    monkeypatch.setattr(_lapsing, "MOST_SYSTEMS", -1)
    assert told() == listed
    assert told("project-engineer") == of_project
    on = min(one[0] for one in listed if one[1] == EVIDENCE)
    assert isinstance(on, date)
    page = client.get(month_of(on) + "&kind=evidence").content.decode()
    assert f'id="d-{on}"' in page
    assert "is good until this day" in page
    forget()


def test_filters_are_in_the_address(sign_in: Callable[[str], Client]) -> None:
    write(action())
    client, address = sign_in("governance-lead"), month_of(TODAY + timedelta(days=3))
    for query, there in (
        ("kind=action", True),
        ("kind=law", False),
        ("kind=law&kind=action", True),
        ("kind=nonsense", True),
        ("owner=role:ai-governance-lead", True),
        ("owner=role:dpo", False),
        ("owner=mine", False),
        ("framework=ISO42001", True),
        ("framework=GDPR", False),
    ):
        assert ("Mend the calendar" in client.get(f"{address}&{query}").content.decode()) is there, query


def test_mine_is_what_my_roles_own(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import User

    User.objects.filter(handle="governance-lead").update(handle="aoife-kelleher")
    write(action(), by="person:administrator")
    assert "Mend the calendar" in sign_in("governance-lead").get(month_of(TODAY + timedelta(days=3)) + "&owner=mine").content.decode()


@pytest.mark.parametrize(
    ("asked", "before", "after"), [("2026-01", "2025-12", "2026-02"), ("2026-12", "2026-11", "2027-01"), ("2024-02", "2024-01", "2024-03")]
)
def test_months_lead_to_each_other(sign_in: Callable[[str], Client], asked: str, before: str, after: str) -> None:
    page = sign_in("viewer").get(f"/calendar?kind=law&month={asked}").content.decode()
    assert f'rel="prev" href="?kind=law&amp;month={before}" data-key="p"' in page
    assert f'rel="next" href="?kind=law&amp;month={after}" data-key="n"' in page


@pytest.mark.parametrize("asked", ["", "x", "2026-13", "2026-00", "0000-01", "9999-12", "2026-1", "2026-01-01", "%00", "٢٠٢٦-٠١"])
def test_what_is_no_month_is_this_month(sign_in: Callable[[str], Client], asked: str) -> None:
    answer = sign_in("viewer").get("/calendar", {"month": asked})
    assert answer.status_code == 200
    assert f"<h1>{TODAY:%B %Y}</h1>" in answer.content.decode()


def test_the_ends_of_the_calendar_have_one_neighbour(sign_in: Callable[[str], Client]) -> None:
    first = sign_in("viewer").get("/calendar?month=2000-01").content.decode()
    last = sign_in("viewer").get("/calendar?month=2099-12").content.decode()
    assert 'rel="prev"' not in first
    assert 'rel="next"' in first
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last


def test_nobody_sees_the_days_of_other_units(sign_in: Callable[[str], Client]) -> None:
    write(action())
    client, on = sign_in("project-engineer"), TODAY + timedelta(days=3)
    assert "Mend the calendar" not in client.get(month_of(on)).content.decode()
    assert not any("Mend" in str(one["SUMMARY"]) for one in events(client.get("/calendar.ics")))
    write({"kind": "exception", "id": "mine", "title": "A waiver of the project", "controls": ["GOV-01"], "systems": [PROJECT_SYSTEM],
           "reason": "x", "compensating": "y", "valid_from": TODAY.isoformat(), "expires_on": on.isoformat()})  # fmt: skip
    assert "A waiver of the project" in client.get(month_of(on)).content.decode()
    assert sign_in("stranger").get("/calendar").status_code == 403
    assert sign_in("stranger").get("/calendar.ics").status_code == 403


def test_sensitive_records_have_no_day_for_who_may_not_read_them(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    content = RecordRow.objects.filter(kind="person").first().content
    write({**content, "reviewed_on": TODAY.isoformat(), "review_every": "P3D"})
    address = month_of(TODAY + timedelta(days=3))
    assert content["title"] not in sign_in("viewer").get(address + "&kind=review").content.decode().partition('<table class="month">')[2]
    assert (
        content["title"] in sign_in("governance-lead").get(address + "&kind=review").content.decode().partition('<table class="month">')[2]
    )


def test_that_sensitive_days_were_shown_is_logged(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import AccessEvent
    from kybern.server.store.models import RecordRow

    content = RecordRow.objects.filter(kind="person").first().content
    write({**content, "reviewed_on": TODAY.isoformat(), "review_every": "P3D"})
    address = month_of(TODAY + timedelta(days=3)) + "&kind=review"
    for role, logged in (("viewer", False), ("governance-lead", True)):
        AccessEvent.objects.all().delete()
        sign_in(role).get(address)
        assert AccessEvent.objects.filter(kind=AccessEvent.Kind.READ, subject="calendar: person").exists() is logged


def test_the_file_is_a_calendar(sign_in: Callable[[str], Client]) -> None:
    title = "Mend, the; calendar\\ and say it at such a length that a line of the file has to be folded more than once: ä日本語 " + "x" * 60
    write(action(title=title, description="first\nsecond"))
    client = sign_in("governance-lead")
    answer = client.get("/calendar.ics?kind=action")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert answer.content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n")), "RFC 5545, 3.1"
    one = next(one for one in events(answer) if "Mend" in str(one["SUMMARY"]))
    assert str(one["SUMMARY"]) == f"Action due: {title}"
    assert one["DTSTART"].dt == TODAY + timedelta(days=3)
    assert "http://testserver/records/improvement/calendar-test" in str(one["DESCRIPTION"])
    assert "Owed by: Head of AI governance (Aoife Kelleher)" in str(one["DESCRIPTION"])
    assert one.walk("VALARM")
    assert answer.content == client.get("/calendar.ics?kind=action").content
    names = [str(each["UID"]) for each in events(client.get("/calendar.ics"))]
    assert len(names) == len(set(names)), "each thing has a name of its own"


def test_a_thing_that_is_put_off_keeps_its_name(sign_in: Callable[[str], Client]) -> None:
    def name() -> str:
        return next(str(one["UID"]) for one in events(sign_in("governance-lead").get("/calendar.ics")) if "Mend" in str(one["SUMMARY"]))

    write(action())
    first = name()
    write(action(due_on=(TODAY + timedelta(days=9)).isoformat()))
    assert name() == first


def test_the_file_keeps_to_the_filters(sign_in: Callable[[str], Client]) -> None:
    found = events(sign_in("governance-lead").get("/calendar.ics?kind=law&framework=EU_AI_ACT"))
    assert all(str(one["SUMMARY"]).startswith("Law: EU AI Act") for one in found)
    assert all(not one.walk("VALARM") for one in found)


def test_what_records_say_is_escaped(sign_in: Callable[[str], Client]) -> None:
    write(action(title=XSS))
    assert_escaped(sign_in("governance-lead").get(month_of(TODAY + timedelta(days=3))).content)


def test_a_month_without_anything_says_what_is_next(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("governance-lead").get("/calendar?month=2001-01").content.decode()
    assert "Nothing falls into this month." in page
    assert "Next:" in page


def test_without_any_day_it_says_where_days_come_from(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.live import forget
    from kybern.server.store.models import RecordRow

    client = sign_in("governance-lead")
    assert "Nothing falls into this month." in client.get("/calendar?owner=role:nobody").content.decode()
    RecordRow.objects.all().delete()
    forget()
    assert "No day is known yet" in client.get("/calendar").content.decode()
