"""Reading a log wherever it lies: from its journal, or, in a clone or on an auditor's machine, from what is published."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from kybern.evidence._refused import Refused
from kybern.evidence.log._files import CHECKPOINT, Folder
from kybern.evidence.log._leaf import ERASURE, RECORD, Leaf, moment_of, moment_text, read_leaf, term
from kybern.evidence.log._merkle import HASH_BYTES, leaf_hashes
from kybern.evidence.log._note import Verifier, open_checkpoint
from kybern.evidence.log._tiles import WIDTH, Tile, Tree, parse_bundle, tile_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from kybern.evidence.log._log import Log

_CACHED_BUNDLES: Final = 64
_MARKS: Final = {kind: f'"type":"{kind}"'.encode() for kind in (RECORD, ERASURE)}


class View(ABC):
    """What records and erasures need to know of a log."""

    size: int

    @abstractmethod
    def entries(self, kind: str) -> list[tuple[int, Leaf]]:
        """Give the entries of records or of erasures, with their indices, in order."""

    @abstractmethod
    def leaf(self, index: int) -> bytes:
        """Give a leaf of the log."""

    @abstractmethod
    def root(self, size: int) -> bytes:
        """Compute the root that the tree had at a size."""

    def taken_in_by(self, moment: datetime) -> int:
        """Count the entries that were taken in by a moment: the log's time does not run backwards."""
        text = moment_text(moment)
        return bisect_right(range(self.size), text, key=lambda index: moment_of(self.leaf(index)))


class JournalView(View):
    """The log as its journal has it."""

    def __init__(self, log: Log) -> None:
        """Look at an open log as it is now."""
        self._log = log
        self.size = log.journal.size

    def entries(self, kind: str) -> list[tuple[int, Leaf]]:
        """See `View`."""
        return [(index, leaf) for index, leaf in self._log.journal.found_by(term("type", kind)) if index < self.size]

    def leaf(self, index: int) -> bytes:
        """See `View`."""
        found = self._log.journal.leaf(index)
        if found is None:
            raise Refused(rule="gap", message=f"the journal has no entry {index}")
        return found

    def root(self, size: int) -> bytes:
        """See `View`: from the tiles as far as they are published, and on from the journal."""
        published = self._log.head().checkpoint.size
        if size <= published:
            return self._log.tree_at(size).root()
        tree = self._log.tree_at(published)
        for start, leaves in self._log.journal.blocks(published - published % WIDTH, size):
            for _ in tree.add(leaf_hashes(leaves[max(0, published - start) :])):
                pass
        return tree.root()


class FolderView(View):
    """The log as it is published; `Refused` if there is no checkpoint of this log in the folder."""

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        """Look at a folder as it is now."""
        self._folder = Folder(folder)
        note = self._folder.read(CHECKPOINT)
        if note is None:
            raise Refused(rule="no-checkpoint", message=f"there is no checkpoint in {folder}")
        self.size = open_checkpoint(note, verifier).size
        self._bundles: dict[int, list[bytes]] = {}

    def entries(self, kind: str) -> list[tuple[int, Leaf]]:
        """See `View`."""
        mark = _MARKS[kind]
        return [(index, read_leaf(leaf)) for index, leaf in enumerate(self._leaves()) if mark in leaf]

    def leaf(self, index: int) -> bytes:
        """See `View`."""
        return self._bundle(index // WIDTH)[index % WIDTH]

    def root(self, size: int) -> bytes:
        """See `View`: from the tiles."""
        return Tree.resume(size, self._tile).root()

    def _leaves(self) -> Iterator[bytes]:
        for number in range(-(-self.size // WIDTH)):
            yield from self._read_bundle(number)

    def _bundle(self, number: int) -> list[bytes]:
        if number not in self._bundles:
            if len(self._bundles) >= _CACHED_BUNDLES:
                self._bundles.clear()
            self._bundles[number] = self._read_bundle(number)
        return self._bundles[number]

    def _read_bundle(self, number: int) -> list[bytes]:
        tile = tile_at(-1, number, self.size)
        data = self._folder.read(tile.name) or self._folder.read(tile._replace(width=WIDTH).name)
        entries = [] if data is None else parse_bundle(data)
        if len(entries) < tile.width:
            raise Refused(rule="gap", message=f"the entry bundle {tile.name} is missing, or entries in it are")
        return entries[: tile.width]

    def _tile(self, tile: Tile) -> bytes:
        """Read a tile of an earlier tree out of the one that is published."""
        there = tile_at(tile.level, tile.number, self.size)
        data = self._folder.read(there.name) or self._folder.read(there._replace(width=WIDTH).name) or b""
        if len(data) < tile.width * HASH_BYTES:
            raise Refused(rule="bad-tile", message=f"the tile {there.name} is missing or too short")
        return data[: tile.width * HASH_BYTES]
