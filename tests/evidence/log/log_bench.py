"""What the tests of the log share: a fixed key, entries, a log to work on, and Merkle trees by brute force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kybern.evidence import PrivateKey
from kybern.evidence.log import Entry, Log, Signer

ORIGIN = "example.org/evidence"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY = PrivateKey(Ed25519PrivateKey.from_private_bytes(b"\x11" * 32))
SIGNER = Signer(ORIGIN, KEY)


def digest(value: object) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()


def entries(start: int, count: int, source: str = "tool:test", *, once: bool = False) -> list[Entry]:
    return [Entry(digest(number), digest(("envelope", number)), source, once=once) for number in range(start, start + count)]


@dataclass
class Bench:
    """A log in a folder, filled with numbered entries at times of its own."""

    root: Path
    log: Log
    moment: datetime = START

    @classmethod
    def at(cls, root: Path) -> Bench:
        return cls(root, Log.create(root / "log", root / "journal.db", SIGNER, START))

    def fill(self, count: int) -> bytes:
        """Append, publish a second later, and give the note."""
        self.moment += timedelta(seconds=1)
        self.log.append(entries(self.log.journal.size, count), self.moment)
        self.log.publish(self.moment + timedelta(milliseconds=1))
        return self.log.head().note

    def reopened(self) -> Log:
        return Log.open(self.root / "log", self.root / "journal.db", SIGNER)

    def files(self) -> dict[str, bytes]:
        folder = self.root / "log"
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def slow_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = split(len(leaves))
    return hashlib.sha256(b"\1" + slow_root(leaves[:half]) + slow_root(leaves[half:])).digest()


def slow_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    if index < half:
        return [*slow_path(index, leaves[:half]), slow_root(leaves[half:])]
    return [*slow_path(index - half, leaves[half:]), slow_root(leaves[:half])]


def slow_proof(old: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [slow_root(leaves)]
    half = split(len(leaves))
    if old <= half:
        return [*slow_proof(old, leaves[:half], whole=whole), slow_root(leaves[half:])]
    return [*slow_proof(old - half, leaves[half:], whole=False), slow_root(leaves[:half])]


def split(count: int) -> int:
    half = 1
    while half * 2 < count:
        half *= 2
    return half


def nodes_of(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    return lambda level, index: slow_root(leaves[index << level : (index + 1) << level])
