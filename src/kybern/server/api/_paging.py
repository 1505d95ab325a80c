"""Lists by cursor: each page says where the next begins, so that a list that grows is neither skipped nor repeated."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.core.exceptions import ValidationError as DjangoInvalid
from django.db.models import Model, Q

from kybern.server.api._door import ProblemAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import QuerySet

M = TypeVar("M", bound=Model)
T = TypeVar("T")
MOST: Final = 500
MOST_NUMBER: Final = (1 << 63) - 1
"""The greatest number that a column takes."""


def page_of(rows: QuerySet[M], order: Sequence[str], cursor: str | None, limit: int) -> tuple[list[M], str | None]:
    """Give a page of rows in an order (field names, `-` for falling; the last one unique) and the cursor of the next, if there is one."""
    names = [name.lstrip("-") for name in order]
    if cursor:
        rows = rows.filter(_after(order, _values(rows.model, names, _read(cursor, len(names)))))
    found = list(rows.order_by(*order)[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], _write([getattr(found[limit - 1], name) for name in names])


def slice_of(items: Sequence[T], name: Callable[[T], str], cursor: str | None, limit: int) -> tuple[list[T], str | None]:
    """Give a page of a list in memory whose items have names that are theirs alone, and the cursor of the next, if there is one."""
    start = 0
    if cursor:
        (last,) = _read(cursor, 1)
        start = next((at for at, one in enumerate(items, 1) if name(one) == last), 0)
        if not start:
            raise _bad()
    found = list(items[start : start + limit])
    return found, _write([name(found[-1])]) if start + limit < len(items) else None


def _values(model: type[Model], names: Sequence[str], said: Sequence[Any]) -> list[Any]:
    """Read what a cursor says as values of the columns: a cursor that was made up has others."""
    values = []
    for name, one in zip(names, said, strict=True):
        field = model._meta.get_field(name)  # noqa: SLF001 - Django's own door to a model
        try:
            value = field.to_python(one)  # type: ignore[union-attr]  # orders are by columns
        except DjangoInvalid:
            raise _bad() from None
        if (isinstance(value, datetime) and value.tzinfo is None) or (isinstance(value, int) and abs(value) > MOST_NUMBER):
            raise _bad()
        values.append(value)
    return values


def _bad() -> ProblemAnswer:
    return ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", "The cursor is none that this list gave.")


def _after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Write the condition that a row comes after these values."""
    found = Q(pk__in=[])
    same = Q()
    for name, value in zip(order, values, strict=True):
        field, falling = name.lstrip("-"), name.startswith("-")
        found |= same & Q(**{f"{field}__{'lt' if falling else 'gt'}": value})
        same &= Q(**{field: value})
    return found


def _write(values: Sequence[Any]) -> str:
    said = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str, count: int) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, b"-_", validate=True))
    except (ValueError, RecursionError):
        values = None
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(isinstance(one, str | int) and "\0" not in str(one) for one in values)
    ):
        raise _bad()
    return values
