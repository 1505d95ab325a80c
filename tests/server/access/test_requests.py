"""Requests that are bent: other methods and types, values where none belong, names of files that are for nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from server_world import EMAILS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kybern.server.access.models import User

pytestmark = pytest.mark.django_db
HIDDEN = (
    "/static/",
    "/static",
    "/.git/config",
    "/.env",
    "/.DS_Store",
    "/secret.key",
    "/kybern.db",
    "/static/.git/config",
    "/static/kybern.css.bak",
    "/static/kybern.js~",
    "/static/../settings.py",
    "/static/%2e%2e/%2e%2e/settings.py",
    "/static/..%2f..%2fsettings.py",
    "/static/....//settings.py",
    "/static//etc/passwd",
    "/trust/../settings/users",
    "/log/checkpoint",
    "/import/../../etc/passwd",
)
INJECTED = (
    "' OR '1'='1",
    "1; DROP TABLE store_recordrow; --",
    '" UNION SELECT password FROM access_user --',
    "title'",
    "%27",
    "\\",
    "*)(uid=*",
)


def _administrator() -> User:
    from kybern.server.access.models import User

    return User.objects.get(email=EMAILS["administrator"])


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PUT", "DELETE", "NONSENSE"])
def test_a_method_that_is_not_there_is_answered_as_such(
    sign_in: Callable[[str], Client], by_token: Callable[..., Client], caplog: pytest.LogCaptureFixture, method: str
) -> None:
    caplog.set_level("INFO", "kybern.access")
    for client, address in ((sign_in("administrator"), "/settings/profile"), (by_token("administrator"), "/api/v1/me")):
        answer = client.generic(method, address)
        assert answer.status_code == 405
        assert "GET" in answer["Allow"]
        assert caplog.messages[-1].startswith(method)
        assert caplog.messages[-1].endswith("405")


def test_a_question_for_the_methods_tells_nothing_to_another_origin(sign_in: Callable[[str], Client]) -> None:
    asked = {"origin": "https://evil.example.org", "access-control-request-method": "PUT"}
    for address in ("/settings/profile", "/api/v1/records"):
        answer = sign_in("administrator").options(address, headers=asked)
        assert answer.status_code in {200, 405}
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        assert b"<form" not in answer.content


def test_the_right_origin_lets_nobody_in(client: Client) -> None:
    """`Origin` may only keep out: with the server's own, and without a session or the CSRF token, nothing is done."""
    ours = {"origin": "http://127.0.0.1:8042"}
    assert client.get("/api/v1/records", headers=ours).status_code == 401
    assert client.get("/settings/profile", headers=ours).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(_administrator(), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post("/settings/profile", {"name": "Taken over"}, headers=ours).status_code == 403


def test_signing_in_needs_the_csrf_token_too() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/accounts/login/", {"login": EMAILS["viewer"], "password": "a password of the tests"})
    assert answer.status_code == 403
    assert "kybern" not in strict.cookies


def test_values_come_from_where_they_belong(sign_in: Callable[[str], Client]) -> None:
    """What a form says is read from its body, never from the address; of a value given twice one counts, and no list is made of it."""
    client = sign_in("administrator")
    before = _administrator().name
    client.post("/settings/profile?name=From+the+address", {"language": "en"})
    assert _administrator().name in {before, ""}
    client.post("/settings/profile", "name=One&name=Two&language=en", content_type="application/x-www-form-urlencoded")
    assert _administrator().name == "Two"
    assert client.get("/records/ai_system/?q=a&q=b&sort=title&sort=id").status_code == 200


def test_what_is_not_asked_for_is_not_set(sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import User

    viewer = User.objects.get(email=EMAILS["viewer"])
    more = {"email": "new@example.org", "handle": "administrator", "is_active": "0", "id": "1", "password": "x", "external_id": "x"}
    sign_in("viewer").post("/settings/profile", {"name": "Vera", "language": "en", **more})
    after = User.objects.get(pk=viewer.pk)
    assert after.name == "Vera"
    for field in ("email", "handle", "is_active", "password", "external_id"):
        assert getattr(after, field) == getattr(viewer, field), field
    program = by_token("administrator")
    body = {
        "email": "new@example.org",
        "name": "N",
        "role": "viewer",
        "unit": "organization",
        "is_active": False,
        "handle": "boss",
        "id": 1,
    }
    answer = program.post("/api/v1/users", body, content_type="application/json")
    if answer.status_code == 422:
        assert not User.objects.filter(email="new@example.org").exists()
    else:
        made = User.objects.get(email="new@example.org")
        assert (made.handle, made.is_active) == ("new", True)
    content = {"kind": "role", "id": "x", "title": "X", "responsibilities": ["y"], "status": "met"}
    answer = program.put("/api/v1/records/role/x", content, content_type="application/json", headers={"If-None-Match": "*"})
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "text/html", "multipart/form-data; boundary=x", ""])
def test_a_body_of_another_type_is_not_read(by_token: Callable[..., Client], kind: str) -> None:
    body = b'{"kind": "role", "id": "x", "title": "X", "responsibilities": ["y"]}'
    answer = by_token("administrator").generic("PUT", "/api/v1/records/role/x", body, content_type=kind, headers={"If-None-Match": "*"})
    assert answer.status_code == 415, answer.content


@pytest.mark.parametrize("said", ["O'Hara", "ねこ 😀", "Zoë \u200fשלום", 'a "b" <c> & d', "e\u0301 é"])
def test_every_character_comes_back_as_it_was_written(sign_in: Callable[[str], Client], by_token: Callable[..., Client], said: str) -> None:
    from html import unescape

    client = sign_in("administrator")
    client.post("/settings/profile", {"name": said, "language": "en"})
    assert _administrator().name == said
    assert said in unescape(client.get("/settings/profile").content.decode())
    content = {"kind": "role", "id": "x", "title": said, "responsibilities": [said]}
    program = by_token("administrator")
    program.put("/api/v1/records/role/x", content, content_type="application/json", headers={"If-None-Match": "*"})
    found = program.get("/api/v1/records/role/x").json()["content"]
    assert (found["title"], found["responsibilities"]) == (said, [said])


@pytest.mark.parametrize("address", HIDDEN)
def test_no_file_but_the_servers_own_is_served(sign_in: Callable[[str], Client], address: str) -> None:
    for client in (Client(), sign_in("administrator")):
        answer = client.get(address)
        assert answer.status_code in {302, 400, 404}, address
        body = b"".join(answer)
        assert b"SECRET_KEY" not in body
        assert b"root:" not in body


@pytest.mark.parametrize("said", INJECTED)
def test_a_filter_finds_words_and_runs_nothing(sign_in: Callable[[str], Client], by_token: Callable[..., Client], said: str) -> None:
    from kybern.server.store.models import RecordRow

    client, program, count = sign_in("administrator"), by_token("administrator"), RecordRow.objects.count()
    for address in ("/records/ai_system/", "/systems", "/evidence", "/risks", "/settings/access-log", "/palette", "/records/suggest"):
        for name in ("q", "sort", "owner", "kinds", "after"):
            answer = client.get(address, {name: said})
            assert answer.status_code in {200, 302, 404, 422}, f"{address} {name}"
            assert b"pbkdf2_" not in answer.content
            assert b"md5$" not in answer.content
    for name in ("q", "sort", "kind", "cursor"):
        assert program.get("/api/v1/records", {name: said}).status_code in {200, 400, 422}, name
    assert RecordRow.objects.count() == count
