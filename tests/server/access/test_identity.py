"""Signing in by an identity provider, by a second factor, and what the environment says of them."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt
import oidc_provider
import pytest
import requests
from django.test import Client
from second_factor import activate_totp
from server_world import EMAILS

from kybern.server._environment import EnvironmentProblem, read_environment
from kybern.server._identity import Identity, Oidc, providers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.http import HttpResponse
    from oidc_provider import Provider
    from pytest_django.fixtures import SettingsWrapper

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/oidc/sso/login/"


@pytest.fixture
def provider(settings: SettingsWrapper) -> Iterator[Provider]:
    """Start a provider and name it in the settings."""
    with oidc_provider.running() as found:
        _configure(settings, found)
        yield found


def _configure(settings: SettingsWrapper, provider: Provider, **more: Any) -> None:
    oidc = Oidc(provider.issuer, oidc_provider.CLIENT, oidc_provider.SECRET, "Example directory")
    identity = Identity(oidc, **more)
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, identity=identity)
    settings.SOCIALACCOUNT_PROVIDERS = providers_of(identity)


def _come_back(client: Client, **query: str) -> HttpResponse:
    """Go to the provider as a browser does, and come back with what it gave."""
    there = client.get(LOGIN, query)
    assert there.status_code == 302, there.content
    back = requests.get(there["Location"], allow_redirects=False, timeout=10)
    assert back.status_code == 302
    parts = urlsplit(back.headers["Location"])
    return client.get(f"{parts.path}?{parts.query}")


def _is_in(client: Client) -> bool:
    return bool(client.get("/settings/profile").status_code == 200)


def test_the_sign_in_page_leads_to_the_provider(provider: Provider, client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert "Example directory" in page
    assert f'href="{LOGIN}' in page
    assert "third-party" not in page
    asked = {name: one[0] for name, one in parse_qs(urlsplit(client.get(LOGIN)["Location"]).query).items()}
    assert asked["redirect_uri"] == "http://testserver/accounts/oidc/sso/login/callback/"
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 16


def test_who_is_new_comes_in_and_sees_nothing(provider: Provider) -> None:
    from kybern.server.access.models import AccessEvent, User

    client = Client()
    answer = _come_back(client, next="/settings/profile")
    assert answer.status_code == 302, answer.content
    assert answer["Location"] == "/settings/profile"
    user = User.objects.get(email="ada@example.org")
    assert user.name == "Ada Lovelace"
    assert user.handle == "ada"
    assert not user.has_usable_password()
    assert not user.grants.exists()
    assert _is_in(client)
    assert client.get("/systems").status_code == 403
    assert b"Nothing is granted" in client.get("/").content or client.get("/").status_code == 200
    told = set(AccessEvent.objects.filter(subject="user ada@example.org").values_list("kind", flat=True))
    assert told == {"changed", "signed-in"}
    assert _is_in_again(provider)
    assert User.objects.filter(email__startswith="ada").count() == 1


def _is_in_again(provider: Provider) -> bool:
    client = Client()
    _come_back(client)
    return _is_in(client)


def test_the_environment_may_name_a_first_role(provider: Provider, settings: SettingsWrapper) -> None:
    from kybern.server.access.models import Grant, User

    _configure(settings, provider, role="viewer")
    client = Client()
    _come_back(client)
    user = User.objects.get(email="ada@example.org")
    assert [one.role.slug for one in user.grants.all()] == ["viewer"]
    assert client.get("/systems").status_code == 200
    Grant.objects.filter(user=user).delete()
    _come_back(Client())
    assert not user.grants.exists(), "what an administrator withdrew stays withdrawn"


def test_a_known_address_is_the_same_user(provider: Provider) -> None:
    from kybern.server.access.models import User

    provider.user |= {"email": EMAILS["viewer"].upper()}
    client = Client()
    _come_back(client)
    assert client.get("/systems").status_code == 200
    user = User.objects.get(email=EMAILS["viewer"])
    assert user.check_password("a password of the tests"), "the password stays"
    provider.user |= {"email": EMAILS["administrator"]}
    again = Client()
    _come_back(again)
    assert EMAILS["viewer"] in again.get("/settings/profile").content.decode(), "the subject says who it is, whatever its address is now"


@pytest.mark.parametrize(
    "said", [{"email_verified": False}, {"email_verified": None}, {"email_verified": "false"}, {"email": ""}, {"email": "x"}]
)
@pytest.mark.parametrize("address", [EMAILS["administrator"], "new@example.org"])
def test_an_address_that_is_not_proved_is_nobodys(provider: Provider, said: dict[str, Any], address: str) -> None:
    from kybern.server.access.models import AccessEvent, User

    before = User.objects.count()
    provider.user |= {"email": address, **said}
    client = Client()
    answer = _come_back(client)
    assert answer.status_code == 403
    assert b"You are not signed in" in answer.content
    assert not _is_in(client)
    assert User.objects.count() == before
    assert AccessEvent.objects.filter(kind="sign-in-failed").exists()


def test_a_directory_may_be_trusted_with_its_addresses(provider: Provider, settings: SettingsWrapper) -> None:
    _configure(settings, provider, trust_email=True)
    del provider.user["email_verified"]
    client = Client()
    _come_back(client)
    assert _is_in(client)


def test_a_deactivated_user_stays_out(provider: Provider) -> None:
    from kybern.server.access.models import User

    User.objects.filter(email=EMAILS["viewer"]).update(is_active=False)
    provider.user |= {"email": EMAILS["viewer"]}
    client = Client()
    assert _come_back(client).status_code == 302
    assert not _is_in(client)


def _of_another_key(claims: dict[str, Any]) -> str:
    from cryptography.hazmat.primitives.asymmetric import rsa

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, other, algorithm="RS256", headers={"kid": "one"})


LIES: dict[str, dict[str, Any]] = {
    "another key": {"sign": _of_another_key},
    "no signature": {"sign": lambda claims: jwt.encode(claims, None, algorithm="none", headers={"kid": "one"})},
    "a shared secret": {"sign": lambda claims: jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": "one"})},
    "an unknown key": {"sign": lambda claims: jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": "two"})},
    "another issuer": {"spoil": lambda claims: {**claims, "iss": "https://evil.example.org"}},
    "another audience": {"spoil": lambda claims: {**claims, "aud": "another application"}},
    "too late": {"spoil": lambda claims: {**claims, "exp": int(time.time()) - 10}},
    "no subject": {"spoil": lambda claims: {name: one for name, one in claims.items() if name != "sub"}},
    "no token": {"sign": lambda _claims: None},
    "no JWT": {"sign": lambda _claims: "nonsense"},
    "user information of another": {"about": {"sub": "subject-2", "email": EMAILS["administrator"], "email_verified": True}},
    "user information without a subject": {"about": {"email": EMAILS["administrator"], "email_verified": True}},
    "a configuration of another": {"calls_itself": "https://evil.example.org"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_provider_that_lies_signs_nobody_in(provider: Provider, lie: str) -> None:
    from kybern.server.access.models import User

    client = Client()
    there = client.get(LOGIN)
    for name, value in LIES[lie].items():
        setattr(provider, name, value)
    back = urlsplit(requests.get(there["Location"], allow_redirects=False, timeout=10).headers["Location"])
    answer = client.get(f"{back.path}?{back.query}")
    assert answer.status_code in {200, 401, 403, 502}, answer.status_code
    assert not _is_in(client)
    assert not User.objects.filter(email="ada@example.org").exists()


def test_a_sign_in_belongs_to_the_browser_that_began_it(provider: Provider) -> None:
    begun, other = Client(), Client()
    back = requests.get(begun.get(LOGIN)["Location"], allow_redirects=False, timeout=10).headers["Location"]
    parts = urlsplit(back)
    other.get(LOGIN)
    other.get(f"{parts.path}?{parts.query}")
    assert not _is_in(other), "a link with somebody else's code signs nobody in"
    state = parse_qs(parts.query)["state"][0]
    begun.get(f"{parts.path}?code=guessed&state={state}")
    assert not _is_in(begun)


def test_no_identity_is_put_beside_an_account(provider: Provider, sign_in: Callable[[str], Client]) -> None:
    from allauth.socialaccount.models import SocialAccount

    client = sign_in("administrator")
    answer = _come_back(client, process="connect")
    assert answer.status_code == 403
    assert not SocialAccount.objects.exists()


def test_signing_in_by_the_provider_leads_nowhere_else(provider: Provider) -> None:
    for there in ("https://evil.example.org/", "//evil.example.org/", "javascript:alert(1)"):
        answer = _come_back(Client(), next=there)
        assert answer.status_code == 302
        assert answer["Location"] == "/"


def test_a_provider_that_is_away_is_told(settings: SettingsWrapper) -> None:
    with oidc_provider.running() as found:
        _configure(settings, found)
    answer = Client().get(LOGIN)
    assert answer.status_code == 502
    assert b"does not answer" in answer.content
    assert Client().get("/accounts/login/").status_code == 200


def test_a_provider_that_is_not_configured_is_not_there(client: Client) -> None:
    assert client.get(LOGIN).status_code == 404
    assert client.get("/accounts/oidc/other/login/callback/").status_code == 404


def test_what_the_provider_gives_is_kept_without_its_tokens(provider: Provider) -> None:
    from allauth.socialaccount.models import SocialAccount, SocialToken

    _come_back(Client())
    assert not SocialToken.objects.exists()
    assert "access" not in json.dumps(SocialAccount.objects.get().extra_data)


ENVIRONMENT = {"KYBERN_OIDC_ISSUER": "https://id.example.org/", "KYBERN_OIDC_CLIENT_ID": "a", "KYBERN_OIDC_CLIENT_SECRET": "b"}


def test_the_environment_names_the_provider(tmp_path: Path) -> None:
    said = read_environment(
        {"KYBERN_DATA": str(tmp_path), **ENVIRONMENT, "KYBERN_OIDC_ROLE": "viewer", "KYBERN_OIDC_NAME": "Ours"}
    ).identity
    assert said == Identity(Oidc("https://id.example.org", "a", "b", "Ours"), role="viewer")
    bare = read_environment({"KYBERN_DATA": str(tmp_path), **ENVIRONMENT}).identity
    assert bare.oidc is not None
    assert bare.oidc.name == "id.example.org"
    assert bare.role == ""
    assert not bare.trust_email
    assert read_environment({"KYBERN_DATA": str(tmp_path)}).identity == Identity()
    assert providers_of(Identity()) == {}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"KYBERN_OIDC_ISSUER": "http://id.example.org"}, "https://"),
        ({"KYBERN_OIDC_ISSUER": "id.example.org"}, "https://"),
        ({"KYBERN_OIDC_CLIENT_SECRET": ""}, "KYBERN_OIDC_CLIENT_SECRET"),
        ({"KYBERN_OIDC_CLIENT_ID": ""}, "KYBERN_OIDC_CLIENT_ID"),
        ({"KYBERN_OIDC_TRUST_EMAIL": "yes"}, "write 1"),
        ({"KYBERN_SAML_METADATA": "http://id.example.org/metadata"}, "https://"),
    ],
)
def test_an_environment_that_cannot_be_used_is_told(tmp_path: Path, said: dict[str, str], words: str) -> None:
    with pytest.raises(EnvironmentProblem, match=words):
        read_environment({"KYBERN_DATA": str(tmp_path), **ENVIRONMENT, **said})


def test_a_second_factor_is_asked_after_the_provider_too(provider: Provider) -> None:
    from django.core.cache import cache

    cache.clear()
    client = Client()
    client.post("/accounts/login/", {"login": EMAILS["viewer"], "password": "a password of the tests"})
    activate_totp(client)
    provider.user |= {"email": EMAILS["viewer"]}
    other = Client()
    assert _come_back(other)["Location"] == "/accounts/2fa/authenticate/"
    assert not _is_in(other)


def test_passkeys_are_offered(client: Client, sign_in: Callable[[str], Client]) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert 'id="passkey_login"' in page
    asked = client.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}).json()
    assert asked["request_options"]["publicKey"]["rpId"] == "testserver"
    challenge = asked["request_options"]["publicKey"]["challenge"]
    assert len(challenge) >= 22, "128 bits"
    again = client.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}).json()
    assert again["request_options"]["publicKey"]["challenge"] != challenge
    assert client.get("/accounts/login/").content.decode().count("<script") == page.count("<script")


def test_who_has_no_password_is_told_where_the_second_factor_is(provider: Provider) -> None:
    """Their second factor is the provider's business; the page says no, and does not break."""
    client = Client()
    _come_back(client)
    for address in ("/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/reauthenticate/", "/accounts/password/change/"):
        assert client.get(address).status_code in {200, 302, 403, 404}, address
