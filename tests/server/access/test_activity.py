"""A session's use is noted at once where it is new or comes from elsewhere, and else once a minute: reading a page writes nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from kybern.server.access.activity import EVERY_SECONDS, Activity

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(
        "kybern.server.access.activity.usersessionkit.track_activity", lambda request, **_said: found.append(request.session.session_key)
    )
    return found


def request(key: str | None, address: str = "127.0.0.1", agent: str = "a browser") -> Any:
    return SimpleNamespace(
        session=SimpleNamespace(session_key=key), user=None, META={"REMOTE_ADDR": address}, headers={"User-Agent": agent}
    )


def test_a_session_is_noted_once_a_minute_and_at_once_where_it_comes_from_elsewhere(noted: list[str]) -> None:
    clock = SimpleNamespace(now=1000.0)
    activity = Activity(lambda _request: HttpResponse(), lambda: clock.now)
    for _ in range(3):
        activity(request("one"))
    activity(request("two"))
    activity(request(None))
    assert noted == ["one", "two"]
    activity(request("one", address="10.0.0.9"))
    activity(request("one", agent="another browser"))
    assert noted == ["one", "two", "one", "one"]
    clock.now += EVERY_SECONDS
    activity(request("two"))
    assert noted == ["one", "two", "one", "one", "two"]


def test_a_process_remembers_no_more_sessions_than_it_has_room_for(noted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kybern.server.access.activity._MOST", 3)
    activity = Activity(lambda _request: HttpResponse())
    for number in range(10):
        activity(request(str(number)))
    assert len(noted) == 10
    assert len(activity._seen) <= 3


@pytest.mark.django_db
def test_a_page_that_is_read_again_writes_nothing(sign_in: Callable[[str], Client]) -> None:
    from allauth.usersessions.models import UserSession

    client = sign_in("viewer")
    client.get("/readiness")
    assert UserSession.objects.filter(session_key=client.session.session_key).count() == 1
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/readiness").status_code == 200
    assert not [one["sql"] for one in queries if one["sql"].split(" ", 1)[0] in {"UPDATE", "INSERT", "DELETE"}]
