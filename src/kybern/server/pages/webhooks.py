"""Settings of webhooks: who is told of events, with which secret, and what became of each message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.base import InputError
from kybern.server.access.middleware import actor
from kybern.server.access.models import Unit
from kybern.server.access.permissions import Permission
from kybern.server.events.outbox import EventType
from kybern.server.jobs import webhooks
from kybern.server.pages.door import page, render

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kybern.server.access.actor import Actor
    from kybern.server.jobs.models import Delivery, Webhook

_LIST: Final = 50
_BOTH: Final = ("GET", "POST")


@page(Permission.WEBHOOKS_MANAGE, methods=_BOTH)
def index(request: HttpRequest) -> HttpResponse:
    """List the webhooks of the reader's units, and make one; its secret is shown once."""
    who = actor(request)
    made, secret = None, ""
    problems: tuple[Any, ...] = ()
    if request.method == "POST":
        try:
            made, secret = _make(request, who)
        except InputError as error:
            problems = error.problems
    context: dict[str, Any] = {
        "rows": webhooks.managed_webhooks(who).order_by("name", "pk"),
        "types": list(EventType),
        "chosen": request.POST.getlist("types") if problems else [one.value for one in EventType if one.about_record],
        "places": Unit.objects.filter(pk__in=who.where(Permission.WEBHOOKS_MANAGE)).order_by("parent_id", "name"),
        "made": made,
        "secret": secret,
        "problems": problems,
        "said": {name: request.POST.get(name, "") if problems else "" for name in ("name", "url", "unit", "sensitive")},
        "may_tell_sensitive": who.may(Permission.RECORDS_SENSITIVE),
    }
    return render(request, "settings/webhooks.html.j2", status=422 if problems else 200, **context)


def _make(request: HttpRequest, who: Actor) -> tuple[Webhook, str]:
    said = request.POST
    unit = said.get("unit", "")
    return webhooks.make_webhook(
        who,
        name=said.get("name", ""),
        url=said.get("url", ""),
        types=said.getlist("types"),
        unit=get_object_or_404(Unit, pk=int(unit) if unit.isascii() and unit.isdecimal() and len(unit) < 16 else 0),  # noqa: PLR2004
        sensitive="sensitive" in said,
        now=timezone.now(),
    )


@page(Permission.WEBHOOKS_MANAGE, methods=_BOTH)
def webhook(request: HttpRequest, uid: str) -> HttpResponse:
    """Show a webhook with its last messages; test it, disable or enable it, give it another secret, remove it."""
    who = actor(request)
    found = get_object_or_404(webhooks.managed_webhooks(who), uid=uid)
    secret = ""
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act == "secret":
            secret = webhooks.renew_secret(who, found)
        else:
            return _done(request, who, found, act)
    return render(
        request,
        "settings/webhook.html.j2",
        hook=found,
        secret=secret,
        labels=[EventType(one).label for one in found.types if one in set(EventType)],
        deliveries=found.deliveries.order_by("-pk")[:_LIST],
        waiting=found.deliveries.filter(next_at__isnull=False).count(),
    )


def _done(request: HttpRequest, who: Actor, found: Webhook, act: str) -> HttpResponse:
    now, back = timezone.now(), f"/settings/webhooks/{found.uid}"
    if act == "test":
        _tell(request, webhooks.try_webhook(who, found, now))
    elif act in {"enable", "disable"}:
        webhooks.set_active(who, found, now, active=act == "enable")
        messages.success(request, _("The webhook is enabled.") if act == "enable" else _("The webhook is disabled."))
    elif act == "remove":
        webhooks.remove_webhook(who, found)
        messages.success(request, _("The webhook is removed."))
        back = "/settings/webhooks"
    return HttpResponseRedirect(back)


def _tell(request: HttpRequest, message: Delivery) -> None:
    if message.delivered_at is not None:
        messages.success(request, _("The test event was taken: the answer was %(status)s.") % {"status": message.status})
    elif message.status is not None:
        messages.error(request, _("The test event was not taken: the answer was %(status)s.") % {"status": message.status})
    else:
        messages.error(request, _("The test event did not arrive: %(reason)s.") % {"reason": message.note})


ROUTES: Final = (
    path("settings/webhooks", index, name="settings-webhooks"),
    path("settings/webhooks/<str:uid>", webhook, name="settings-webhook"),
)
