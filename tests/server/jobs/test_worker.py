"""Background work within a process: who leads, what is due, what is published, what goes after a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError
from django.utils import timezone

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
ROLE = {"kind": "role", "id": "night-watch", "title": "Night watch", "responsibilities": ["Watches at night."]}


def write(title: str) -> None:
    from kybern.server.store.records import Write, write_records

    write_records([Write("role:night-watch", {**ROLE, "title": title})], "person:administrator", "a test", datetime.now(UTC))


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """A data folder of the test's own: its log is published in it."""
    settings.KYBERN_DATA = tmp_path
    return tmp_path


# The lease


def test_one_holds_the_lease_until_it_ends() -> None:
    from kybern.server.jobs.lease import hold, let_go
    from kybern.server.jobs.models import Lease

    assert hold("leader", "one", 20)
    assert not hold("leader", "two", 20)
    assert hold("leader", "one", 20)  # renewed
    left = Lease.objects.get(pk="leader").until - timezone.now()
    assert timedelta(seconds=15) < left <= timedelta(seconds=21)
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert hold("leader", "two", 20)
    assert not hold("leader", "one", 20)
    let_go("leader", "one")  # it is not its own
    assert not hold("leader", "one", 20)
    let_go("leader", "two")
    assert hold("leader", "one", 20)
    assert hold("another", "two", 20)


# The rounds


class Quiet:
    """In the place of the threads: what was enqueued stays where it is."""

    closed = False

    def run_ready(self) -> int:
        return 0

    def stop(self) -> None:
        pass


def waiting() -> list[str]:
    from django_tasks_db.models import DBTaskResult

    return sorted(path.rpartition(".")[2] for path in DBTaskResult.objects.filter(status="READY").values_list("task_path", flat=True))


def test_only_who_leads_says_what_is_due(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.jobs import worker as module
    from kybern.server.jobs.worker import Worker

    monkeypatch.setattr(module.connections, "close_all", lambda: None)  # the connection is the test's
    first, second = Worker(), Worker()
    first._threads = second._threads = Quiet()  # type: ignore[assignment]
    second.tick()
    first.tick()
    assert (second.leads, first.leads) == (True, False)
    assert waiting() == ["prune", "publish_log"]
    second._publish_at = second._prune_at = 0.0
    second.tick()
    assert waiting() == ["prune", "publish_log"]  # none is enqueued beside one that waits
    second._end()
    first._renew_at = 0.0
    first.tick()
    assert first.leads


def test_a_database_that_is_away_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.jobs import worker as module
    from kybern.server.jobs.worker import Worker

    rounds: list[str] = []
    worker = Worker(every=0.001)
    worker._threads = Quiet()  # type: ignore[assignment]
    monkeypatch.setattr(module, "_AFTER_TROUBLE", 0.001)
    monkeypatch.setattr(module.connections, "close_all", lambda: rounds.append("closed"))

    def tick() -> None:
        rounds.append("tick")
        if len(rounds) > 6:
            worker.stop()
        failures = {1: OperationalError("away"), 3: ValueError("a fault of ours")}
        if len(rounds) in failures:
            raise failures[len(rounds)]

    monkeypatch.setattr(worker, "tick", tick)
    worker.run()
    assert rounds.count("tick") >= 4


def test_a_task_that_fails_is_kept_with_its_reason() -> None:
    from django_tasks_db.models import DBTaskResult

    from kybern.server.jobs.queue import claim, run
    from kybern.server.jobs.tasks import deliver

    deliver.enqueue("no number", 1)
    found = claim("tests")
    assert found is not None
    assert claim("tests") is None
    run(found)
    kept = DBTaskResult.objects.get()
    assert (kept.status, kept.exception_class_path) == ("FAILED", "builtins.ValueError")


# Publishing


def test_the_log_is_published_and_proves(folder: Path) -> None:
    from kybern.evidence.log import audit_folder
    from kybern.server.events.models import Event
    from kybern.server.pages._proofs import log_verifier, proof_of, published_size
    from kybern.server.store.journal import DatabaseJournal
    from kybern.server.store.publish import grew, publish

    assert grew()
    size = DatabaseJournal().size
    assert publish(datetime.now(UTC)) == size + (0 if DatabaseJournal().size == size else 1)
    assert not grew()
    assert publish(datetime.now(UTC)) is None
    write("Published")
    assert grew()
    assert publish(datetime.now(UTC)) == DatabaseJournal().size == published_size()
    assert proof_of(DatabaseJournal().size - 1) is not None
    verifier = log_verifier()
    assert verifier is not None
    found = audit_folder(folder / "log", verifier, None)
    assert found.holds, found.findings
    told = list(Event.objects.filter(type="org.kybern.log.published").order_by("pk"))
    assert [one.data["size"] for one in told] == [size, size + 1]
    last = DatabaseJournal().last_published()
    assert last is not None
    assert told[-1].data["root"] == last.root.hex()


def test_a_folder_that_was_lost_is_made_anew(folder: Path, settings: Any) -> None:
    from kybern.server.pages._proofs import published_size
    from kybern.server.store.publish import grew, publish

    size = publish(datetime.now(UTC))
    settings.KYBERN_DATA = folder / "another"
    assert grew()
    assert publish(datetime.now(UTC)) == size == published_size()


def test_the_task_publishes(folder: Path) -> None:
    from kybern.server.jobs.queue import claim, run
    from kybern.server.jobs.tasks import publish_log

    publish_log.enqueue()
    found = claim("tests")
    assert found is not None
    run(found)
    assert (found.status, (folder / "log" / "checkpoint").is_file()) == ("SUCCESSFUL", True)


# What goes after a while


def test_what_is_past_its_time_goes_and_nothing_else() -> None:
    from allauth.usersessions.models import UserSession
    from django.contrib.sessions.models import Session
    from django_tasks_db.models import DBTaskResult
    from server_world import EMAILS

    from kybern.server.access.models import Unit, User
    from kybern.server.events.models import Event
    from kybern.server.jobs.models import Delivery, Webhook
    from kybern.server.jobs.pruning import prune_all
    from kybern.server.jobs.tasks import prune
    from kybern.server.pages.models import Upload
    from kybern.server.traffic.models import Answer, Shared

    now = timezone.now()
    user = User.objects.get(email=EMAILS["viewer"])
    for name, days in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=name * 8, session_data="", expire_date=now + timedelta(days=days))
        UserSession.objects.create(user=user, session_key=name * 8, ip="127.0.0.1", last_seen_at=now - timedelta(days=2), user_agent="")
        Answer.objects.create(name=name, request="", at=now + timedelta(days=days, hours=-1))
        Shared.objects.create(name=name, until=now + timedelta(days=days))
        upload = Upload.objects.create(user=user, data=b"")
        Upload.objects.filter(pk=upload.pk).update(created=now + timedelta(days=days, hours=-1))
    webhook = Webhook.objects.create(uid="x", name="x", url="x", secret=b"", unit=Unit.objects.get(parent=None), created_at=now)
    said = {"webhook": webhook, "type": "t", "payload": "{}", "since": now}
    Delivery.objects.create(event_id="old", made_at=now - timedelta(days=31), **said)
    Delivery.objects.create(event_id="waits", made_at=now - timedelta(days=31), next_at=now, **said)
    Delivery.objects.create(event_id="new", made_at=now, **said)
    for status, age in (("SUCCESSFUL", 7), ("SUCCESSFUL", 1), ("RUNNING", 3), ("RUNNING", 1), ("READY", 99)):
        result = prune.enqueue()
        at = now - timedelta(hours=age)
        DBTaskResult.objects.filter(pk=result.id).update(status=status, started_at=at, finished_at=at)
    events = Event.objects.count()
    Event.objects.update(at=now - timedelta(days=31))
    found = prune_all(now)
    once = dict.fromkeys(("sessions", "user_sessions", "uploads", "answers", "shared", "deliveries"), 1)
    assert found == {**once, "events": events - 1, "tasks": 2}
    assert set(Delivery.objects.values_list("event_id", flat=True)) == {"waits", "new"}
    assert Session.objects.get().session_key == "newnewnewnewnewnewnewnew"
    assert set(prune_all(now).values()) == {0}
