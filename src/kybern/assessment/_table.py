"""Evidence in columns: a million pieces are looked at by check, not by piece."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kybern.assessment._status import Ints
from kybern.base import digest
from kybern.catalog import PredicateType
from kybern.evidence import Evidence

FOREVER = np.iinfo(np.int64).max
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Group = tuple[PredicateType, str]
"""What a check asks for first: predicate type and topic."""

Mention = tuple[Evidence, str]
"""A piece of evidence and the digest by which it names a record."""

_LAYERS = 200
"""Additions that may lie over each other before they are merged."""


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    return round(moment.timestamp() * 1_000_000)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pairs of a piece of evidence and a record it speaks about, in parallel columns.

    `entity` (n,) indexes the records, `observed` and `expires` (n,) are microseconds, `strength` (n,) 1 to 5, `order` (n,) breaks
    ties by the piece's id; `items` and `digests` hold the piece and the record digest it names.
    """

    entity: Ints
    observed: Ints
    expires: Ints
    strength: Ints
    order: npt.NDArray[np.uint64]
    items: Sequence[Evidence]
    digests: Sequence[str]

    @classmethod
    def of(cls, pairs: Sequence[tuple[Evidence, str, int]]) -> Pieces:
        """Put (piece, digest it names, record index) into columns."""
        count = len(pairs)
        items = [item for item, _, _ in pairs]
        return cls(
            np.fromiter((entity for _, _, entity in pairs), np.int64, count),
            np.fromiter((microseconds(item.observed_at) for item in items), np.int64, count),
            np.fromiter((FOREVER if item.expires_at is None else microseconds(item.expires_at) for item in items), np.int64, count),
            np.fromiter((item.strength for item in items), np.int64, count),
            np.fromiter((int(item.id[:16], 16) for item in items), np.uint64, count),
            items,
            [named for _, named, _ in pairs],
        )


class EvidenceTable:
    """All pieces of evidence, by predicate and topic, then by the record they are about. Immutable.

    Pieces with one id are one piece: the same signed content counts once. `plus` gives a table with one more piece and shares the rest.
    """

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        """Group the pieces; their order does not matter."""
        self._by_id: ChainMap[str, Evidence] = ChainMap({item.id: item for item in evidence})
        groups: defaultdict[Group, defaultdict[str, list[Mention]]] = defaultdict(lambda: defaultdict(list))
        for item in self._by_id.maps[0].values():
            group = groups[(item.predicate, item.topic)]
            for subject in item.subjects:
                group[subject.ref].append((item, subject.digest))
        self._groups: dict[Group, Mapping[str, Sequence[Mention]]] = {key: dict(group) for key, group in groups.items()}

    def __len__(self) -> int:
        """Count the pieces."""
        return len(self._by_id)

    def __iter__(self) -> Iterator[Evidence]:
        """Go through the pieces."""
        return iter(self._by_id.values())

    def get(self, identity: str) -> Evidence | None:
        """Look a piece up by its id."""
        return self._by_id.get(identity)

    def groups(self, predicate: PredicateType, topic: str | None) -> tuple[Group, ...]:
        """Name the groups a check looks at: one topic, or every topic of the predicate."""
        if topic is not None:
            return ((predicate, topic),) if (predicate, topic) in self._groups else ()
        return tuple(key for key in self._groups if key[0] is predicate)

    def about(self, group: Group) -> Mapping[str, Sequence[Mention]]:
        """Give what a group holds: for each record named, the pieces about it with the digest they name."""
        return self._groups.get(group, {})

    def plus(self, item: Evidence) -> EvidenceTable:
        """Give the table with one more piece."""
        if item.id in self._by_id:
            return self
        table = object.__new__(EvidenceTable)
        table._by_id = (
            self._by_id.new_child({item.id: item}) if len(self._by_id.maps) < _LAYERS else ChainMap({**self._by_id, item.id: item})
        )
        key = (item.predicate, item.topic)
        group = dict(self._groups.get(key, {}))
        for subject in item.subjects:
            group[subject.ref] = (*group.get(subject.ref, ()), (item, subject.digest))
        table._groups = {**self._groups, key: group}
        return table

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the sorted ids."""
        return digest(sorted(self._by_id))
