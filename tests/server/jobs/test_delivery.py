"""Webhooks: signed as others verify, sent until taken, nothing lost to a crash, nothing told that its maker may not read."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.utils import timezone
from server_world import EMAILS, PROJECT_SYSTEM, signed

from kybern.base import InputError
from kybern.catalog import PredicateType

if TYPE_CHECKING:
    from conftest import Receiver
    from kybern.server.jobs.models import Delivery

pytestmark = pytest.mark.django_db
Hook = Callable[..., tuple[Any, str]]
ROLE = {"kind": "role", "id": "night-watch", "title": "Night watch", "responsibilities": ["Watches at night."]}


def write(title: str = "Night watch") -> None:
    from kybern.server.store.records import Write, write_records

    write_records([Write("role:night-watch", {**ROLE, "title": title})], "person:administrator", "a test", datetime.now(UTC))


def send_all(now: datetime | None = None) -> list[str]:
    """One round of the leader's, and of whoever runs the tasks; at another moment than the present, if one is given."""
    from django_tasks_db.models import DBTaskResult

    from kybern.server.jobs.delivery import deliver_claimed, fan_out, send_due
    from kybern.server.jobs.queue import claim, run

    at = now or timezone.now()
    fan_out(at)
    send_due(at)
    outcomes = []
    while (task := claim("tests")) is not None:
        if now is None:
            run(task)
        else:
            number, turn = task.args_kwargs["args"]
            task.set_successful(deliver_claimed(number, turn, now))
        outcomes.append(DBTaskResult.objects.get(pk=task.pk).return_value)
    return outcomes


def only() -> Delivery:
    from kybern.server.jobs.models import Delivery

    return Delivery.objects.get()


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Verify as the standard says, with HMAC written out (RFC 2104): no line of ours, and not the library's `hmac` either."""
    key = base64.b64decode(secret.split("_", 1)[1]).ljust(64, b"\0")
    message = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    inner = hashlib.sha256(bytes(one ^ 0x36 for one in key) + message).digest()
    mac = hashlib.sha256(bytes(one ^ 0x5C for one in key) + inner).digest()
    return any(one == "v1," + base64.b64encode(mac).decode() for one in headers["webhook-signature"].split(" "))


def test_the_standards_own_example() -> None:
    """The example of the specification of Standard Webhooks."""
    from kybern.server.jobs.signing import signed_headers

    found = signed_headers("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert verified("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", found, b'{"test": 2432232314}')


def test_a_change_is_told_and_the_signature_verifies(hook: Hook, receiver: Receiver) -> None:
    webhook, secret = hook()
    write()
    assert send_all() == ["delivered"]
    ((path, headers, body),) = receiver.got
    assert (path, headers["content-type"]) == ("/hook", "application/cloudevents+json")
    said = json.loads(body)
    assert (said["type"], said["subject"], said["id"]) == ("org.kybern.record.added", "role:night-watch", headers["webhook-id"])
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 10
    assert verified(secret, headers, body)
    assert not verified(secret, headers, body + b" ")
    assert not verified(secret, {**headers, "webhook-timestamp": "1"}, body)
    found = only()
    assert (found.status, found.attempts, found.next_at) == (204, 1, None)
    assert found.delivered_at is not None
    assert send_all() == []
    assert secret not in repr(bytes(webhook.secret))


def test_what_came_before_the_webhook_is_not_told(hook: Hook, receiver: Receiver) -> None:
    write("Before")
    hook()
    assert (send_all(), receiver.got) == ([], [])


def test_only_the_types_asked_for(hook: Hook, receiver: Receiver) -> None:
    from kybern.server.store.evidence import take_evidence

    hook(types=["org.kybern.evidence.accepted"])
    write()
    take_evidence(
        [signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="robustness-test", suite="hook", passed=1, failed=0)], datetime.now(UTC)
    )
    assert send_all() == ["delivered"]
    assert json.loads(receiver.got[0][2])["data"]["count"] == 1


def test_a_unit_and_sensitive_kinds(hook: Hook, receiver: Receiver) -> None:
    from kybern.server.access.models import Unit
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    hook(unit=Unit.objects.get(slug="lending"), name="Lending")
    write()
    system = RecordRow.objects.get(pk=PROJECT_SYSTEM).content
    person = {"kind": "person", "id": "p-020", "title": "Somebody"}
    now = datetime.now(UTC)
    write_records([Write(PROJECT_SYSTEM, {**system, "description": "Told of."})], "person:administrator", "a test", now)
    assert send_all() == ["delivered"]
    assert json.loads(receiver.got[0][2])["subject"] == PROJECT_SYSTEM
    receiver.got.clear()
    hook(name="Plain")
    hook(name="All", sensitive=True)
    write_records([Write("person:p-020", person)], "person:administrator", "a test", now)
    assert send_all() == ["delivered"]
    assert json.loads(receiver.got[0][2])["subject"] == "person:p-020"


def test_nobody_has_others_told_of_what_they_may_not_read(hook: Hook) -> None:
    from kybern.server.access.check import Denied
    from kybern.server.access.models import Grant, Role, Unit, User

    with pytest.raises(Denied):
        hook(role="governance-lead")
    role = Role.objects.create(slug="hooks", name="Hooks", permissions=["webhooks.manage", "records.read"])
    Grant.objects.create(user=User.objects.get(email=EMAILS["stranger"]), role=role, unit=Unit.objects.get(slug="lending"))
    lending = Unit.objects.get(slug="lending")
    hook(role="stranger", unit=lending, types=["org.kybern.record.changed"])
    for beyond in ({"types": ["org.kybern.evidence.accepted"]}, {"types": ["org.kybern.record.changed"], "sensitive": True}):
        with pytest.raises(InputError, match="may not read"):
            hook(role="stranger", unit=lending, **beyond)
    with pytest.raises(Denied):
        hook(role="stranger", types=["org.kybern.record.changed"])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"url": "https://10.0.0.1/"}, "10.0.0.1 is private"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "link-local"),
        ({"url": "javascript:alert(1)"}, "begins with https"),
        ({"name": "  "}, "has a name"),
        ({"types": []}, "at least one"),
        ({"types": ["org.kybern.record.*"]}, "no event type"),
    ],
)
def test_what_is_no_webhook(hook: Hook, said: dict[str, Any], words: str) -> None:
    from kybern.server.jobs.models import Webhook

    with pytest.raises(InputError, match=words):
        hook(**said)
    assert not Webhook.objects.exists()


def test_a_write_that_is_rolled_back_is_not_sent(hook: Hook, receiver: Receiver) -> None:
    hook()

    class Undone(Exception):  # noqa: N818 - it is a test's own
        pass

    def undone() -> None:
        with transaction.atomic():
            write()
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert (send_all(), receiver.got) == ([], [])


def test_a_crash_between_commit_and_delivery_loses_nothing(hook: Hook, receiver: Receiver) -> None:
    """Each step may be the last of a process: the next one that leads takes up what is there."""
    from django_tasks_db.models import DBTaskResult

    from kybern.server.jobs.delivery import deliver_claimed, fan_out, send_due
    from kybern.server.jobs.queue import claim

    hook()
    now = timezone.now()
    write()  # committed, and the process dies before anybody looked
    assert fan_out(now) == 1  # turned into a message, and it dies
    assert send_due(now) == 1  # claimed and enqueued, and it dies: the task is lost with its queue
    assert fan_out(now) == send_due(now) == 0
    DBTaskResult.objects.all().delete()
    later = now + timedelta(minutes=3)
    assert send_due(later) == 1  # the claim has ended
    running = claim("dies while it runs")
    assert running is not None
    later += timedelta(minutes=3)
    assert send_due(later) == 1
    message = only()
    assert message.claim == 3
    assert deliver_claimed(message.pk, 2, later) == "stale"  # the one that was thought dead comes back
    assert receiver.got == []
    assert deliver_claimed(message.pk, 3, later) == "delivered"
    assert deliver_claimed(message.pk, 3, later) == "stale"
    assert len(receiver.got) == 1


def test_a_failure_is_tried_again_later_and_later_under_the_same_id(hook: Hook, receiver: Receiver) -> None:
    webhook, secret = hook()
    receiver.status = 503
    write()
    now = timezone.now()
    waits: list[float] = []
    for _ in range(6):
        assert send_all(now) == ["failed"]
        assert send_all(now + timedelta(seconds=1)) == []  # it is held back
        following = only().next_at
        assert following is not None
        waits.append((following - now).total_seconds())
        webhook.refresh_from_db()
        now = max(following, webhook.hold_until)
    for wait, most in zip(waits, (10, 30, 90, 270, 810, 2430), strict=True):
        assert most * 0.74 <= wait <= most
    receiver.status = 200
    assert send_all(now) == ["delivered"]
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.got}) == 7
    assert all(verified(secret, headers, body) for _, headers, body in receiver.got)
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.failing_since, webhook.hold_until) == (0, None, None)


def test_jitter_spreads_and_waits_are_bounded() -> None:
    from kybern.server.jobs.delivery import backoff

    assert len({backoff(3) for _ in range(50)}) > 40
    assert all(timedelta(hours=6) <= backoff(attempts) <= timedelta(hours=8) for attempts in (9, 20, 1000))


@pytest.mark.parametrize("share", [None, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0])
def test_who_fails_for_three_days_is_disabled_with_a_note(
    hook: Hook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, share: float | None
) -> None:
    """However the waits are spread, also where a try falls into the last hour of the three days."""
    if share is not None:
        monkeypatch.setattr("kybern.server.jobs.delivery.random.uniform", lambda _low, _high: share)
    webhook, _ = hook()
    receiver.status = 500
    write()
    begun = now = timezone.now()
    outcomes: list[str] = []
    while outcomes[-1:] != ["given-up"]:
        sent = send_all(now)
        assert sent, f"nothing is tried at {now} after {outcomes}"
        outcomes += sent
        webhook.refresh_from_db()
        now = max(only().next_at or now, webhook.hold_until)
    assert outcomes[-1] == "given-up"
    assert 12 <= len(outcomes) <= 25
    found = only()
    assert found.given_up_at is not None
    assert timedelta(days=3) <= found.given_up_at - begun < timedelta(days=3, hours=9)
    assert (webhook.active, "three days; the last answer: 500" in webhook.note) == (False, True)
    write("While it is disabled")
    assert send_all(now) == []


def test_enabled_again_it_is_told_of_what_happened_meanwhile(hook: Hook, receiver: Receiver) -> None:
    from kybern.server.access.actor import actor_of
    from kybern.server.access.models import User
    from kybern.server.jobs.webhooks import set_active

    webhook, _ = hook()
    who = actor_of(User.objects.get(email=EMAILS["administrator"]))
    set_active(who, webhook, timezone.now(), active=False)
    write()
    assert send_all() == []
    set_active(who, webhook, timezone.now(), active=True)
    assert send_all() == ["delivered"]


def test_an_answer_that_says_gone_disables_at_once(hook: Hook, receiver: Receiver) -> None:
    webhook, _ = hook()
    receiver.status = 410
    write()
    assert send_all() == ["failed"]
    webhook.refresh_from_db()
    assert (webhook.active, "410" in webhook.note) == (False, True)


def test_a_message_that_is_refused_holds_no_other_back(hook: Hook, receiver: Receiver) -> None:
    hook()
    receiver.status = 422
    write("First")
    assert send_all() == ["failed"]
    receiver.status = 200
    write("Second")
    assert send_all() == ["delivered"]


def test_to_who_fails_one_message_at_a_time_is_tried(hook: Hook, receiver: Receiver) -> None:
    webhook, _ = hook()
    receiver.status = 500
    for number in range(5):
        write(f"Watch {number}")
    now = timezone.now()
    assert send_all(now) == ["failed"] * 5  # begun at once, while nobody knew
    webhook.refresh_from_db()
    later = max(webhook.hold_until, now + timedelta(hours=1))
    assert send_all(later) == ["failed"]
    receiver.status = 200
    later += timedelta(hours=9)
    assert send_all(later) == ["delivered"]
    assert send_all(later) == ["delivered"] * 4


def test_many_events_are_told_once_each(hook: Hook, receiver: Receiver) -> None:
    from kybern.server.events.outbox import EventType, Happening, tell

    hook()
    with transaction.atomic():
        tell((Happening(EventType.KEY_TRUSTED, f"key:{number}") for number in range(1203)), timezone.now())
    from kybern.server.jobs.delivery import fan_out
    from kybern.server.jobs.models import Delivery

    assert [fan_out(timezone.now()) for _ in range(4)] == [500, 500, 203, 0]
    assert Delivery.objects.values("event_id").distinct().count() == 1203
    assert len(send_all()) == 20  # no more are under way at once


def test_a_test_event_is_sent_at_once(hook: Hook, receiver: Receiver) -> None:
    from kybern.server.jobs.delivery import send_test

    webhook, secret = hook()
    found = send_test(webhook, timezone.now())
    assert (found.status, found.delivered_at is not None) == (204, True)
    ((_, headers, body),) = receiver.got
    assert json.loads(body)["type"] == "org.kybern.webhook.test"
    assert verified(secret, headers, body)
    receiver.status = 500
    failed = send_test(webhook, timezone.now())
    assert (failed.status, failed.next_at, failed.given_up_at is not None) == (500, None, True)
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.active) == (0, True)


def test_without_leave_nothing_goes_to_this_machine(hook: Hook, receiver: Receiver, settings: Any) -> None:
    hook()
    settings.KYBERN_WEBHOOKS_LOOPBACK = False
    write()
    assert send_all() == ["failed"]
    assert (only().status, only().note, receiver.got) == (None, "an address begins with https://", [])


def test_a_secret_that_does_not_open_is_told(hook: Hook, receiver: Receiver, settings: Any) -> None:
    hook()
    settings.SECRET_KEY = "another than it was sealed under"  # noqa: S105 - a test
    from kybern.server.jobs.delivery import deliver_claimed
    from kybern.server.jobs.models import Delivery, Webhook

    now = timezone.now()
    made = Delivery.objects.create(webhook=Webhook.objects.get(), event_id="1", type="t", payload="{}", made_at=now, since=now, next_at=now)
    assert deliver_claimed(made.pk, 0, now) == "failed"
    assert ("does not open" in only().note, receiver.got) == (True, [])


def test_the_access_log_keeps_no_address_whole(hook: Hook, receiver: Receiver) -> None:
    from kybern.server.access.models import AccessEvent

    hook(url=f"{receiver.url}/T0123/secret-of-the-receiver?key=hidden")
    assert AccessEvent.objects.get(subject="webhook Tickets").detail == "made: 127.0.0.1"
