"""The move of everything into another database, counted table by table before it is called done."""

from __future__ import annotations

import tempfile

from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction

from kybern.base import InputError, Place
from kybern.server._environment import database_of
from kybern.server.store.dump import read_dump, snapshot, tables, write_dump

_ALIAS = "target"


def move(url: str) -> int:
    """Copy every row into the empty database at an address; gives how many. `InputError` where it is not empty or does not answer."""
    asked = database_of(url, settings.KYBERN_DATA)
    asked["OPTIONS"].pop("pool", None)  # one connection is enough, and says at once why there is none
    connections.databases[_ALIAS] = {**connections["default"].settings_dict, **asked}
    try:
        call_command("migrate", database=_ALIAS, interactive=False, verbosity=0)
        with snapshot() as source, tempfile.TemporaryFile() as file:
            rows = write_dump(file, source)
            file.seek(0)
            with transaction.atomic(using=_ALIAS):
                read_dump(file, _ALIAS)
                _compare(source)
    finally:
        connections[_ALIAS].close()
    return rows


def _compare(source: str) -> None:
    for model in tables():
        manager = model._default_manager  # noqa: SLF001 - Django's own door to a model
        before, after = manager.using(source).count(), manager.using(_ALIAS).count()
        if before != after:
            message = f"{model._meta.label} has {before} rows and {after} were copied; nothing was kept."  # noqa: SLF001 - the same
            raise InputError.one("not-whole", message, Place("database"))
