"""What entries say of where they come from: numbers of a source that are missing, and signatures by keys that were revoked before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kybern.evidence._envelope import parse_envelope
from kybern.evidence.log._leaf import read_leaf

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kybern.evidence._keyring import Keyring
    from kybern.evidence._keys import TrustedKey

_MOST: Final = 100


@dataclass
class SourceCount:
    """What a log has of a source: how many entries, its first and last number, and which are missing between (at most a hundred gaps)."""

    source: str
    first: int
    last: int
    entries: int = 1
    missing: tuple[tuple[int, int], ...] = ()

    def take(self, seq: int) -> None:
        """Count the next entry of this source."""
        self.entries += 1
        if seq > self.last + 1 and len(self.missing) < _MOST:
            self.missing = (*self.missing, (self.last + 1, seq - 1))
        self.last = max(self.last, seq)

    @property
    def gaps(self) -> str:
        """The missing numbers in words: `4, 7-9`."""
        return ", ".join(str(one) if one == two else f"{one}-{two}" for one, two in self.missing)


def count_sources(leaves: Iterable[bytes]) -> list[SourceCount]:
    """Count what a log's leaves say of their sources, by name. A source's first number is where it began, whatever it is.

    Raises `Refused` (`bad-leaf`).
    """
    found: dict[str, SourceCount] = {}
    for data in leaves:
        leaf = read_leaf(data)
        there = found.get(leaf.source)
        if there is None:
            found[leaf.source] = SourceCount(leaf.source, leaf.seq, leaf.seq)
        else:
            there.take(leaf.seq)
    return [found[name] for name in sorted(found)]


def signed_late(envelope: bytes, keyring: Keyring, taken_in: datetime) -> TrustedKey | None:
    """Give a key that signed an envelope and was revoked before the log took it in: what it dates earlier may be a thief's.

    Raises `Refused` if it is no envelope.
    """
    keys = [key for keyid in parse_envelope(envelope).signatures if (key := keyring.get(keyid))]
    return next((key for key in keys if key.revoked_on is not None and key.revoked_on <= taken_in), None)
