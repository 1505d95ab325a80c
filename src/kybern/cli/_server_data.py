"""`kybern backup`, `restore`, `move`, `rebuild`, `migrate`, `work`: looking after the server's data."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import fail, now, refuse
from kybern.cli._up import DataOption, in_words, installed

if TYPE_CHECKING:
    from collections.abc import Iterator


def register(root: typer.Typer) -> None:
    """Add the commands."""
    for command in (backup, restore, move, rebuild, migrate, work):
        root.command()(command)


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup goes. It holds secrets: keep it as you keep keys.")],
    data: DataOption = Path("kybern-data"),
) -> None:
    """Write everything the server keeps into one file, while it runs or not; every part is held to its SHA-256."""
    with server_on(data):
        from kybern.server.store.backup import backup as write  # noqa: PLC0415 - Django is set up first

        kept = write(target, data.absolute(), now())
        typer.echo(f"{kept.rows} rows and {kept.files} files are in {target} ({kept.bytes:,} bytes).")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `kybern backup` wrote.")],
    data: DataOption = Path("kybern-data"),
) -> None:
    """Put a backup into an empty data folder and an empty database; what does not fit its digests is refused before anything is touched."""
    from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`

    installed()
    from kybern.server.store.backup import read_manifest, restore_files  # noqa: PLC0415

    try:
        read_manifest(source)
        files = restore_files(source, data.absolute())
    except InputError as error:
        fail(error)
    with server_on(data, fresh=True):
        from kybern.server import run  # noqa: PLC0415
        from kybern.server.store.backup import restore_database  # noqa: PLC0415

        run.migrate()
        rows = restore_database(source)
        typer.echo(f"{rows} rows and {files} files are back in {data}.")


def move(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="postgresql://user:password@host:5432/name, an empty database.")],
    data: DataOption = Path("kybern-data"),
) -> None:
    """Copy everything into another, empty database (from SQLite to PostgreSQL, or back); the old one stays as it is.

    Stop the server first: what is written meanwhile would stay behind.
    """
    with server_on(data):
        from kybern.server.store.move import move as copy  # noqa: PLC0415 - Django is set up first

        rows = copy(to)
        typer.echo(f"{rows} rows were copied, and every table has as many as before.")
        typer.echo("Start the server with KYBERN_DATABASE_URL set to that address.")


def work(data: DataOption = Path("kybern-data")) -> None:
    """Do background work only: publish the log, deliver webhooks, prune. `kybern up` does so too, unless KYBERN_JOBS=0.

    As many as you like may run: one leads, all run tasks.
    """
    with server_on(data):
        from kybern.server.jobs.worker import Worker  # noqa: PLC0415 - Django is set up first

        worker = Worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        typer.echo(f"{worker.name} works. SIGTERM or Ctrl+C ends it.")
        worker.run()


def rebuild(data: DataOption = Path("kybern-data")) -> None:
    """Make the tables of records and evidence again from the log, verifying every envelope and digest."""
    with server_on(data):
        from kybern.server.store.rebuild import rebuild as again  # noqa: PLC0415 - Django is set up first

        found = again()
        typer.echo(f"{found.versions} versions of records and {found.evidence} pieces of evidence were made again from the log.")
        for line in found.refused:
            typer.echo(f"not made: {line}", err=True)
        if found.refused:
            raise typer.Exit(1)


def migrate(data: DataOption = Path("kybern-data")) -> None:
    """Bring the database to this version's form, and do nothing else: for servers that start with --no-migrate."""
    with server_on(data, fresh=True):
        from kybern.server import run  # noqa: PLC0415 - Django is set up first

        count = run.migrate()
        typer.echo(f"{count} migrations were applied." if count else "Every migration of this version was applied already.")


@contextmanager
def server_on(data: Path, *, fresh: bool = False) -> Iterator[None]:
    """Set the server up on a data folder, which may be `fresh`, and tell what cannot be used."""
    from kybern.base import InputError  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.evidence import Refused  # noqa: PLC0415

    installed()
    if not data.is_dir() and not fresh:
        refuse("no-data", f"There is no data folder {data}.", "Name it with --data.")
    from kybern.server import run  # noqa: PLC0415

    os.environ.setdefault("KYBERN_URL", "http://127.0.0.1:8042")
    with in_words():
        try:
            run.prepare(data.absolute())
            yield
        except InputError as error:
            fail(error)
        except Refused as refused:
            refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.")
