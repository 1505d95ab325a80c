"""The outbox: an event for each change, in its transaction or not at all, and only for whom what it is about is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.utils import timezone
from server_world import PIPELINE, PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType
from kybern.evidence import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from kybern.server.events.models import Event

pytestmark = pytest.mark.django_db
BY = "person:administrator"
ROLE = {"kind": "role", "id": "night-watch", "title": "Night watch", "responsibilities": ["Watches at night."]}


def last_id() -> int:
    from kybern.server.events.models import Event

    return Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def since(mark: int) -> list[Event]:
    from kybern.server.events.models import Event

    return list(Event.objects.filter(pk__gt=mark).order_by("pk"))


def write(content: dict[str, Any] | None, ref: str = "role:night-watch") -> None:
    from kybern.server.store.records import Write, write_records

    write_records([Write(ref, content)], BY, "a test", datetime.now(UTC))


def test_a_record_is_told_of_from_its_making_to_its_end() -> None:
    from kybern.server.store.models import LogHead, RecordRow

    mark = last_id()
    write(ROLE)
    digest = RecordRow.objects.get(pk="role:night-watch").digest
    write(ROLE)  # nothing changes, so nothing is told
    write({**ROLE, "title": "Watch of the night"})
    write(None)
    found = since(mark)
    assert [one.type.rpartition(".")[2] for one in found] == ["added", "changed", "removed"]
    assert {one.subject for one in found} == {"role:night-watch"}
    assert found[0].data == {"act": "added", "digest": digest}
    size = LogHead.objects.get(pk=1).size
    assert [one.entry for one in found] == [size - 3, size - 2, size - 1]


def test_nothing_personal_is_told() -> None:
    mark = last_id()
    write({"kind": "person", "id": "p-017", "title": "Margarethe Zunft"}, "person:p-017")
    (event,) = since(mark)
    assert event.sensitive
    assert "Margarethe" not in str(event.data)
    assert BY not in str(event.data)


def test_a_write_that_is_rolled_back_is_not_told() -> None:
    mark = last_id()

    class Undone(Exception):  # noqa: N818 - it is a test's own
        pass

    def undone() -> None:
        with transaction.atomic():
            write(ROLE)
            assert len(since(mark)) == 1
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert since(mark) == []


def test_an_event_needs_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.events.outbox import EventType, Happening, tell

    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(RuntimeError, match="transaction"):
        tell([Happening(EventType.KEY_TRUSTED)], timezone.now())


def test_a_batch_of_evidence_is_one_event_for_each_unit() -> None:
    from kybern.server.access.models import Unit
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.models import RecordRow

    other = RecordRow.objects.filter(kind="ai_system").exclude(ref=PROJECT_SYSTEM).order_by("ref").values_list("ref", flat=True)[0]

    def piece(refs: list[str], number: int) -> bytes:
        return signed(PredicateType.TEST_RUN, refs, topic="robustness-test", suite=f"s{number}", passed=1, failed=0)

    mark = last_id()
    taken = take_evidence(
        [*(piece([PROJECT_SYSTEM], one) for one in range(30)), *(piece([PROJECT_SYSTEM, other], one) for one in range(3))],
        datetime.now(UTC),
    )
    assert {one.outcome for one in taken} == {"accepted"}
    project, whole = since(mark)
    units = dict(Unit.objects.values_list("slug", "pk"))
    assert (project.unit, project.data["count"], project.data["topics"]) == (units["lending"], 30, {"robustness-test": 30})
    assert len(project.data["ids"]) == 20
    assert (whole.data["count"], whole.subject) == (3, "")
    assert Unit.objects.get(pk=whole.unit).parent is None
    assert whole.data["entries"] == [taken[30].entry, taken[32].entry]
    assert since(project.pk) == [whole]


def test_what_is_known_or_refused_is_not_told() -> None:
    from kybern.server.store.evidence import take_evidence

    one = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="robustness-test", suite="twice", passed=1, failed=0)
    take_evidence([one], datetime.now(UTC))
    mark = last_id()
    unknown = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="t", suite="s", passed=1, failed=0, key=PrivateKey.generate())
    assert [each.outcome for each in take_evidence([one, unknown], datetime.now(UTC))] == ["known", "refused"]
    assert since(mark) == []


def test_keys_are_told_of_without_their_holder() -> None:
    from kybern.server.store.keys import revoke, trust

    key = PrivateKey.generate()
    mark = last_id()
    trusted = key.trusted(name="ci-2", holder="person:somebody", kind="person", valid_from=timezone.now())
    assert (trust([trusted]), trust([trusted])) == (1, 0)
    revoke(key.keyid, "lost on a train", timezone.now())
    found = since(mark)
    assert [one.type for one in found] == ["org.kybern.key.trusted", "org.kybern.key.revoked"]
    assert {one.subject for one in found} == {f"key:{key.keyid}"}
    assert all(one.data == {"kind": "person"} for one in found)


def test_old_events_go_and_the_last_stays() -> None:
    from kybern.server.events.models import Event
    from kybern.server.events.pruning import prune_events, pruned_until

    write(ROLE)
    there = Event.objects.count()
    assert (prune_events(timezone.now()), pruned_until()) == (0, 0)
    assert prune_events(timezone.now() + timedelta(days=31)) == there - 1
    (kept,) = Event.objects.all()
    assert (kept.subject, pruned_until() < kept.pk) == ("role:night-watch", True)


# Over the API


def batch(client: Client, **said: object) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/events", said)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/cloudevents-batch+json"), answer.content
    found: list[dict[str, Any]] = answer.json()
    return found


def test_events_are_cloudevents_by_cursor(by_token: Callable[..., Client]) -> None:
    mark = last_id()
    for number in range(5):
        write({**ROLE, "title": f"Watch {number}"})
    client = by_token("viewer")
    seen: list[dict[str, Any]] = []
    after = mark
    while part := batch(client, after=after, limit=2):
        seen += part
        after = int(part[-1]["id"])
    assert [one["type"].rpartition(".")[2] for one in seen] == ["added", *["changed"] * 4]
    for one in seen:
        assert set(one) == {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
        assert (one["specversion"], one["source"]) == ("1.0", "http://127.0.0.1:8042")
        assert datetime.fromisoformat(one["time"]).tzinfo is not None
    link = client.get("/api/v1/events", {"after": mark, "limit": 2})["Link"]
    assert link == f'</api/v1/events?after={seen[1]["id"]}&limit=2>; rel="next"'
    assert batch(client, after=mark, types="org.kybern.record.added")[0]["id"] == seen[0]["id"]
    assert client.get("/api/v1/events", {"types": "org.kybern.nothing"}).status_code == 422


def test_nobody_reads_of_what_they_may_not_see(by_token: Callable[..., Client]) -> None:
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.keys import trust

    mark = last_id()
    write(ROLE)
    write({"kind": "person", "id": "p-018", "title": "Somebody"}, "person:p-018")
    take_evidence(
        [signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="robustness-test", suite="see", passed=1, failed=0)], datetime.now(UTC)
    )
    trust([PrivateKey.generate().trusted(name="ci-3", holder="pipeline:ci-3", kind="pipeline", valid_from=timezone.now())])

    def seen(role: str, scopes: list[str] | None = None) -> list[str]:
        return [one["type"].removeprefix("org.kybern.") for one in batch(by_token(role, scopes), after=mark)]

    assert seen("governance-lead") == ["record.added", "record.added", "evidence.accepted", "key.trusted"]
    assert seen("governance-lead", ["records.read"]) == ["record.added"]
    assert seen("engineer") == ["record.added", "evidence.accepted", "key.trusted"]
    assert seen("viewer") == ["record.added"]
    assert seen("project-engineer") == ["evidence.accepted"]
    assert by_token("stranger").get("/api/v1/events").status_code == 403
    assert PIPELINE.keyid


def test_a_record_that_was_moved_away_is_told_of_no_more(by_token: Callable[..., Client]) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    mark = last_id()
    row = RecordRow.objects.get(pk=PROJECT_SYSTEM)
    write_records([Write(PROJECT_SYSTEM, {**row.content, "description": "Seen once."})], BY, "a test", datetime.now(UTC))
    assert len(batch(by_token("project-engineer"), after=mark)) == 1
    RecordRow.objects.filter(pk=PROJECT_SYSTEM).update(unit=row.unit + 999)
    assert batch(by_token("project-engineer"), after=mark) == []


def test_who_comes_too_late_is_told(by_token: Callable[..., Client]) -> None:
    from kybern.server.events.pruning import prune_events

    first = last_id() - 5
    write(ROLE)
    prune_events(timezone.now() + timedelta(days=31))
    client = by_token("viewer")
    answer = client.get("/api/v1/events", {"after": first})
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:kybern:problem:events-gone")
    assert len(batch(client, after=answer.json()["pruned"])) == 1
    assert len(batch(client, after=0)) == 1
