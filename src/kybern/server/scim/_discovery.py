"""What this provider can do, and what its resources are made of (RFC 7643, 5 to 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import Http404
from django.urls import path

from kybern.server.scim._door import scim
from kybern.server.scim._messages import GROUP, USER, answer, listed
from kybern.server.scim._users import MOST

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from kybern.server.access.actor import Actor

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0"
_TYPES: Final = {"User": (USER, "/Users", "Somebody who signs in."), "Group": (GROUP, "/Groups", "A role, and who has it.")}


def _where(rest: str) -> str:
    return f"{settings.KYBERN_URL}/scim/v2/{rest}"


@scim("GET")
def config(request: HttpRequest, who: Actor) -> HttpResponse:
    """Say what is supported."""
    del request, who
    yes, no = {"supported": True}, {"supported": False}
    return answer({
        "schemas": [f"{_CORE}:ServiceProviderConfig"],
        "patch": yes,
        "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {**yes, "maxResults": MOST},
        "changePassword": no,
        "sort": no,
        "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Token",
            "description": "A token of a user who manages users, sent as Authorization: Bearer.",
            "primary": True,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": _where("ServiceProviderConfig")},
    })  # fmt: skip


def _type(name: str) -> dict[str, Any]:
    schema, endpoint, description = _TYPES[name]
    return {
        "schemas": [f"{_CORE}:ResourceType"],
        "id": name,
        "name": name,
        "endpoint": endpoint,
        "description": description,
        "schema": schema,
        "meta": {"resourceType": "ResourceType", "location": _where(f"ResourceTypes/{name}")},
    }


@scim("GET")
def types(request: HttpRequest, who: Actor) -> HttpResponse:
    """List the types of resources."""
    del request, who
    return answer(listed([_type(name) for name in _TYPES], len(_TYPES), 1))


@scim("GET")
def one_type(request: HttpRequest, who: Actor, name: str) -> HttpResponse:
    """Give a type of resource."""
    del request, who
    if name not in _TYPES:
        raise Http404
    return answer(_type(name))


def _attribute(name: str, kind: str = "string", *, mutability: str = "readWrite", **more: Any) -> dict[str, Any]:
    plain = {"multiValued": False, "required": False, "caseExact": False, "returned": "default", "uniqueness": "none"}
    return {"name": name, "type": kind, "mutability": mutability, **plain, **more}


_EMAILS: Final = [_attribute("value"), _attribute("type"), _attribute("primary", "boolean")]
_GROUPS: Final = [_attribute("value", mutability="readOnly"), _attribute("display", mutability="readOnly")]
_MEMBERS: Final = [
    _attribute("value", mutability="immutable"),
    _attribute("$ref", "reference", mutability="immutable", referenceTypes=["User"]),
    _attribute("display", mutability="readOnly"),
]
_SCHEMAS: Final[dict[str, tuple[str, str, list[dict[str, Any]]]]] = {
    USER: (
        "User",
        "Somebody who signs in; the userName is their e-mail address.",
        [
            _attribute("userName", required=True, uniqueness="server"),
            _attribute("externalId", caseExact=True),
            _attribute("displayName"),
            _attribute("name", "complex", subAttributes=[_attribute(one) for one in ("formatted", "givenName", "familyName")]),
            _attribute("emails", "complex", multiValued=True, subAttributes=_EMAILS),
            _attribute("active", "boolean"),
            _attribute("preferredLanguage"),
            _attribute("groups", "complex", multiValued=True, mutability="readOnly", subAttributes=_GROUPS),
        ],
    ),
    GROUP: (
        "Group",
        "A role, whose members have it in the whole organisation.",
        [
            _attribute("displayName", mutability="readOnly", required=True),
            _attribute("members", "complex", multiValued=True, subAttributes=_MEMBERS),
        ],
    ),
}


def _schema(name: str) -> dict[str, Any]:
    title, description, attributes = _SCHEMAS[name]
    return {
        "schemas": [f"{_CORE}:Schema"],
        "id": name,
        "name": title,
        "description": description,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": _where(f"Schemas/{name}")},
    }


@scim("GET")
def schemas(request: HttpRequest, who: Actor) -> HttpResponse:
    """List the schemas."""
    del request, who
    return answer(listed([_schema(name) for name in _SCHEMAS], len(_SCHEMAS), 1))


@scim("GET")
def one_schema(request: HttpRequest, who: Actor, name: str) -> HttpResponse:
    """Give a schema."""
    del request, who
    if name not in _SCHEMAS:
        raise Http404
    return answer(_schema(name))


ROUTES: Final = (
    path("scim/v2/ServiceProviderConfig", config, name="scim-config"),
    path("scim/v2/ResourceTypes", types, name="scim-types"),
    path("scim/v2/ResourceTypes/<str:name>", one_type, name="scim-type"),
    path("scim/v2/Schemas", schemas, name="scim-schemas"),
    path("scim/v2/Schemas/<str:name>", one_schema, name="scim-schema"),
)
