"""Groups: each is a role, and its members have the role in the whole organisation. Roles are made on the pages, not here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.urls import path

from kybern.server.access import administration
from kybern.server.access.models import Grant, Role, Unit, User
from kybern.server.scim._door import body_of, page_asked, scim
from kybern.server.scim._filter import read_filter
from kybern.server.scim._messages import GROUP, ScimError, answer, bad, chosen, listed
from kybern.server.scim._patch import Change, read_changes
from kybern.server.scim._users import MOST, users
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kybern.server.access.actor import Actor


def resource(request: HttpRequest, role: Role) -> dict[str, Any]:
    """Write a role as a group."""
    where = f"{settings.KYBERN_URL}/scim/v2"
    found: dict[str, Any] = {
        "schemas": [GROUP],
        "id": role.slug,
        "displayName": role.name,
        "members": [
            {"value": str(user.pk), "display": user.email, "type": "User", "$ref": f"{where}/Users/{user.pk}"}
            for user in users().filter(pk__in=_grants(role).values("user")).order_by("pk")
        ],
        "meta": {"resourceType": "Group", "location": f"{where}/Groups/{role.slug}"},
    }
    return chosen(request, found)


def _grants(role: Role) -> Any:
    return Grant.objects.filter(role=role, unit_id=root_unit())


@scim("GET", "POST")
def collection(request: HttpRequest, who: Actor) -> HttpResponse:
    """List the roles. None is made here: a provider that pushes a group of a role's name is told that it is there."""
    del who
    if request.method == "POST":
        name = str(body_of(request).get("displayName", ""))[:200]
        if not name:
            raise bad("invalidValue", "A group has a displayName.")
        if Role.objects.filter(Q(name__iexact=name) | Q(slug=name)).exists():
            raise ScimError(HTTPStatus.CONFLICT, "There is a role of this name: link the group to it.", "uniqueness")
        raise ScimError(HTTPStatus.FORBIDDEN, "A group is a role. Make the role on the page Settings, Roles, and link the group to it.")
    start, count = page_asked(request, MOST)
    rows = Role.objects.order_by("pk")
    for name, value in read_filter(text) if (text := request.GET.get("filter", "").strip()) else ():
        if name not in {"displayname", "id"}:
            raise bad("invalidFilter", f"Groups are not found by {name}.")
        rows = rows.filter(name__iexact=str(value)) if name == "displayname" else rows.filter(slug=str(value))
    found = rows[start - 1 : start - 1 + count] if count else ()
    return answer(listed((resource(request, one) for one in found), rows.count(), start))


@scim("GET", "PUT", "PATCH")
def one(request: HttpRequest, who: Actor, slug: str) -> HttpResponse:
    """Give a role with its members, or change who they are."""
    role = Role.objects.filter(slug=slug[:60]).first()
    if role is None:
        raise Http404
    if request.method == "PUT":
        said = {name.lower(): value for name, value in body_of(request).items()}
        _same_name(role, said.get("displayname", role.name))
        _replace(who, role, _numbers(said.get("members") or []))
    elif request.method == "PATCH":
        for change in read_changes(body_of(request)):
            _apply(who, role, change)
        if "application/scim+json" not in request.headers.get("Accept", "application/scim+json"):
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return answer(resource(request, role))


def _apply(who: Actor, role: Role, change: Change) -> None:
    if change.name == "displayname":
        _same_name(role, change.value)
    elif change.name == "members" and change.act == "add":
        _add(who, role, _numbers(change.value))
    elif change.name == "members" and change.act == "replace":
        _replace(who, role, _numbers(change.value))
    elif change.name == "members":
        _remove(who, role, _removed(role, change))
    elif change.name not in {"id", "externalid", "meta"}:
        raise bad("invalidPath", f"A group has no {change.name}.")


def _removed(role: Role, change: Change) -> set[int]:
    """Say whom a removal takes: those that the filter of its path names, or its values, or everybody."""
    if change.only:
        numbers = {str(value) for name, value in read_filter(change.only) if name == "value"}
        return _numbers([{"value": one} for one in numbers], known=False)
    if change.value:
        return _numbers(change.value, known=False)
    return set(_grants(role).values_list("user_id", flat=True))


def _same_name(role: Role, name: Any) -> None:
    if name != role.name:
        raise bad("mutability", "A role is renamed on the page Settings, Roles.")


def _numbers(members: Any, *, known: bool = True) -> set[int]:
    """Read members as the numbers of users; those whom nobody knows are wrong where they are to be added."""
    values = [one.get("value") if isinstance(one, dict) else one for one in (members if isinstance(members, list) else [members])]
    texts = [str(one) for one in values]
    if not all(one.isascii() and one.isdecimal() and len(one) < 16 for one in texts):  # noqa: PLR2004 - what a database takes
        raise bad("invalidValue", "A member is named by the id of a user.")
    found = {int(one) for one in texts}
    if known and users().filter(pk__in=found).count() != len(found):
        raise bad("invalidValue", "There is no user of this id.")
    return found


def _add(who: Actor, role: Role, numbers: set[int]) -> None:
    top = Unit.objects.get(pk=root_unit())
    for user in User.objects.filter(pk__in=numbers).order_by("pk"):
        administration.grant(who, user, role, top)


def _remove(who: Actor, role: Role, numbers: set[int]) -> None:
    for found in _grants(role).filter(user_id__in=numbers).select_related("user", "role", "unit").order_by("pk"):
        administration.withdraw(who, found)


def _replace(who: Actor, role: Role, numbers: set[int]) -> None:
    there = set(_grants(role).values_list("user_id", flat=True))
    _add(who, role, numbers - there)
    _remove(who, role, there - numbers)


ROUTES: Final = (
    path("scim/v2/Groups", collection, name="scim-groups"),
    path("scim/v2/Groups/<str:slug>", one, name="scim-group"),
)
