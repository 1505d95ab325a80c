"""Making the rows again from the log: what pages and API read is a projection, and this is the proof of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from django.db import transaction

from kybern.evidence import Refused, verify
from kybern.evidence.applied import Reader, Version
from kybern.evidence.log import RECORD, STATEMENT, read_leaf
from kybern.records import Record
from kybern.server.live import forget
from kybern.server.store.evidence import Piece, insert
from kybern.server.store.journal import locked_head
from kybern.server.store.keys import keyring
from kybern.server.store.models import Envelope, EvidenceRow, EvidenceSubject, LogEntry, RecordLink, RecordRow
from kybern.server.store.projection import place, project
from kybern.server.store.records import DatabaseChanges, vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.evidence import Keyring
    from kybern.evidence.log import Leaf

_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Rebuilt:
    """What was made: versions of records, pieces of evidence; and what could not be, each with the reason."""

    versions: int
    evidence: int
    refused: tuple[str, ...]


def rebuild() -> Rebuilt:
    """Empty the projection and make it again from the log, in one transaction: whoever reads meanwhile sees the old one whole.

    Every envelope is verified again by the keyring as it stands, every record's content held against its digest.
    """
    with transaction.atomic():
        locked_head()
        for model in (RecordRow, RecordLink, EvidenceRow, EvidenceSubject):
            model.objects.all().delete()
        maker = _Maker(keyring(), Reader(DatabaseChanges(), vault()))
        for entries in _entries():
            maker.take(entries)
        place()
    forget()
    return Rebuilt(maker.versions, maker.pieces, tuple(maker.refused))


def _entries() -> Iterator[list[tuple[int, Leaf]]]:
    """Give the log's entries in order, some hundred at a time."""
    start = 0
    while rows := list(LogEntry.objects.filter(idx__gte=start, idx__lt=start + _AT_ONCE).order_by("idx").values_list("idx", "leaf")):
        yield [(index, read_leaf(bytes(leaf))) for index, leaf in rows]
        start += _AT_ONCE


class _Maker:
    """Makes rows out of entries."""

    def __init__(self, trusted: Keyring, reader: Reader) -> None:
        self._trusted, self._reader = trusted, reader
        self.versions = self.pieces = 0
        self.refused: list[str] = []

    def take(self, entries: list[tuple[int, Leaf]]) -> None:
        """Take some entries, in order."""
        for (source, at), versions in _together([one for one in entries if one[1].type == RECORD]):
            project([(leaf.ref, self._record(index, leaf), index) for index, leaf in versions], source, at)
        self._evidence([(index, leaf) for index, leaf in entries if leaf.type == STATEMENT and leaf.envelope])

    def _record(self, index: int, leaf: Leaf) -> Record | None:
        """Read a version; None where it was removed, or where its content cannot be had any more."""
        self.versions += 1
        try:
            content = self._reader.content(Version(index, leaf))
        except Refused as refused:  # erased, or sealed for another: the version before does not stand either
            self.refused.append(f"entry {index}, {leaf.ref}: {refused.message}")
            return None
        kind = Record.registry.get(leaf.ref.partition(":")[0])
        return None if content is None or kind is None else kind.model_validate_json(content)

    def _evidence(self, entries: list[tuple[int, Leaf]]) -> None:
        stored = dict(Envelope.objects.filter(pk__in=[leaf.envelope for _, leaf in entries]).values_list("digest", "data"))
        for index, leaf in entries:
            data = stored.get(leaf.envelope)
            try:
                piece = self._piece(leaf, data)
            except Refused as refused:
                self.refused.append(f"entry {index}: {refused.message}")
                continue
            there = EvidenceRow.objects.filter(pk=piece.evidence.id).values_list("pk", flat=True)
            insert([piece], [index], leaf.at, set(there))
            self.pieces += 1

    def _piece(self, leaf: Leaf, data: bytes | memoryview | None) -> Piece:
        if data is None:
            raise Refused(rule="no-envelope", message="its envelope is not in the database")
        return Piece(verify(bytes(data), self._trusted), bytes(data), leaf.envelope)


def _together(entries: list[tuple[int, Leaf]]) -> Iterator[tuple[tuple[str, str], list[tuple[int, Leaf]]]]:
    """Put together the entries of one change set, in which every record stands once."""
    for _, group in groupby(entries, key=lambda one: one[1].change):
        found = list(group)
        yield (found[0][1].source, found[0][1].at.isoformat()), found
