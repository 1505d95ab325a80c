"""What every answer carries: policy, frame, type, caching, cookies; and whose name the server answers to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import matrix_table as table
import pytest

from kybern.server.pages.middleware import POLICY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.http import HttpResponse
    from django.test import Client

pytestmark = pytest.mark.django_db

ANSWERS = (
    "/accounts/login/",
    "/nothing-here",
    "/api/v1/records",
    "/api/v1/nothing-here",
    "/api/v1/openapi.json",
    "/health/live",
    "/records/ai_system/hiring-screener",
    "/settings/users",
    "/static/kybern.css",
)


def _policy(answer: HttpResponse) -> dict[str, set[str]]:
    parts = [one.split() for one in answer["Content-Security-Policy"].split(";") if one.strip()]
    return {one[0]: set(one[1:]) for one in parts}


@pytest.mark.parametrize("address", ANSWERS)
@pytest.mark.parametrize("role", ["administrator", "viewer", None])
def test_every_answer_says_what_a_browser_may_do(client: Client, sign_in: Callable[[str], Client], address: str, role: str | None) -> None:
    answer = (client if role is None else sign_in(role)).get(address)
    assert answer["Content-Security-Policy"] == POLICY
    assert answer["X-Content-Type-Options"] == "nosniff"
    for sensor in ("camera", "microphone", "geolocation"):
        assert f"{sensor}=()" in answer["Permissions-Policy"]
    assert answer["Referrer-Policy"] == "same-origin"
    kind = answer["Content-Type"].replace('"', "")
    assert kind.endswith(("json", "; charset=utf-8")), kind
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Request-Id"]
    assert answer["Server"] == "Kybern", "by name, and no version of anything"
    assert "X-Powered-By" not in answer
    answer.close()


def test_the_policy_lets_nothing_in_from_elsewhere(client: Client) -> None:
    policy = _policy(client.get("/accounts/login/"))
    assert policy["default-src"] == {"'none'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == {"'none'"}
    assert policy["form-action"] == {"'self'"}
    for name, sources in policy.items():
        assert sources <= {"'self'", "'none'", "data:"}, name
        assert "data:" not in sources or name == "img-src"


def test_no_page_can_be_framed(client: Client, sign_in: Callable[[str], Client]) -> None:
    for one in (client.get("/accounts/login/"), sign_in("administrator").get("/settings/users")):
        assert one["X-Frame-Options"] == "DENY"
        assert _policy(one)["frame-ancestors"] == {"'none'"}


def test_no_page_needs_what_the_policy_forbids(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("administrator")
    addresses = [line.address() for lines in table.PAGES.values() for line in lines]
    addresses += [f"/{route}" for route in table.ACCOUNTS if "<" not in route]
    for address in addresses:
        answer = client.get(address)
        if answer.streaming or not answer["Content-Type"].startswith("text/html"):
            continue
        text = answer.content.decode()
        assert not re.search(r"<[^>]+\sstyle\s*=", text), f"{address} has a style attribute"
        assert not re.search(r"<[^>]+\son[a-z]+\s*=", text), f"{address} has a script in an attribute"
        assert not re.search(r"<style[\s>]", text), f"{address} has a style sheet of its own"
        for attributes in re.findall(r"<script([^>]*)>", text):
            assert "src=" in attributes or "application/json" in attributes, f"{address} has a script of its own"
        assert not re.search(r"""(?:href|src|action)=["']?(?:javascript|data|vbscript):""", text, re.IGNORECASE), address
        elsewhere = re.findall(r"""<(?:script|link|img|iframe|form)[^>]*(?:src|href|action)=["']?(https?:[^"'\s>]+)""", text)
        assert not elsewhere, f"{address} loads from elsewhere: {elsewhere}"


def test_private_answers_are_kept_by_nobody(client: Client, sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    addresses = ("/", "/records/ai_system/", "/settings/profile", "/api/v1/records", "/palette?q=a", "/nothing-here", "/accounts/2fa/")
    for one in (sign_in("administrator"), by_token("administrator"), client):
        for address in addresses:
            assert "no-store" in one.get(address)["Cache-Control"], address


@pytest.mark.parametrize("address", ["/accounts/login/", "/", "/api/v1/records"])
@pytest.mark.parametrize("host", ["evil.example.org", "127.0.0.1.evil.example.org", "127.0.0.1:80@evil.example.org", ""])
def test_the_server_answers_to_its_own_name_only(client: Client, address: str, host: str) -> None:
    client.raise_request_exception = False
    answer = client.get(address, headers={"host": host})
    assert answer.status_code == 400
    assert b"evil" not in answer.content
    assert answer["Content-Security-Policy"] == POLICY


def test_a_forwarded_host_is_not_believed(client: Client) -> None:
    answer = client.get("/settings", headers={"x-forwarded-host": "evil.example.org", "x-forwarded-proto": "https"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    assert b"evil" not in client.get("/accounts/login/", headers={"x-forwarded-host": "evil.example.org"}).content


def test_a_request_id_is_not_echoed_as_it_came(client: Client) -> None:
    for said in ("<script>alert(1)</script>", "a\tb", "x" * 200, "short"):
        assert client.get("/accounts/login/", headers={"X-Request-Id": said})["X-Request-Id"] != said


@pytest.mark.parametrize("role", ["administrator", None])
def test_a_page_without_its_token_is_told_so_within_the_policy(sign_in: Callable[[str], Client], client: Client, role: str | None) -> None:
    from django.test import Client as Browser

    strict = Browser(enforce_csrf_checks=True)
    if role is not None:
        strict.cookies = sign_in(role).cookies
    answer = strict.post("/accounts/login/", {"login": "x@example.org", "password": "x"})
    assert answer.status_code == 403
    assert answer["Content-Security-Policy"] == POLICY
    assert b"<style" not in answer.content
    assert b"Nothing was changed" in answer.content


def test_another_origin_is_not_ours(sign_in: Callable[[str], Client]) -> None:
    from django.test import Client as Browser

    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = sign_in("administrator").cookies
    page = strict.get("/settings/profile").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found is not None
    said = {"csrfmiddlewaretoken": found.group(1), "name": "Administrator"}
    assert strict.post("/settings/profile", said, headers={"origin": "https://evil.example.org"}).status_code == 403
    assert strict.post("/settings/profile", said, headers={"origin": "null"}).status_code == 403
    assert strict.post("/settings/profile", said, headers={"origin": "http://127.0.0.1:8042"}).status_code == 302


def test_no_other_origin_reads_the_api(by_token: Callable[..., Client]) -> None:
    answer = by_token("administrator").get("/api/v1/records", headers={"origin": "https://evil.example.org"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


SETTINGS = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "kybern.server.settings"
from django.conf import settings as s
names = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_NAME", "SESSION_COOKIE_DOMAIN",
         "SESSION_COOKIE_PATH", "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_SAMESITE", "CSRF_COOKIE_NAME",
         "CSRF_COOKIE_DOMAIN", "LANGUAGE_COOKIE_SECURE", "LANGUAGE_COOKIE_HTTPONLY", "SECURE_HSTS_SECONDS", "DEBUG", "ALLOWED_HOSTS",
         "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN", "SECURE_PROXY_SSL_HEADER", "CSRF_TRUSTED_ORIGINS", "SECURE_SSL_REDIRECT", "PASSWORD_HASHERS")
print(json.dumps({name: getattr(s, name) for name in names}))
"""


def _settings(tmp_path: Path, **said: str) -> dict[str, object]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KYBERN_")}
    ran = subprocess.run(
        [sys.executable, "-c", SETTINGS], env={**plain, "KYBERN_DATA": str(tmp_path), **said}, capture_output=True, check=True, text=True
    )
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def test_cookies_behind_https(tmp_path: Path) -> None:
    said = _settings(tmp_path, KYBERN_URL="https://kybern.example.org", KYBERN_PROXIES="1")
    for kind in ("SESSION", "CSRF"):
        assert said[f"{kind}_COOKIE_SECURE"] is said[f"{kind}_COOKIE_HTTPONLY"] is True
        assert said[f"{kind}_COOKIE_SAMESITE"] == "Lax"
        assert str(said[f"{kind}_COOKIE_NAME"]).startswith("__Host-")
        assert said[f"{kind}_COOKIE_DOMAIN"] is None
    assert said["SESSION_COOKIE_PATH"] == "/"
    assert said["LANGUAGE_COOKIE_SECURE"] is said["LANGUAGE_COOKIE_HTTPONLY"] is True
    assert said["SECURE_HSTS_SECONDS"] == 31536000
    assert said["DEBUG"] is said["MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN"] is False
    assert said["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert said["CSRF_TRUSTED_ORIGINS"] == ["https://kybern.example.org"]
    assert "*" not in list(said["ALLOWED_HOSTS"])  # type: ignore[call-overload]  # a list


DEPLOYED = """
import json, os
os.environ["DJANGO_SETTINGS_MODULE"] = "kybern.server.settings"
import django
django.setup()
from django.core.checks import run_checks
print(json.dumps(sorted(one.id for one in run_checks(include_deployment_checks=True))))
"""


def test_djangos_own_checks_of_a_deployment_find_what_is_meant_so(tmp_path: Path) -> None:
    """HSTS speaks for this host alone and is on no list of browsers; who comes by HTTP is led to HTTPS by the proxy."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("KYBERN_")}
    said = {"KYBERN_DATA": str(tmp_path), "KYBERN_URL": "https://kybern.example.org", "KYBERN_PROXIES": "1"}
    ran = subprocess.run([sys.executable, "-c", DEPLOYED], env={**plain, **said}, capture_output=True, check=True, text=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == ["security.W005", "security.W008", "security.W021"]


def test_passwords_are_stretched(tmp_path: Path) -> None:
    """The tests' own settings are quicker; these are the server's."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    first = next(iter(_settings(tmp_path)["PASSWORD_HASHERS"]))  # type: ignore[call-overload]  # a list
    assert first.endswith(".PBKDF2PasswordHasher")
    assert PBKDF2PasswordHasher.iterations >= 600_000
    assert PBKDF2PasswordHasher.salt_entropy >= 128
    hashed = [PBKDF2PasswordHasher().encode("the same", PBKDF2PasswordHasher().salt(), 1) for _number in range(2)]
    assert hashed[0] != hashed[1]


def test_without_a_proxy_no_header_says_how_one_came(tmp_path: Path) -> None:
    assert _settings(tmp_path)["SECURE_PROXY_SSL_HEADER"] is None


def test_hsts_is_on_every_answer_behind_https(client: Client) -> None:
    from django.test import override_settings

    with override_settings(SECURE_HSTS_SECONDS=31536000):
        fresh = type(client)()
        for address in ANSWERS:
            answer = fresh.get(address, secure=True)
            assert answer["Strict-Transport-Security"] == "max-age=31536000", address
            answer.close()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/api/v1/records", "api.json"),
        ("/api/v1/openapi.json", "api.json"),
        ("/api/v1/nothing-here", "api.json"),
        ("/scim/v2/Users", "api.json"),
        ("/scim/v2/nothing-here", "api.json"),
    ],
)
def test_an_answer_for_programs_is_a_file_to_a_browser(by_token: Callable[..., Client], client: Client, address: str, name: str) -> None:
    for one in (by_token("administrator"), client):
        answer = one.get(address)
        assert answer["Content-Disposition"] == f'attachment; filename="{name}"', answer.status_code


def test_cookies_as_a_browser_gets_them(client: Client) -> None:
    from django.test import override_settings

    with override_settings(SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True):
        client.get("/accounts/login/")
        client.post("/accounts/login/", {"login": "viewer@example.org", "password": "a password of the tests"})
    assert "kybern" in client.cookies
    for name in ("kybern", "csrftoken"):
        found = client.cookies[name]
        assert found["secure"], name
        assert found["httponly"], name
        assert found["samesite"] == "Lax", name
        assert found["domain"] == "", name
