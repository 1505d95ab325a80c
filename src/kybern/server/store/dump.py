"""Everything the server keeps, out of a database and into another: the one way of backup, restore and the move to PostgreSQL.

A dump is a line of JSON for each row, table by table, in an order in which no row comes before one that it names.
"""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from django.apps import apps
from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import BinaryField, DateField, JSONField

from kybern.base import InputError, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from django.db.models import Model

FORMAT: Final = "kybern.dump/1"
_LEFT: Final = frozenset(
    (
        "contenttypes.contenttype",
        "auth.permission",
        "sessions.session",
        "jobs.lease",
        "django_tasks_db.dbtaskresult",
        "traffic.answer",
        "traffic.shared",
    )
)
"""What a database makes for itself, and what ends with it."""
_AT_ONCE: Final = 500
_MAX_LINE: Final = 256 << 20


def tables() -> list[type[Model]]:
    """Give the tables that are kept, those that are named before those that name them."""
    wanted = [one for one in apps.get_models(include_auto_created=True) if one._meta.label_lower not in _LEFT]  # noqa: SLF001 - Django's own door to a model
    return [one for one in serializers.sort_dependencies([(app, None) for app in apps.get_app_configs()]) if one in wanted] + [
        one
        for one in wanted
        if one._meta.auto_created  # noqa: SLF001 - the same
    ]


@contextlib.contextmanager
def snapshot() -> Iterator[str]:
    """Give the alias of a database that stands still: a copy of SQLite's file, or one transaction of PostgreSQL's."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "sqlite":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield DEFAULT_DB_ALIAS
        return
    with tempfile.TemporaryDirectory(prefix="kybern-snapshot-") as folder:
        copy = Path(folder, "copy.db")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(copy)])
        alias = "snapshot"
        connections.databases[alias] = {**connection.settings_dict, "NAME": str(copy)}
        try:
            yield alias
        finally:
            connections[alias].close()
            del connections.databases[alias]
            with contextlib.suppress(AttributeError):
                del connections[alias]


def write_dump(file: IO[bytes], alias: str) -> int:
    """Write every row of a database; gives how many."""
    head = {"format": FORMAT, "migrations": migrations_of(alias)}
    file.write(json.dumps(head, sort_keys=True).encode() + b"\n")
    count = 0
    for model in tables():
        rows: Iterable[Model] = model._default_manager.using(alias).order_by("pk").iterator(_AT_ONCE)  # noqa: SLF001 - the same
        for row in rows:
            file.write(json.dumps(_said(row), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n")
            count += 1
    return count


def migrations_of(alias: str) -> list[list[str]]:
    """Name the migrations that were applied: a dump goes into a database of the same form only."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        return [[str(app), str(name)] for app, name in cursor.fetchall()]


def read_dump(file: IO[bytes], alias: str = DEFAULT_DB_ALIAS) -> int:
    """Fill an empty, migrated database from a dump, whole or not at all; gives how many rows.

    Raises `InputError` for what is no dump, for one of another form of the database, and where there is something already.
    """
    _check_head(file.readline(_MAX_LINE), alias)
    with transaction.atomic(using=alias):
        for model in reversed(tables()):  # what migrations put there comes with the dump
            model._default_manager.using(alias).all().delete()  # noqa: SLF001 - the same
        count = sum(_load(batch, alias) for batch in _batches(file))
        connection = connections[alias]
        statements = connection.ops.sequence_reset_sql(no_style(), tables())
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    return count


def _check_head(line: bytes, alias: str) -> None:
    try:
        head: Any = json.loads(line)
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InputError.one(
            "no-dump", "This is no dump of Kybern's database.", Place("database.jsonl", 1), "Name a file of `kybern backup`."
        )
    if head.get("migrations") != migrations_of(alias):
        hint = "Restore it with the version of Kybern that wrote it, then upgrade."
        raise InputError.one("other-version", "The dump is of another form of the database.", Place("database.jsonl", 1), hint)
    from kybern.server.store.models import LogHead

    if LogHead.objects.using(alias).filter(size__gt=0).exists():
        hint = "Name an empty data folder or database."
        raise InputError.one("not-empty", "The database has entries already; nothing is overwritten.", Place("database"), hint)


def _said(row: Model) -> list[Any]:
    """Write a row: its table and the value of each column by name. Moments keep their microseconds."""
    meta = row._meta  # noqa: SLF001 - Django's own door to a model
    return [meta.label_lower, {field.attname: _plain(getattr(row, field.attname)) for field in meta.concrete_fields}]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes | memoryview | bytearray):
        return base64.b64encode(bytes(value)).decode()
    return value if value is None or isinstance(value, str | int | float | bool | dict | list) else str(value)


def _row(line: bytes, known: Mapping[str, type[Model]]) -> Model:
    """Read a row back; raises `ValueError`, `TypeError` or `KeyError` for what is none."""
    label, said = json.loads(line)
    model = known[label]
    columns = {field.attname: field for field in model._meta.concrete_fields}  # noqa: SLF001 - the same
    return model(**{name: _valued(columns[name], value) for name, value in said.items()})


def _valued(field: Any, value: Any) -> Any:
    if isinstance(field, BinaryField) and value is not None:
        return base64.b64decode(value, validate=True)
    return value if isinstance(field, JSONField) else field.to_python(value)


def _batches(file: IO[bytes]) -> Iterator[list[Model]]:
    """Read rows of one table at a time, some hundred at once."""
    known = {one._meta.label_lower: one for one in tables()}  # noqa: SLF001 - the same
    found: list[Model] = []
    for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 2):
        try:
            row = _row(line, known)
        except (ValueError, TypeError, KeyError, ValidationError) as error:
            raise InputError.one("no-dump", f"This line is no row of a dump: {error}.", Place("database.jsonl", number)) from None
        if found and (type(row) is not type(found[0]) or len(found) >= _AT_ONCE):
            yield found
            found = []
        found.append(row)
    if found:
        yield found


def _load(rows: list[Model], alias: str) -> int:
    with _as_they_were(type(rows[0])):
        type(rows[0])._default_manager.using(alias).bulk_create(rows)  # noqa: SLF001 - the same
    return len(rows)


@contextlib.contextmanager
def _as_they_were(model: type[Model]) -> Iterator[None]:
    """Keep Django from putting the present moment into columns that say when a row was made."""
    fields = [field for field in model._meta.concrete_fields if isinstance(field, DateField)]  # noqa: SLF001 - the same
    set_by_django = [(field, field.auto_now, field.auto_now_add) for field in fields]
    for field in fields:
        field.auto_now = field.auto_now_add = False
    try:
        yield
    finally:
        for field, now, add in set_by_django:
            field.auto_now, field.auto_now_add = now, add
