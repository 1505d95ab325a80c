"""Users, units, roles and grants over the API, and the access log."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from django.db.models import Q
from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema, Status

from kybern.server.access import administration
from kybern.server.access.check import not_theirs, require
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent, Grant, Role, Unit, User
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs, ProblemAnswer
from kybern.server.api._fields import LIMIT, Cursor, Identity, Limit, Moment, Number, Ref, Text, iso
from kybern.server.api._paging import page_of
from kybern.server.api.me import GrantOut, grant_json
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from django.db.models import QuerySet

router: Final = Router(tags=["access"])
_MANAGES: Final = Needs(Permission.USERS_MANAGE)
Slug = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,59}$")]


class UserOut(Schema):
    """A user with their grants."""

    handle: str
    email: str
    name: str
    active: bool
    joined_at: str
    last_sign_in: str | None
    grants: list[GrantOut]


class UserMade(UserOut):
    """A user who was made, with the first password, which is told this once and kept nowhere."""

    password: str


class UserPage(Schema):
    """A page of users."""

    items: list[UserOut]
    next: str | None


class UserIn(Schema):
    """A user to make, with a first role in a unit."""

    email: Annotated[Text, Field(min_length=3)]
    name: Text = ""
    role: Slug
    unit: Slug


class GrantIn(Schema):
    """A role to grant in a unit."""

    role: Slug
    unit: Slug


class UnitOut(Schema):
    """A node of the tree of organisation, business units and projects."""

    slug: str
    name: str
    kind: str
    parent: str | None


class UnitIn(Schema):
    """A unit to make below another."""

    slug: Slug
    name: Annotated[Text, Field(min_length=1)]
    kind: Literal["business-unit", "project"]
    parent: Slug


class UnitMove(Schema):
    """Where a unit is to stand."""

    parent: Slug


class RecordIn(Schema):
    """A record to put into a unit, with everything that belongs to it."""

    ref: Ref


class RoleOut(Schema):
    """A set of permissions under a name."""

    slug: str
    name: str
    permissions: list[str]
    shipped: bool


class RoleChange(Schema):
    """The permissions that a role is to have."""

    permissions: Annotated[list[Permission], Field(max_length=len(Permission))]


class EventOut(Schema):
    """A line of the access log."""

    id: int
    at: str
    kind: str
    actor: str
    permission: str | None
    subject: str
    request_id: str
    address: str
    detail: str


class EventPage(Schema):
    """A page of the access log."""

    items: list[EventOut]
    next: str | None


# --- users -------------------------------------------------------------------------------------------------------------------------


@router.get("/users", response=UserPage, auth=_MANAGES, summary="Users")
def users(request: HttpRequest, q: Text | None = None, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
    """List the users whom the caller manages: all, or those with a grant in a unit of theirs."""
    rows = _managed(request)
    if q:
        rows = rows.filter(Q(email__icontains=q) | Q(name__icontains=q) | Q(handle__icontains=q))
    found, after = page_of(rows, ["handle"], cursor, limit)
    return {"items": [_user(one) for one in found], "next": after}


def _managed(request: HttpRequest) -> QuerySet[User]:
    managed = actor(request).where(Permission.USERS_MANAGE)
    rows = User.objects.prefetch_related("grants__role", "grants__unit")
    return rows if root_unit() in managed else rows.filter(pk__in=Grant.objects.filter(unit__in=managed).values("user"))


def _user(one: User) -> dict[str, Any]:
    return {
        "handle": one.handle,
        "email": one.email,
        "name": one.name,
        "active": one.is_active,
        "joined_at": iso(one.joined_at),
        "last_sign_in": iso(one.last_login),
        "grants": [grant_json(each) for each in sorted(one.grants.all(), key=lambda each: (each.unit.slug, each.role.slug))],
    }


@router.post("/users", response={201: UserMade}, auth=_MANAGES, summary="Make a user")
def add_user(request: HttpRequest, body: UserIn) -> Any:
    """Make a user with a first role. Nobody grants what they do not hold there themselves."""
    made, password = administration.add_user(actor(request), body.email, body.name, _role(body.role), _unit(body.unit))
    return Status(HTTPStatus.CREATED, {**_user(made), "password": password})


# Before `/users/{handle}`, whose pattern would take these addresses too.
@router.post("/users/{handle}:deactivate", response=UserOut, auth=_MANAGES, summary="Deactivate a user")
def deactivate(request: HttpRequest, handle: Identity) -> dict[str, Any]:
    """Deactivate a user: their sessions and tokens end with that. The last administrator stays."""
    return _active(request, handle, active=False)


@router.post("/users/{handle}:activate", response=UserOut, auth=_MANAGES, summary="Let a user in again")
def activate(request: HttpRequest, handle: Identity) -> dict[str, Any]:
    """Let a deactivated user in again; tokens that ended stay ended."""
    return _active(request, handle, active=True)


def _active(request: HttpRequest, handle: str, *, active: bool) -> dict[str, Any]:
    administration.set_active(actor(request), _found(request, handle), active=active)
    return _user(_found(request, handle))


@router.get("/users/{handle}", response=UserOut, auth=_MANAGES, summary="A user")
def user(request: HttpRequest, handle: Identity) -> dict[str, Any]:
    """Give a user with their grants."""
    return _user(_found(request, handle))


@router.post("/users/{handle}/grants", response={201: GrantOut}, auth=_MANAGES, summary="Grant a role")
def grant(request: HttpRequest, handle: Identity, body: GrantIn) -> Any:
    """Grant a role in a unit, and in all below it."""
    made = administration.grant(actor(request), _found(request, handle), _role(body.role), _unit(body.unit))
    return Status(HTTPStatus.CREATED, grant_json(made))


@router.delete("/users/{handle}/grants/{number}", response={204: None}, auth=_MANAGES, summary="Withdraw a role")
def withdraw(request: HttpRequest, handle: Identity, number: Number) -> Any:
    """Take a grant away; the last administrator of the organisation stays."""
    found = Grant.objects.select_related("user", "role", "unit").filter(pk=number, user=_found(request, handle)).first()
    if found is None:
        raise Http404
    administration.withdraw(actor(request), found)
    return Status(HTTPStatus.NO_CONTENT, None)


def _found(request: HttpRequest, handle: str) -> User:
    found = _managed(request).filter(handle=handle).first()
    if found is None:
        if User.objects.filter(handle=handle).exists():
            raise not_theirs(actor(request), Permission.USERS_MANAGE, f"user {handle}")
        raise Http404
    return found


# --- units -------------------------------------------------------------------------------------------------------------------------


@router.get("/units", response=list[UnitOut], auth=Needs(), summary="Units")
def units(request: HttpRequest) -> list[dict[str, Any]]:
    """List the units in which the caller holds any permission."""
    held = frozenset[int]().union(*actor(request).units.values())
    return [_unit_json(one, held) for one in Unit.objects.filter(pk__in=held).select_related("parent").order_by("slug")]


def _unit_json(one: Unit, held: frozenset[int]) -> dict[str, Any]:
    return {
        "slug": one.slug,
        "name": one.name,
        "kind": one.kind,
        "parent": one.parent.slug if one.parent is not None and one.parent_id in held else None,
    }


@router.post("/units", response={201: UnitOut}, auth=_MANAGES, summary="Make a unit")
def add_unit(request: HttpRequest, body: UnitIn) -> Any:
    """Make a unit below another."""
    parent = _unit(body.parent)
    made = administration.add_unit(actor(request), body.slug, body.name, body.kind, parent)
    return Status(HTTPStatus.CREATED, _unit_json(made, frozenset((parent.pk,))))


@router.patch("/units/{slug}", response=UnitOut, auth=_MANAGES, summary="Move a unit")
def move_unit(request: HttpRequest, slug: Slug, body: UnitMove) -> dict[str, Any]:
    """Put a unit below another, with all below it; the tree stays a tree."""
    unit, parent = _named(request, slug), _unit(body.parent)
    administration.move_unit(actor(request), unit, parent)
    return _unit_json(unit, frozenset((parent.pk,)))


@router.delete("/units/{slug}", response={204: None}, auth=_MANAGES, summary="Remove a unit")
def remove_unit(request: HttpRequest, slug: Slug) -> Any:
    """Remove a unit that is empty: no unit below it, no record in it."""
    administration.remove_unit(actor(request), _named(request, slug))
    return Status(HTTPStatus.NO_CONTENT, None)


@router.post("/units/{slug}/records", response={204: None}, auth=_MANAGES, summary="Put a record into a unit")
def put_into(request: HttpRequest, slug: Slug, body: RecordIn) -> Any:
    """Put a record into a unit, with everything that belongs to it."""
    administration.put_into(actor(request), body.ref, _named(request, slug))
    return Status(HTTPStatus.NO_CONTENT, None)


def _named(request: HttpRequest, slug: str) -> Unit:
    """Find a unit that an address names: one in which the caller manages users; the others they need not know of."""
    found = Unit.objects.select_related("parent").filter(slug=slug).first()
    if found is None:
        raise Http404
    if not actor(request).may(Permission.USERS_MANAGE, found.pk):
        raise not_theirs(actor(request), Permission.USERS_MANAGE, f"unit {slug}")
    return found


def _unit(slug: str) -> Unit:
    """Find a unit that a body names."""
    found = Unit.objects.filter(slug=slug).first()
    if found is None:
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-unit", f"There is no unit {slug}.")
    return found


# --- roles -------------------------------------------------------------------------------------------------------------------------


@router.get("/roles", response=list[RoleOut], auth=_MANAGES, summary="Roles")
def roles(request: HttpRequest) -> list[dict[str, Any]]:
    """List the roles with their permissions."""
    del request
    return [_role_json(one) for one in Role.objects.order_by("pk")]


def _role_json(one: Role) -> dict[str, Any]:
    return {"slug": one.slug, "name": one.name, "permissions": list(one.permissions), "shipped": one.shipped}


# Before `/roles/{slug}`, whose pattern would take this address too.
@router.post("/roles/{slug}:reset", response=RoleOut, auth=_MANAGES, summary="Reset a role")
def reset_role(request: HttpRequest, slug: Slug) -> dict[str, Any]:
    """Give a shipped role the permissions that it ships with."""
    role = _role_named(slug)
    administration.reset_role(actor(request), role)
    return _role_json(role)


@router.patch("/roles/{slug}", response=RoleOut, auth=_MANAGES, summary="Change a role")
def change_role(request: HttpRequest, slug: Slug, body: RoleChange) -> dict[str, Any]:
    """Change what a role allows, for everybody who has it. Nobody adds what they do not hold; the administrator's keeps everything."""
    role = _role_named(slug)
    administration.set_permissions(actor(request), role, [one.value for one in body.permissions])
    return _role_json(role)


def _role_named(slug: str) -> Role:
    found = Role.objects.filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def _role(slug: str) -> Role:
    """Find a role that a body names."""
    found = Role.objects.filter(slug=slug).first()
    if found is None:
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-role", f"There is no role {slug}.")
    return found


# --- the access log ----------------------------------------------------------------------------------------------------------------


@router.get("/access-log", response=EventPage, auth=Needs(Permission.AUDIT_READ), summary="The access log")
def access_log(  # noqa: PLR0913, PLR0917 - each is a parameter of the address
    request: HttpRequest,
    kind: AccessEvent.Kind | None = None,
    q: Text | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> dict[str, Any]:
    """List denials, readings of what is sensitive, changes of access and sign-ins, the latest first; `q` looks at actor and subject."""
    require(actor(request), Permission.AUDIT_READ, root_unit(), subject=request.path)
    wanted = {"kind": kind, "at__gte": since, "at__lt": until}
    rows = AccessEvent.objects.filter(**{name: value for name, value in wanted.items() if value is not None})
    if q:
        rows = rows.filter(Q(actor__icontains=q) | Q(subject__icontains=q))
    found, after = page_of(rows, ["-id"], cursor, limit)
    return {"items": [_event(one) for one in found], "next": after}


def _event(one: AccessEvent) -> dict[str, Any]:
    return {
        "id": one.pk,
        "at": iso(one.at),
        "kind": one.kind,
        "actor": one.actor,
        "permission": one.permission or None,
        "subject": one.subject,
        "request_id": one.request_id,
        "address": one.address,
        "detail": one.detail,
    }
