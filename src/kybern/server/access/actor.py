"""Who asks: a user, or a program with a user's token, with what they may do where."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kybern.server.access.models import Grant, Unit, User
from kybern.server.access.permissions import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN: Final = frozenset(one.value for one in Permission)


@dataclass(frozen=True)
class Actor:
    """Somebody who asks, signed in or not. `units` says in which units (by primary key) each permission is held."""

    name: str = "anonymous"
    user: User | None = None
    units: Mapping[Permission, frozenset[int]] = field(default_factory=dict)
    token: str = ""
    """What the token is called, where a program asks."""
    token_id: int | None = None
    request_id: str = ""
    address: str = ""

    @property
    def person(self) -> str | None:
        """The actor's name in records and signatures; None for nobody."""
        return None if self.user is None else self.user.person

    def may(self, permission: Permission, unit: int | None = None) -> bool:
        """Tell whether something is allowed in a unit, or anywhere at all if none is named."""
        held = self.units.get(permission, frozenset())
        return bool(held) if unit is None else unit in held

    def where(self, permission: Permission) -> frozenset[int]:
        """Give the units in which something is allowed."""
        return self.units.get(permission, frozenset())


def actor_of(user: User, scopes: frozenset[str] | None = None, *, token: str = "", request_id: str = "", address: str = "") -> Actor:
    """Gather what a user may do where; with scopes, no more than these."""
    below = subtrees()
    held: defaultdict[Permission, set[int]] = defaultdict(set)
    for grant in Grant.objects.filter(user=user).select_related("role"):
        for name in grant.role.permissions:
            if name in _KNOWN and (scopes is None or name in scopes):
                held[Permission(name)] |= below.get(grant.unit_id, {grant.unit_id})
    units = {permission: frozenset(found) for permission, found in held.items()}
    return Actor(str(user.email), user, units, token, request_id=request_id, address=address)


def subtrees() -> dict[int, set[int]]:
    """Give each unit with all below it, itself included."""
    parents = dict(Unit.objects.values_list("pk", "parent_id"))
    below: dict[int, set[int]] = {one: {one} for one in parents}
    for one, parent in parents.items():
        above: int | None = parent
        seen = {one}
        while above is not None and above not in seen:
            below[above].add(one)
            seen.add(above)
            above = parents.get(above)
    return below
