"""A connection that breaks: what was written is sent again under its key, and done once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from both_clients import CLIENTS, client_of
from django_transport import InProcess
from server_world import PROJECT_SYSTEM, signed, token_of

from kybern.catalog import PredicateType
from kybern.client import ABSENT, ANY, Change, Conflict, RateLimited, Unreachable, Unusable

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("which", CLIENTS)]
ROLE = {"title": "Keeper", "responsibilities": ["Keeps."]}


class Breaking(httpx.BaseTransport):
    """Lets requests through, and loses the answers of those that this says."""

    def __init__(self, lost: Iterator[bool]) -> None:
        self._inner, self._lost = InProcess(), lost
        self.answers: list[httpx.Response] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.answers.append(self._inner.handle_request(request))
        if next(self._lost, False):
            message = "the answer is lost"
            raise httpx.ReadError(message, request=request)
        return self.answers[-1]


def broken(which: str, lost: int) -> tuple[Any, Breaking]:
    transport = Breaking(iter([True] * lost))
    return client_of(which, transport, url="http://localhost", token=token_of("administrator")), transport


def log_size() -> int:
    from kybern.server.store.models import LogEntry

    return LogEntry.objects.count()


def test_a_write_whose_answer_is_lost_is_done_once(which: str) -> None:
    client, transport = broken(which, 2)
    before = log_size()
    made = client.put_record("role:keeper", ROLE, if_match=ABSENT, reason="New")
    assert made.act == "added"
    assert [one.status_code for one in transport.answers] == [201] * 3
    assert len({one.content for one in transport.answers}) == 1
    assert log_size() == before + 1
    with pytest.raises(Conflict):
        client.put_record("role:keeper", ROLE, if_match=ABSENT)


def test_so_are_many_at_once_and_a_removal(which: str) -> None:
    client, _ = broken(which, 1)
    written = client.write_records([Change({"kind": "role", "id": "keeper", **ROLE}, ABSENT)], reason="New")
    assert [one.act for one in written] == ["added"]
    client, _ = broken(which, 3)
    assert client.delete_record("role:keeper", if_match=ANY).act == "removed"


def test_evidence_too(which: str) -> None:
    client, _ = broken(which, 1)
    piece = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], topic="once", suite="s", passed=1, failed=0)
    assert client.put_evidence([piece]).accepted == 1


def test_who_gives_up_is_told_that_it_may_have_been_done(which: str) -> None:
    client, transport = broken(which, 4)
    with pytest.raises(Unreachable) as error:
        client.put_record("role:keeper", ROLE, if_match=ABSENT, idempotency_key="one-of-mine")
    assert error.value.sent
    assert len(transport.answers) == 4
    assert client.put_record("role:keeper", ROLE, if_match=ABSENT, idempotency_key="one-of-mine").act == "added"
    with pytest.raises(Unusable) as used:
        client.put_record("role:other", ROLE, if_match=ABSENT, idempotency_key="one-of-mine")
    assert used.value.slug == "idempotency-key-used"


def test_who_asks_too_often_waits_as_long_as_told(which: str, settings: Any) -> None:
    from kybern.server.traffic import limits

    limits.forget()
    settings.KYBERN_RATE_LIMIT = 3
    waits: list[float] = []
    client = client_of(which, InProcess(), url="http://localhost", token=token_of("viewer"), waits=waits, chance=lambda: 0.0)
    for _ in range(3):
        client.me()
    with pytest.raises(RateLimited) as error:
        client.me()
    limits.forget()
    assert error.value.retry_after is not None
    assert 0 < error.value.retry_after <= 60
    assert len(waits) == 3
    assert all(0 < one <= 60 for one in waits)
