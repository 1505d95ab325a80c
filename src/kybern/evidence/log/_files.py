"""The log's folder: files written whole or not at all, flushed before they are named, read within bounds."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kybern.evidence._durable import write_flushed
from kybern.evidence.log._tiles import MAX_ENTRY, WIDTH, Tile

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKPOINT: Final = "checkpoint"
_ASIDE: Final = ".tmp"
_MAX_FILE: Final = WIDTH * (MAX_ENTRY + 2)
_counter = itertools.count()


class Folder:
    """The folder that is published: the checkpoint, tiles and entry bundles."""

    def __init__(self, path: Path) -> None:
        """Take the folder; it is made with the first file."""
        self.path, self._where = path, f"{path}{os.sep}"
        self._changed: set[Path] = set()

    def read(self, name: str) -> bytes | None:
        """Read a file; None if it is not there, is no ordinary file or is longer than any tile."""
        path = self.path / name
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_FILE:
                return None
            return path.read_bytes()
        except OSError:
            return None

    def mark(self, name: str) -> tuple[int, int, int] | None:
        """Give what tells a file from the one that takes its place; None if it is not there or is no ordinary file."""
        try:
            found = os.stat(f"{self._where}{name}", follow_symlinks=False)  # noqa: PTH116 - asked for each proof, and three times as fast
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None

    def put(self, name: str, data: bytes) -> None:
        """Put a file in its place: written aside, flushed, renamed. `OSError` leaves what was there.

        The name itself is durable after `settle`. A file that has these bytes is left alone.
        """
        if self.read(name) == data:
            return
        path = self.path / name
        self._make(path.parent)
        aside = self.path / _ASIDE / f"{os.getpid()}-{next(_counter)}"
        aside.parent.mkdir(exist_ok=True)
        try:
            _write(aside, data)
            os.replace(aside, path)  # noqa: PTH105 - one door for the fault injection of the tests
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        self._changed.add(path.parent)

    def settle(self) -> None:
        """Make the names of the files put so far durable, where the system lets a folder be opened."""
        changed, self._changed = sorted(self._changed), set()
        for folder in changed if os.name == "posix" else ():
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def drop_partial(self, tile: Tile) -> None:
        """Take away the partial forms of a tile that is whole now."""
        folder = self.path / f"{tile.name}.p"
        if folder.is_dir():
            for path in folder.iterdir():
                path.unlink(missing_ok=True)
            folder.rmdir()

    def names(self) -> Iterator[str]:
        """Name every file below `tile/`."""
        for here, _, files in os.walk(self.path / "tile"):
            yield from (Path(here, file).relative_to(self.path).as_posix() for file in files)

    def _make(self, folder: Path) -> None:
        """Make a folder with those above it, whose names are to be made durable too."""
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            self._changed.add(folder.parent)


def _write(path: Path, data: bytes) -> None:
    write_flushed(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), data)
