"""Making and changing webhooks. Each change is one transaction and one line in the access log."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from kybern.base import InputError, Place, Problem
from kybern.server.access.check import note, require
from kybern.server.access.models import AccessEvent, Unit
from kybern.server.access.permissions import Permission
from kybern.server.events.models import Event
from kybern.server.events.outbox import EventType
from kybern.server.jobs.delivery import PURPOSE, send_test
from kybern.server.jobs.models import Delivery, Webhook
from kybern.server.jobs.outward import Unfit, addresses_of, target_of
from kybern.server.jobs.signing import fresh_secret
from kybern.server.store.keys import seal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from kybern.server.access.actor import Actor

MOST: Final = 100


def managed_webhooks(who: Actor) -> QuerySet[Webhook]:
    """Give the webhooks that an actor manages."""
    return Webhook.objects.filter(unit__in=who.where(Permission.WEBHOOKS_MANAGE)).select_related("unit")


def make_webhook(  # noqa: PLR0913 - all that a webhook is made of
    who: Actor, *, name: str, url: str, types: Sequence[str], unit: Unit, sensitive: bool, now: datetime
) -> tuple[Webhook, str]:
    """Make a webhook; gives it with its secret, which is told once. It is told of what happens from now on.

    Nobody has others told of what they may not read themselves. Raises `InputError` and `Denied`.
    """
    require(who, Permission.WEBHOOKS_MANAGE, unit.pk, subject=f"webhook {name[:60]}")
    problems = [*_name_problems(name), *_url_problems(url), *_type_problems(types), *_beyond(who, types, unit, sensitive=sensitive)]
    if Webhook.objects.count() >= MOST:
        problems.append(_wrong("name", _("There are as many webhooks as there may be: remove one first.")))
    if problems:
        raise InputError(problems)
    uid, secret = secrets.token_hex(12), fresh_secret()
    with transaction.atomic():
        made = Webhook.objects.create(
            uid=uid,
            name=name.strip(),
            url=url.strip(),
            secret=_sealed(secret, uid),
            types=[one.value for one in EventType if one.value in set(types)],
            unit=unit,
            sensitive=sensitive,
            created_by=str(who.person),
            created_at=now,
            cursor=Event.objects.aggregate(last=Max("pk"))["last"] or 0,
        )
        _changed(who, made, "made")
    return made, secret


def set_active(who: Actor, webhook: Webhook, now: datetime, *, active: bool) -> None:
    """Disable a webhook, or enable it again: then it is told of what happened meanwhile, and what waited is tried anew."""
    require(who, Permission.WEBHOOKS_MANAGE, webhook.unit_id, subject=f"webhook {webhook.name}")
    with transaction.atomic():
        found = Webhook.objects.select_for_update().get(pk=webhook.pk)
        found.active, found.note = active, ""
        if active:
            found.failures, found.failing_since, found.hold_until = 0, None, None
            found.deliveries.filter(next_at__isnull=False).update(next_at=now, since=now)
        found.save()
        _changed(who, found, "enabled" if active else "disabled")


def renew_secret(who: Actor, webhook: Webhook) -> str:
    """Give a webhook another secret, which is told once; the old one counts no more."""
    require(who, Permission.WEBHOOKS_MANAGE, webhook.unit_id, subject=f"webhook {webhook.name}")
    secret = fresh_secret()
    with transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(secret=_sealed(secret, webhook.uid))
        _changed(who, webhook, "given another secret")
    return secret


def remove_webhook(who: Actor, webhook: Webhook) -> None:
    """Remove a webhook with its messages."""
    require(who, Permission.WEBHOOKS_MANAGE, webhook.unit_id, subject=f"webhook {webhook.name}")
    with transaction.atomic():
        _changed(who, webhook, "removed")
        webhook.delete()


def try_webhook(who: Actor, webhook: Webhook, now: datetime) -> Delivery:
    """Send a test event at once; gives the message with what became of it."""
    require(who, Permission.WEBHOOKS_MANAGE, webhook.unit_id, subject=f"webhook {webhook.name}")
    return send_test(webhook, now)


def _sealed(secret: str, uid: str) -> bytes:
    return seal(secret.encode(), f"webhook:{uid}", PURPOSE)


def _name_problems(name: str) -> list[Problem]:
    said = name.strip()
    if not said or len(said) > 120 or not said.isprintable():  # noqa: PLR2004 - the column's length
        return [_wrong("name", _("A webhook has a name of at most 120 characters."))]
    return []


def _url_problems(url: str) -> list[Problem]:
    loopback = settings.KYBERN_WEBHOOKS_LOOPBACK
    try:
        addresses_of(target_of(url.strip(), loopback=loopback), loopback=loopback)
    except Unfit as unfit:
        reason = str(unfit)
        return [_wrong("url", _("Nothing is sent to this address: %(reason)s.") % {"reason": reason})]
    return []


def _type_problems(types: Sequence[str]) -> list[Problem]:
    unknown = [one for one in types if one not in set(EventType)]
    if unknown:
        return [_wrong("types", _("There is no event type %(name)s.") % {"name": unknown[0][:60]})]
    return [] if types else [_wrong("types", _("Choose at least one type of event."))]


def _beyond(who: Actor, types: Sequence[str], unit: Unit, *, sensitive: bool) -> list[Problem]:
    """Find what the webhook would be told of and its maker may not read."""
    needed = {Permission.RECORDS_READ} if any(".record." in one or ".log." in one for one in types) else set()
    needed |= {Permission.EVIDENCE_READ} if any(".evidence." in one or ".key." in one for one in types) else set()
    needed |= {Permission.RECORDS_SENSITIVE} if sensitive else set()
    missing = sorted(one for one in needed if not who.may(one, unit.pk))
    return [_wrong("types", _("You may not read there what it would be told of: it needs %(name)s.") % {"name": one}) for one in missing]


def _wrong(field: str, message: str) -> Problem:
    return Problem(f"bad-{field}", message, Place("form", pointer=f"/{field}"), "")


def _changed(who: Actor, webhook: Webhook, detail: str) -> None:
    host = target_of(webhook.url, loopback=True).host  # the rest of an address is often a secret itself
    note(who, AccessEvent.Kind.CHANGED, Permission.WEBHOOKS_MANAGE, f"webhook {webhook.name}", f"{detail}: {host}")
