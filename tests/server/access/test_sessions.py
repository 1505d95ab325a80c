"""Signing in: sessions that are not fixed, guessing that is slowed, addresses that lead nowhere else, and what the access log tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from server_world import EMAILS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpResponse

pytestmark = pytest.mark.django_db
KNOWN = "a password of the tests"
VIEWER = EMAILS["viewer"]


@pytest.fixture(autouse=True)
def _no_counts() -> Iterator[None]:
    """Let no test be slowed by what another guessed."""
    from django.core.cache import cache

    cache.clear()
    yield
    cache.clear()


def _sign_in(client: Client, email: str = VIEWER, said: str = KNOWN, **more: str) -> HttpResponse:
    return client.post("/accounts/login/", {"login": email, "password": said, **more})


def _is_in(client: Client) -> bool:
    return bool(client.get("/settings/profile").status_code == 200)


def test_a_session_gets_another_key_at_sign_in() -> None:
    client = Client()
    session = client.session
    session["before"] = "there"
    session.save()
    client.cookies["kybern"] = fixed = str(session.session_key)
    assert _sign_in(client).status_code == 302
    assert client.cookies["kybern"].value != fixed
    stolen = Client()
    stolen.cookies["kybern"] = fixed
    assert not _is_in(stolen)
    assert _is_in(client)


def test_a_session_that_the_server_did_not_make_is_none() -> None:
    client = Client()
    client.cookies["kybern"] = "a" * 32
    assert _sign_in(client).status_code == 302
    assert client.cookies["kybern"].value != "a" * 32


def test_a_changed_password_ends_the_other_sessions() -> None:
    here, there = Client(), Client()
    for one in (here, there):
        assert _sign_in(one).status_code == 302
    key = here.cookies["kybern"].value
    said = {"oldpassword": KNOWN, "password1": "another one, quite long", "password2": "another one, quite long"}
    assert here.post("/accounts/password/change/", said).status_code == 302
    assert _is_in(here)
    assert here.cookies["kybern"].value != key
    assert not _is_in(there)


def test_a_weak_password_is_not_taken() -> None:
    client = Client()
    _sign_in(client)
    for weak in ("elevenchars", "a          b", "password1234", "viewer@example.org"):
        answer = client.post("/accounts/password/change/", {"oldpassword": KNOWN, "password1": weak, "password2": weak})
        assert answer.status_code == 200, weak
    long = "correct horse battery staple " * 4
    answer = client.post("/accounts/password/change/", {"oldpassword": KNOWN, "password1": long, "password2": long})
    assert answer.status_code == 302


def test_the_old_password_is_needed() -> None:
    client = Client()
    _sign_in(client)
    said = {"oldpassword": "a guess", "password1": "another one, quite long", "password2": "another one, quite long"}
    assert client.post("/accounts/password/change/", said).status_code == 200
    assert _sign_in(Client()).status_code == 302


def test_a_password_given_anew_ends_every_session(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import User

    client = Client()
    _sign_in(client)
    assert _is_in(client)
    number = User.objects.get(email=VIEWER).pk
    assert sign_in("administrator").post(f"/settings/users/{number}", {"act": "password"}).status_code == 200
    assert not _is_in(client)
    assert _sign_in(Client()).status_code == 200


def test_signing_out_ends_the_session() -> None:
    client = Client()
    _sign_in(client)
    kept = Client()
    kept.cookies["kybern"] = client.cookies["kybern"].value
    assert client.get("/accounts/logout/").status_code == 200
    assert _is_in(client), "a link signs nobody out"
    assert client.post("/accounts/logout/").status_code == 302
    assert not _is_in(kept)


def test_one_may_end_a_session_of_ones_own_and_no_others() -> None:
    from allauth.usersessions.models import UserSession

    here, there, other = Client(), Client(), Client()
    for one in (here, there):
        _sign_in(one)
        one.get("/settings/profile")
    _sign_in(other, EMAILS["engineer"])
    assert _is_in(other)
    assert here.get("/accounts/sessions/").status_code == 200
    assert UserSession.objects.filter(user__email=VIEWER).count() == 2
    here.post("/accounts/sessions/")
    assert _is_in(here)
    assert not _is_in(there)
    assert _is_in(other)


def test_a_session_does_not_last_forever(settings: object) -> None:
    from django.conf import settings as said

    assert said.SESSION_COOKIE_AGE <= 12 * 3600
    client = Client()
    _sign_in(client)
    assert client.session.get_expire_at_browser_close()


def test_a_session_ends_twelve_hours_after_the_sign_in_however_much_happens() -> None:
    from datetime import timedelta

    from django.contrib.sessions.models import Session
    from django.utils import timezone

    client = Client()
    _sign_in(client)
    session = client.session
    began = timezone.now() - timedelta(hours=11)
    session["signed_in_at"] = began.isoformat()
    session["something"] = "happens"
    session.save()
    row = Session.objects.get(session_key=session.session_key)
    assert row.expire_date == began + timedelta(hours=12)
    assert _is_in(client)
    Session.objects.filter(pk=row.pk).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert not _is_in(client)


def test_a_session_key_cannot_be_guessed() -> None:
    from math import log2

    from django.contrib.sessions.backends import base

    client = Client()
    _sign_in(client)
    key = client.cookies["kybern"].value
    assert set(key) <= set(base.VALID_KEY_CHARS)
    assert len(key) * log2(len(base.VALID_KEY_CHARS)) >= 64
    assert base.get_random_string.__module__ == "django.utils.crypto", "it draws from the system's own source"


def test_no_address_carries_a_session_or_a_token() -> None:
    from server_world import token_of

    client = Client()
    answer = _sign_in(client)
    key = client.cookies["kybern"].value
    assert key not in answer["Location"]
    assert key not in client.get("/settings/profile").content.decode()
    token = token_of("administrator")
    for query in ({"token": token}, {"access_token": token}, {"authorization": f"Bearer {token}"}, {"kybern": key}):
        assert Client().get("/api/v1/records", query).status_code == 401
        assert Client().get("/settings/profile", query).status_code == 302


def test_guessing_a_password_is_slowed() -> None:
    for _number in range(5):
        assert b"not correct" in _sign_in(Client(), said="a guess").content
    answer = _sign_in(Client())
    assert answer.status_code == 200
    assert b"Too many failed login attempts" in answer.content, "the right password tells a guesser nothing while they are slowed"
    assert _sign_in(Client(), EMAILS["engineer"]).status_code == 302, "others sign in meanwhile"


def test_guessing_addresses_is_slowed() -> None:
    answers = [_sign_in(Client(), f"somebody-{number}@example.org", "a guess") for number in range(12)]
    assert b"Too many failed login attempts" in answers[-1].content


def test_guesses_from_another_address_count_apart(settings: object) -> None:
    for number in range(12):
        Client(REMOTE_ADDR="198.51.100.1").post("/accounts/login/", {"login": f"nobody-{number}@example.org", "password": "a guess"})
    answer = Client(REMOTE_ADDR="198.51.100.2").post("/accounts/login/", {"login": VIEWER, "password": KNOWN})
    assert answer.status_code == 302


def test_a_forged_address_does_not_undo_the_slowing() -> None:
    for number in range(12):
        said = {"login": f"nobody-{number}@example.org", "password": "a guess"}
        answer = Client().post("/accounts/login/", said, headers={"x-forwarded-for": f"198.51.100.{number}"})
    assert b"Too many failed login attempts" in answer.content


def test_a_known_address_is_answered_like_an_unknown_one() -> None:
    known, unknown = _sign_in(Client(), said="a guess"), _sign_in(Client(), "nobody@example.org", "a guess")
    assert known.status_code == unknown.status_code == 200
    bare = [one.content.replace(VIEWER.encode(), b"").replace(b"nobody@example.org", b"") for one in (known, unknown)]
    import re

    shown = [re.sub(rb'value="[A-Za-z0-9]{64}"', b"", one) for one in bare]
    assert shown[0] == shown[1]


def test_a_deactivated_user_does_not_sign_in() -> None:
    from kybern.server.access.models import User

    User.objects.filter(email=VIEWER).update(is_active=False)
    client = Client()
    _sign_in(client)
    assert not _is_in(client)


def test_nobody_signs_up(client: Client) -> None:
    from kybern.server.access.models import User

    said = {"email": "me@example.org", "password1": KNOWN, "password2": KNOWN}
    for address in ("/accounts/signup/", "/accounts/3rdparty/signup/", "/accounts/password/reset/", "/accounts/email/"):
        assert client.post(address, said).status_code == 404
    assert not User.objects.filter(email="me@example.org").exists()


def test_no_page_leads_to_what_is_shut() -> None:
    client = Client()
    assert b"password/reset" not in client.get("/accounts/login/").content
    _sign_in(client)
    for address in ("/accounts/2fa/", "/accounts/reauthenticate/", "/accounts/password/change/", "/settings/profile"):
        text = client.get(address).content
        for shut in (b"password/reset", b"password/set", b"accounts/email", b"accounts/signup", b"accounts/3rdparty"):
            assert shut not in text, f"{address} leads to {shut!r}"


ELSEWHERE = (
    "https://evil.example.org/",
    "//evil.example.org/",
    "///evil.example.org",
    "/\\evil.example.org",
    "\\\\evil.example.org",
    "https:evil.example.org",
    "http:///evil.example.org",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%09/evil.example.org",
    "\t//evil.example.org",
    "https://127.0.0.1:8042@evil.example.org/",
    "https://evil.example.org\\@127.0.0.1",
)


@pytest.mark.parametrize("there", ELSEWHERE)
def test_signing_in_leads_nowhere_else(there: str) -> None:
    answer = _sign_in(Client(), next=there)
    assert answer.status_code == 302
    assert _stays(answer["Location"]), answer["Location"]
    client = Client()
    assert client.get("/accounts/login/", {"next": there}).status_code == 200
    _sign_in(client)
    assert _stays(client.get("/accounts/login/", {"next": there})["Location"])
    for address in ("/i18n/setlang/", "/accounts/logout/"):
        answer = client.post(address, {"next": there, "language": "de"})
        assert answer.status_code == 302
        assert _stays(answer["Location"]), f"{address}: {answer['Location']}"


def _stays(location: str) -> bool:
    return (location.startswith("/") and not location.startswith(("//", "/\\"))) or location.startswith("http://testserver/")


def test_who_is_led_to_sign_in_comes_back(client: Client) -> None:
    there = client.get("/records/ai_system/?q=a&sort=title")["Location"]
    assert there == "/accounts/login/?next=%2Frecords%2Fai_system%2F%3Fq%3Da%26sort%3Dtitle"
    assert _sign_in(client, next="/records/ai_system/?q=a&sort=title")["Location"] == "/records/ai_system/?q=a&sort=title"


def test_signing_in_and_failing_to_are_in_the_access_log() -> None:
    from kybern.server.access.models import AccessEvent

    _sign_in(Client(), said="a guess")
    _sign_in(Client(), "no address but a secret", "a guess")
    _sign_in(Client())
    rows = list(AccessEvent.objects.order_by("pk").values_list("kind", "actor", "subject", "address"))
    assert ("sign-in-failed", "anonymous", f"user {VIEWER}", "127.0.0.1") in rows
    assert ("signed-in", VIEWER, f"user {VIEWER}", "127.0.0.1") in rows
    assert not [row for row in rows if "secret" in row[2] or "a guess" in str(row)]
