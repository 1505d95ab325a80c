"""What is tried again, when and how often: by scripts of what a network and a server may do, for both clients."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx
import pytest
from both_clients import CLIENTS, answering, client_of
from hypothesis import given
from hypothesis import strategies as st

from kybern.client import (
    ABSENT,
    ANY,
    BadAnswer,
    Change,
    KybernError,
    Patience,
    Problem,
    RateLimited,
    Refused,
    StillRunning,
    Unavailable,
    Unreachable,
)
from kybern.client._exchange import Call

DIGEST = "a" * 64
SCRIPTED = "as scripted"
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
BROKEN = (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError)
CALLS: dict[str, tuple[bool, Any]] = {
    "record": (True, lambda client: client.record("role:dpo")),
    "kinds": (True, lambda client: client.kinds()),
    "put": (True, lambda client: client.put_record("role:dpo", {}, if_match=ABSENT)),
    "patch": (True, lambda client: client.patch_record("role:dpo", {}, if_match=DIGEST)),
    "delete": (True, lambda client: client.delete_record("role:dpo", if_match=DIGEST)),
    "over": (True, lambda client: client.patch_record("role:dpo", {}, if_match=ANY)),
    "bulk": (True, lambda client: client.write_records([Change({"kind": "role", "id": "dpo"})], reason="why")),
    "evidence": (True, lambda client: client.put_evidence([b"{}"])),
    "decide": (True, lambda client: client.decide("deploy")),
    "other": (False, lambda client: client.send(Call("POST", "other", lambda _: None))),
}
READS = {"record", "kinds", "decide"}
"""Calls, with whether sending them twice is the same as once: reading is, and writing is by its Idempotency-Key."""

GOOD = {
    "record": {"ref": "role:dpo"},
    "kinds": [],
    "bulk": [],
    "other": None,
    "evidence": {"accepted": 0, "known": 0, "refused": 0, "outcomes": []},
    "decide": {
        **dict.fromkeys(("effect", "action", "schema_ref", "digest", "system"), "x"),
        **dict.fromkeys(("fired", "reasons", "approvals", "obligations", "shortfalls"), ()),
        "allowed": True,
        "trial": True,
        "at": "2026-11-26T15:00:00Z",
        "modifications": {},
        "facts": {},
    },
    **{name: {"ref": "role:dpo", "act": "changed", "digest": DIGEST, "entry": 1} for name in ("put", "patch", "delete", "over")},
}


def problem(status: int, slug: str, **headers: str) -> httpx.Response:
    said = {"type": f"urn:kybern:problem:{slug}", "title": "x", "status": status, "detail": "It is so.", "instance": "urn:kybern:request:7"}
    return httpx.Response(status, json=said, headers={"Content-Type": "application/problem+json", **headers})


happenings = st.one_of(
    st.sampled_from(UNSENT + BROKEN),
    st.tuples(st.sampled_from((429, 503, 409)), st.one_of(st.none(), st.integers(0, 100))),
    st.sampled_from((500, 403, 412, 410)),
)
patiences = st.builds(
    lambda attempts, first, more: Patience(attempts, first, first + more), st.integers(1, 5), st.floats(0, 2), st.floats(0, 60)
)


@pytest.mark.parametrize("which", CLIENTS)
@given(
    name=st.sampled_from(sorted(CALLS)),
    script=st.lists(happenings, max_size=6),
    patience=patiences,
    chances=st.lists(st.floats(0, 1, exclude_max=True), min_size=6, max_size=6),
)
def test_patience(which: str, name: str, script: list[Any], patience: Patience, chances: list[float]) -> None:
    sent: list[httpx.Request] = []
    waits: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) > len(script):
            return httpx.Response(200, json=GOOD[name])
        what = script[len(sent) - 1]
        if isinstance(what, type):
            raise what(SCRIPTED, request=request)
        status, after = what if isinstance(what, tuple) else (what, None)
        return problem(status, "still-running" if status == 409 else "scripted", **({} if after is None else {"Retry-After": str(after)}))

    rolls = iter(chances)
    client = client_of(which, answering(answer), waits=waits, patience=patience, chance=lambda: next(rolls))
    repeatable, call = CALLS[name]
    failed: KybernError | None = None
    try:
        call(client)
    except KybernError as error:
        failed = error
    expected = _allowed(script, patience, repeatable=repeatable)
    assert len(sent) == expected, script
    assert (failed is None) == (expected == len(script) + 1)
    assert len(waits) == len(sent) - 1
    assert len({request.headers.get("Idempotency-Key") for request in sent}) == 1
    assert ("Idempotency-Key" in sent[0].headers) == (name not in {*READS, "other"})
    for at, (wait, what) in enumerate(zip(waits, script, strict=False)):
        assert 0 <= wait <= patience.longest
        if isinstance(what, tuple) and what[1] is not None:
            assert what[1] <= wait <= what[1] + patience.first
        else:
            assert wait <= patience.first * 2**at


def _allowed(script: list[Any], patience: Patience, *, repeatable: bool) -> int:
    """Count the requests a client may send: the rule of the handbook, told in another way than the client's."""
    for at, what in enumerate(script, 1):
        if at == patience.attempts:
            return at
        if what in UNSENT or (what in BROKEN and repeatable):
            continue
        if isinstance(what, tuple) and repeatable:
            status, after = what
            if (after is None and status == 429) or (after is not None and after <= patience.longest):
                continue
        return at
    return len(script) + 1


@pytest.mark.parametrize("which", CLIENTS)
def test_who_asks_for_a_longer_wait_than_one_has_is_told_so(which: str) -> None:
    client = client_of(which, answering(lambda _: problem(429, "too-many", **{"Retry-After": "3600"})))
    with pytest.raises(RateLimited) as error:
        client.kinds()
    assert error.value.retry_after == 3600


@pytest.mark.parametrize("which", CLIENTS)
def test_a_date_to_come_back_at_counts_from_the_answers_own(which: str) -> None:
    headers = {"Retry-After": "Thu, 26 Nov 2026 15:00:30 GMT", "Date": "Thu, 26 Nov 2026 15:00:00 GMT"}
    waits: list[float] = []
    client = client_of(which, answering(lambda _: problem(503, "not-ready", **headers)), waits=waits, chance=lambda: 0.5)
    with pytest.raises(Unavailable):
        client.kinds()
    assert waits == [30.25] * 3


@pytest.mark.parametrize("which", CLIENTS)
@pytest.mark.parametrize(("hindered", "sent"), [(httpx.ConnectError, False), (httpx.ReadTimeout, True), (httpx.ReadError, True)])
def test_whether_it_may_have_been_done_is_told(which: str, hindered: type[httpx.RequestError], sent: bool) -> None:  # noqa: FBT001 - a parameter
    def broken(request: httpx.Request) -> httpx.Response:
        raise hindered(SCRIPTED, request=request)

    with pytest.raises(Unreachable) as error:
        client_of(which, answering(broken)).write_records([Change({})], reason="why")
    assert error.value.sent == sent
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


@pytest.mark.parametrize("which", CLIENTS)
def test_a_key_of_the_callers_own_is_kept(which: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Idempotency-Key"])
        return httpx.Response(200, json=GOOD["put"])

    client = client_of(which, answering(answer), new_key=lambda: "made")
    client.put_record("role:dpo", {}, if_match=ABSENT, idempotency_key="mine")
    client.put_record("role:dpo", {}, if_match=ABSENT)
    assert seen == ["mine", "made"]


@given(status=st.integers(300, 599), body=st.binary(max_size=200), kind=st.sampled_from(("application/problem+json", "text/html", "")))
def test_no_answer_whatever_breaks_the_client(status: int, body: bytes, kind: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"Content-Type": kind})

    client = client_of("waiting", answering(answer), patience=Patience(attempts=1))
    with pytest.raises(KybernError) as error:
        client.record("role:dpo")
    assert str(error.value)


@given(body=st.binary(max_size=200))
def test_no_good_answer_in_a_bad_form_breaks_the_client(body: bytes) -> None:
    for call in ("kinds", "record"):
        with suppress(KybernError):
            CALLS[call][1](client_of("waiting", answering(lambda _: httpx.Response(200, content=body))))


@pytest.mark.parametrize(
    ("attempts", "first", "longest"),
    [(0, 0.5, 60.0), (4, -0.1, 60.0), (4, 2.0, 1.0)],
    ids=["no attempt", "negative", "shorter than the first"],
)
def test_patience_that_makes_no_sense_is_not_taken(attempts: int, first: float, longest: float) -> None:
    with pytest.raises(ValueError, match="Patience needs"):
        Patience(attempts, first, longest)


@pytest.mark.parametrize("which", CLIENTS)
def test_what_cannot_be_done_is_not_what_is_still_being_done(which: str) -> None:
    waits: list[float] = []
    client = client_of(which, answering(lambda _: problem(409, "no-key", **{"Retry-After": "1"})), waits=waits)
    with pytest.raises(Refused) as error:
        client.put_record("role:dpo", {}, if_match=ABSENT)
    assert not isinstance(error.value, StillRunning)
    assert waits == []


@pytest.mark.parametrize("which", CLIENTS)
def test_a_key_that_is_none_is_not_sent(which: str) -> None:
    client = client_of(which, answering(lambda _: httpx.Response(500)))
    for key in ("", "a b", "x" * 256, "schlüssel"):
        with pytest.raises(ValueError, match="idempotency key"):
            client.put_record("role:dpo", {}, if_match=ABSENT, idempotency_key=key)


@pytest.mark.parametrize("which", CLIENTS)
def test_a_problem_is_told_with_its_number(which: str) -> None:
    with pytest.raises(Problem, match=r"^It is so\. \(500 odd, request 7\)$") as error:
        client_of(which, answering(lambda _: problem(500, "odd"))).kinds()
    assert (error.value.status, error.value.slug, error.value.instance) == (500, "odd", "urn:kybern:request:7")


@pytest.mark.parametrize("which", CLIENTS)
def test_a_list_without_end_ends(which: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.params.get("cursor", ""))
        return httpx.Response(200, json={"items": [{"ref": "role:dpo"}], "next": "again"})

    with pytest.raises(BadAnswer, match="same page"):
        list(client_of(which, answering(answer)).records())
    assert seen == ["", "again"]
