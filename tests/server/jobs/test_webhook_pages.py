"""Webhooks in the settings and over the API: who may, what is shown once, what each button does."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from server_world import EMAILS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from conftest import Receiver

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")


def unit() -> Any:
    from kybern.server.access.models import Unit

    return Unit.objects.get(parent=None)


def form(receiver: Receiver, **said: Any) -> dict[str, Any]:
    return {"name": "Tickets", "url": receiver.url, "unit": unit().pk, "types": ["org.kybern.record.changed"], **said}


def test_a_webhook_from_its_making_to_its_end(sign_in: Callable[[str], Client], receiver: Receiver) -> None:
    from kybern.server.access.models import AccessEvent
    from kybern.server.jobs.models import Webhook

    client = sign_in("administrator")
    assert b"No webhook yet" in client.get("/settings/webhooks").content
    page = unescape(client.post("/settings/webhooks", form(receiver)).content.decode())
    (secret,) = set(SECRET.findall(page))
    found = Webhook.objects.get()
    assert secret not in client.get("/settings/webhooks").content.decode()
    address = f"/settings/webhooks/{found.uid}"
    assert SECRET.search(client.get(address).content.decode()) is None

    page = client.post(address, {"act": "test"}, follow=True).content.decode()
    assert "The test event was taken: the answer was 204." in page
    assert len(receiver.got) == 1
    receiver.status = 500
    assert "was not taken: the answer was 500" in client.post(address, {"act": "test"}, follow=True).content.decode()
    page = unescape(client.post(address, {"act": "secret"}).content.decode())
    assert set(SECRET.findall(page)) != {secret}
    client.post(address, {"act": "disable"})
    assert not Webhook.objects.get().active
    client.post(address, {"act": "enable"})
    assert Webhook.objects.get().active
    assert client.post(address, {"act": "remove"})["Location"] == "/settings/webhooks"
    assert not Webhook.objects.exists()
    noted = AccessEvent.objects.filter(kind="changed", permission="webhooks.manage").order_by("pk").values_list("detail", flat=True)
    assert [one.partition(":")[0] for one in noted] == ["made", "given another secret", "disabled", "enabled", "removed"]


def test_what_is_wrong_is_told_and_what_was_written_stays(sign_in: Callable[[str], Client], receiver: Receiver) -> None:
    answer = sign_in("administrator").post("/settings/webhooks", form(receiver, url="https://192.168.0.1/hook", types=[]))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "192.168.0.1 is private" in page
    assert "Choose at least one type" in page
    assert 'value="https://192.168.0.1/hook"' in page


@pytest.mark.parametrize("role", ["governance-lead", "engineer", "viewer", "stranger"])
def test_others_do_not_manage_webhooks(sign_in: Callable[[str], Client], by_token: Callable[..., Client], role: str) -> None:
    assert sign_in(role).get("/settings/webhooks").status_code == 403
    assert by_token(role).get("/api/v1/webhooks").status_code == 403


def test_what_another_unit_has_is_not_known_of(sign_in: Callable[[str], Client], hook: Callable[..., tuple[Any, str]]) -> None:
    from kybern.server.access.models import Grant, Role, Unit, User

    lending = Unit.objects.get(slug="lending")
    role = Role.objects.create(slug="hooks", name="Hooks", permissions=["webhooks.manage", "records.read"])
    Grant.objects.create(user=User.objects.get(email=EMAILS["stranger"]), role=role, unit=lending)
    whole, _ = hook(name="Of the whole")
    part, _ = hook(name="Of the part", unit=lending)
    client = sign_in("stranger")
    page = client.get("/settings/webhooks").content.decode()
    assert ("Of the part" in page, "Of the whole" in page) == (True, False)
    assert client.get(f"/settings/webhooks/{whole.uid}").status_code == 404
    assert client.post(f"/settings/webhooks/{whole.uid}", {"act": "remove"}).status_code == 404
    assert client.get(f"/settings/webhooks/{part.uid}").status_code == 200


def test_the_same_over_the_api(by_token: Callable[..., Client], receiver: Receiver) -> None:
    client = by_token("administrator")
    body = {"name": "CI", "url": receiver.url, "types": ["org.kybern.evidence.accepted"], "unit": unit().slug}
    made = client.post("/api/v1/webhooks", body, content_type="application/json")
    assert made.status_code == 201, made.content
    said = made.json()
    assert SECRET.fullmatch(said.pop("secret"))
    address = f"/api/v1/webhooks/{said['id']}"
    assert client.get(address).json() == said
    assert client.get("/api/v1/webhooks").json() == [said]
    tested = client.post(f"{address}/test").json()
    assert (tested["status"], tested["type"]) == (204, "org.kybern.webhook.test")
    assert client.get(f"{address}/deliveries").json() == {"items": [tested], "next": None}
    assert client.patch(address, {"active": False}, content_type="application/json").json()["active"] is False
    assert SECRET.fullmatch(client.post(f"{address}/secret").json()["secret"])
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [({"url": "http://10.1.2.3/"}, 422), ({"types": ["nothing"]}, 422), ({"types": []}, 422), ({"unit": "no-unit"}, 404)],
)
def test_what_the_api_refuses(by_token: Callable[..., Client], receiver: Receiver, change: dict[str, Any], status: int) -> None:
    body = {"name": "CI", "url": receiver.url, "types": ["org.kybern.evidence.accepted"], "unit": unit().slug, **change}
    answer = by_token("administrator").post("/api/v1/webhooks", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
