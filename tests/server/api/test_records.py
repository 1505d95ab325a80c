"""Records over the API: lists, versions, conflicts, units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from server_world import PROJECT_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
SYSTEM = "/api/v1/records/ai_system/credit-scoring"


def test_a_list_goes_on_by_cursor_without_gap_or_repeat(by_token: Callable[..., Client]) -> None:
    client = by_token("viewer")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(
            "/api/v1/records", {"limit": 40, "sort": "-title", "fields": "ref,title", **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += [item["ref"] for item in page["items"]]
        assert all(set(item) == {"ref", "title"} for item in page["items"])
        cursor = page["next"]
    assert len(seen) == len(set(seen)) > 250


def test_a_version_is_told_and_asked_for(by_token: Callable[..., Client]) -> None:
    client = by_token("engineer")
    first = client.get(SYSTEM)
    etag = first["ETag"]
    assert client.get(SYSTEM, headers={"If-None-Match": etag}).status_code == 304
    changed = client.patch(SYSTEM, {"description": "Scores applications."}, content_type="application/json", headers={"If-Match": etag})
    assert changed.status_code == 200, changed.content
    assert changed.json()["act"] == "changed"
    again = client.patch(SYSTEM, {"description": "Something else."}, content_type="application/json", headers={"If-Match": etag})
    assert again.status_code == 412
    assert again["Content-Type"] == "application/problem+json"
    assert again.json()["current"] == changed.json()["digest"]
    assert client.get(SYSTEM).json()["content"]["description"] == "Scores applications."


def test_a_record_is_made_by_put_and_removed(by_token: Callable[..., Client]) -> None:
    client, path = by_token("administrator"), "/api/v1/records/role/made-up"
    content = {"title": "Made up", "responsibilities": ["To be there."]}
    made = client.put(path, content, content_type="application/json", headers={"If-None-Match": "*"})
    assert (made.status_code, made.json()["act"]) == (201, "added"), made.content
    again = client.put(path, content, content_type="application/json", headers={"If-Match": made["ETag"]})
    assert (again.status_code, again.json()["act"]) == (200, "unchanged")
    assert client.put(path, content, content_type="application/json", headers={"If-None-Match": "*"}).status_code == 412
    assert client.delete(path, headers={"If-Match": made["ETag"]}).json()["act"] == "removed"
    assert client.get(path).status_code == 404


def test_a_write_needs_a_version(by_token: Callable[..., Client]) -> None:
    answer = by_token("engineer").patch(SYSTEM, {"description": "x"}, content_type="application/json")
    assert answer.status_code == 428


@pytest.mark.parametrize(
    ("content", "rule", "pointer"),
    [
        ({"title": "x", "nonsense": 1}, "unknown-field", "/nonsense"),
        ({"title": "x", "owner": "role:nobody-here", "responsibilities": ["To be named."]}, "broken-reference", "/owner"),
    ],
)
def test_bad_content_is_told_in_words(by_token: Callable[..., Client], content: dict[str, Any], rule: str, pointer: str) -> None:
    kind = "role"
    answer = by_token("engineer").put(
        f"/api/v1/records/{kind}/made-up", content, content_type="application/json", headers={"If-None-Match": "*"}
    )
    assert answer.status_code == 422
    assert (rule, pointer) in {(one["rule"], one["pointer"]) for one in answer.json()["problems"]}, answer.json()


def test_who_has_a_project_sees_that_and_no_more(by_token: Callable[..., Client]) -> None:
    client = by_token("project-engineer")
    found = {item["ref"] for item in client.get("/api/v1/records", {"limit": 500, "fields": "ref"}).json()["items"]}
    assert PROJECT_SYSTEM in found
    assert "ai_system:hiring-screener" not in found
    assert client.get("/api/v1/records/ai_system/hiring-screener").status_code == 404
    assert client.get(SYSTEM).status_code == 200


def test_nobody_and_strangers_get_nothing(by_token: Callable[..., Client], client: Client) -> None:
    assert client.get(SYSTEM).status_code == 401
    assert by_token("stranger").get(SYSTEM).status_code == 403
    assert by_token("administrator", ["evidence.read"]).get(SYSTEM).status_code == 403


def test_what_others_name_is_not_removed(by_token: Callable[..., Client]) -> None:
    answer = by_token("administrator").delete(SYSTEM, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["rule"] == "still-named"
