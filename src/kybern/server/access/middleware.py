"""Puts the actor on every request: from the session, or from a bearer token."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from django.conf import settings
from django.utils import timezone

from kybern.server.access.actor import Actor, actor_of
from kybern.server.access.models import ApiToken, User, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_USED_EVERY: Final = timedelta(minutes=1)


class ActorMiddleware:
    """Sets `request.actor`. A token is looked at only where it is sent, and then the session counts for nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the rest."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Find out who asks."""
        request.actor = find_actor(request)  # type: ignore[attr-defined]
        return self._next(request)


def actor(request: HttpRequest) -> Actor:
    """Give who asks."""
    return cast("Actor", request.actor)  # type: ignore[attr-defined]


def find_actor(request: HttpRequest) -> Actor:
    """Find out who asks; whoever cannot be told is nobody."""
    request_id = str(getattr(request, "request_id", ""))
    address = address_of(request)
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        return _by_token(header[len("bearer ") :].strip(), request_id, address)
    user = request.user
    if isinstance(user, User) and user.is_active:
        return actor_of(user, request_id=request_id, address=address)
    return Actor(request_id=request_id, address=address)


def _by_token(text: str, request_id: str, address: str) -> Actor:
    now = timezone.now()
    token = ApiToken.objects.select_related("user").filter(digest=digest_of(text)).first()
    if token is None or token.revoked_at is not None or token.expires_at <= now or not token.user.is_active:
        return Actor(name="bad token", request_id=request_id, address=address)
    if token.used_at is None or token.used_at < now - _USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(used_at=now)
    found = actor_of(token.user, frozenset(token.scopes), token=token.name, request_id=request_id, address=address)
    return replace(found, token_id=token.pk)


def address_of(request: HttpRequest) -> str:
    """Give the address the request came from: as many proxies back as stand in front of the server."""
    proxies: int = settings.ENVIRONMENT.proxies
    if proxies:
        said = [one.strip() for one in request.headers.get("X-Forwarded-For", "").split(",") if one.strip()]
        if len(said) >= proxies:
            return said[-proxies][:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]
