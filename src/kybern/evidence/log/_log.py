"""The log: append, publish, prove. The journal is the truth; the folder is made from it; the checkpoint is never ahead of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kybern.evidence._refused import Refused
from kybern.evidence.log._files import CHECKPOINT, Folder
from kybern.evidence.log._journal import Journal, Published
from kybern.evidence.log._leaf import moment_of, moment_text
from kybern.evidence.log._merkle import HASH_BYTES, consistency, inclusion, leaf_hashes
from kybern.evidence.log._note import Checkpoint, Signer, Verifier, open_checkpoint
from kybern.evidence.log._proof import TlogProof
from kybern.evidence.log._tiles import HEIGHT, WIDTH, Tile, Tree, bundle, pyramid, tile_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from kybern.evidence.log._cosignature import Cosignature
    from kybern.evidence.log._journal import AnyJournal, Draft, Guard

_CACHED_TILES: Final = 4096


@dataclass(frozen=True)
class Head:
    """A checkpoint with the note it was read from."""

    checkpoint: Checkpoint
    note: bytes


class Log:
    """A log in a folder, with its journal. Without a signer everything but `publish` works."""

    def __init__(self, folder: Path, journal: AnyJournal, verifier: Verifier, signer: Signer | None = None) -> None:
        """Put a log together from its parts; see `open`."""
        self.folder, self.journal, self.verifier = Folder(folder), journal, verifier
        self._signer = signer
        self._head: Head | None = None
        self._mark: tuple[int, int, int] | None = None
        self._ways: dict[tuple[int, int], tuple[list[bytes], tuple[bytes, ...]]] = {}
        self._tiles: dict[Tile, list[bytes]] = {}

    @classmethod
    def open(cls, folder: Path, journal: Path, key: Signer | Verifier) -> Log:
        """Open a log by its folder, its journal and its key, whose name is the log's origin.

        Raises `Refused` if the journal is not there or is none.
        """
        signer = key if isinstance(key, Signer) else None
        return cls(folder, Journal(journal), key.verifier if isinstance(key, Signer) else key, signer)

    @classmethod
    def create(cls, folder: Path, journal: Path, signer: Signer, now: datetime) -> Log:
        """Make an empty log and publish it; `Refused` (`log-exists`, `journal-exists`) if there is one."""
        if (folder / CHECKPOINT).exists() or (folder / "tile").exists():
            raise Refused(rule="log-exists", message=f"there is a log in {folder} already")
        there = Journal(journal) if journal.exists() else Journal.create(journal)
        if there.size:
            raise Refused(rule="journal-exists", message=f"there is a journal at {journal} already")
        log = cls(folder, there, signer.verifier, signer)
        log.publish(now)
        return log

    def append(self, entries: Sequence[Draft], at: datetime, guard: Guard | None = None) -> list[int]:
        """Append entries; durable when this returns, in the checkpoint after the next `publish`. Raises as `Journal.append`."""
        return self.journal.append(entries, at, guard)

    # Publishing

    def publish(self, now: datetime) -> Checkpoint:
        """Make what was appended visible: write tiles, keep the signed checkpoint in the journal, then put it in the folder.

        To be called on a clock. Raises `Refused`: `rollback`, `fork` where the journal does not continue what was published;
        `no-key`. `OSError` where the disk fails; then nothing is visible that was not before.
        """
        last = self._last_that_holds()
        size = self.journal.size
        if last is None or last.size < size:
            self._extend(last, size, now)
        elif self._edge_of(last) is None:  # tiles are lost or damaged: the journal makes them anew
            self._grow(Tree(), last, last.size)
        return self._show_latest()

    def _last_that_holds(self) -> Published | None:
        """Give the latest checkpoint the journal knows, after holding journal and folder against each other."""
        note = self.folder.read(CHECKPOINT)  # first: what others publish meanwhile is known to the journal by then
        shown = None if note is None else open_checkpoint(note, self.verifier)
        last, size = self.journal.last_published(), self.journal.size
        newest = max(0 if last is None else last.size, 0 if shown is None else shown.size)
        if newest > size:
            message = f"a checkpoint of {newest} entries was published, and the journal has {size} only: entries were lost or taken away"
            raise Refused(rule="rollback", message=message)
        known = None if shown is None else self.journal.published_at(shown.size)
        if shown is not None and (known is None or known.root != shown.root):
            message = f"the journal does not know the published checkpoint of {shown.size} entries: it is another journal, or an older one"
            raise Refused(rule="fork", message=message)
        return last

    def _extend(self, last: Published | None, size: int, now: datetime) -> None:
        if self._signer is None:
            raise Refused(rule="no-key", message="publishing needs the log's private key")
        tree = Tree() if last is None else (self._edge_of(last) or Tree())
        tree = self._grow(tree, last, size)
        newest = self.journal.leaf(size - 1)
        at = max(moment_text(now), "" if newest is None else moment_of(newest), "" if last is None else last.at)
        found = Checkpoint(self.verifier.name, size, tree.root())
        self.journal.record(Published(size, found.root, at, self._signer.sign(str(found))))

    def _edge_of(self, last: Published) -> Tree | None:
        """Take up the tree at a checkpoint from its tiles; None if they do not lead to its root."""
        try:
            tree = Tree.resume(last.size, self._read)
        except Refused:
            return None
        return tree if tree.root() == last.root and self._bundle_there(last.size) else None

    def _bundle_there(self, size: int) -> bool:
        return not size or self.folder.read(tile_at(-1, (size - 1) // WIDTH, size).name) is not None

    def _grow(self, tree: Tree, last: Published | None, size: int) -> Tree:
        """Write what the tree lacks up to a size. Where it starts from nothing, the journal is held against the last checkpoint first."""
        before = tree.size
        if last is not None and before == 0 < last.size:
            self._check_rebuilt(last)
        whole: list[Tile] = []
        for start, leaves in self.journal.blocks(before - before % WIDTH, size):
            self.folder.put(tile_at(-1, start // WIDTH, size).name, bundle(leaves))
            for one, data in tree.add(leaf_hashes(leaves[max(0, before - start) :])):
                self.folder.put(one.name, data)
                whole += (one, one._replace(level=-1)) if one.level == 0 else (one,)
        for one, data in tree.edge():
            self.folder.put(one.name, data)
        self.folder.settle()
        for one in whole:
            self.folder.drop_partial(one)
        return tree

    def _check_rebuilt(self, last: Published) -> None:
        """Hold the journal against a checkpoint before tiles are made from it anew."""
        tree = Tree()
        for _, leaves in self.journal.blocks(0, last.size):
            for _ in tree.add(leaf_hashes(leaves)):
                pass
        if tree.root() != last.root:
            message = f"the first {last.size} entries of the journal are not those of the checkpoint that was signed: one was changed"
            raise Refused(rule="fork", message=message)

    def _show_latest(self) -> Checkpoint:
        """Put the latest checkpoint in the folder. Nobody records another meanwhile, so the folder never goes back."""
        with self.journal.latest() as latest:
            if latest is None:
                raise Refused(rule="rollback", message="the journal knows no checkpoint")
            self.folder.put(CHECKPOINT, latest.note)
            self.folder.settle()
        return open_checkpoint(latest.note, self.verifier)

    def add_cosignatures(self, size: int, cosigned: Sequence[Cosignature]) -> None:
        """Keep cosignatures of the checkpoint of this size, durably, then show them under it if it is still the latest.

        Raises `Refused` (`too-many`) where the note would grow past what verifiers read; then none of them is kept.
        """
        self.journal.cosign(size, cosigned)
        self._show_latest()

    # Proving

    def head(self) -> Head:
        """Read the published checkpoint; `Refused` if there is none, or it does not hold.

        Publishing puts another file in its place. As long as the file is the same one, it is not read again: were the system to make two
        look alike, the older checkpoint would be given, which holds as well.
        """
        mark = self.folder.mark(CHECKPOINT)
        if self._head is not None and mark is not None and mark == self._mark:
            return self._head
        note = self.folder.read(CHECKPOINT)
        if note is None:
            raise Refused(rule="no-checkpoint", message=f"there is no checkpoint in {self.folder.path}")
        if self._head is None or self._head.note != note:
            self._head = Head(open_checkpoint(note, self.verifier), note)
        self._mark = mark
        return self._head

    def prove(self, which: int | str) -> TlogProof:
        """Prove that an entry is in the published log, by its index or the SHA-256 of its statement or envelope (the latest of it).

        Raises `Refused`: `unknown-entry`, `not-published`, `bad-tile`.
        """
        head = self.head()
        index, leaf = (which, self.journal.leaf(which)) if isinstance(which, int) else self.journal.latest_of(which)
        if leaf is None:
            raise Refused(rule="unknown-entry", message=f"the log has no entry {which}")
        if index >= head.checkpoint.size:
            raise Refused(rule="not-published", message=f"entry {index} is in the journal and not yet in a checkpoint: publish first")
        return TlogProof(index, self._path(index, head.checkpoint.size), head.note, leaf)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Make the inclusion proof of an entry in the published tree, or in that of `size` leaves; `ValueError` beyond it.

        Raises `Refused` (`bad-tile`) where the tiles in the folder are not those of that tree.
        """
        return self._path(index, self.head().checkpoint.size if size is None else size)

    def _path(self, index: int, size: int) -> tuple[bytes, ...]:
        """Make an inclusion proof: within a whole tile by slicing, above it as for every entry of that tile."""
        number, place = divmod(index, WIDTH)
        way = self._ways.get((number, size))
        if way is None:
            if not 0 <= index < size - size % WIDTH:
                return inclusion(index, size, lambda level, number: self._node(level, number, size))
            way = self._ways[number, size] = self._way(number, size)
        below = [row[(at := (place >> height ^ 1) * HASH_BYTES) : at + HASH_BYTES] for height, row in enumerate(way[0])]
        return (*below, *way[1])

    def _way(self, number: int, size: int) -> tuple[list[bytes], tuple[bytes, ...]]:
        """Give a whole tile's rows below its top, and the part of the proof above it."""
        if len(self._ways) >= _CACHED_TILES:
            self._ways.pop(next(iter(self._ways)))
        above = inclusion(number * WIDTH, size, lambda level, number: self._node(level, number, size), HEIGHT)
        return self._rows(Tile(0, number))[:HEIGHT], above

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """Make the proof that the published tree, or that of `new` leaves, begins with the tree of `old`; `ValueError` beyond it."""
        size = self.head().checkpoint.size if new is None else new
        return consistency(old, size, lambda level, number: self._node(level, number, size))

    def _node(self, level: int, number: int, size: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        rows = self._rows(tile_at(tile_level, number << height >> HEIGHT, size))
        start = (number & ((WIDTH >> height) - 1)) * HASH_BYTES
        return rows[height][start : start + HASH_BYTES]

    def _rows(self, tile: Tile) -> list[bytes]:
        """Read a tile hashed upwards, and remember it: a tile of this width never changes."""
        rows = self._tiles.get(tile)
        if rows is None:
            rows = pyramid(self._read(tile))
            if len(self._tiles) >= _CACHED_TILES:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[tile] = rows
        return rows

    def _read(self, tile: Tile) -> bytes:
        """Read a tile; where its partial form is gone, from the whole one. `Refused` (`bad-tile`) if it is missing or too short."""
        for name in (tile.name, tile._replace(width=WIDTH).name):
            data = self.folder.read(name)
            if data is not None and len(data) >= tile.width * HASH_BYTES:
                return data[: tile.width * HASH_BYTES]
        raise Refused(rule="bad-tile", message=f"the tile {tile.name} is missing or too short; `publish` makes lost tiles anew")

    def tree_at(self, size: int) -> Tree:
        """Take up the tree at an earlier size from the tiles of the published one; `Refused` (`bad-tile`) if one is missing."""
        whole = self.head().checkpoint.size
        return Tree.resume(size, lambda tile: self._read(tile_at(tile.level, tile.number, whole))[: tile.width * HASH_BYTES])
