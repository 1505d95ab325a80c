"""What lists are asked in their addresses, and how much they count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kybern.server.access.models import Unit
from kybern.server.store.models import RecordRow
from kybern.server.store.visible import visible_records

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from kybern.server.access.actor import Actor
    from kybern.server.access.permissions import Permission

COUNTED: Final = 10_000
"""Rows up to which a list is counted: to count a million costs more than to show fifty of them."""

_LONGEST: Final = 200


@dataclass(frozen=True)
class Counted:
    """How many rows there are, or that there are more than are counted."""

    count: int
    more: bool


def counted(rows: QuerySet[Any]) -> Counted:
    """Count rows up to a bound."""
    found = rows.order_by()[: COUNTED + 1].count()
    return Counted(min(found, COUNTED), found > COUNTED)


def asked(request: HttpRequest, name: str) -> str:
    """Give what a parameter of the address asks for; nothing where it cannot be meant."""
    said = request.GET.get(name, "").strip()
    return said if len(said) <= _LONGEST and "\0" not in said else ""


def titles(who: Actor, refs: Iterable[str]) -> dict[str, str]:
    """Give the titles of the records that a reader may know of, by name."""
    return dict(visible_records(who).filter(ref__in=list(dict.fromkeys(refs))).values_list("ref", "title"))


def unit_options(who: Actor, permission: Permission) -> list[tuple[str, str]]:
    """Give the units that a reader may choose from, where there are several."""
    found = Unit.objects.filter(pk__in=who.where(permission)).order_by("name", "pk").values_list("pk", "name")
    options = [(str(key), name) for key, name in found]
    return options if len(options) > 1 else []


def owner_options(rows: QuerySet[RecordRow]) -> list[tuple[str, str]]:
    """Give the owners that some rows have, each by its title."""
    refs = sorted(rows.exclude(owner="").order_by().values_list("owner", flat=True).distinct()[:_LONGEST])
    named = dict(RecordRow.objects.filter(ref__in=refs, kind="role").values_list("ref", "title"))
    return sorted(((ref, named.get(ref, ref.partition(":")[2])) for ref in refs), key=lambda one: one[1].lower())


def number(said: str, among: Collection[int]) -> int | None:
    """Read a number that has to be one of some; None for anything else."""
    return int(said) if said.isascii() and said.isdecimal() and int(said) in among else None
