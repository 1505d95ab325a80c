"""The audit: everything computed anew from the entries and held against tiles, checkpoints and times; and what it found, in words."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from kybern.evidence._refused import Refused
from kybern.evidence.log._files import CHECKPOINT, Folder
from kybern.evidence.log._journal import Published
from kybern.evidence.log._leaf import moment_of
from kybern.evidence.log._merkle import HASH_BYTES, extends, leaf_hashes
from kybern.evidence.log._note import Checkpoint, Verifier, open_checkpoint
from kybern.evidence.log._tiles import HEIGHT, WIDTH, Tile, Tree, bundle, parse_bundle, tile_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from kybern.evidence.log._log import Log

_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: the rule's slug, and words."""

    rule: str
    message: str

    def __str__(self) -> str:
        """Write it on one line."""
        return f"{self.message} [{self.rule}]"


@dataclass(frozen=True)
class Audit:
    """What an audit covered, what held, and what did not (at most twenty findings)."""

    entries: int
    checkpoint: Checkpoint | None
    held: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def audit(log: Log) -> Audit:
    """Compute the whole log anew from the journal, and compare it with the tiles and with every checkpoint that was signed."""
    judge = _Judge(log.folder, log.verifier)
    size, published = log.journal.size, log.journal.published()
    shown = judge.shown()
    judge.known(shown, published, size)
    judge.read(log.journal.blocks(0, size), size, published)
    judge.files_for(shown, 0)
    return judge.result(size, shown)


def audit_folder(folder: Path, verifier: Verifier, old_note: bytes | None = None) -> Audit:
    """Audit what is published, without the journal: compute the tree anew from the entry bundles.

    With an old checkpoint that somebody kept, the tree must have had its root at its size; `Refused` if it is none of this log's.
    """
    judge = _Judge(Folder(folder), verifier)
    shown = judge.shown()
    size = 0 if shown is None else shown.size
    published = [] if shown is None else [Published(size, shown.root, "", judge.note)]
    if old_note is not None:
        old = open_checkpoint(old_note, verifier)
        published.append(Published(old.size, old.root, "", old_note))
    judge.read(_bundles(judge.folder, size), size, published)
    judge.files_for(shown, 0)
    return judge.result(size, shown)


def audit_since(log: Log, old_note: bytes) -> Audit:
    """Audit what came after an old checkpoint that somebody kept: the log must begin with it, and the new entries must fit.

    Raises `Refused` if the old checkpoint is none of this log's.
    """
    old = open_checkpoint(old_note, log.verifier)
    judge = _Judge(log.folder, log.verifier)
    shown = judge.shown()
    if shown is not None and judge.begins_with(log, old, shown):
        judge.present(_needed(shown.size, old.size))
        judge.tree = log.tree_at(old.size)
        judge.after(log.journal.leaf(old.size - 1))
        start, published = old.size - old.size % WIDTH, log.journal.published_at(shown.size)
        judge.known(shown, [] if published is None else [published], log.journal.size)
        judge.read(log.journal.blocks(start, shown.size), shown.size, [Published(shown.size, shown.root, "", judge.note)])
        judge.files_for(shown, old.size)
    return judge.result(0 if shown is None else max(0, shown.size - old.size), shown)


class _Judge:
    """Reads entries, grows the tree, and notes what does not fit."""

    def __init__(self, folder: Folder, verifier: Verifier) -> None:
        self.folder, self.verifier = folder, verifier
        self.tree = Tree()
        self.note = b""
        self._findings: list[Finding] = []
        self._held: list[str] = []
        self._files: dict[tuple[int, int], list[Tile]] | None = None
        self._fitting: set[Tile] = set()
        self._moment = ""

    def result(self, entries: int, shown: Checkpoint | None) -> Audit:
        return Audit(entries, shown, tuple(self._held), tuple(self._findings))

    def _find(self, rule: str, message: str) -> None:
        if len(self._findings) < _MOST:
            self._findings.append(Finding(rule, message))

    # Checkpoints

    def shown(self) -> Checkpoint | None:
        """Open the folder's checkpoint."""
        note = self.folder.read(CHECKPOINT)
        if note is None:
            self._find("no-checkpoint", "There is no published checkpoint.")
            return None
        try:
            found = open_checkpoint(note, self.verifier)
        except Refused as refused:
            self._find(refused.rule, f"The published checkpoint: {refused.message}.")
            return None
        self.note = note
        self._held.append(f"The checkpoint of {found.size} entries is signed by the log's key.")
        return found

    def known(self, shown: Checkpoint | None, published: Sequence[Published], size: int) -> None:
        """Hold the folder's checkpoint against the journal."""
        if shown is None:
            return
        if shown.size > size:
            self._find("truncated", f"The checkpoint tells of {shown.size} entries, and the journal has {size}: entries were taken away.")
        elif (shown.size, shown.root) not in {(one.size, one.root) for one in published}:
            self._find("fork", f"The journal does not know the published checkpoint of {shown.size} entries.")

    def begins_with(self, log: Log, old: Checkpoint, shown: Checkpoint) -> bool:
        """Tell whether the published log begins with an old checkpoint."""
        if old.size > shown.size:
            self._find("truncated", f"The log had {old.size} entries, and shows {shown.size} now: entries were taken away.")
            return False
        try:
            proof = log.consistency(old.size)
            fits = extends(old.size, shown.size, old.root, shown.root, proof) and log.tree_at(old.size).root() == old.root
        except Refused as refused:
            self._find(refused.rule, f"Consistency cannot be shown: {refused.message}.")
            return False
        if not fits:
            self._find("fork", f"The log does not begin with the {old.size} entries of the old checkpoint: its past was rewritten.")
            return False
        self._held.append(f"The log begins with the {old.size} entries of the old checkpoint; those were not read again.")
        return True

    # Entries

    def after(self, leaf: bytes | None) -> None:
        """Take up the time where an old checkpoint ends: at its last entry."""
        self._moment = "" if leaf is None else moment_of(leaf)

    def read(self, blocks: Iterable[tuple[int, list[bytes]]], size: int, published: Sequence[Published]) -> None:
        """Read entries block by block, and hold each checkpoint of the way against the root there."""
        if self._files is None:
            self.present(tile for name in self.folder.names() if (tile := self._tile(name)))
        waiting = sorted(published)
        try:
            waiting = self._pass(waiting, self.tree.size)
            for start, leaves in blocks:
                waiting = self._block(start, leaves, waiting)
        except Refused as refused:
            self._find(refused.rule, f"Entries cannot be read: {refused.message}.")
        else:
            self._end(size, waiting, len(published))

    def _block(self, start: int, leaves: list[bytes], waiting: list[Published]) -> list[Published]:
        self._compare(Tile(-1, start // WIDTH), lambda width: bundle(leaves[:width]), len(leaves))
        done = max(0, self.tree.size - start)
        while done < len(leaves):
            stop = min(len(leaves), waiting[0].size - start) if waiting else len(leaves)
            self._moments(start + done, leaves[done:stop])
            for tile, data in self.tree.add(leaf_hashes(leaves[done:stop])):
                self._compare(tile, lambda width, data=data: data[: width * HASH_BYTES], WIDTH)  # type: ignore[misc]
            done = stop
            waiting = self._pass(waiting, start + done, leaves, done)
        return waiting

    def _pass(self, waiting: list[Published], at: int, leaves: Sequence[bytes] = (), done: int = 0) -> list[Published]:
        """Judge the checkpoints of the size that is reached."""
        while waiting and waiting[0].size <= at:
            one = waiting[0]
            waiting = waiting[1:]
            self._judge(one, self.tree.root())
            if one.at and done and moment_of(leaves[done - 1]) > one.at:
                self._find("backdated", f"The checkpoint of {one.size} entries is said to be older than its last entry.")
            self._moment = max(self._moment, one.at)
        return waiting

    def _judge(self, one: Published, root: bytes) -> None:
        try:
            stated = open_checkpoint(one.note, self.verifier)
        except Refused as refused:
            self._find(refused.rule, f"The checkpoint of {one.size} entries that the journal keeps: {refused.message}.")
            return
        if (stated.size, stated.root) != (one.size, one.root) or root != one.root:
            message = f"The first {one.size} entries do not lead to the root that was signed for them: an entry among them was changed."
            self._find("rewritten", message)

    def _moments(self, start: int, leaves: list[bytes]) -> None:
        moments = [self._moment, *map(moment_of, leaves)]
        if moments != sorted(moments):
            index = next(number for number, (one, two) in enumerate(pairwise(moments)) if two < one)
            self._find("backdated", f"Entry {start + index} says it came in at {moments[index + 1]}, before what was there already.")
        self._moment = max(moments)

    def _end(self, size: int, waiting: Sequence[Published], signed: int) -> None:
        for tile, data in self.tree.edge():
            self._compare(tile, lambda width, data=data: data[: width * HASH_BYTES], tile.width)  # type: ignore[misc]
        for one in waiting:
            self._find("truncated", f"A checkpoint of {one.size} entries was signed, and there are {size}: entries were taken away.")
        for tiles in (self._files or {}).values():
            for tile in tiles:
                self._find("stranger", f"The file {tile.name} is of no entry.")
        if not self._findings:
            self._held.append(f"The entries, hashed anew up to {size}, lead to the roots of {_count(signed, 'signed checkpoint')}.")
            self._held.append("No entry came in earlier than those before it.")

    # Files

    def present(self, tiles: Iterable[Tile]) -> None:
        """Say which files are to be compared."""
        found: dict[tuple[int, int], list[Tile]] = defaultdict(list)
        for tile in tiles:
            found[tile.level, tile.number].append(tile)
        self._files = dict(found)

    def _tile(self, name: str) -> Tile | None:
        tile = Tile.parse(name)
        if tile is None:
            self._find("stranger", f"The file {ascii(name)[1:-1]} is no tile.")
        return tile

    def _compare(self, tile: Tile, content: Callable[[int], bytes], width: int) -> None:
        """Compare every file there is of a tile, whole or partial, with what the entries make."""
        for one in (self._files or {}).pop((tile.level, tile.number), ()):
            if one.width > width or self.folder.read(one.name) != content(one.width):
                self._find("tile-differs", f"The file {one.name} is not what the entries make.")
            else:
                self._fitting.add(one)

    def files_for(self, shown: Checkpoint | None, start: int) -> None:
        """Note what the checkpoint needs and the folder lacks."""
        if shown is None:
            return
        differing = {finding.message.split(" ")[2] for finding in self._findings if finding.rule == "tile-differs"}
        needed = list(_needed(shown.size, start))
        for tile in needed:
            if self._fitting.isdisjoint((tile, tile._replace(width=WIDTH))) and tile.name not in differing:
                self._find("tile-missing", f"The file {tile.name} is not there, or could not be compared.")
        if not self._findings:
            self._held.append(f"{_count(len(needed), 'file')} of tiles and entry bundles: byte for byte what the entries make.")


def _needed(size: int, start: int) -> Iterator[Tile]:
    """Name the tiles and bundles that a tree of this size has, from those with entry `start` on."""
    for level in (-1, *range(8)):
        count = size >> (HEIGHT * max(level, 0))
        for number in range((start >> (HEIGHT * max(level, 0))) // WIDTH, -(-count // WIDTH)):
            yield tile_at(level, number, size)


def _bundles(folder: Folder, size: int) -> Iterator[tuple[int, list[bytes]]]:
    """Read the entries from the bundles."""
    for start in range(0, size, WIDTH):
        tile = tile_at(-1, start // WIDTH, size)
        data = folder.read(tile.name) or folder.read(tile._replace(width=WIDTH).name)
        entries = [] if data is None else parse_bundle(data)
        if len(entries) < tile.width:
            raise Refused(rule="gap", message=f"the entry bundle {tile.name} is missing, or entries in it are")
        yield start, entries[: tile.width]


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
