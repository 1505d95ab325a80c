"""Events to webhooks: each becomes a message in the transaction that moves the webhook's cursor, and is sent until it is taken.

A message is sent at least once, under the same id each time. Whoever dies between claiming and sending loses nothing: the claim ends
and the message is due again.
"""

from __future__ import annotations

import json
import random
import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q

from kybern import __version__
from kybern.evidence import Refused
from kybern.server.access.actor import subtrees
from kybern.server.events.cloud import JSON, cloud_event, written
from kybern.server.events.models import Event
from kybern.server.events.visible import events_in
from kybern.server.jobs.models import Delivery, Webhook
from kybern.server.jobs.outward import Answer, post
from kybern.server.jobs.signing import signed_headers
from kybern.server.store.keys import unseal
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

PURPOSE: Final = b"kybern webhook secrets v1"
TEST_TYPE: Final = "org.kybern.webhook.test"
GIVE_UP: Final = timedelta(days=3)
_NEARLY: Final = timedelta(hours=1)
"""How much later than a message was made its first try may have failed."""
_EVENTS_AT_ONCE: Final = 500
_SENDING_AT_ONCE: Final = 20
_CLAIM: Final = timedelta(minutes=2)
_FIRST_SECONDS: Final = 10.0
_FACTOR: Final = 3.0
_LONGEST_SECONDS: Final = 8 * 3600.0


def secret_of(webhook: Webhook) -> str:
    """Open the secret of a webhook; `Refused` where the server's secret is another."""
    return unseal(bytes(webhook.secret), f"webhook:{webhook.uid}", PURPOSE).decode()


def told_to(webhook: Webhook) -> QuerySet[Event]:
    """Give the events that a webhook is told of."""
    units = subtrees().get(webhook.unit_id, {webhook.unit_id})
    whole = root_unit() in units
    found = events_in(units, units if webhook.sensitive else (), units, published=whole)
    return found.filter(type__in=webhook.types)


def fan_out(now: datetime) -> int:
    """Make a message of every event that a webhook has not been told of; gives how many."""
    last = Event.objects.aggregate(last=Max("pk"))["last"] or 0
    behind = Webhook.objects.filter(~Q(cursor=last), active=True).values_list("pk", flat=True)
    return sum(_fan_out(number, last, now) for number in behind)


def _fan_out(number: int, last: int, now: datetime) -> int:
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().filter(pk=number, active=True).first()
        if webhook is None or webhook.cursor == last:
            return 0
        webhook.cursor = min(webhook.cursor, last)  # the outbox may have begun anew
        found = list(told_to(webhook).filter(pk__gt=webhook.cursor, pk__lte=last).order_by("pk")[:_EVENTS_AT_ONCE])
        made = [_message(webhook, str(event.pk), event.type, json.dumps(cloud_event(event)), now) for event in found]
        Delivery.objects.bulk_create(made, ignore_conflicts=True)
        webhook.cursor = found[-1].pk if len(found) == _EVENTS_AT_ONCE else last
        webhook.save(update_fields=["cursor"])
    return len(made)


def _message(webhook: Webhook, identity: str, kind: str, payload: str, now: datetime) -> Delivery:
    return Delivery(webhook=webhook, event_id=identity, type=kind, payload=payload, made_at=now, since=now, next_at=now)


def send_due(now: datetime) -> int:
    """Claim the messages that are due and enqueue their sending; gives how many. To who fails, one at a time is tried."""
    from kybern.server.jobs.tasks import deliver

    count = 0
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    for webhook in Webhook.objects.filter(Q(hold_until=None) | Q(hold_until__lte=now), active=True):
        sending = webhook.deliveries.filter(claimed_until__gt=now, next_at__isnull=False).count()
        room = (1 if webhook.failing_since else _SENDING_AT_ONCE) - sending
        due = webhook.deliveries.filter(free, next_at__lte=now).order_by("next_at", "pk")
        for one in due[: max(0, room)]:
            with transaction.atomic():
                turn = Delivery.objects.filter(free, pk=one.pk, claim=one.claim, next_at__isnull=False)
                if turn.update(claim=one.claim + 1, claimed_until=now + _CLAIM):
                    deliver.enqueue(one.pk, one.claim + 1)
                    count += 1
    return count


def deliver_claimed(number: int, claim: int, now: datetime) -> str:
    """Send a message in its turn and keep what became of it: `delivered`, `failed` or `given-up`; `stale` where the turn has passed."""
    found = Delivery.objects.select_related("webhook").filter(pk=number, claim=claim, next_at__isnull=False).first()
    if found is None or not (found.webhook.active or found.type == TEST_TYPE):
        return "stale"
    answer = sent(found, now)
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().get(pk=found.webhook_id)
        if not Delivery.objects.filter(pk=number, claim=claim, next_at__isnull=False).exists():
            return "stale"
        return _keep(found, webhook, answer, now)


def sent(found: Delivery, now: datetime) -> Answer:
    """Send a message once."""
    payload = found.payload.encode()
    try:
        secret = secret_of(found.webhook)
    except Refused as refused:
        return Answer(None, refused.message[:300], 0)
    headers = signed_headers(secret, found.event_id, int(now.timestamp()), payload)
    said = {"Content-Type": JSON, "User-Agent": f"Kybern/{__version__}", **headers}
    return post(found.webhook.url, said, payload, loopback=settings.KYBERN_WEBHOOKS_LOOPBACK)


def _keep(found: Delivery, webhook: Webhook, answer: Answer, now: datetime) -> str:
    found.attempts += 1
    found.status, found.note, found.took, found.claimed_until = answer.status, answer.note, answer.took, None
    test = found.type == TEST_TYPE
    if answer.good:
        found.delivered_at, found.next_at, found.note = now, None, ""
        if not test:
            webhook.failures, webhook.failing_since, webhook.hold_until = 0, None, None
    elif test or now >= found.since + GIVE_UP:
        found.given_up_at, found.next_at = now, None
    else:
        found.next_at = min(now + backoff(found.attempts), found.since + GIVE_UP)
    if not answer.good and not test:
        _blame(webhook, answer, now, gave_up=found.next_at is None)
    found.save()
    webhook.save(update_fields=["failures", "failing_since", "hold_until", "active", "note"])
    return "delivered" if answer.good else "failed" if found.next_at else "given-up"


def _blame(webhook: Webhook, answer: Answer, now: datetime, *, gave_up: bool) -> None:
    """Hold a webhook that fails back, and disable one that says that it is gone, or took nothing while a message was tried for days.

    An answer that refuses one message (4xx) holds back nothing else: another may be taken. No webhook is disabled while the message
    that failed is still to be tried: it would wait without end.
    """
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    refused = answer.status is not None and HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not refused or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        webhook.hold_until = now + backoff(webhook.failures)
    if answer.status == HTTPStatus.GONE:
        webhook.active, webhook.note = False, "It answered 410: it is gone for good."
    elif gave_up and now - webhook.failing_since >= GIVE_UP - _NEARLY:
        webhook.active = False
        webhook.note = f"Nothing was taken for three days; the last answer: {answer.status or answer.note}."[:300]


def backoff(attempts: int) -> timedelta:
    """Give the wait after so many attempts: ten seconds, then three times as long each time up to eight hours, less up to a quarter."""
    longest = min(_LONGEST_SECONDS, _FIRST_SECONDS * _FACTOR ** min(attempts - 1, 20))
    return timedelta(seconds=longest * random.uniform(0.75, 1.0))  # noqa: S311 - it spreads, and hides nothing


def send_test(webhook: Webhook, now: datetime) -> Delivery:
    """Send a test event at once, whether the webhook is active or not; gives the message with what became of it."""
    identity = f"test-{secrets.token_hex(8)}"
    payload = json.dumps(written(identity, TEST_TYPE, "", now, {"webhook": webhook.name}))
    made = _message(webhook, identity, TEST_TYPE, payload, now)
    made.claim, made.claimed_until = 1, now + _CLAIM
    made.save()
    deliver_claimed(made.pk, 1, now)
    made.refresh_from_db()
    return made
