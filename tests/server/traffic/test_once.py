"""Idempotency keys: done once, answered again; and where a process ended in the middle, nothing of it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from kybern.server.traffic.models import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse
    from django.test import Client

pytestmark = pytest.mark.django_db
UNITS = "/api/v1/units"


def add(client: Client, slug: str = "cards", key: str | None = "k-1") -> HttpResponse:
    body = {"slug": slug, "name": "Cards", "kind": "project", "parent": "organization"}
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(UNITS, body, content_type="application/json", headers=headers)  # type: ignore[return-value]


def test_a_request_is_done_once_and_answered_again(by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import AccessEvent, Unit

    client = by_token("administrator")
    first, again = add(client), add(client)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"]
    assert (first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert Unit.objects.filter(slug="cards").count() == 1
    assert AccessEvent.objects.filter(subject="unit cards").count() == 1
    assert add(client, key=None).status_code == 422
    assert add(client, key="k-2").status_code == 422


def test_an_answer_of_failure_is_given_again_too(by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import AccessEvent

    client = by_token("viewer")
    assert (add(client).status_code, add(client).status_code) == (403, 403)
    assert AccessEvent.objects.filter(kind="denied", subject=UNITS).count() == 1


def test_another_request_under_the_same_key_is_refused(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    add(client)
    other = add(client, slug="loans")
    assert (other.status_code, other.json()["type"]) == (422, "urn:kybern:problem:idempotency-key-used")  # type: ignore[attr-defined]
    elsewhere = client.delete(f"{UNITS}/cards", headers={"Idempotency-Key": "k-1"})
    assert elsewhere.status_code == 422


def test_a_key_is_its_callers_own(by_token: Callable[..., Client]) -> None:
    first = add(by_token("administrator"))
    second = add(by_token("administrator"))
    assert first.status_code == 201
    assert second.status_code == 422
    assert second.json()["problems"][0]["pointer"] == "/slug"  # type: ignore[attr-defined]


def test_after_a_day_a_key_is_new(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    add(client)
    Answer.objects.update(at=timezone.now() - timedelta(hours=24, seconds=1))
    assert add(client).status_code == 422
    assert Answer.objects.count() == 1


def test_of_what_broke_nothing_stands_and_it_is_done_when_sent_again(
    by_token: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kybern.server.access import administration
    from kybern.server.access.models import Unit

    client = by_token("administrator")
    client.raise_request_exception = False
    with monkeypatch.context() as broken:

        def end(*_: object) -> None:
            raise RuntimeError

        broken.setattr(administration, "_changed", end)
        assert add(client).status_code == 500
    assert not Unit.objects.filter(slug="cards").exists()
    assert Answer.objects.get().sealed is None
    assert add(client).status_code == 201
    assert add(client)["Idempotency-Replayed"] == "true"


def test_what_is_still_running_is_told(by_token: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.access import administration

    client, inside = by_token("administrator"), []
    real = administration._changed

    def meanwhile(*said: Any) -> None:
        inside.append(add(client))
        real(*said)

    monkeypatch.setattr(administration, "_changed", meanwhile)
    assert add(client).status_code == 201
    assert [(one.status_code, one["Retry-After"]) for one in inside] == [(409, "1")]
    assert add(client)["Idempotency-Replayed"] == "true"


def test_what_is_told_once_is_not_kept_in_the_open(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    body = {"email": "new@example.org", "role": "viewer", "unit": "lending"}
    made = client.post("/api/v1/users", body, content_type="application/json", headers={"Idempotency-Key": "u"})
    row = Answer.objects.get()
    assert made.json()["password"].encode() not in bytes(row.sealed or b"")
    again = client.post("/api/v1/users", body, content_type="application/json", headers={"Idempotency-Key": "u"})
    assert again.json() == made.json()


@pytest.mark.parametrize("key", ["", "a" * 258, "with space", "ü"])
def test_a_key_has_a_form(by_token: Callable[..., Client], key: str) -> None:
    answer = add(by_token("administrator"), key=key)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:kybern:problem:bad-idempotency-key")  # type: ignore[attr-defined]


def test_nobody_and_readers_leave_nothing(by_token: Callable[..., Client], client: Client) -> None:
    assert add(client).status_code == 401
    assert by_token("viewer").get(UNITS, headers={"Idempotency-Key": "k"}).status_code == 200
    assert not Answer.objects.exists()
