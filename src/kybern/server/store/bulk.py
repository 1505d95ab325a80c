"""Many rows at once, past Django's object for each: PostgreSQL takes them by COPY, SQLite by one prepared statement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import connection

from kybern.server._tracing import write_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db.models import Model


def insert_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows, each a value for each column, within the caller's transaction.

    Values are those that the database takes: texts, whole numbers, bytes, `moment_value` of a moment, `json_value` of JSON.
    """
    quoted = [connection.ops.quote_name(model._meta.get_field(name).column) for name in columns]  # type: ignore[union-attr, arg-type]  # noqa: SLF001
    name = model._meta.db_table  # noqa: SLF001 - Django's own door to a model
    table = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Django wraps the errors of what it sends itself; a connection that is lost while copying has to be told like any other.
            with (
                connection.wrap_database_errors,
                write_span("COPY", name, connection.vendor),
                cursor.copy(f"COPY {table} ({', '.join(quoted)}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(quoted))
        cursor.executemany(f"INSERT INTO {table} ({', '.join(quoted)}) VALUES ({marks})", list(rows))  # noqa: S608 - names of our own columns


def moment_value(moment: datetime | None) -> Any:
    """Write a moment as the database takes it."""
    if moment is None or connection.vendor == "postgresql":
        return moment
    return connection.ops.adapt_datetimefield_value(moment)


def json_value(value: Any) -> str:
    """Write JSON as the database takes it."""
    return json.dumps(value)
