"""Identity and access over the API: who one is, users, units, roles, grants, tokens, the access log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from server_world import EMAILS, PROJECT_SYSTEM, token_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

pytestmark = pytest.mark.django_db
API = "/api/v1"


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> HttpResponse:
    return client.post(API + path, body, content_type="application/json")  # type: ignore[return-value]


def until(**said: float) -> str:
    return (datetime.now(UTC) + timedelta(**said)).isoformat()


def test_who_one_is_and_what_a_token_may(by_token: Callable[..., Client]) -> None:
    said = by_token("project-engineer").get(f"{API}/me").json()
    assert (said["person"], said["token"]) == ("person:project-engineer", "tests")
    assert [(one["role"], one["unit"]) for one in said["grants"]] == [("engineer", "lending")]
    assert said["permissions"]["records.write"] == ["lending"]
    cut = by_token("administrator", ["records.read"]).get(f"{API}/me").json()
    assert list(cut["permissions"]) == ["records.read"]
    assert by_token("stranger").get(f"{API}/me").json()["permissions"] == {}
    assert Client().get(f"{API}/me").status_code == 401


def test_a_token_is_issued_used_and_revoked(by_token: Callable[..., Client]) -> None:
    client = by_token("engineer")
    made = post(client, "/tokens", {"name": "ci", "scopes": ["evidence.read"], "expires_at": until(hours=1)})
    assert made.status_code == 201, made.content
    text, number = made.json()["text"], made.json()["id"]
    program = Client(headers={"Authorization": f"Bearer {text}"})
    assert program.get(f"{API}/evidence").status_code == 200
    assert program.get(f"{API}/records").status_code == 403
    listed = client.get(f"{API}/tokens").json()
    assert text not in str(listed)
    assert next(one for one in listed if one["id"] == number)["standing"] == "valid"
    assert post(client, f"/tokens/{number}:revoke").json()["standing"] == "revoked"
    assert program.get(f"{API}/evidence").status_code == 401


def test_a_token_does_not_grow(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator", ["records.read", "evidence.read"])
    wide = post(client, "/tokens", {"name": "wide", "scopes": ["records.read", "users.manage"], "expires_at": until(hours=1)})
    assert wide.json()["scopes"] == ["records.read"]
    none = post(client, "/tokens", {"name": "none", "scopes": ["users.manage"], "expires_at": until(hours=1)})
    assert none.status_code == 422
    long = post(client, "/tokens", {"name": "long", "scopes": ["records.read"], "expires_at": until(days=30)})
    assert long.json()["problems"][0]["pointer"] == "/expires_at"
    past = post(client, "/tokens", {"name": "past", "scopes": ["records.read"], "expires_at": until(days=-1)})
    assert past.status_code == 422


def test_others_tokens_are_not_there_but_for_who_manages_users(by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import ApiToken

    token_of("viewer")
    number = ApiToken.objects.get(user__email=EMAILS["viewer"]).pk
    assert post(by_token("engineer"), f"/tokens/{number}:revoke").status_code == 404
    assert post(by_token("administrator"), f"/tokens/{number}:revoke").json()["standing"] == "revoked"
    assert post(by_token("administrator"), f"/tokens/{10**18}:revoke").status_code == 404
    assert post(by_token("administrator"), f"/tokens/{1 << 63}:revoke").status_code == 422


def test_a_user_is_made_granted_and_deactivated(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    made = post(client, "/users", {"email": "New@Example.org", "name": "New", "role": "viewer", "unit": "lending"})
    assert made.status_code == 201, made.content
    assert (made.json()["email"], made.json()["handle"]) == ("new@example.org", "new")
    assert Client().login(email="new@example.org", password=made.json()["password"])
    assert post(client, "/users", {"email": "new@example.org", "role": "viewer", "unit": "lending"}).status_code == 422
    assert post(client, "/users", {"email": "x@example.org", "role": "nothing", "unit": "lending"}).status_code == 422
    assert post(client, "/users", {"email": "x@example.org", "role": "viewer", "unit": "nothing"}).status_code == 422
    granted = post(client, "/users/new/grants", {"role": "engineer", "unit": "organization"})
    assert granted.status_code == 201
    grants = client.get(f"{API}/users/new").json()["grants"]
    assert {(one["role"], one["unit"]) for one in grants} == {("viewer", "lending"), ("engineer", "organization")}
    assert client.delete(f"{API}/users/new/grants/{granted.json()['id']}").status_code == 204
    assert client.delete(f"{API}/users/new/grants/{granted.json()['id']}").status_code == 404
    assert post(client, "/users/new:deactivate").json()["active"] is False
    assert not Client().login(email="new@example.org", password=made.json()["password"])
    assert post(client, "/users/new:activate").json()["active"] is True
    assert post(client, "/users/nobody:deactivate").status_code == 404


def test_the_last_administrator_stays(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    answer = post(client, "/users/administrator:deactivate")
    assert answer.status_code == 422
    grant = client.get(f"{API}/users/administrator").json()["grants"][0]["id"]
    assert client.delete(f"{API}/users/administrator/grants/{grant}").status_code == 422
    assert client.get(f"{API}/me").status_code == 200


def test_who_manages_one_unit_manages_no_more(by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import Grant, Role, Unit, User

    local = Role.objects.create(slug="local", name="Local", permissions=["users.manage", "records.read"])
    Grant.objects.create(user=User.objects.get(handle="stranger"), role=local, unit=Unit.objects.get(slug="lending"))
    client = by_token("stranger")
    assert {one["handle"] for one in client.get(f"{API}/users").json()["items"]} == {"project-engineer", "stranger"}
    assert client.get(f"{API}/users/viewer").status_code == 404
    assert post(client, "/users", {"email": "x@example.org", "role": "viewer", "unit": "organization"}).status_code == 403
    beyond = post(client, "/users", {"email": "x@example.org", "role": "engineer", "unit": "lending"})
    assert beyond.json()["problems"][0]["pointer"] == "/role"
    assert post(client, "/users", {"email": "x@example.org", "role": "local", "unit": "lending"}).status_code == 201
    assert post(client, "/users/project-engineer:deactivate").status_code == 403
    assert client.patch(f"{API}/roles/viewer", {"permissions": []}, content_type="application/json").status_code == 403
    assert [(one["slug"], one["parent"]) for one in client.get(f"{API}/units").json()] == [("lending", None)]


def test_units_are_made_moved_filled_and_removed(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    for slug in ("retail", "cards"):
        made = post(client, "/units", {"slug": slug, "name": slug.title(), "kind": "business-unit", "parent": "organization"})
        assert made.status_code == 201, made.content
    assert post(client, "/units", {"slug": "cards", "name": "Cards", "kind": "project", "parent": "organization"}).status_code == 422
    moved = client.patch(f"{API}/units/cards", {"parent": "retail"}, content_type="application/json")
    assert moved.json()["parent"] == "retail"
    assert client.patch(f"{API}/units/retail", {"parent": "cards"}, content_type="application/json").status_code == 422
    assert client.delete(f"{API}/units/retail").status_code == 422
    assert post(client, "/units/cards/records", {"ref": PROJECT_SYSTEM}).status_code == 204
    assert by_token("project-engineer").get(f"{API}/records/ai_system/credit-scoring").status_code == 404
    assert post(client, "/units/cards/records", {"ref": "ai_system:nothing"}).status_code == 422
    assert client.delete(f"{API}/units/cards").status_code == 422
    assert post(client, "/units/lending/records", {"ref": PROJECT_SYSTEM}).status_code == 204
    assert client.delete(f"{API}/units/cards").status_code == 204
    assert client.delete(f"{API}/units/cards").status_code == 404


def test_a_role_is_changed_and_reset(by_token: Callable[..., Client]) -> None:
    client = by_token("administrator")
    before = next(one for one in client.get(f"{API}/roles").json() if one["slug"] == "viewer")
    changed = client.patch(f"{API}/roles/viewer", {"permissions": ["records.read"]}, content_type="application/json")
    assert changed.json()["permissions"] == ["records.read"]
    assert by_token("viewer").get(f"{API}/assessment").status_code == 403
    assert sorted(post(client, "/roles/viewer:reset").json()["permissions"]) == sorted(before["permissions"])
    assert client.patch(f"{API}/roles/administrator", {"permissions": []}, content_type="application/json").status_code == 422
    assert client.patch(f"{API}/roles/nothing", {"permissions": []}, content_type="application/json").status_code == 404
    assert client.patch(f"{API}/roles/viewer", {"permissions": ["fly"]}, content_type="application/json").status_code == 422


def test_the_access_log_tells_denials(by_token: Callable[..., Client]) -> None:
    auditor = by_token("internal-auditor")
    by_token("viewer").get(f"{API}/users")
    found = auditor.get(f"{API}/access-log", {"kind": "denied", "limit": 1}).json()
    first = found["items"][0]
    assert (first["permission"], first["subject"]) == ("users.manage", "/api/v1/users")
    assert first["actor"].startswith(EMAILS["viewer"])
    by_token("viewer").get(f"{API}/users")
    two = auditor.get(f"{API}/access-log", {"kind": "denied", "limit": 1}).json()
    rest = auditor.get(f"{API}/access-log", {"kind": "denied", "limit": 1, "cursor": two["next"]}).json()
    assert rest["items"][0]["id"] == first["id"]
    assert auditor.get(f"{API}/access-log", {"since": until(hours=1)}).json()["items"] == []
    assert auditor.get(f"{API}/access-log", {"q": "nobody of this name"}).json()["items"] == []
    for role in ("viewer", "governance-lead", "external-auditor"):
        assert by_token(role).get(f"{API}/access-log").status_code == 403


def test_a_browser_needs_its_csrf_token(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("administrator")
    client.handler.enforce_csrf_checks = True
    answer = post(client, "/users/viewer:deactivate")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:kybern:problem:csrf")
    assert client.get(f"{API}/users").status_code == 200


def test_users_are_managed_by_who_may(by_token: Callable[..., Client], client: Client) -> None:
    assert client.get(f"{API}/users").status_code == 401
    for role in ("governance-lead", "engineer", "viewer", "stranger"):
        for path in ("/users", "/users/viewer", "/roles"):
            assert by_token(role).get(API + path).status_code == 403, (role, path)
