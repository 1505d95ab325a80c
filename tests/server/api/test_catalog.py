"""The catalog over the API: what it gives is what the catalog has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kybern.catalog import crosswalk, load_catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
API = "/api/v1"


def pages(client: Client, path: str, **asked: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(API + path, {**asked, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.content
        items += answer.json()["items"]
        cursor = answer.json()["next"]
    return items


def test_frameworks_come_whole(by_token: Callable[..., Client]) -> None:
    client, catalog = by_token("viewer"), load_catalog()
    listed = client.get(f"{API}/frameworks").json()
    assert [one["id"] for one in listed] == list(catalog.frameworks)
    for name in catalog.frameworks:
        answer = client.get(f"{API}/frameworks/{name}")
        assert answer.status_code == 200, answer.content
        assert [one["ref"] for one in answer.json()["entries"]] == [f"{name}:{one.id}" for one in catalog.frameworks[name].requirements]
    act = client.get(f"{API}/frameworks/EU_AI_ACT").json()
    article = next(one for one in act["entries"] if one["ref"] == "EU_AI_ACT:Art.4(1)")
    assert article["dates"][0]["since"]
    assert [one["control"] for one in article["controls"]] == [one.id for one, _ in catalog.controls_for("EU_AI_ACT:Art.4(1)")]
    assert client.get(f"{API}/frameworks/NOTHING").status_code == 404


def test_controls_are_found_and_read(by_token: Callable[..., Client]) -> None:
    client, catalog = by_token("viewer"), load_catalog()
    assert [one["id"] for one in pages(client, "/controls", limit=150)] == list(catalog.controls)
    layer = pages(client, "/controls", layer="L6", limit=500)
    assert {one["layer"] for one in layer} == {"L6"}
    found = pages(client, "/controls", q="bias", framework="ISO42001", limit=500)
    assert 0 < len(found) < len(catalog.controls)
    for identity, control in catalog.controls.items():
        said = client.get(f"{API}/controls/{identity}").json()
        assert [one["id"] for one in said["checks"]] == [one.id for one in control.checks]
        assert [one["requirement"] for one in said["satisfies"]] == [one.requirement for one in control.satisfies]
    assert client.get(f"{API}/controls/GOV-99").status_code == 404
    assert client.get(f"{API}/controls/x").status_code == 422


def test_a_control_stands_as_the_assessment_says(by_token: Callable[..., Client]) -> None:
    from kybern.server.live import current

    client = by_token("viewer")
    said = client.get(f"{API}/controls/GOV-01/assessment").json()
    score = current().assessment.control("GOV-01")
    assert score is not None
    assert (said["score"]["status"], said["score"]["coverage"]) == (score.status.slug, score.coverage)
    assert said["owner"]
    assert said["reasons"]["children"]
    assert by_token("project-engineer").get(f"{API}/controls/GOV-01/assessment").status_code == 403
    assert client.get(f"{API}/controls/GOV-99/assessment").status_code == 404


def test_crosswalks_are_composed(by_token: Callable[..., Client]) -> None:
    client, catalog = by_token("viewer"), load_catalog()
    assert [one["id"] for one in client.get(f"{API}/crosswalks").json()] == [one.id for one in catalog.crosswalks]
    for source, target in (("ISO42001", "EU_AI_ACT"), ("NIST_AI_RMF", "EU_AI_ACT")):
        crossing = crosswalk(catalog, source, target)
        found = pages(client, f"/crosswalks/{source}/{target}", limit=100)
        assert [(one["source"], one["target"], one["carries"]) for one in found] == [
            (one.source, one.target, one.carries) for one in crossing.pairs
        ]
        assert bool(crossing.hubs) == any(one["via"] for one in found)
    assert client.get(f"{API}/crosswalks/ISO42001/ISO42001").status_code == 404
    assert client.get(f"{API}/crosswalks/ISO42001/NOTHING").status_code == 404


def test_nobody_and_strangers_get_nothing(by_token: Callable[..., Client], client: Client) -> None:
    assert client.get(f"{API}/frameworks").status_code == 401
    assert by_token("stranger").get(f"{API}/frameworks").status_code == 403
