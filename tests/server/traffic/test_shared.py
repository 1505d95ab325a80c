"""What all processes know: each asks the same table, one of several is first, and what is over is known no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone
from server_world import EMAILS

from kybern.server.traffic.shared import SharedCache, forget

pytestmark = pytest.mark.django_db


def _process() -> SharedCache:
    """Give the cache as another process has it: with nothing in memory."""
    return SharedCache("", {})


def test_what_one_process_keeps_another_knows() -> None:
    _process().set("a", [1.5, "b"], 60)
    assert _process().get("a") == [1.5, "b"]
    assert _process().get("b", "nothing") == "nothing"
    assert _process().touch("a", 120)
    assert not _process().touch("b")
    assert _process().delete("a")
    assert not _process().delete("a")
    assert "a" not in _process()


def test_of_several_one_is_first() -> None:
    assert _process().add("lock", 1, 60)
    assert not _process().add("lock", 1, 60)
    _process().delete("lock")
    assert _process().add("lock", 1, 60)


def test_what_is_over_is_known_no_more() -> None:
    from kybern.server.traffic.models import Shared

    for key in ("a", "b", "stays"):
        _process().set(key, 1, None if key == "stays" else 60)
    Shared.objects.exclude(until=None).update(until=timezone.now() - timedelta(seconds=1))
    assert _process().get("a") is None
    assert _process().add("a", 2, 60)
    assert _process().get("a") == 2
    assert forget(timezone.now()) == 1
    assert _process().get("stays") == 1
    _process().clear()
    assert not Shared.objects.exists()


def test_the_name_of_a_key_is_not_kept() -> None:
    from kybern.server.traffic.models import Shared

    _process().set("anna@example.org", 1)
    assert "anna" not in str(list(Shared.objects.values()))
    assert len(str(Shared.objects.get())) == 12


def test_a_guesser_is_slowed_whichever_process_answers() -> None:
    """Between two guesses all that a process has in memory goes."""
    said = {"login": EMAILS["viewer"], "password": "a guess"}
    for _number in range(5):
        del caches["default"]
        assert b"not correct" in Client().post("/accounts/login/", said).content
    del caches["default"]
    answer = Client().post("/accounts/login/", {**said, "password": "a password of the tests"})
    assert b"Too many failed login attempts" in answer.content


def test_no_other_request_asks_for_it() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        for address in ("/accounts/login/", "/health/live", "/api/v1/me", "/"):
            Client().get(address)
    assert not [one for one in asked.captured_queries if "traffic_shared" in one["sql"]]
