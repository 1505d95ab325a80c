"""Starting the server: data folder, database, first user, granian."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PASSWORD_BYTES: Final = 12
_METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
STOP_SECONDS: Final = 30
"""How long requests under way may take when the server is told to stop; after that they are broken off."""

FIRST_USER: Final = "admin@kybern.local"


@dataclass(frozen=True)
class SignIn:
    """How the first user signs in; the password is told once."""

    email: str
    password: str


def prepare(data: Path) -> None:
    """Make the data folder and set Django up on it; the environment may name another database."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["KYBERN_DATA"] = str(data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kybern.server.settings")
    import django

    django.setup()


def migrate() -> int:
    """Bring the database to this version's form; gives how many migrations that took."""
    from django.core.management import call_command

    count = len(pending())
    call_command("migrate", interactive=False, verbosity=0)
    return count


def pending() -> list[str]:
    """Name the migrations of this version that were not applied; more may have been, by a newer version."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return [f"{one.app_label}.{one.name}" for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def first_user() -> SignIn | None:
    """Make the first user, an administrator of the whole organisation, where there is nobody yet."""
    from kybern.server.access.models import Grant, Role, User
    from kybern.server.store.projection import root_unit

    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    user = User.objects.create_user(FIRST_USER, None, handle="administrator", name="Administrator")
    user.set_first_password(password)
    Grant.objects.create(user=user, role=Role.objects.get(slug="administrator"), unit_id=root_unit(), granted_by="kybern up")
    return SignIn(FIRST_USER, password)


def gather_metrics(workers: int) -> None:
    """Let several processes add up what they count. To be called before Django is set up, for the numbers' form is chosen at import.

    Their folder lies in memory where there is such a place: what is mapped from a full disk ends a process.
    """
    if workers > 1 and not os.environ.get(_METRICS):
        memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
        where = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
        folder = tempfile.mkdtemp(prefix="kybern-metrics-", dir=where)
        os.environ[_METRICS] = folder
        atexit.register(_remove, folder, os.getpid())


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a worker is a copy of its parent, whose folder it leaves alone
        shutil.rmtree(folder, ignore_errors=True)


def cannot_listen(host: str, port: int) -> str:
    """Tell why nothing can listen there, before anything is done; empty where it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen(1)
    except OSError as error:
        return str(error.strerror or error)
    return ""


def serve(host: str, port: int, workers: int) -> None:
    """Serve until told to stop by SIGTERM or SIGINT; requests under way are finished first."""
    from django.conf import settings
    from django.db import connections
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from kybern.server._logging import form_of, log_config

    said = settings.ENVIRONMENT
    # Workers are copies of this process: none may share its connections.
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
    Granian(
        "kybern.server.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        workers=workers,
        log_access=False,
        log_level=LogLevels.warning,
        log_dictconfig=log_config(form_of(said.log), said.log_level, "ext://sys.stdout"),
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
    ).serve()
