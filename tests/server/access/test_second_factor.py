"""Second factors: asked for, counted once, slowed, sealed; and not taken off by whoever has a session."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from second_factor import activate_totp, code_of
from server_world import EMAILS

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

pytestmark = pytest.mark.django_db


def _is_in(client: Client) -> bool:
    return bool(client.get("/settings/profile").status_code == 200)


def test_a_second_factor_is_asked_for(settings: SettingsWrapper) -> None:
    from django.core.cache import cache

    from kybern.server.access.models import AccessEvent

    cache.clear()
    said = {"login": EMAILS["viewer"], "password": "a password of the tests"}
    client = Client()
    client.post("/accounts/login/", said)
    secret = activate_totp(client)
    assert b"ecovery" in client.get("/accounts/2fa/recovery-codes/").content
    other = Client()
    answer = other.post("/accounts/login/", said)
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert not _is_in(other), "the password is not enough"
    page = other.get("/accounts/2fa/authenticate/")
    assert page.status_code == 200
    assert b'name="code"' in page.content
    assert other.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert not _is_in(other)
    cache.clear()
    for old in (code_of(secret, ago=3), code_of(secret, ago=-3)):
        assert other.post("/accounts/2fa/authenticate/", {"code": old}).status_code == 200, "a code counts for a short time"
    assert not _is_in(other)
    told = AccessEvent.objects.filter(kind="sign-in-failed", subject=f"user {EMAILS['viewer']}", detail="second factor")
    assert told.count() == 3
    cache.clear()
    code = code_of(secret)
    assert other.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert _is_in(other)
    third = Client()
    third.post("/accounts/login/", said)
    third.post("/accounts/2fa/authenticate/", {"code": code})
    assert not _is_in(third), "a code counts once"
    assert told.count() == 4


def test_what_verifies_a_second_factor_is_sealed() -> None:
    from allauth.mfa.adapter import get_adapter
    from allauth.mfa.models import Authenticator
    from django.core.cache import cache

    cache.clear()
    client = Client()
    client.post("/accounts/login/", {"login": EMAILS["viewer"], "password": "a password of the tests"})
    secret = activate_totp(client)
    codes = client.get("/accounts/2fa/recovery-codes/").content.decode()
    kept = list(Authenticator.objects.values_list("data", flat=True))
    assert len(kept) == 2
    assert secret not in json.dumps(kept)
    for one in kept:
        sealed = one.get("secret") or one["seed"]
        assert sealed.startswith("sealed:")
        assert get_adapter().decrypt(sealed) not in json.dumps(kept)
    assert "ecovery" in codes
    assert get_adapter().decrypt(secret) == secret, "one of before is read as it is"


def test_what_is_sealed_opens_for_its_own_purpose_only_and_is_never_the_same_twice() -> None:
    from kybern.evidence import Refused
    from kybern.server.store.keys import seal, unseal

    one, two = (seal(b"the same", "somebody", b"a purpose") for _number in range(2))
    assert one != two
    assert one[:12] != two[:12], "a nonce is used once"
    assert unseal(one, "somebody", b"a purpose") == unseal(two, "somebody", b"a purpose") == b"the same"
    changed = one[:-1] + bytes([one[-1] ^ 1])
    for sealed, name, purpose in ((changed, "somebody", b"a purpose"), (one, "another", b"a purpose"), (one, "somebody", b"another")):
        with pytest.raises(Refused, match="does not open"):
            unseal(sealed, name, purpose)


def test_a_recovery_code_counts_once() -> None:
    import re

    from django.core.cache import cache

    cache.clear()
    said = {"login": EMAILS["viewer"], "password": "a password of the tests"}
    client = Client()
    client.post("/accounts/login/", said)
    activate_totp(client)
    codes = re.findall(r"\b[0-9a-f]{8,}\b", client.get("/accounts/2fa/recovery-codes/download/").content.decode())
    assert len(set(codes)) == 10
    for come_in in (True, False):
        cache.clear()
        other = Client()
        other.post("/accounts/login/", said)
        other.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert _is_in(other) is come_in


def test_guessing_the_second_factor_is_slowed() -> None:
    from django.core.cache import cache

    cache.clear()
    said = {"login": EMAILS["viewer"], "password": "a password of the tests"}
    client = Client()
    client.post("/accounts/login/", said)
    secret = activate_totp(client)
    cache.clear()
    other = Client()
    other.post("/accounts/login/", said)
    for _number in range(12):
        other.post("/accounts/2fa/authenticate/", {"code": "000000"})
    other.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert not _is_in(other)
    cache.clear()


def test_a_second_factor_is_not_taken_off_by_a_stolen_session(settings: SettingsWrapper) -> None:
    from django.core.cache import cache

    cache.clear()
    client = Client()
    client.post("/accounts/login/", {"login": EMAILS["viewer"], "password": "a password of the tests"})
    activate_totp(client)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    time.sleep(0.01)
    for address in ("/accounts/2fa/totp/deactivate/", "/accounts/2fa/recovery-codes/generate/", "/accounts/2fa/webauthn/add/"):
        answer = client.post(address)
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"], address
