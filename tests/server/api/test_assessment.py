"""The assessment over the API: the whole for who may see it, an AI system's for who has its unit; reasons, gaps, what binds, traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from server_world import PROJECT_SYSTEM, signed

from kybern.assessment import Status
from kybern.catalog import PredicateType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.test import Client

pytestmark = pytest.mark.django_db
API = "/api/v1"


def walked(node: dict[str, Any], depth: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    yield depth, node
    for child in node["children"]:
        yield from walked(child, depth + 1)


def pages(client: Client, path: str, **asked: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(API + path, {**asked, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.content
        items += answer.json()["items"]
        cursor = answer.json()["next"]
    return items


def test_readiness_is_what_the_assessment_says(by_token: Callable[..., Client]) -> None:
    from kybern.server.live import current

    said = by_token("viewer").get(f"{API}/assessment").json()
    standing = current()
    assert said["digests"] == standing.assessment.digests
    asked = [one for one in said["frameworks"] if one["asked"]]
    assert [one["framework"] for one in asked] == list(standing.frameworks)
    for one in asked:
        readiness = standing.assessment.readiness(one["framework"])
        assert one["coverage"] == readiness.coverage
        assert one["counts"] == {status.slug: readiness.counts[status] for status in Status}
        assert one["gaps"] > 0


def test_evidence_counts_at_once(by_token: Callable[..., Client]) -> None:
    client = by_token("engineer")
    before = client.get(f"{API}/assessment").json()
    piece = signed(PredicateType.TEST_RUN, [PROJECT_SYSTEM], suite="s", passed=1, failed=0, topic="robustness-test")
    client.post(f"{API}/evidence:batch", piece, content_type="application/x-ndjson")
    after = client.get(f"{API}/assessment").json()
    assert after["entries"] == before["entries"] + 1
    assert after["digests"]["evidence"] != before["digests"]["evidence"]


def test_requirements_go_on_by_cursor_and_are_filtered(by_token: Callable[..., Client]) -> None:
    client = by_token("executive")
    every = pages(client, "/requirements", framework="ISO42001", limit=30)
    refs = [one["ref"] for one in every]
    assert len(refs) == len(set(refs)) > 60
    unknown = pages(client, "/requirements", framework="ISO42001", status="unknown", limit=500)
    assert [one["ref"] for one in unknown] == [one["ref"] for one in every if one["score"]["status"] == "unknown" and not one["parts"]]
    owner = next(one["owners"][0] for one in every if one["owners"])
    owed = pages(client, "/requirements", framework="ISO42001", owner=owner, limit=500)
    assert owed == [one for one in every if owner in one["owners"]]
    mine = pages(client, "/requirements", framework="ISO42001", subject=PROJECT_SYSTEM, limit=500)
    assert 0 < len(mine) < len(every)


def test_a_requirement_has_reasons_as_deep_as_asked(by_token: Callable[..., Client]) -> None:
    client = by_token("viewer")
    said = client.get(f"{API}/requirements/ISO42001:A.6.2.4", {"depth": 5}).json()
    kinds = {node["kind"] for _, node in walked(said["reasons"])}
    assert {"requirement", "control", "check"} <= kinds
    assert said["gaps"]
    assert all(one["owner"] and one["by"] in {"evidence", "record"} for one in said["gaps"])
    flat = client.get(f"{API}/requirements/ISO42001:A.6.2.4", {"depth": 0}).json()["reasons"]
    assert flat["children"] == []
    assert flat["left_out"] == len(said["reasons"]["children"])
    one_deep = client.get(f"{API}/requirements/ISO42001:A.6.2.4", {"depth": 1}).json()["reasons"]
    assert max(depth for depth, _ in walked(one_deep)) == 1
    assert client.get(f"{API}/requirements/ISO42001:A.6.2.4", {"depth": 99}).status_code == 422


def test_a_requirement_of_any_name_is_found(by_token: Callable[..., Client]) -> None:
    client = by_token("viewer")
    assert client.get(f"{API}/requirements/EU_AI_ACT:Art.9(2)(a)").json()["ref"] == "EU_AI_ACT:Art.9(2)(a)"
    assert client.get(f"{API}/requirements/ISO42001:99").status_code == 404
    assert client.get(f"{API}/requirements", {"framework": "NOTHING"}).status_code == 404


def test_gaps_come_with_who_owes_them(by_token: Callable[..., Client]) -> None:
    client = by_token("governance-lead")
    every = pages(client, "/gaps", framework="ISO42001", limit=40)
    assert len({one["control"] for one in every}) == len(every) > 50
    first = every[0]
    assert first["owner"]
    assert first["missing"]
    assert first["gain"]["ISO42001"] > 0
    closing = [len(one["closes"]) for one in every if one["planned_on"] is None]
    assert closing == sorted(closing, reverse=True)
    owed = pages(client, "/gaps", framework="ISO42001", owner=first["owner"], limit=500)
    assert owed == [one for one in every if one["owner"] == first["owner"]]
    mine = pages(client, "/gaps", framework="ISO42001", subject=PROJECT_SYSTEM, limit=500)
    assert {tuple(one["subjects"]) for one in mine} == {(PROJECT_SYSTEM,)}


def test_obligations_are_the_register(by_token: Callable[..., Client]) -> None:
    from kybern.server.live import current, register_of

    client = by_token("viewer")
    every = pages(client, "/obligations", limit=100)
    register = register_of(current())
    assert [(one["subject"], one["requirement"]) for one in every] == [(one.subject, one.requirement) for one in register.bindings]
    assert all(one["because"] and one["chain"] is not None for one in every)
    acts = pages(client, "/obligations", regime="eu_ai_act", subject=PROJECT_SYSTEM, limit=500)
    assert acts
    assert {(one["subject"], one["regime"]) for one in acts} == {(PROJECT_SYSTEM, "eu_ai_act")}


def test_who_has_a_project_sees_its_systems_and_not_the_whole(by_token: Callable[..., Client]) -> None:
    client = by_token("project-engineer")
    assert client.get(f"{API}/systems/credit-scoring/assessment").json()["ref"] == PROJECT_SYSTEM
    assert client.get(f"{API}/systems/hiring-screener/assessment").status_code == 404
    assert client.get(f"{API}/systems/nothing/assessment").status_code == 404
    for path in ("/assessment", "/requirements", "/requirements/ISO42001:4.1", "/gaps", "/obligations", "/trace/ISO42001:4.1"):
        assert client.get(API + path).status_code == 403, path
    for path in ("/requirements", "/gaps", "/obligations"):
        assert client.get(API + path, {"subject": PROJECT_SYSTEM, "limit": 1}).status_code == 200, path
        assert client.get(API + path, {"subject": "ai_system:hiring-screener"}).status_code == 404, path
    assert client.get(f"{API}/requirements/ISO42001:A.6.2.4", {"subject": PROJECT_SYSTEM}).json()["subject"] == PROJECT_SYSTEM


def test_a_trace_hides_what_one_may_not_read(by_token: Callable[..., Client]) -> None:
    path = f"{API}/trace/{PROJECT_SYSTEM}"

    def kinds(role: str) -> set[str]:
        found = by_token(role).get(path, {"depth": 4}).json()
        return {node["ref"].partition(":")[0] if node["kind"] == "record" else node["kind"] for _, node in walked(found)}

    everything, viewers = kinds("internal-auditor"), kinds("viewer")
    assert {"person", "evidence", "role"} <= everything
    assert "role" in viewers
    assert not viewers & {"person", "incident", "concern", "evidence"}
    whole = by_token("administrator").get(path, {"depth": 4}).json()
    person = next(node["ref"] for _, node in walked(whole) if node["ref"].startswith("person:"))
    assert by_token("internal-auditor").get(f"{API}/trace/{person}", {"direction": "up"}).status_code == 200
    assert by_token("viewer").get(f"{API}/trace/{person}").status_code == 404
    assert by_token("viewer").get(f"{API}/trace/nothing-here").status_code == 404


def test_nobody_gets_nothing(client: Client, by_token: Callable[..., Client]) -> None:
    assert client.get(f"{API}/assessment").status_code == 401
    assert by_token("stranger").get(f"{API}/assessment").status_code == 403
    assert by_token("administrator", ["records.read"]).get(f"{API}/gaps").status_code == 403
