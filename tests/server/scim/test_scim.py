"""SCIM as identity providers speak it: their requests, in their shapes, and what becomes of users, roles and the access log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from server_world import EMAILS, token_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

pytestmark = pytest.mark.django_db
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Provider:
    """An identity provider: it sends SCIM with a token whose only scope is to manage users."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def __call__(self, method: str, path: str, body: Any = None, **query: str) -> HttpResponse:
        data = b"" if body is None else json.dumps(body).encode()
        from urllib.parse import urlencode

        address = f"/scim/v2/{path}" + (f"?{urlencode(query)}" if query else "")
        answer = self.client.generic(method, address, data, content_type="application/scim+json")
        if answer.status_code != 204:
            assert answer["Content-Type"] == "application/scim+json", answer.content
        return answer

    def patch(self, path: str, *operations: dict[str, Any]) -> HttpResponse:
        return self("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def make(self, address: str = "ada@example.org", **more: Any) -> str:
        answer = self("POST", "Users", {"schemas": [USER], "userName": address, **more})
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])


@pytest.fixture
def provider(db: None) -> Provider:
    return Provider(token_of("administrator", ["users.manage"]))


def _fault(answer: HttpResponse, status: int, kind: str = "") -> None:
    said = answer.json()
    assert answer.status_code == status, answer.content
    assert said["schemas"] == [ERROR]
    assert said["status"] == str(status)
    assert said.get("scimType", "") == kind, said
    assert said["detail"]


def test_a_user_as_a_provider_with_an_extension_makes_one(provider: Provider) -> None:
    from kybern.server.access.models import AccessEvent, User

    answer = provider("POST", "Users", {
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Ada.Lovelace@Example.org",
        "active": True,
        "displayName": "Ada Lovelace",
        "emails": [{"primary": True, "type": "work", "value": "Ada.Lovelace@Example.org"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
        "roles": [],
        ENTERPRISE: {"department": "Analysis"},
    })  # fmt: skip
    said = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == said["meta"]["location"] == f"http://127.0.0.1:8042/scim/v2/Users/{said['id']}"
    assert said["userName"] == "ada.lovelace@example.org"
    assert said["externalId"] == "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"
    assert said["active"] is True
    assert said["groups"] == []
    user = User.objects.get(pk=said["id"])
    assert user.name == "Ada Lovelace"
    assert not user.has_usable_password()
    assert not user.grants.exists()
    event = AccessEvent.objects.get(kind="changed", subject="user ada.lovelace@example.org")
    assert event.actor == f"{EMAILS['administrator']} (tests)"
    assert provider("GET", f"Users/{said['id']}").json() == said


def test_a_user_as_a_provider_with_names_only_makes_one(provider: Provider) -> None:
    answer = provider("POST", "Users", {
        "schemas": [USER],
        "userName": "grace@example.org",
        "name": {"givenName": "Grace", "familyName": "Hopper"},
        "emails": [{"primary": True, "value": "grace@example.org", "type": "work"}],
        "displayName": "Grace Hopper",
        "locale": "de-DE",
        "externalId": "00u1b2c3",
        "groups": [],
        "password": "1mz050nq",
        "active": False,
    })  # fmt: skip
    said = answer.json()
    assert answer.status_code == 201
    assert said["active"] is False
    assert said["preferredLanguage"] == "de"
    assert "password" not in said
    from kybern.server.access.models import User

    assert not User.objects.get(pk=said["id"]).has_usable_password()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "ADA@example.org"', 1),
        ('userName Eq "ada@example.org"', 1),
        (f'{USER}:userName eq "ada@example.org"', 1),
        ('userName eq "nobody@example.org"', 0),
        ('externalId eq "ext-1"', 1),
        ('externalId eq ""', 0),
        ('emails.value eq "ada@example.org"', 1),
        ('userName eq "ada@example.org" and active eq true', 1),
        ('userName eq "ada@example.org" and active eq false', 0),
        ('displayName eq "ada"', 1),
        ('userName eq "a\\"b"', 0),
        ('id eq "99999999999999999999999"', 0),
    ],
)
def test_users_are_found(provider: Provider, text: str, found: int) -> None:
    provider.make(externalId="ext-1", displayName="Ada")
    said = provider("GET", "Users", filter=text).json()
    assert said["totalResults"] == said["itemsPerPage"] == len(said["Resources"]) == found


@pytest.mark.parametrize(
    "text",
    ["userName", "userName eq", 'userName co "a"', 'userName eq "a', "userName eq ada", 'password eq "x"', 'userName eq "a" or id eq "1"',
     'userName eq "a" and', '(userName eq "a")', "x" * 2000, 'userName eq "\\ud"'],
)  # fmt: skip
def test_filters_that_cannot_be_used_are_told(provider: Provider, text: str) -> None:
    _fault(provider("GET", "Users", filter=text), 400, "invalidFilter")


def test_users_come_in_pages(provider: Provider) -> None:
    from kybern.server.access.models import User

    total = User.objects.count()
    seen: list[str] = []
    start = 1
    while start <= total:
        said = provider("GET", "Users", startIndex=str(start), count="4").json()
        assert said["totalResults"] == total
        assert said["startIndex"] == start
        seen += [one["id"] for one in said["Resources"]]
        start += said["itemsPerPage"]
    assert len(seen) == len(set(seen)) == total
    assert provider("GET", "Users", count="0").json()["Resources"] == []
    assert provider("GET", "Users", startIndex="-3", count="-1").json()["startIndex"] == 1
    _fault(provider("GET", "Users", count="many"), 400, "invalidValue")


def test_only_what_is_asked_for_is_given(provider: Provider) -> None:
    said = provider("GET", "Users", attributes="userName,name.formatted", count="1").json()["Resources"][0]
    assert set(said) == {"schemas", "id", "meta", "userName", "name"}
    assert "members" not in provider("GET", "Groups", excludedAttributes="members").json()["Resources"][0]


def test_an_address_belongs_to_one_user(provider: Provider) -> None:
    one, other = provider.make(), provider.make("other@example.org")
    _fault(provider("POST", "Users", {"schemas": [USER], "userName": "ADA@example.org"}), 409, "uniqueness")
    _fault(provider("PUT", f"Users/{other}", {"schemas": [USER], "userName": "ada@example.org"}), 409, "uniqueness")
    _fault(provider.patch(f"Users/{other}", {"op": "replace", "path": "userName", "value": "ada@example.org"}), 409, "uniqueness")
    assert provider("GET", f"Users/{one}").json()["userName"] == "ada@example.org"


@pytest.mark.parametrize(
    "body",
    [{}, {"userName": ""}, {"userName": "no address"}, {"userName": 1}, {"userName": "a\0@example.org"}, {"userName": None},
     {"userName": "x@example.org", "active": "perhaps"}, {"userName": "x@example.org", "displayName": ["x"]}],
)  # fmt: skip
def test_users_that_cannot_be_made_are_told(provider: Provider, body: dict[str, Any]) -> None:
    from kybern.server.access.models import User

    before = User.objects.count()
    _fault(provider("POST", "Users", {"schemas": [USER], **body}), 400, "invalidValue")
    assert User.objects.count() == before


def test_a_user_is_replaced(provider: Provider) -> None:
    number = provider.make(displayName="Ada", externalId="x")
    said = provider("PUT", f"Users/{number}", {"schemas": [USER], "id": number, "userName": "ada.l@example.org", "active": True,
                                               "name": {"givenName": "Ada", "familyName": "L"}}).json()  # fmt: skip
    assert said["userName"] == "ada.l@example.org"
    assert said["name"]["formatted"] == "Ada L"
    assert "externalId" not in said
    assert (
        provider("PUT", f"Users/{number}", {"schemas": [USER], "userName": "ada.l@example.org", "active": False}).json()["active"] is False
    )


PATCHES: tuple[tuple[list[dict[str, Any]], dict[str, Any]], ...] = (
    ([{"op": "replace", "path": "active", "value": False}], {"active": False}),
    ([{"op": "Replace", "path": "active", "value": "False"}], {"active": False}),
    ([{"op": "replace", "value": {"active": False}}], {"active": False}),
    ([{"op": "Add", "path": "displayName", "value": "Ada B"}], {"displayName": "Ada B"}),
    ([{"op": "Replace", "path": "name.familyName", "value": "Byron"}], {"displayName": "Ada Byron"}),
    ([{"op": "replace", "path": "name", "value": {"givenName": "A", "familyName": "B"}}], {"displayName": "A B"}),
    ([{"op": "replace", "value": {"name.givenName": "Augusta", "displayName": "Augusta Lovelace"}}], {"displayName": "Augusta Lovelace"}),
    ([{"op": "Replace", "path": 'emails[type eq "work"].value', "value": "a@example.org"}], {"userName": "a@example.org"}),
    ([{"op": "replace", "path": "emails", "value": [{"value": "b@example.org", "primary": True}]}], {"userName": "b@example.org"}),
    ([{"op": "replace", "path": f"{USER}:userName", "value": "c@example.org"}], {"userName": "c@example.org"}),
    ([{"op": "add", "path": f"{ENTERPRISE}:department", "value": "Sales"}], {"displayName": "Ada Lovelace"}),
    ([{"op": "add", "value": {f"{ENTERPRISE}:manager": "1", "title": "Countess"}}], {"displayName": "Ada Lovelace"}),
    ([{"op": "add", "path": "externalId", "value": "new"}], {"externalId": "new"}),
    ([{"op": "replace", "path": "active", "value": False}, {"op": "replace", "path": "active", "value": True}], {"active": True}),
)


@pytest.mark.parametrize(("operations", "wanted"), PATCHES)
def test_a_user_is_patched(provider: Provider, operations: list[dict[str, Any]], wanted: dict[str, Any]) -> None:
    number = provider.make(displayName="Ada Lovelace", externalId="x")
    answer = provider.patch(f"Users/{number}", *operations)
    assert answer.status_code == 200, answer.content
    assert {name: answer.json()[name] for name in wanted} == wanted
    assert provider("GET", f"Users/{number}").json() == answer.json()


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ({"op": "replace", "path": "id", "value": "1"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "administrator"}]}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "move", "path": "active", "value": True}, "invalidSyntax"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "name[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "active", "value": {}}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": "nothing"}, "invalidValue"),
        ({"op": "replace", "value": "x"}, "invalidValue"),
    ],
)
def test_patches_that_cannot_be_used_change_nothing(provider: Provider, operation: dict[str, Any], kind: str) -> None:
    number = provider.make(displayName="Ada")
    before = provider("GET", f"Users/{number}").json()
    _fault(provider.patch(f"Users/{number}", {"op": "replace", "path": "displayName", "value": "Half"}, operation), 400, kind)
    assert provider("GET", f"Users/{number}").json() == before
    _fault(provider("PATCH", f"Users/{number}", {"Operations": []}), 400, "invalidSyntax")


def test_a_deactivated_user_is_out_at_once(provider: Provider, sign_in: Callable[[str], Client], by_token: Callable[..., Client]) -> None:
    from kybern.server.access.models import User

    viewer, program = sign_in("viewer"), by_token("viewer")
    number = User.objects.get(email=EMAILS["viewer"]).pk
    assert provider.patch(f"Users/{number}", {"op": "replace", "path": "active", "value": False}).status_code == 200
    assert viewer.get("/").status_code == 302
    assert program.get("/api/v1/records").status_code == 401


def test_a_user_is_taken_away_and_comes_back_without_roles(provider: Provider) -> None:
    from kybern.server.access.models import User

    number = str(User.objects.get(email=EMAILS["viewer"]).pk)
    answer = provider("DELETE", f"Users/{number}")
    assert answer.status_code == 204
    assert answer.content == b""
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"schemas": [USER], "userName": "x@example.org"})):
        _fault(provider(method, f"Users/{number}", body), 404)
    assert provider("GET", "Users", filter=f'userName eq "{EMAILS["viewer"]}"').json()["totalResults"] == 0
    user = User.objects.get(pk=number)
    assert not user.is_active
    assert not user.grants.exists()
    assert provider.make(EMAILS["viewer"], externalId="again") == number
    assert provider("GET", f"Users/{number}").json()["groups"] == []
    assert User.objects.get(pk=number).handle == "viewer"


def test_the_last_administrator_stays(provider: Provider) -> None:
    from kybern.server.access.models import AccessEvent, User

    user = User.objects.get(email=EMAILS["administrator"])
    _fault(provider("DELETE", f"Users/{user.pk}"), 400, "invalidValue")
    _fault(provider.patch("Groups/administrator", {"op": "remove", "path": f'members[value eq "{user.pk}"]'}), 400, "invalidValue")
    user.refresh_from_db()
    assert user.is_active
    assert AccessEvent.objects.filter(kind="denied", subject=f"/scim/v2/Users/{user.pk}").exists()


def test_groups_are_the_roles(provider: Provider) -> None:
    from kybern.server.access.models import Role, User

    said = provider("GET", "Groups").json()
    assert {one["id"] for one in said["Resources"]} == set(Role.objects.values_list("slug", flat=True))
    found = provider("GET", "Groups", filter='displayName eq "Risk owner"').json()["Resources"]
    assert [one["id"] for one in found] == ["risk-owner"]
    number = str(User.objects.get(email=EMAILS["risk-owner"]).pk)
    assert [one["value"] for one in found[0]["members"]] == [number]
    assert provider("GET", f"Users/{number}").json()["groups"] == [{"value": "risk-owner", "display": "Risk owner", "type": "direct"}]


def _members(provider: Provider, role: str) -> set[str]:
    return {one["value"] for one in provider("GET", f"Groups/{role}").json()["members"]}


def test_members_come_and_go(provider: Provider) -> None:
    from kybern.server.access.models import AccessEvent

    there = _members(provider, "engineer")
    ada, bob, eve = (provider.make(f"{name}@example.org") for name in ("ada", "bob", "eve"))
    group = "Groups/engineer"
    assert provider.patch(group, {"op": "Add", "path": "members", "value": [{"value": ada}, {"value": bob}]}).status_code == 200
    assert provider.patch(group, {"op": "add", "path": "members", "value": [{"$ref": None, "value": ada}]}).status_code == 200
    assert _members(provider, "engineer") == there | {ada, bob}
    assert provider.patch(group, {"op": "Remove", "path": "members", "value": [{"value": ada}]}).status_code == 200
    assert provider.patch(group, {"op": "remove", "path": f'members[value eq "{bob}"]'}).status_code == 200
    assert _members(provider, "engineer") == there
    assert provider.patch(group, {"op": "replace", "path": "members", "value": [{"value": eve}]}).status_code == 200
    assert _members(provider, "engineer") == {eve}
    body = {"schemas": [GROUP], "displayName": "Engineer", "members": [{"value": ada}, {"value": eve}]}
    assert provider("PUT", group, body).status_code == 200
    assert _members(provider, "engineer") == {ada, eve}
    assert provider.patch(group, {"op": "remove", "path": "members"}).status_code == 200
    assert _members(provider, "engineer") == set()
    told = AccessEvent.objects.filter(kind="changed", subject="user ada@example.org").values_list("detail", flat=True)
    assert [one.partition(" in ")[0] for one in told if "engineer" in one] == [
        "granted engineer", "withdrew engineer", "granted engineer", "withdrew engineer",
    ]  # fmt: skip


def test_a_member_may_what_the_role_may(provider: Provider) -> None:
    from kybern.server.access.models import User

    number = provider.make()
    client = Client()
    client.force_login(User.objects.get(pk=number), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/systems").status_code == 403
    provider.patch("Groups/viewer", {"op": "add", "path": "members", "value": [{"value": number}]})
    assert client.get("/systems").status_code == 200


def test_groups_are_not_made_renamed_or_removed(provider: Provider) -> None:
    _fault(provider("POST", "Groups", {"schemas": [GROUP], "displayName": "Engineer"}), 409, "uniqueness")
    _fault(provider("POST", "Groups", {"schemas": [GROUP], "displayName": "Sales"}), 403)
    _fault(provider.patch("Groups/engineer", {"op": "replace", "value": {"displayName": "Root"}}), 400, "mutability")
    assert provider.patch("Groups/engineer", {"op": "replace", "value": {"id": "engineer", "displayName": "Engineer"}}).status_code == 200
    _fault(provider("DELETE", "Groups/engineer"), 405)
    _fault(provider("GET", "Groups/nothing"), 404)
    for value in ("999999", "x", "-1", [], {"a": 1}):
        _fault(provider.patch("Groups/engineer", {"op": "add", "path": "members", "value": [{"value": value}]}), 400, "invalidValue")


def test_nobody_grants_by_scim_what_they_do_not_hold(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.access.models import Grant, Role, Unit, User

    role = Role.objects.create(slug="people", name="People", permissions=["users.manage", "records.read", "assessment.read"])
    Grant.objects.create(user=User.objects.get(email=EMAILS["stranger"]), role=role, unit=Unit.objects.get(parent=None))
    provider = Provider(token_of("stranger", ["users.manage"]))
    number, admin = provider.make(), User.objects.get(email=EMAILS["administrator"])
    assert provider.patch("Groups/viewer", {"op": "add", "path": "members", "value": [{"value": number}]}).status_code == 200
    _fault(provider.patch("Groups/administrator", {"op": "add", "path": "members", "value": [{"value": number}]}), 400, "invalidValue")
    _fault(provider.patch(f"Users/{admin.pk}", {"op": "replace", "path": "userName", "value": "mine@example.org"}), 400, "invalidValue")
    admin.refresh_from_db()
    assert admin.email == EMAILS["administrator"]


def test_who_may_come_in(sign_in: Callable[[str], Client], client: Client) -> None:
    from kybern.server.access.models import Grant, Role, Unit, User

    for one in (client, sign_in("administrator"), Client(headers={"Authorization": "Bearer kyb_no"})):
        answer = one.get("/scim/v2/Users")
        _fault(answer, 401)
        assert answer["WWW-Authenticate"].startswith("Bearer")
    _fault(Provider(token_of("governance-lead"))("GET", "Users"), 403)
    _fault(Provider(token_of("administrator", ["records.read"]))("GET", "ServiceProviderConfig"), 403)
    role = Role.objects.create(slug="people", name="People", permissions=["users.manage"])
    Grant.objects.create(user=User.objects.get(email=EMAILS["stranger"]), role=role, unit=Unit.objects.get(slug="lending"))
    _fault(Provider(token_of("stranger"))("GET", "Users"), 403)


def test_what_is_no_request_is_told(provider: Provider) -> None:
    for data in (b"", b"{", b"[]", b'"x"', b"[" * 100_000, b"\xff"):
        answer = provider.client.generic("POST", "/scim/v2/Users", data, content_type="application/scim+json")
        _fault(answer, 400, "invalidSyntax")
    for kind in ("", "text/plain", "application/xml", "application/x-www-form-urlencoded"):
        _fault(provider.client.generic("POST", "/scim/v2/Users", b'{"userName": "x@example.org"}', content_type=kind), 415)
    _fault(provider("POST", "Users", {"userName": "x" * (1 << 20)}), 413)
    _fault(provider("PUT", "Users"), 405)
    assert provider("PUT", "Users")["Allow"] == "GET, POST"
    for path in ("Users/0", "Users/x", "Users/99999999999999999999", "ResourceTypes/Nothing", "Schemas/urn:nothing"):
        _fault(provider("GET", path), 404)
    assert provider.client.get("/scim/v2/Nothing").status_code == 404


def test_the_provider_is_told_what_there_is(provider: Provider) -> None:
    config = provider("GET", "ServiceProviderConfig").json()
    assert {name: config[name]["supported"] for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag")} == {
        "patch": True, "bulk": False, "filter": True, "changePassword": False, "sort": False, "etag": False,
    }  # fmt: skip
    types = provider("GET", "ResourceTypes").json()["Resources"]
    assert [(one["name"], one["endpoint"], one["schema"]) for one in types] == [("User", "/Users", USER), ("Group", "/Groups", GROUP)]
    schemas = provider("GET", "Schemas").json()["Resources"]
    for one in schemas:
        assert provider("GET", f"Schemas/{one['id']}").json() == one
    for one in types:
        assert provider("GET", f"ResourceTypes/{one['name']}").json() == one
    known = {attribute["name"] for attribute in schemas[0]["attributes"]} | {"schemas", "id", "meta"}
    number = provider.make(externalId="x", preferredLanguage="en")
    assert set(provider("GET", f"Users/{number}").json()) <= known
