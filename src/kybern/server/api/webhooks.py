"""Webhooks over the API: make, list, change, test, remove, and the last messages."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from kybern.server.access.middleware import actor
from kybern.server.access.models import Unit
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs
from kybern.server.api._paging import MOST, page_of
from kybern.server.jobs import webhooks as hooks

if TYPE_CHECKING:
    from datetime import datetime

    from kybern.server.jobs.models import Delivery, Webhook

router: Final = Router(tags=["webhooks"])
_MANAGES: Final = Needs(Permission.WEBHOOKS_MANAGE)
Uid = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
Slug = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,59}$")]


class WebhookOut(Schema):
    """A webhook."""

    id: str
    name: str
    url: str
    unit: str
    types: list[str]
    sensitive: bool
    active: bool
    note: str
    failing_since: str | None
    created_at: str
    created_by: str


class WebhookMade(WebhookOut):
    """A webhook with its secret, which is told this once."""

    secret: str


class WebhookIn(Schema):
    """A webhook to make."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    url: Annotated[str, Field(min_length=1, max_length=500)]
    types: Annotated[list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=50)]
    unit: Slug
    sensitive: bool = False


class WebhookChange(Schema):
    """Whether a webhook is active."""

    active: bool


class SecretOut(Schema):
    """A secret, which is told this once."""

    secret: str


class DeliveryOut(Schema):
    """A message, and what became of it."""

    event: str
    type: str
    made_at: str
    next_at: str | None
    attempts: int
    delivered_at: str | None
    given_up_at: str | None
    status: int | None
    note: str
    milliseconds: int | None


class DeliveryPage(Schema):
    """A page of messages, the latest first."""

    items: list[DeliveryOut]
    next: str | None


@router.get("/webhooks", response=list[WebhookOut], auth=_MANAGES, summary="Webhooks")
def webhooks(request: HttpRequest) -> list[dict[str, Any]]:
    """List the webhooks of the units in which the reader manages them."""
    return [_written(one) for one in hooks.managed_webhooks(actor(request)).order_by("name", "pk")]


@router.post("/webhooks", response={201: WebhookMade}, auth=_MANAGES, summary="Make a webhook")
def make(request: HttpRequest, body: WebhookIn) -> Status[dict[str, Any]]:
    """Make a webhook, which is told of what happens from now on. Its secret is in this answer and nowhere else."""
    who = actor(request)
    unit = Unit.objects.filter(slug=body.unit, pk__in=who.where(Permission.WEBHOOKS_MANAGE)).first()
    if unit is None:
        raise Http404
    made, secret = hooks.make_webhook(
        who, name=body.name, url=body.url, types=body.types, unit=unit, sensitive=body.sensitive, now=timezone.now()
    )
    return Status(HTTPStatus.CREATED, {**_written(made), "secret": secret})


@router.get("/webhooks/{uid}", response=WebhookOut, auth=_MANAGES, summary="A webhook")
def webhook(request: HttpRequest, uid: Uid) -> dict[str, Any]:
    """Give a webhook."""
    return _written(_found(request, uid))


@router.patch("/webhooks/{uid}", response=WebhookOut, auth=_MANAGES, summary="Disable a webhook, or enable it")
def change(request: HttpRequest, uid: Uid, body: WebhookChange) -> dict[str, Any]:
    """Disable a webhook, or enable it again: then it is told of what happened meanwhile."""
    hooks.set_active(actor(request), _found(request, uid), timezone.now(), active=body.active)
    return _written(_found(request, uid))


@router.post("/webhooks/{uid}/secret", response=SecretOut, auth=_MANAGES, summary="Give a webhook another secret")
def secret(request: HttpRequest, uid: Uid) -> dict[str, Any]:
    """Give a webhook another secret; the old one counts no more."""
    return {"secret": hooks.renew_secret(actor(request), _found(request, uid))}


@router.post("/webhooks/{uid}/test", response=DeliveryOut, auth=_MANAGES, summary="Send a test event")
def test(request: HttpRequest, uid: Uid) -> dict[str, Any]:
    """Send a test event at once, and give what became of it."""
    return _message(hooks.try_webhook(actor(request), _found(request, uid), timezone.now()))


@router.get("/webhooks/{uid}/deliveries", response=DeliveryPage, auth=_MANAGES, summary="Messages of a webhook")
def deliveries(
    request: HttpRequest,
    uid: Uid,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """List the messages of a webhook, the latest first."""
    found, after = page_of(_found(request, uid).deliveries.all(), ["-id"], cursor, limit)
    return {"items": [_message(one) for one in found], "next": after}


@router.delete("/webhooks/{uid}", response={204: None}, auth=_MANAGES, summary="Remove a webhook")
def remove(request: HttpRequest, uid: Uid) -> Status[None]:
    """Remove a webhook with its messages."""
    hooks.remove_webhook(actor(request), _found(request, uid))
    return Status(HTTPStatus.NO_CONTENT, None)


def _found(request: HttpRequest, uid: str) -> Webhook:
    found = hooks.managed_webhooks(actor(request)).filter(uid=uid).first()
    if found is None:
        raise Http404
    return found


def _written(one: Webhook) -> dict[str, Any]:
    return {
        "id": one.uid,
        "name": one.name,
        "url": one.url,
        "unit": one.unit.slug,
        "types": one.types,
        "sensitive": one.sensitive,
        "active": one.active,
        "note": one.note,
        "failing_since": _iso(one.failing_since),
        "created_at": one.created_at.isoformat(),
        "created_by": one.created_by,
    }


def _message(one: Delivery) -> dict[str, Any]:
    return {
        "event": one.event_id,
        "type": one.type,
        "made_at": one.made_at.isoformat(),
        "next_at": _iso(one.next_at),
        "attempts": one.attempts,
        "delivered_at": _iso(one.delivered_at),
        "given_up_at": _iso(one.given_up_at),
        "status": one.status,
        "note": one.note,
        "milliseconds": one.took,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
