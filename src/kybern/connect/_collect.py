"""Files and folders into sources: bounded, links not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kybern.base import InputError, Place
from kybern.connect._connector import Connector
from kybern.connect._observation import Source

MAX_BYTES: Final = 32 * 1024 * 1024
"""The most that is read of a file, and of a folder in all."""
MAX_FILES: Final = 10_000


def read_source(path: Path, connector: Connector, name: str | None = None) -> Source:
    """Read what a connector is to read. Raises `InputError`: not there, too large, a folder for a connector that reads files."""
    shown = name or str(path)
    try:
        if path.is_dir():
            if not connector.folders:
                raise InputError.one("not-a-file", f"The connector {connector.name} reads a file, not a folder.", Place(shown))
            return Source(shown, files=_folder(path, shown))
        return Source(shown, _file(path, shown, MAX_BYTES))
    except OSError as error:
        raise InputError.one("unreadable", f"It cannot be read: {error.strerror}.", Place(shown)) from None


def _file(path: Path, shown: str, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError.one("too-large", f"It has more than {most:,} bytes.", Place(shown), "Only what fits is read: split it.")
    return data


def _folder(path: Path, shown: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = MAX_BYTES
    for one in _files(path):
        if len(found) == MAX_FILES:
            raise InputError.one("too-many", f"It has more than {MAX_FILES:,} files.", Place(shown), "Name the folder of one run.")
        name = one.relative_to(path).as_posix()
        found[name] = _file(one, f"{shown}/{name}", left)
        left -= len(found[name])
    return found


def _files(path: Path) -> Iterator[Path]:
    """Walk over a folder's files in the order of their names; links are passed over."""
    for here, folders, names in os.walk(path):
        folders.sort()
        yield from (one for name in sorted(names) if not (one := Path(here, name)).is_symlink() and one.is_file())
