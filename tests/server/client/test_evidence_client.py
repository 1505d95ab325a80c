"""Evidence by the client against the real server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from server_world import PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType
from kybern.client import Denied, NotFound
from kybern.evidence import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


def pieces(count: int, **more: Any) -> list[bytes]:
    return [
        signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic=f"client-{at}", suite="client", passed=at, failed=0, **more)
        for at in range(count)
    ]


def test_pieces_go_in_chunks_and_each_is_answered_in_its_order(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    stranger = pieces(1, key=PrivateKey.generate())[0]
    good = pieces(7)
    found = client.put_evidence([*good[:4], stranger, *good[4:], good[0]], chunk=2)
    assert (found.accepted, found.known, found.refused) == (7, 1, 1)
    assert [one.index for one in found.outcomes] == list(range(9))
    assert [one.outcome for one in found.outcomes] == [*["accepted"] * 4, "refused", *["accepted"] * 3, "known"]
    assert found.outcomes[4].rule
    assert found.outcomes[4].reason
    again = client.put_evidence(good)
    assert (again.accepted, again.known) == (0, 7)
    assert client.put_evidence([]).outcomes == ()


def test_an_envelope_may_be_an_object_or_written_over_many_lines(asked_by: Callable[..., Any]) -> None:
    first, second = (json.loads(one) for one in pieces(2))
    found = asked_by("engineer").put_evidence([first, json.dumps(second, indent=2).encode()])
    assert found.accepted == 2, found


def test_a_piece_is_found_read_and_given_to_the_byte(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    sent = pieces(3)
    identities = [one.id for one in client.put_evidence(sent, chunk=1).outcomes]
    listed = list(client.evidence(subject=PROJECT_SYSTEM, topic="client-1", page_size=1))
    assert [one.id for one in listed] == [identities[1]]
    assert listed[0].body["passed"] == 1
    whole = client.evidence_piece(identities[1])
    assert whole.subjects[0].ref == PROJECT_SYSTEM
    assert [one.holder for one in whole.signatures] == ["pipeline:tests"]
    assert client.envelope(identities[1]).strip() == sent[1].strip()


def test_evidence_is_narrowed_and_paged(asked_by: Callable[..., Any]) -> None:
    client = asked_by("internal-auditor")
    every = list(client.evidence(page_size=1))
    assert [one.id for one in every] == [one.id for one in client.evidence()]
    assert len(every) >= 3
    moments = [one.observed_at for one in every]
    assert moments == sorted(moments, reverse=True)
    middle = moments[1]
    assert {one.id for one in client.evidence(since=middle)} == {one.id for one in every if one.observed_at >= middle}
    assert {one.id for one in client.evidence(until=middle)} == {one.id for one in every if one.observed_at < middle}
    with pytest.raises(ValueError, match="time zone"):
        client.evidence(since=datetime(2026, 1, 1))  # noqa: DTZ001 - that it has none is the point


def test_what_is_not_there_or_not_allowed(asked_by: Callable[..., Any]) -> None:
    client = asked_by("engineer")
    with pytest.raises(NotFound):
        client.evidence_piece("0" * 64)
    identity = next(iter(client.evidence())).id
    with pytest.raises(NotFound) as error:
        client.proof(identity)
    assert error.value.slug == "not-published"
    with pytest.raises(Denied) as denied:
        asked_by("viewer").put_evidence(pieces(1))
    assert denied.value.permission == "evidence.write"
    assert not list(client.evidence(since=datetime.now(UTC) + timedelta(days=1)))
