"""Limits of the API: for a token, a user, an address; and that what is refused is told as a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from kybern.server._environment import EnvironmentProblem, read_environment
from kybern.server.traffic import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.conf import Settings

pytestmark = pytest.mark.django_db
ME = "/api/v1/me"


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test is within one window."""
    limits.forget()
    monkeypatch.setattr("kybern.server.traffic.limits.time.time", lambda: 1_800_000_015.0)
    yield
    limits.forget()


def test_a_token_has_its_own_limit(by_token: Callable[..., Client], settings: Settings) -> None:
    settings.KYBERN_RATE_LIMIT = 2
    client, other = by_token("viewer"), by_token("viewer")
    first = client.get(ME)
    assert first["RateLimit-Policy"] == '"token";q=2;w=60'
    assert first["RateLimit"] == '"token";r=1;t=45'
    assert client.get(ME)["RateLimit"] == '"token";r=0;t=45'
    refused = client.get(ME)
    assert (refused.status_code, refused["Retry-After"], refused["RateLimit"]) == (429, "45", '"token";r=0;t=45')
    assert refused["Content-Type"] == "application/problem+json"
    assert other.get(ME).status_code == 200


def test_the_next_minute_is_new(by_token: Callable[..., Client], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KYBERN_RATE_LIMIT = 1
    client = by_token("viewer")
    assert [client.get(ME).status_code for _ in range(2)] == [200, 429]
    monkeypatch.setattr("kybern.server.traffic.limits.time.time", lambda: 1_800_000_060.0)
    assert client.get(ME).status_code == 200


def test_strangers_are_counted_by_address_and_have_a_tenth(settings: Settings) -> None:
    settings.KYBERN_RATE_LIMIT = 20
    guess = Client(headers={"Authorization": "Bearer kyb_guess"})
    assert [guess.get(ME).status_code for _ in range(3)] == [401, 401, 429]
    assert Client().get(ME).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").get(ME).status_code == 401
    six = [Client(REMOTE_ADDR=f"2001:db8::{last}") for last in (1, 2, 3)]
    assert [one.get(ME).status_code for one in six] == [401, 401, 429]
    assert Client(REMOTE_ADDR="2001:db8:0:1::1").get(ME).status_code == 401


def test_a_user_in_a_browser_is_counted_apart_from_their_tokens(
    sign_in: Callable[[str], Client], by_token: Callable[..., Client], settings: Settings
) -> None:
    settings.KYBERN_RATE_LIMIT = 1
    browser = sign_in("viewer")
    assert [browser.get(ME).status_code for _ in range(2)] == [200, 429]
    assert by_token("viewer").get(ME).status_code == 200


def test_no_limit_is_none(by_token: Callable[..., Client], settings: Settings) -> None:
    settings.KYBERN_RATE_LIMIT = 0
    answer = by_token("viewer").get(ME)
    assert answer.status_code == 200
    assert "RateLimit" not in answer


def test_pages_are_not_counted(sign_in: Callable[[str], Client], settings: Settings) -> None:
    settings.KYBERN_RATE_LIMIT = 1
    client = sign_in("viewer")
    assert [client.get("/settings").status_code for _ in range(3)] == [200] * 3


def test_refusals_beneath_the_api_are_problems(by_token: Callable[..., Client]) -> None:
    client = by_token("viewer")
    method = client.put(ME, {}, content_type="application/json")
    assert (method.status_code, method["Allow"], method["Content-Type"]) == (405, "GET", "application/problem+json")
    nothing = client.get("/api/v1/nothing-here")
    assert (nothing.status_code, nothing["Content-Type"]) == (404, "application/problem+json")
    strange = Client(headers={"Host": "elsewhere.example.com"}).get(ME)
    assert (strange.status_code, strange["Content-Type"]) == (400, "application/problem+json")
    page = client.put("/settings", {}, content_type="application/json")
    assert page["Content-Type"].startswith("text/html")


def test_a_body_has_a_size(by_token: Callable[..., Client], settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = b"{}\n" * 100
    for headers in ({}, {"Idempotency-Key": "k"}):
        answer = by_token("engineer").post("/api/v1/evidence:batch", body, content_type="application/x-ndjson", headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")


def test_the_environment_says_the_limit(tmp_path: Path) -> None:
    at = {"KYBERN_DATA": str(tmp_path)}
    assert read_environment(at).rate_limit == 600
    assert read_environment({**at, "KYBERN_RATE_LIMIT": "0"}).rate_limit == 0
    for bad in ("-1", "many", "", "٣"):
        with pytest.raises(EnvironmentProblem, match="KYBERN_RATE_LIMIT"):
            read_environment({**at, "KYBERN_RATE_LIMIT": bad})
