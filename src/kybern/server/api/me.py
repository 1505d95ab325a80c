"""The caller over the API: who they are and what they may do where, and their own tokens."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema, Status

from kybern.server.access import administration
from kybern.server.access.middleware import actor
from kybern.server.access.models import ApiToken, Grant, Unit, User
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs
from kybern.server.api._fields import Moment, Number, Text, iso
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from datetime import datetime

router: Final = Router(tags=["me"])
_MOST: Final = 500


class GrantOut(Schema):
    """A role that somebody has in a unit, and in all below it."""

    id: int
    role: str
    unit: str
    granted_at: str
    granted_by: str


class MeOut(Schema):
    """Who asks, and in which units they hold which permission."""

    handle: str
    person: str
    email: str
    name: str
    language: str
    token: str | None
    grants: list[GrantOut]
    permissions: dict[str, list[str]]


class TokenOut(Schema):
    """A token; of its text only the first characters are known."""

    id: int
    name: str
    shown: str
    scopes: list[str]
    created_at: str
    expires_at: str
    used_at: str | None
    revoked_at: str | None
    standing: str


class TokenIssued(TokenOut):
    """A token with its text, which is told this once and kept nowhere."""

    text: str


class TokenIn(Schema):
    """A token to issue: it may do no more than who issues it, and ends within a year."""

    name: Annotated[Text, Field(min_length=1, max_length=120)]
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=len(Permission))]
    expires_at: Moment


@router.get("/me", response=MeOut, auth=Needs(), summary="Who asks")
def me(request: HttpRequest) -> dict[str, Any]:
    """Give the caller, their grants, and the units (by name) in which each permission is held; a token's scopes cut these."""
    who, user = actor(request), _user(request)
    slugs = dict(Unit.objects.values_list("pk", "slug"))
    grants = Grant.objects.filter(user=user).select_related("role", "unit").order_by("unit__slug", "role__slug")
    return {
        "handle": user.handle,
        "person": user.person,
        "email": user.email,
        "name": user.name,
        "language": user.language,
        "token": who.token or None,
        "grants": [grant_json(one) for one in grants],
        "permissions": {
            permission.value: sorted(slugs[unit] for unit in units if unit in slugs) for permission, units in sorted(who.units.items())
        },
    }


def grant_json(one: Grant) -> dict[str, Any]:
    """Write a grant, its role and unit at hand."""
    return {
        "id": one.pk,
        "role": one.role.slug,
        "unit": one.unit.slug,
        "granted_at": iso(one.granted_at),
        "granted_by": one.granted_by,
    }


@router.get("/tokens", response=list[TokenOut], auth=Needs(), summary="One's own tokens")
def tokens(request: HttpRequest) -> list[dict[str, Any]]:
    """List the caller's own tokens, the latest first."""
    now = timezone.now()
    return [_token(one, now) for one in ApiToken.objects.filter(user=_user(request)).order_by("-created_at", "-pk")[:_MOST]]


@router.post("/tokens", response={201: TokenIssued}, auth=Needs(), summary="Issue a token")
def issue(request: HttpRequest, body: TokenIn) -> Any:
    """Issue a token of the caller's own. One that is issued by a token may do no more than that one, and does not outlast it."""
    now = timezone.now()
    made, text = administration.issue_token(actor(request), body.name, [one.value for one in body.scopes], body.expires_at, now)
    return Status(HTTPStatus.CREATED, {**_token(made, now), "text": text})


@router.post("/tokens/{number}:revoke", response=TokenOut, auth=Needs(), summary="Revoke a token")
def revoke(request: HttpRequest, number: Number) -> dict[str, Any]:
    """Let a token count no more: one's own, or anybody's if one manages the users of the whole organisation."""
    who, now = actor(request), timezone.now()
    token = ApiToken.objects.select_related("user").filter(pk=number).first()
    if token is None or (token.user != who.user and not who.may(Permission.USERS_MANAGE, root_unit())):
        raise Http404
    administration.revoke_token(who, token, now)
    token.refresh_from_db()
    return _token(token, now)


def _token(one: ApiToken, now: datetime) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name,
        "shown": one.shown,
        "scopes": list(one.scopes),
        "created_at": iso(one.created_at),
        "expires_at": iso(one.expires_at),
        "used_at": iso(one.used_at),
        "revoked_at": iso(one.revoked_at),
        "standing": "revoked" if one.revoked_at is not None else "expired" if one.expires_at <= now else "valid",
    }


def _user(request: HttpRequest) -> User:
    found = actor(request).user
    if found is None:
        raise Http404
    return found
