"""Evidence in columns: a million pieces are looked at by check, not by piece."""

from __future__ import annotations

import gc
import math
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from kybern.assessment._conditions import look_up
from kybern.assessment._digest import Digest
from kybern.assessment._status import Floats, Ints
from kybern.catalog import PredicateType
from kybern.evidence import Evidence

FOREVER = np.iinfo(np.int64).max
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Group = tuple[PredicateType, str]
"""What a check asks for first: predicate type and topic."""


_NUMBERS = (int, float)

_LAYERS = 200
"""Additions that may lie over each other before they are merged."""


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 in UTC: exact until 2255, within a tenth of a millisecond after."""
    return round(moment.timestamp() * 1_000_000)


_NEVER = math.inf


def _moments(seconds: list[float]) -> Ints:
    """Turn seconds since 1970 into whole microseconds; never is `FOREVER`."""
    found = np.array(seconds, np.float64) * 1_000_000
    ends = np.isfinite(found)
    moments = np.full(len(found), FOREVER, np.int64)
    moments[ends] = np.rint(found[ends]).astype(np.int64)
    return moments


@dataclass(frozen=True, slots=True)
class Mentions:
    """The pieces about one record, and beside each the digest by which it names the record."""

    items: list[Evidence] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


@contextmanager
def uncollected() -> Iterator[None]:
    """Let no cycle be collected meanwhile: among millions of new objects without cycles the search for them costs more than the work."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
    _columns: dict[str, list[Any]] = field(default_factory=dict)
    _numbers: dict[str, Floats] = field(default_factory=dict)

    def column(self, path: str) -> list[Any]:
        """Give what each piece's body has at a dotted path (n,), None where it leads nowhere."""
        if path not in self._columns:
            steps = tuple(path.split("."))
            bodies = (item.body for item in self.items)
            self._columns[path] = [body.get(path) for body in bodies] if len(steps) == 1 else [look_up(body, steps) for body in bodies]
        return self._columns[path]

    def numbers(self, path: str) -> Floats:
        """Give the numbers at a dotted path (n,), NaN where there is none; truth values are no numbers."""
        if path not in self._numbers:
            values = (value if type(value) in _NUMBERS else math.nan for value in self.column(path))
            self._numbers[path] = np.fromiter(values, np.float64, len(self.items))
        return self._numbers[path]

    @classmethod
    def of(cls, mentions: Sequence[Mentions], entities: Sequence[int]) -> Pieces:
        """Put what is said about some records into columns: for each mentions, the index of the record they are about."""
        if not mentions:
            return _NO_PIECES
        items = [item for one in mentions for item in one.items]
        sizes = np.fromiter((len(one.items) for one in mentions), np.int64, len(mentions))
        return cls(
            np.repeat(np.asarray(entities, np.int64), sizes),
            _moments([item.observed_at.timestamp() for item in items]),
            _moments([_NEVER if item.expires_at is None else item.expires_at.timestamp() for item in items]),
            np.array([item.strength for item in items], np.int64),
            np.frombuffer(bytes.fromhex("".join([item.id[:16] for item in items])), ">u8").astype(np.uint64),
            items,
            [named for one in mentions for named in one.digests],
        )


_NONE = np.zeros(0, np.int64)
_NO_PIECES = Pieces(_NONE, _NONE, _NONE, _NONE, np.zeros(0, np.uint64), (), ())


class EvidenceTable:
    """All pieces of evidence, by predicate and topic, then by the record they are about. Immutable.

    Pieces with one id are one piece: the same signed content counts once. `plus` gives a table with one more piece and shares the rest.
    """

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        """Group the pieces; their order does not matter."""
        self._by_id: ChainMap[str, Evidence] = ChainMap({item.id: item for item in evidence})
        groups: defaultdict[str, dict[PredicateType, defaultdict[str, Mentions]]] = defaultdict(dict)
        with uncollected():
            for item in self._by_id.maps[0].values():
                by_predicate = groups[item.topic]
                group = by_predicate.get(item.predicate)
                if group is None:
                    group = by_predicate[item.predicate] = defaultdict(Mentions)
                for subject in item.subjects:
                    mentions = group[subject.ref]
                    mentions.items.append(item)
                    mentions.digests.append(subject.digest)
        self._groups: dict[Group, Mapping[str, Mentions]] = {
            (predicate, topic): dict(group) for topic, by_predicate in groups.items() for predicate, group in by_predicate.items()
        }

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

    def about(self, group: Group) -> Mapping[str, Mentions]:
        """Give what a group holds: for each record named, the pieces about it with the digest they name it by."""
        return self._groups.get(group, {})

    def naming(self, ref: str) -> list[Evidence]:
        """Give the pieces about one record, each once, by when they were observed."""
        found = {item.id: item for group in self._groups.values() if ref in group for item in group[ref].items}
        return sorted(found.values(), key=lambda item: (item.observed_at, item.id))

    def __contains__(self, identity: object) -> bool:
        """Tell whether a piece of this id is here."""
        return identity in self._by_id

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
            before = group.get(subject.ref, Mentions())
            group[subject.ref] = Mentions([*before.items, item], [*before.digests, subject.digest])
        table._groups = {**self._groups, key: group}
        if "_digest" in self.__dict__:
            # What a million pieces state is not sorted and hashed anew for one more.
            table.__dict__["_digest"] = self._digest.plus(item)
        return table

    @cached_property
    def _digest(self) -> Digest:
        return Digest(self)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the sorted ids, each with its strength: a key that is trusted otherwise is another input."""
        return self._digest.hexdigest()
