"""Signing in and failing to, as lines of the access log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver

from kybern.server.access.actor import Actor
from kybern.server.access.check import note
from kybern.server.access.middleware import address_of
from kybern.server.access.models import AccessEvent
from kybern.server.access.sessions import SessionStore

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kybern.server.access.models import User


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_more: Any) -> None:
    if isinstance(request.session, SessionStore):
        request.session.begin()
    note(_who(user.email, request), AccessEvent.Kind.SIGNED_IN, "", f"user {user.email}")


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_more: Any) -> None:
    # Whoever types the password in the place of the address would find it in the log: what is no address is not kept.
    said = str(credentials.get("email") or credentials.get("username") or "")
    shown = said if "@" in said and len(said) < 255 and said.isprintable() else "somebody"  # noqa: PLR2004 - as long as an address may be
    note(_who("anonymous", request), AccessEvent.Kind.FAILED, "", f"user {shown}")


@receiver(authentication_failed)
def _failed_second(request: HttpRequest, user: User, **_more: Any) -> None:
    note(_who("anonymous", request), AccessEvent.Kind.FAILED, "", f"user {user.email}", "second factor")


def _who(name: str, request: HttpRequest | None) -> Actor:
    if request is None:
        return Actor(name)
    return Actor(name, request_id=str(getattr(request, "request_id", "")), address=address_of(request))
