"""What a password may be, that a first one ends, and what helps people with theirs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone
from server_world import EMAILS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from kybern.server.access.models import User

pytestmark = pytest.mark.django_db
KNOWN = "a password of the tests"
VIEWER = EMAILS["viewer"]
ALLOWED = (
    "only small letters here",
    "ONLY LARGE LETTERS HERE",
    "918273645091827",
    "two  spaces   and three",
    "ねこがすきなひとのことば",
    "😀😃😄😁😆😅🤣😂🙂🙃😉😊",
    'it\'s "<quoted>" & %s \\ {{so}}',
    "x1 " * 42,
)
"""No kind of character is asked for, and none is refused."""


def _sign_in(client: Client, said: str, email: str = VIEWER) -> HttpResponse:
    return client.post("/accounts/login/", {"login": email, "password": said})


def _change(client: Client, old: str, new: str) -> HttpResponse:
    return client.post("/accounts/password/change/", {"oldpassword": old, "password1": new, "password2": new})


def _is_in(client: Client) -> bool:
    return bool(client.get("/settings/profile").status_code == 200)


def _viewer() -> User:
    from kybern.server.access.models import User

    return User.objects.get(email=VIEWER)


@pytest.mark.parametrize("wanted", ALLOWED)
def test_any_characters_make_a_password_and_none_is_lost(wanted: str) -> None:
    client = Client()
    _sign_in(client, KNOWN)
    assert _change(client, KNOWN, wanted).status_code == 302
    assert not _is_in_with(wanted[:-2])
    assert _is_in_with(wanted)


def _is_in_with(said: str) -> bool:
    client = Client()
    _sign_in(client, said)
    return _is_in(client)


def test_a_password_has_a_longest_length() -> None:
    client = Client()
    _sign_in(client, KNOWN)
    answer = _change(client, KNOWN, "ab cd " * 21 + "abc")
    assert answer.status_code == 200
    assert b"at most 128 characters" in answer.content
    assert _change(client, KNOWN, "ab cd " * 21 + "ab").status_code == 302


def test_the_same_password_may_stay_for_years_and_come_again() -> None:
    """Nobody has to change a password of their own because time passed, nor find one that they never had."""
    from kybern.server.access.models import User

    User.objects.filter(email=VIEWER).update(joined_at=timezone.now() - timedelta(days=3650))
    client = Client()
    assert _sign_in(client, KNOWN).status_code == 302
    assert _change(client, KNOWN, "another one, quite long").status_code == 302
    assert _change(client, "another one, quite long", KNOWN).status_code == 302


def test_password_managers_are_not_hindered(sign_in: Callable[[str], Client]) -> None:
    for client, address in ((Client(), "/accounts/login/"), (sign_in("viewer"), "/accounts/password/change/")):
        fields = re.findall(r'<input[^>]+type="password"[^>]*>', client.get(address).content.decode())
        assert fields
        for one in fields:
            assert re.search(r'autocomplete="(current|new)-password"', one), one
            assert "onpaste" not in one
            assert "readonly" not in one


def test_a_first_password_signs_in_for_a_while(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import FIRST_PASSWORD, AccessEvent, User

    number = _viewer().pk
    page = sign_in("administrator").post(f"/settings/users/{number}", {"act": "password"}).content.decode()
    first = re.search(r">([A-Za-z0-9_-]{16})<", page)
    assert first is not None
    assert _is_in_with(first[1])
    ends = _viewer().first_password_until
    assert ends is not None
    assert abs(ends - timezone.now() - FIRST_PASSWORD) < timedelta(minutes=1)
    User.objects.filter(pk=number).update(first_password_until=timezone.now() - timedelta(seconds=1))
    client = Client()
    answer = _sign_in(client, first[1])
    assert answer.status_code == 200
    assert b"This first password has ended" in answer.content
    assert not _is_in(client)
    assert b"has ended" not in _sign_in(client, "a guess").content, "who does not have the password is not told"
    assert AccessEvent.objects.filter(kind="sign-in-failed", detail="the first password has ended").exists()


def test_a_password_of_ones_own_does_not_end() -> None:
    user = _viewer()
    user.set_first_password("made by somebody")
    client = Client()
    _sign_in(client, "made by somebody")
    assert b"Choose another password" in _change(client, "made by somebody", "made by somebody").content
    assert _viewer().first_password_until is not None
    assert _change(client, "made by somebody", "another one, quite long").status_code == 302
    assert _viewer().first_password_until is None


def test_a_first_password_that_is_hashed_anew_still_ends(settings: object) -> None:
    """Django hashes a password again at sign-in where its way of hashing changed: that makes it nobody's own."""
    from kybern.server.access.models import User

    user = _viewer()
    user.set_first_password("made by somebody")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]  # type: ignore[attr-defined]  # pytest-django's
    assert _is_in_with("made by somebody")
    assert _viewer().password.startswith("scrypt")
    User.objects.filter(pk=user.pk).update(first_password_until=timezone.now() - timedelta(seconds=1))
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]  # type: ignore[attr-defined]
    user.refresh_from_db()
    assert user.first_password_until is not None


def test_every_first_password_ends(sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import Unit, User
    from kybern.server.run import first_user

    root = Unit.objects.get(parent=None)
    sign_in("administrator").post("/settings/users", {"email": "one@example.org", "name": "One", "role": "viewer", "unit": root.pk})
    body = {"email": "two@example.org", "name": "Two", "role": "viewer", "unit": root.slug}
    by_token("administrator").post("/api/v1/users", body, content_type="application/json")
    for email in ("one@example.org", "two@example.org"):
        assert User.objects.get(email=email).first_password_until is not None, email
    User.objects.all().delete()
    made = first_user()
    assert made is not None
    assert User.objects.get().first_password_until is not None
    assert User.objects.get().check_password(made.password)
