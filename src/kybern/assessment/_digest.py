"""The digest of all evidence, kept so that one more piece costs the hashing of what lies behind it, and no sorting."""

from __future__ import annotations

import hashlib
from bisect import bisect_right, insort
from collections.abc import Iterable
from typing import Final, Self

from kybern.base import canonical_json
from kybern.evidence import Evidence

_BLOCK: Final = 4096
"""Lines of a block; one of twice as many is cut in two."""

_Line = tuple[str, bytes]


class Digest:
    """SHA-256 over the sorted ids, each with its strength, as a JSON array. Immutable; `plus` shares the blocks that it does not touch."""

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        """Sort what the pieces state."""
        lines = sorted(map(_said, evidence))
        self._blocks = [lines[start : start + _BLOCK] for start in range(0, len(lines), _BLOCK)]
        self._texts = [_text(block) for block in self._blocks]
        self._hashed = [hashlib.sha256(b"[")]
        """The hash before each block, as far as it was worked out."""

    def plus(self, item: Evidence) -> Self:
        """Give the digest with one more piece."""
        line, found = _said(item), object.__new__(type(self))
        # The last block that begins at or before the line; `_blocks` are few.
        at = max(bisect_right(self._blocks, line, key=lambda block: block[0]) - 1, 0)
        block = list(self._blocks[at]) if self._blocks else []
        insort(block, line)
        parts = [block] if len(block) < 2 * _BLOCK else [block[:_BLOCK], block[_BLOCK:]]
        found._blocks = [*self._blocks[:at], *parts, *self._blocks[at + 1 :]]
        found._texts = [*self._texts[:at], *map(_text, parts), *self._texts[at + 1 :]]
        found._hashed = self._hashed[: at + 1]
        return found

    def hexdigest(self) -> str:
        """Hash what was not hashed yet."""
        hashed = list(self._hashed)  # of this thread: another may be hashing the same
        for at in range(len(hashed) - 1, len(self._texts)):
            before = hashed[at].copy()
            before.update(b"," + self._texts[at] if at else self._texts[at])
            hashed.append(before)
        self._hashed = hashed
        last = hashed[-1].copy()
        last.update(b"]")
        return last.hexdigest()


def _text(block: list[_Line]) -> bytes:
    return b",".join([line for _, line in block])


def _said(item: Evidence) -> _Line:
    """Give a piece's id, and what the digest of all takes of it, in canonical JSON."""
    return item.id, canonical_json(
        [item.id, int(item.strength)]
    ) if not item.id.isalnum() else f'["{item.id}",{int(item.strength)}]'.encode()
