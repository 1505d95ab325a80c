"""Lists by pages that neither skip nor repeat a row, however the list grows: a page begins after (or ends before) a row's own values."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from django.db.models import Model, Q

from kybern.server.pages._query import query_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.http import QueryDict

M = TypeVar("M", bound=Model)
SHOWN: Final = 50


@dataclass(frozen=True)
class PageOf(Generic[M]):
    """A page of a list; `previous` and `next` are the query strings of its neighbours, None where there is none."""

    rows: tuple[M, ...]
    previous: str | None
    next: str | None


def page_of(rows: QuerySet[M], order: Sequence[str], asked: QueryDict, size: int = SHOWN) -> PageOf[M]:
    """Give the page that the address asks for, in an order (names, `-` for falling; the last one unique).

    A cursor that this list never gave counts for nothing: the list begins at its beginning.
    """
    after, before = (_read(asked.get(name, ""), order) for name in ("after", "before"))
    back = before is not None
    way = _turned(order) if back else order
    start = before if back else after
    if start is not None:
        rows = rows.filter(_beyond(way, start))
    found = list(rows.order_by(*way)[: size + 1])
    more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    query = asked.urlencode()
    has_next, has_previous = (back or more), (more if back else after is not None)
    return PageOf(
        tuple(found),
        query_with(query, before=_write(found[0], order)) if found and has_previous else None,
        query_with(query, after=_write(found[-1], order)) if found and has_next else None,
    )


def _turned(order: Sequence[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in order]


def _beyond(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Write the condition that a row comes after these values."""
    found = Q(pk__in=[])
    same = Q()
    for name, value in zip(order, values, strict=True):
        field, falling = name.lstrip("-"), name.startswith("-")
        found |= same & Q(**{f"{field}__{'lt' if falling else 'gt'}": value})
        same &= Q(**{field: value})
    return found


def _write(row: Model, order: Sequence[str]) -> str:
    values = [getattr(row, name.lstrip("-")) for name in order]
    said = [[value.isoformat()] if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str, order: Sequence[str]) -> list[Any] | None:
    if not cursor:
        return None
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(order) or any("\0" in str(one) for one in values):
            return None
        return [_value(one) for one in values]
    except (ValueError, TypeError, RecursionError):
        return None


def _value(said: Any) -> Any:
    if isinstance(said, list) and len(said) == 1:
        return datetime.fromisoformat(said[0])
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        raise TypeError
    return said
