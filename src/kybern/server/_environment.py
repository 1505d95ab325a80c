"""What the server is told by its environment: the one place that reads it."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from kybern.server._identity import Identity, IdentityProblem, read_identity

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_FILE: Final = "secret.key"
DATABASE_FILE: Final = "kybern.db"
_SECRET_BYTES: Final = 48
RATE_LIMIT: Final = 600
"""Requests a minute that the API answers for a token; who is not signed in has a tenth of it, by address."""


class EnvironmentProblem(Exception):  # noqa: N818 - it is told to people as a problem
    """A variable of the environment that cannot be used: which, and what would be right."""


@dataclass(frozen=True)
class Environment:
    """The server's surroundings, as the variables `KYBERN_…` say; docs/handbook/server.md has each of them."""

    data: Path
    database_url: str
    url: str
    hosts: tuple[str, ...]
    secret: str
    debug: bool
    proxies: int
    log: str
    log_level: str
    identity: Identity
    jobs: bool
    webhooks_loopback: bool
    rate_limit: int

    @property
    def secure(self) -> bool:
        """Whether people reach the server by HTTPS."""
        return self.url.startswith("https://")


def read_environment(environ: dict[str, str] | None = None) -> Environment:
    """Read the environment; the data folder and its secret are made where they are missing."""
    said = dict(os.environ) if environ is None else environ
    data = Path(said.get("KYBERN_DATA", "kybern-data")).absolute()
    url = said.get("KYBERN_URL", "http://127.0.0.1:8042").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        msg = f"KYBERN_URL is {url!r}: write the address by which people reach the server, as https://kybern.example.org"
        raise EnvironmentProblem(msg)
    hosts = tuple(filter(None, (one.strip() for one in said.get("KYBERN_HOSTS", "").split(","))))
    proxies = said.get("KYBERN_PROXIES", "0")
    if not proxies.isdecimal():
        msg = f"KYBERN_PROXIES is {proxies!r}: write how many proxies stand in front of the server, 0 for none"
        raise EnvironmentProblem(msg)
    limit = said.get("KYBERN_RATE_LIMIT", str(RATE_LIMIT))
    if not (limit.isascii() and limit.isdecimal()):
        msg = f"KYBERN_RATE_LIMIT is {limit!r}: write how many requests a minute the API answers for a token, 0 for any number"
        raise EnvironmentProblem(msg)
    log, level = said.get("KYBERN_LOG", ""), said.get("KYBERN_LOG_LEVEL", "INFO").upper()
    if log not in {"", "json", "text"}:
        msg = f"KYBERN_LOG is {log!r}: write json or text, or nothing for text in a terminal and JSON elsewhere"
        raise EnvironmentProblem(msg)
    if level not in logging.getLevelNamesMapping():
        msg = f"KYBERN_LOG_LEVEL is {level!r}: write DEBUG, INFO, WARNING or ERROR"
        raise EnvironmentProblem(msg)
    return Environment(
        data=data,
        database_url=said.get("KYBERN_DATABASE_URL", ""),
        url=url,
        hosts=(*hosts, parts.hostname, "localhost", "127.0.0.1", "[::1]"),
        secret=said.get("KYBERN_SECRET", "") or secret_of(data),
        debug=said.get("KYBERN_DEBUG", "") == "1",
        proxies=int(proxies),
        log=log,
        log_level=level,
        identity=_identity(said),
        jobs=said.get("KYBERN_JOBS", "1") != "0",
        webhooks_loopback=said.get("KYBERN_WEBHOOKS_LOOPBACK", "") == "1",
        rate_limit=int(limit),
    )


def _identity(said: Mapping[str, str]) -> Identity:
    try:
        return read_identity(said)
    except IdentityProblem as problem:
        raise EnvironmentProblem(str(problem)) from None


def secret_of(data: Path) -> str:
    """Give the secret of a data folder, which is made at its first use and readable by its owner only.

    Where there is no folder there is no database either, and nothing to keep: such a secret lasts as long as the process.
    """
    path = data / SECRET_FILE
    fresh = secrets.token_urlsafe(_SECRET_BYTES)
    if not data.is_dir():
        return fresh
    if not path.exists():
        aside = path.with_name(f".{SECRET_FILE}.{os.getpid()}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(fresh)
        with suppress(FileExistsError):
            os.link(aside, path)  # whoever comes second takes the first one's
        aside.unlink()
    return path.read_text(encoding="ascii").strip()


def database_of(url: str, data: Path) -> dict[str, Any]:
    """Give Django's settings for a database address, SQLite in the data folder where there is none.

    Raises `EnvironmentProblem` for an address that is neither `postgresql://` nor `sqlite:///`.
    """
    if not url:
        return _sqlite(data / DATABASE_FILE)
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path.removeprefix("/") if parts.path.startswith("//") else parts.path)))
    if parts.scheme not in {"postgresql", "postgres"}:
        msg = "KYBERN_DATABASE_URL is no address of PostgreSQL: write it like postgresql://user:password@host:5432/kybern"
        raise EnvironmentProblem(msg)
    options: dict[str, Any] = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 16, "timeout": 10}, **options},
    }


def _sqlite(path: Path) -> dict[str, Any]:
    # What is acknowledged is on disk: WAL with full synchronisation, and writers queue instead of failing.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536;",
        },
        "TEST": {"NAME": None},
    }
