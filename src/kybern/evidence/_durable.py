"""Files written whole or not at all and flushed before they are named; and files destroyed as far as a program can."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def put(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put a file in its place: written aside, flushed, renamed, the name flushed. `OSError` leaves what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.unlink(missing_ok=True)
    try:
        write_flushed(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), content)
        os.replace(aside, path)  # noqa: PTH105 - one door for the fault injection of the tests
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def destroy(path: Path) -> None:
    """Overwrite a file with zeros, flush, and take it away; a file that is not there is destroyed already.

    What a disk, a file system or a backup keeps of it beside, nobody can say from here.
    """
    try:
        size = path.stat().st_size
        handle = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        return
    write_flushed(handle, bytes(size))
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system lets a folder be opened."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_flushed(handle: int, content: bytes) -> None:
    """Write all of it to an open file, flush it to disk, and close the file."""
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
