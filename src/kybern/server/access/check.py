"""The one check that every door asks, and the log of what it denies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404

from kybern.server.access.models import AccessEvent

if TYPE_CHECKING:
    from kybern.server.access.actor import Actor
    from kybern.server.access.permissions import Permission


class Denied(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """What was asked is not allowed. `signed_in` tells whether anybody asked: who is not signed in may sign in and ask again."""

    def __init__(self, permission: Permission, subject: str, *, signed_in: bool) -> None:
        """Keep what was asked."""
        super().__init__(f"{permission} is not granted for {subject or 'this'}")
        self.permission, self.subject, self.signed_in = permission, subject, signed_in


def require(actor: Actor, permission: Permission, unit: int | None = None, subject: str = "") -> None:
    """Let pass what is granted in the unit (anywhere, if none is named); log and raise `Denied` for everything else."""
    if actor.may(permission, unit):
        return
    note(actor, AccessEvent.Kind.DENIED, permission, subject)
    raise Denied(permission, subject, signed_in=actor.user is not None)


def not_theirs(actor: Actor, permission: str, subject: str) -> Http404:
    """Log that somebody asked for what is there and is not theirs; gives what to raise: for them there is nothing."""
    note(actor, AccessEvent.Kind.DENIED, permission, subject)
    return Http404()


def note(actor: Actor, kind: AccessEvent.Kind, permission: str, subject: str, detail: str = "") -> None:
    """Add to the access log."""
    AccessEvent.objects.create(
        kind=kind,
        actor=actor.name[:150] + (f" ({actor.token[:40]})" if actor.token else ""),
        permission=permission,
        subject=subject[:300],
        request_id=actor.request_id,
        address=actor.address,
        detail=detail[:500],
    )
