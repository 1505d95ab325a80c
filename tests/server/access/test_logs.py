"""The server's own log: no secret in it, no line that somebody else wrote; and what people are told when something breaks."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from server_world import EMAILS, token_of

from kybern.server._logging import JsonLine, TextLine, log_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.django_db
KNOWN = "a password of the tests"


@pytest.fixture(params=["json", "text"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Keep what the server writes, in each of its forms."""
    assert log_config(request.param, "INFO")["formatters"]["line"]["()"] is (JsonLine if request.param == "json" else TextLine)
    found = io.StringIO()
    handler = logging.StreamHandler(found)
    handler.setFormatter(JsonLine() if request.param == "json" else TextLine())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield found
    root.removeHandler(handler)
    root.setLevel(before)


def test_no_secret_of_a_request_is_logged(lines: io.StringIO) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": EMAILS["viewer"], "password": KNOWN})
    key = client.cookies["kybern"].value
    token = token_of("administrator")
    client.get("/settings/profile?password=hunter2hunter2")
    Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/records?q=hunter2hunter2")
    logging.getLogger("kybern").error("a library said: token=%s, postgresql://kybern:hunter2hunter2@db/x, /a?key=hunter2hunter2", token)
    written = lines.getvalue()
    assert "accounts/login/" in written
    assert "api/v1/" in written
    for secret in (KNOWN, key, token, "hunter2hunter2"):
        assert secret not in written


def test_every_line_says_when_who_and_which_request(lines: io.StringIO, sign_in: Callable[[str], Client]) -> None:
    answer = sign_in("viewer").get("/settings/profile", headers={"X-Request-Id": "known-to-the-proxy"})
    assert answer["X-Request-Id"] == "known-to-the-proxy"
    line = next(one for one in lines.getvalue().splitlines() if "settings/profile" in one)
    assert "known-to-the-proxy" in line
    assert "viewer" in line
    if line.startswith("{"):
        said = json.loads(line)
        assert said["time"].endswith("Z"), "in UTC"
        assert (said["method"], said["route"], said["status"], said["actor"]) == ("GET", "settings/profile", 200, "viewer")


@pytest.mark.parametrize("evil", ["x\n2026-01-01 INFO forged", "x\r\nforged", "x\x1b[2Jforged", "x\u2028forged", "x\x00forged"])
def test_nobody_writes_a_line_of_their_own(lines: io.StringIO, evil: str) -> None:
    logging.getLogger("kybern").warning("somebody said %s", evil)
    Client().get("/nothing-here", headers={"X-Request-Id": evil, "User-Agent": evil})
    written = lines.getvalue()
    assert "somebody said" in written
    assert not [one for one in written.splitlines() if "forged" in one and "somebody said" not in one]
    assert not {"\x1b", "\x00", "\u2028"} & set(written)


def test_what_breaks_is_told_by_a_number_and_logged_whole(
    lines: io.StringIO, sign_in: Callable[[str], Client], by_token: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of access itself breaks: nothing is shown, nothing is told of why, and the log has it."""

    def break_down(*_said: object, **_more: object) -> bool:
        message = "inside of the server"
        raise RuntimeError(message)

    browser, program = sign_in("administrator"), by_token("administrator")
    monkeypatch.setattr("kybern.server.access.actor.Actor.may", break_down)
    for client, address in ((browser, "/records/ai_system/hiring-screener"), (program, "/api/v1/records")):
        client.raise_request_exception = False
        answer = client.get(address)
        assert answer.status_code == 500
        assert answer["X-Request-Id"] in answer.content.decode()
        for inside in (b"inside of the server", b"Traceback", b"hiring", b".py"):
            assert inside not in answer.content
        assert answer["X-Request-Id"] in lines.getvalue()
    assert "inside of the server" in lines.getvalue()


def test_a_denial_and_bad_input_are_told_with_their_request(sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import AccessEvent

    answer = sign_in("viewer").get("/settings/users")
    event = AccessEvent.objects.latest("pk")
    assert (event.kind, event.actor, event.request_id) == ("denied", EMAILS["viewer"], answer["X-Request-Id"])
    assert event.address == "127.0.0.1"
    told = by_token("administrator").put(
        "/api/v1/records/role/x", {"kind": "role", "id": "x"}, content_type="application/json", headers={"If-None-Match": "*"}
    )
    assert told.status_code == 422
    assert told.json()["instance"].endswith(told["X-Request-Id"])


def test_the_access_log_is_read_by_few_and_written_by_nobody(sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import AccessEvent

    sign_in("viewer").get("/settings/users")
    first = AccessEvent.objects.order_by("pk").first()
    assert first is not None
    assert sign_in("viewer").get("/settings/access-log").status_code == 403
    assert sign_in("internal-auditor").get("/settings/access-log").status_code == 200
    for method in ("post", "put", "patch", "delete"):
        assert getattr(sign_in("administrator"), method)("/settings/access-log").status_code == 405
        assert getattr(by_token("administrator"), method)("/api/v1/access-log").status_code == 405
    assert AccessEvent.objects.filter(pk=first.pk).exists()


def test_reading_what_is_sensitive_is_logged_without_what_was_read(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import AccessEvent
    from kybern.server.store.models import RecordRow

    row = RecordRow.objects.filter(kind="person").order_by("ref").first()
    assert row is not None
    assert sign_in("administrator").get(f"/records/person/{row.ref.partition(':')[2]}").status_code == 200
    event = AccessEvent.objects.filter(kind="read").latest("pk")
    assert event.subject == row.ref
    assert row.content["title"] not in f"{event.subject} {event.detail}"
