"""Tiles of height 8 and entry bundles, as C2SP tlog-tiles lays them out: their names, their bytes, how a tree grows by them. Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from kybern.evidence._refused import Refused
from kybern.evidence.log._merkle import EMPTY_ROOT, HASH_BYTES, node_hash, parents

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
MAX_ENTRY: Final = 0xFFFF
"""The longest entry, in bytes: its length stands before it in two bytes."""

_MAX_LEVEL: Final = 63
_FULL: Final = WIDTH * HASH_BYTES
_NAME: Final = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


class Tile(NamedTuple):
    """A tile's place and width. Level -1 is an entry bundle, which lies beside the tile of level 0."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def name(self) -> str:
        """The file's name in the log's folder: `tile/0/x001/x234/067.p/12`."""
        kind = "entries" if self.level < 0 else self.level
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{kind}/{_number(self.number)}{partial}"

    @classmethod
    def parse(cls, name: str) -> Tile | None:
        """Read a file's name; None if it is not that of a tile. Each tile has one name only."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        level = -1 if match[1] == "entries" else int(match[1])
        tile = cls(level, int(match[2].replace("x", "").replace("/", "")), int(match[3] or WIDTH))
        return tile if tile.name == name and level <= _MAX_LEVEL else None


def _number(number: int) -> str:
    head, last = divmod(number, 1000)
    text = f"{last:03}"
    while head:
        head, part = divmod(head, 1000)
        text = f"x{part:03}/{text}"
    return text


def bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries one after the other, each after its length. `ValueError` for one that is too long."""
    if any(len(entry) > MAX_ENTRY for entry in entries):
        msg = f"an entry has more than {MAX_ENTRY:,} bytes"
        raise ValueError(msg)
    return b"".join([part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry)])


def parse_bundle(data: bytes) -> list[bytes]:
    """Read the entries of a bundle; `Refused` (`bad-bundle`) if it ends within one or has more than a tile is wide."""
    found: list[bytes] = []
    start = 0
    while start < len(data):
        end = start + 2
        if end <= len(data):
            end += int(struct.unpack_from(">H", data, start)[0])
        if end > len(data) or len(found) == WIDTH:
            raise Refused(rule="bad-bundle", message="the entry bundle ends within an entry, or has more entries than a tile is wide")
        found.append(data[start + 2 : end])
        start = end
    return found


def tile_at(level: int, number: int, size: int) -> Tile:
    """Name the tile as it is in a tree of this size: whole, or as wide as it has become."""
    return Tile(level, number, min(WIDTH, (size >> (HEIGHT * max(level, 0))) - number * WIDTH))


def pyramid(tile: bytes) -> list[bytes]:
    """Hash a tile upwards: the hashes of the whole subtrees of height 0, 1, ... within it."""
    found = [tile]
    while len(found[-1]) >= 2 * HASH_BYTES:
        found.append(parents(found[-1]))
    return found


class Tree:
    """A tree that grows by leaf hashes and lets go of each tile once it is whole.

    It holds only its right edge: at most 255 hashes a level.
    """

    def __init__(self) -> None:
        """Start with the empty tree."""
        self._edge: list[bytes] = []
        self._whole: list[int] = []

    @classmethod
    def resume(cls, size: int, read: Callable[[Tile], bytes]) -> Tree:
        """Take up a tree of this size, its right edge read from its tiles."""
        tree = cls()
        level = 0
        while count := size >> (HEIGHT * level):
            whole, width = divmod(count, WIDTH)
            tree._edge.append(read(Tile(level, whole, width)) if width else b"")
            tree._whole.append(whole)
            level += 1
        return tree

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self._whole[0] * WIDTH + len(self._edge[0]) // HASH_BYTES if self._edge else 0

    def add(self, hashes: bytes) -> Iterator[tuple[Tile, bytes]]:
        """Add leaf hashes; give each tile that becomes whole, with its bytes. To be run to its end."""
        yield from self._push(0, hashes)

    def _push(self, level: int, hashes: bytes) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self._edge):
            self._edge.append(b"")
            self._whole.append(0)
        data = self._edge[level] + hashes
        end = len(data) - len(data) % _FULL
        self._edge[level] = data[end:]
        for start in range(0, end, _FULL):
            tile = data[start : start + _FULL]
            yield Tile(level, self._whole[level]), tile
            self._whole[level] += 1
            yield from self._push(level + 1, pyramid(tile)[HEIGHT])

    def edge(self) -> Iterator[tuple[Tile, bytes]]:
        """Give the tiles that are not whole yet, with their bytes."""
        for level, hashes in enumerate(self._edge):
            if hashes:
                yield Tile(level, self._whole[level], len(hashes) // HASH_BYTES), hashes

    def root(self) -> bytes:
        """Compute the root."""
        found: bytes | None = None
        for hashes in self._edge:
            for row in pyramid(hashes) if hashes else ():
                if len(row) // HASH_BYTES % 2:
                    peak = row[-HASH_BYTES:]
                    found = peak if found is None else node_hash(peak, found)
        return EMPTY_ROOT if found is None else found
