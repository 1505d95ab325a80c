"""Evidence over the API: batches, lists, envelopes and proofs."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from server_world import PROJECT_SYSTEM, signed

from kybern.catalog import PredicateType
from kybern.evidence import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
BATCH = "/api/v1/evidence:batch"
OTHER_SYSTEM = "ai_system:hiring-screener"


def run_of(ref: str = PROJECT_SYSTEM, **said: Any) -> bytes:
    body = {"suite": "robustness", "passed": 3, "failed": 0, "topic": "robustness-test", **said}
    return signed(PredicateType.TEST_RUN, [ref], **body)


def test_a_batch_is_answered_piece_by_piece(by_token: Callable[..., Client]) -> None:
    client = by_token("engineer")
    strange = run_of(key=PrivateKey.generate(), suite="strange")
    envelopes = [json.loads(one) for one in (run_of(), strange)]
    said = client.post(BATCH, {"envelopes": [*envelopes, {"payload": "x"}]}, content_type="application/json")
    assert said.status_code == 200, said.content
    found = said.json()
    assert [one["outcome"] for one in found["outcomes"]] == ["accepted", "refused", "refused"]
    assert (found["accepted"], found["known"], found["refused"]) == (1, 0, 2)
    assert all(one["rule"] and one["reason"] for one in found["outcomes"][1:])
    again = client.post(BATCH, {"envelopes": envelopes[:1]}, content_type="application/json").json()
    assert again["outcomes"][0]["outcome"] == "known"
    assert again["outcomes"][0]["id"] == found["outcomes"][0]["id"]


def test_lines_are_kept_to_the_byte(by_token: Callable[..., Client]) -> None:
    client, envelope = by_token("engineer"), run_of(suite="by line")
    said = client.post(BATCH, envelope.strip() + b"\n\n", content_type="application/x-ndjson").json()
    identity = said["outcomes"][0]["id"]
    answer = client.get(f"/api/v1/evidence/{identity}/envelope")
    assert answer["Content-Type"] == "application/vnd.dsse+json"
    assert answer.content == envelope.strip() + b"\n"
    piece = client.get(f"/api/v1/evidence/{identity}").json()
    assert piece["signatures"][0]["holder"] == "pipeline:tests"
    assert (piece["strength"], piece["standing"], piece["body"]["suite"]) == ("measured", "valid", "by line")
    assert client.get(f"/api/v1/evidence/{identity}/proof").json()["type"] == "urn:kybern:problem:not-published"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"envelopes": 1}', "application/json"),
        (b'{"envelopes": []}', "application/json"),
        (b'{"envelopes": [1]}', "application/json"),
        (b"\xff", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\n\n", "application/x-ndjson"),
    ],
)
def test_what_is_no_batch_is_told(by_token: Callable[..., Client], body: bytes, kind: str) -> None:
    answer = by_token("engineer").post(BATCH, body, content_type=kind)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"


def test_a_batch_is_bounded(by_token: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kybern.server.api.evidence.MAX_BATCH", 2)
    answer = by_token("engineer").post(BATCH, b"{}\n" * 3, content_type="application/x-ndjson")
    assert answer.status_code == 422
    assert "3 envelopes" in answer.json()["detail"]


def test_who_has_a_project_takes_in_and_reads_for_that_only(by_token: Callable[..., Client]) -> None:
    client = by_token("project-engineer")
    lines = run_of(suite="mine") + run_of(OTHER_SYSTEM, suite="theirs")
    outcomes = client.post(BATCH, lines, content_type="application/x-ndjson").json()["outcomes"]
    assert [(one["outcome"], one["rule"]) for one in outcomes] == [("accepted", None), ("refused", "not-granted")]
    refs = {each["ref"] for item in client.get("/api/v1/evidence", {"limit": 500}).json()["items"] for each in item["subjects"]}
    assert refs == {PROJECT_SYSTEM}
    theirs = by_token("administrator").get("/api/v1/evidence", {"subject": OTHER_SYSTEM}).json()["items"][0]["id"]
    for path in ("", "/envelope", "/proof"):
        assert client.get(f"/api/v1/evidence/{theirs}{path}").status_code == 404


def test_a_list_is_filtered_sorted_and_goes_on(by_token: Callable[..., Client]) -> None:
    client = by_token("external-auditor")
    every = client.get("/api/v1/evidence", {"limit": 500}).json()["items"]
    moments = [item["observed_at"] for item in every]
    assert moments == sorted(moments, reverse=True)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/v1/evidence", {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [item["id"] for item in every]
    middle = moments[len(moments) // 2]
    later = client.get("/api/v1/evidence", {"since": middle, "sort": "observed_at", "limit": 500}).json()["items"]
    earlier = client.get("/api/v1/evidence", {"until": middle, "limit": 500}).json()["items"]
    assert later[0]["observed_at"] == middle
    assert len(later) + len(earlier) == len(every)
    assert client.get("/api/v1/evidence", {"topic": "validation-test", "limit": 500}).json()["items"] == every
    assert client.get("/api/v1/evidence", {"strength": "verified"}).json()["items"] == []
    assert client.get("/api/v1/evidence", {"predicate": "audit"}).json()["items"] == []


@pytest.mark.parametrize(
    "asked",
    [
        {"cursor": "%%%"},
        {"cursor": base64.urlsafe_b64encode(b'["x","y"]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["2026-01-01T00:00:00","y"]').decode()},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"strength": "strong"},
        {"topic": "a\0b"},
        {"limit": 0},
        {"subject": "no"},
    ],
)
def test_what_cannot_be_asked_is_told(by_token: Callable[..., Client], asked: dict[str, Any]) -> None:
    answer = by_token("administrator").get("/api/v1/evidence", asked)
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"


def test_roles(by_token: Callable[..., Client], client: Client) -> None:
    assert client.get("/api/v1/evidence").status_code == 401
    assert by_token("viewer").get("/api/v1/evidence").status_code == 403
    assert by_token("executive").post(BATCH, run_of(), content_type="application/x-ndjson").status_code == 403
    assert by_token("administrator").get(f"/api/v1/evidence/{'0' * 64}").status_code == 404
