"""`kybern up`: the server, with its database, its first user and, if asked, a governance repository taken in."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import fail, now, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", envvar="KYBERN_DATA", help="The folder of database, keys and uploads.")]


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command()(up)


def up(
    data: DataOption = Path("kybern-data"),
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Listen here. 0.0.0.0 is every address of the machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, metavar="PORT", help="Listen on this port.")] = 8042,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, metavar="N", help="Processes that answer.")] = 1,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="Take this governance repository in, if the server is empty.")
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="What is taken in is a sample, which one click removes.")] = False,
    prepare_only: Annotated[bool, typer.Option("--prepare-only", help="Make the database ready, and do not serve.")] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate/--no-migrate", help="Bring the database to this version's form first; without, `kybern migrate` did.")
    ] = True,
) -> None:
    """Start the server: pages for people, an API for programs. Everything it keeps lies in one data folder."""
    installed()
    from kybern.server import run  # noqa: PLC0415 - see the docstring of `_shared`

    os.environ.setdefault("KYBERN_URL", f"http://{_shown(host)}:{port}")
    if not prepare_only and (why := run.cannot_listen(host, port)):
        refuse("cannot-listen", f"The server cannot listen on port {port} of {host}: {why}.", "Name another with --port or --host.")
    with in_words():
        run.gather_metrics(workers)
        run.prepare(data.absolute())
        if migrate:
            run.migrate()
        elif missing := run.pending():
            message = f"The database lacks {len(missing)} migrations of this version, {missing[0]} first."
            refuse("not-migrated", message, f"Run kybern migrate --data {data}, or start without --no-migrate.")
        if source is not None:
            _take_in(source, sample=sample)
        first = run.first_user()  # last: a password is told once, and what fails before would keep it
    typer.echo(f"Kybern is at {os.environ['KYBERN_URL']}  (data: {data.absolute()})")
    if first is not None:
        typer.echo(f"Sign in as {first.email} with the password {first.password}")
        typer.echo("It is told this once and signs in for seven days: change it under your account.")
    else:
        typer.echo(f"Sign in with your address; who lost the password gets another by: kybern user password EMAIL --data {data}")
    if not prepare_only:
        run.serve(host, port, workers)


def _shown(host: str) -> str:
    """Give the host that a browser on this machine asks for."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104 - the same
    return f"[{host}]" if ":" in host else host


def installed() -> None:
    """Say so where the server's packages are missing."""
    try:
        import django  # noqa: F401, PLC0415 - to see whether it is there
    except ImportError as error:
        refuse("no-server", f"The server's packages are not installed ({error.name}).", "Install kybern[server].")


@contextmanager
def in_words() -> Iterator[None]:
    """Tell in words what of environment, data folder and database cannot be used."""
    from kybern.server._environment import EnvironmentProblem  # noqa: PLC0415 - see the docstring of `_shared`

    try:
        yield
    except EnvironmentProblem as error:
        refuse("environment", f"{error}.")
    except OSError as error:
        refuse("unwritable", f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.")
    except Exception as error:
        from django.db import Error  # noqa: PLC0415 - only the server needs it

        if not isinstance(error, Error):
            raise
        refuse("database", f"The database does not do what is asked: {str(error).strip()}.")


def _take_in(source: Path, *, sample: bool) -> None:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.server.store.models import LogHead  # noqa: PLC0415
    from kybern.server.store.seed import seed_workspace  # noqa: PLC0415
    from kybern.workspace import find_root  # noqa: PLC0415

    if LogHead.objects.filter(size__gt=0).exists():
        typer.echo("The server has records already; nothing was taken in.")
        return
    typer.echo(f"Taking in {source} …")
    try:
        root = find_root(source)
        found = seed_workspace(root, "person:administrator", now(), sample=sample)
    except InputError as error:
        fail(error, source)
    typer.echo(f"{found.records} records and {found.accepted} pieces of evidence are in, {found.refused} pieces were refused.")
