"""What fails beneath the server and is nobody's mistake: a database that does not answer, a disk that is full. And the answer to each."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_FREE: Final = 32 << 20
"""Bytes of the data folder's disk below which the server says that it has no room."""

_NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT))
_LOST: Final = (OperationalError, InterfaceError)
_DISK_FULL: Final = "53100"
_TURNS: Final = frozenset(("40001", "40P01", "55P03"))
"""PostgreSQL's names for: others were in the way (serialization, deadlock, lock not to be had)."""


@dataclass(frozen=True)
class Failure:
    """A failure as it is told: status, slug, words, and after how many seconds to ask again."""

    status: HTTPStatus
    slug: str
    detail: str
    retry_after: int


DISK_FULL: Final = Failure(
    HTTPStatus.INSUFFICIENT_STORAGE,
    "disk-full",
    "The server's disk is full. Nothing of this was kept; what was there stands, and can be read.",
    60,
)
DATABASE_AWAY: Final = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "database-away",
    "The server's database does not answer. If this was a write, read what stands before you send it again: a version protects you.",
    5,
)
DATABASE_BUSY: Final = Failure(
    HTTPStatus.SERVICE_UNAVAILABLE, "database-busy", "Others were writing for too long. Nothing of this was kept: send it again.", 1
)


def failure_of(error: BaseException | None) -> Failure | None:
    """Tell whether an exception is such a failure, by itself or by what caused it; None for everything else."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in _NO_ROOM:
            return DISK_FULL
        if isinstance(one, DatabaseError | InterfaceError) and (found := _of_database(one)) is not None:
            return found
    return None


def _of_database(error: Exception) -> Failure | None:
    state = getattr(error.__cause__, "sqlstate", None)
    text = str(error).lower()
    if state == _DISK_FULL or "disk is full" in text or "no space left" in text:
        return DISK_FULL
    if not isinstance(error, _LOST):
        return None
    if state in _TURNS or "database is locked" in text or "table is locked" in text:
        return DATABASE_BUSY
    # SQLite tells a full disk as an error of reading or opening too, where the file beside the database cannot be made.
    return DISK_FULL if state is None and ("disk i/o" in text or "unable to open" in text) and not room() else DATABASE_AWAY


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def room() -> int:
    """Give the free bytes of the data folder's disk, 0 where they are fewer than are needed to go on."""
    free = shutil.disk_usage(settings.KYBERN_DATA).free
    return free if free >= MIN_FREE else 0
