"""The journal of the log in the server's database: the same sequence of leaves as `kybern.evidence.log.Journal` keeps in its file.

An append belongs to the transaction of its caller, so that entries and the rows made from them come together or not at all.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Max

from kybern.evidence import Refused
from kybern.evidence.log import MAX_ENTRY, MAX_NOTE, MAX_SIGNATURES, RECORD, WIDTH, Guard, Leaf, Published, moment_text, read_leaf, term
from kybern.server.store.bulk import insert_rows
from kybern.server.store.models import LogCheckpoint, LogCosignature, LogEntry, LogHead, LogPlace, LogSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from kybern.evidence.log import Cosignature, Draft, WitnessKey

_KEY_DIGITS: Final = 16
_AT_ONCE: Final = 500
_RECORDS: Final = term("type", RECORD)


def locked_head() -> LogHead:
    """Lock the log's head within a transaction: whoever appends comes one at a time."""
    head = LogHead.objects.select_for_update().filter(pk=1).first()
    if head is None:
        head, _ = LogHead.objects.get_or_create(pk=1)
        head = LogHead.objects.select_for_update().get(pk=1)
    return head


class DatabaseJournal:
    """The journal in the database; see `kybern.evidence.log.AnyJournal`."""

    @property
    def size(self) -> int:
        """How many entries there are."""
        return LogHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0

    def close(self) -> None:
        """Let go of nothing: connections are Django's."""

    def append(self, drafts: Sequence[Draft], at: datetime, guard: Guard | None = None) -> list[int]:
        """Append a batch, whole or not at all, in the caller's transaction or one of its own; give the indices.

        Raises `Refused` as `Journal.append` does.
        """
        with transaction.atomic():
            batch = _Batch(locked_head(), at)
            if guard is not None:
                batch.hold(guard)
            indices = batch.take(drafts)
            batch.write()
        return indices

    def leaf(self, index: int) -> bytes | None:
        """Give a leaf; None if there is none of this index."""
        found = LogEntry.objects.filter(pk=index).values_list("leaf", flat=True).first()
        return None if found is None else bytes(found)

    def blocks(self, start: int, end: int) -> Iterator[tuple[int, list[bytes]]]:
        """Give the leaves from `start` up to `end`, a tile's worth at a time; `Refused` (`gap`) where one is missing."""
        for first in range(start, end, WIDTH):
            wanted = min(WIDTH, end - first)
            rows = LogEntry.objects.filter(idx__gte=first, idx__lt=first + wanted).order_by("idx").values_list("idx", "leaf")
            block = list(rows)
            if len(block) != wanted:
                raise Refused(rule="gap", message=f"of the entries {first} to {first + wanted - 1} the journal has {len(block)} only")
            yield first, [bytes(leaf) for _, leaf in block]

    def find(self, digest: str) -> list[int]:
        """Find the entries of a statement or envelope by its SHA-256."""
        return [index for index, leaf in _found(digest) if digest in leaf.digests]

    def latest_of(self, digest: str) -> tuple[int, bytes | None]:
        """Find the latest entry of a statement or envelope: its index and leaf; -1 and None if there is none."""
        found = self.find(digest)
        return (found[-1], self.leaf(found[-1])) if found else (-1, None)

    def found_by(self, term: str) -> list[tuple[int, Leaf]]:
        """Give the entries that a term finds, with their indices, in order."""
        return [(index, leaf) for index, leaf in _found(term) if term in leaf.terms]

    def sources(self) -> dict[str, int]:
        """Give every source with its last number."""
        return dict(LogSource.objects.order_by("name").values_list("name", "last"))

    def published(self) -> list[Published]:
        """Give every checkpoint that was signed, the smallest first."""
        return [_published(row) for row in LogCheckpoint.objects.order_by("size")]

    def published_at(self, size: int) -> Published | None:
        """Give the checkpoint of this size, if one was signed."""
        row = LogCheckpoint.objects.filter(pk=size).first()
        return None if row is None else _published(row)

    def last_published(self) -> Published | None:
        """Give the latest checkpoint that was signed."""
        row = LogCheckpoint.objects.order_by("-size").first()
        return None if row is None else _published(row)

    def record(self, new: Published) -> None:
        """Keep a checkpoint, unless one of its size or a greater one has been signed."""
        with transaction.atomic():
            locked_head()
            last = self.last_published()
            if last is None or last.size < new.size:
                LogCheckpoint.objects.create(size=new.size, root=new.root, at=new.at, note=new.note)

    def cosign(self, size: int, cosigned: Iterable[Cosignature]) -> None:
        """Keep cosignatures of the checkpoint of this size; `Refused` (`too-many`) where they are more than verifiers read."""
        with transaction.atomic():
            locked_head()
            for one in cosigned:
                LogCosignature.objects.update_or_create(name=one.key.name, key=one.key.id, size=size, defaults={"line": one.line})
            lines = [bytes(line) for line in LogCosignature.objects.filter(size=size).values_list("line", flat=True)]
            there = self.published_at(size)
            if there is None or len(lines) >= MAX_SIGNATURES or sum(map(len, lines)) + len(there.note) > MAX_NOTE:
                message = f"a checkpoint has at most {MAX_SIGNATURES} signatures and {MAX_NOTE:,} bytes"
                raise Refused(rule="too-many", message=message)

    def cosigned_by(self, key: WitnessKey) -> int:
        """Give the size of the largest checkpoint that a witness's key cosigned; 0 if none."""
        found = LogCosignature.objects.filter(name=key.name, key=key.id).aggregate(most=Max("size"))["most"]
        return int(found or 0)

    @contextlib.contextmanager
    def latest(self) -> Iterator[Published | None]:
        """Give the latest checkpoint, its note with all cosignatures, and keep others from recording one meanwhile."""
        with transaction.atomic():
            locked_head()
            last = self.last_published()
            if last is None:
                yield None
                return
            rows = LogCosignature.objects.filter(size=last.size).order_by("name", "key").values_list("line", flat=True)
            yield last._replace(note=last.note + b"".join(bytes(line) for line in rows))


class _Batch:
    """The rows of one append."""

    def __init__(self, head: LogHead, at: datetime) -> None:
        # The log's time does not run backwards, nor behind its last checkpoint.
        published = LogCheckpoint.objects.order_by("-size").values_list("at", flat=True).first() or ""
        self.head = head
        self.at = max(head.at, published, moment_text(at))
        self._rows: list[tuple[int, bytes]] = []
        self._places: list[tuple[int, int]] = []
        self._heads: dict[str, int] = {}

    def hold(self, guard: Guard) -> None:
        """Refuse a batch whose guard does not hold."""
        found = LogPlace.objects.filter(key=key_of(guard.term)).aggregate(last=Max("idx"))["last"]
        if found != guard.last:
            raise Refused(rule="moved-on", message="the log has moved on since this was planned")

    def take(self, drafts: Sequence[Draft]) -> list[int]:
        """Make the rows of a batch."""
        self._heads = dict(LogSource.objects.filter(name__in={one.source for one in drafts}).values_list("name", "last"))
        there = _standing([one.unless for one in drafts if one.unless is not None])
        indices: list[int] = []
        for draft in drafts:
            known = None if draft.unless is None else there.get(draft.unless)
            if known is None:
                known = self._add(draft)
                if draft.unless is not None:
                    there[draft.unless] = known
            indices.append(known)
        return indices

    def _add(self, draft: Draft) -> int:
        last = self._heads.get(draft.source, 0)
        seq = last + 1 if draft.seq is None else draft.seq
        if seq <= last:
            raise Refused(rule="seq-not-after", message=f"{draft.source} numbers an entry {seq} after it came to {last}")
        leaf = draft.leaf(seq, self.at)
        if len(leaf) > MAX_ENTRY:
            raise Refused(rule="too-large", message=f"an entry has {len(leaf):,} bytes; at most {MAX_ENTRY:,} are logged")
        self._heads[draft.source] = seq
        index = self.head.size + len(self._rows)
        self._rows.append((index, leaf))
        keys = set(draft.keys)
        self._places += [(key_of(one), index) for one in keys]
        if _RECORDS in keys:
            self.head.records = index + 1
        return index

    def write(self) -> None:
        """Insert the rows."""
        insert_rows(LogEntry, ("idx", "leaf"), self._rows)
        insert_rows(LogPlace, ("key", "idx"), self._places)
        LogSource.objects.bulk_create(
            [LogSource(name=name, last=last) for name, last in self._heads.items()],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["last"],
        )
        self.head.size += len(self._rows)
        self.head.at = self.at
        self.head.save(update_fields=["size", "records", "at"])


def key_of(digest: str) -> int:
    """Give the number under which a digest is looked up."""
    return int.from_bytes(bytes.fromhex(digest[:_KEY_DIGITS]), "big", signed=True)


def _found(digest: str) -> list[tuple[int, Leaf]]:
    indices = list(LogPlace.objects.filter(key=key_of(digest)).order_by("idx").values_list("idx", flat=True))
    leaves: dict[int, bytes] = {}
    for start in range(0, len(indices), _AT_ONCE):
        leaves |= _leaves(indices[start : start + _AT_ONCE])
    return [(index, read_leaf(leaves[index])) for index in indices]


def _standing(digests: Sequence[str]) -> dict[str, int]:
    """Find which of these digests stand in the log, each at its first entry."""
    found: dict[str, int] = {}
    for start in range(0, len(digests), _AT_ONCE):
        part = {key_of(one): one for one in digests[start : start + _AT_ONCE]}
        places = list(LogPlace.objects.filter(key__in=part).values_list("key", "idx"))
        leaves = _leaves([index for _, index in places])
        for key, index in places:
            if part[key] in read_leaf(leaves[index]).digests:
                found[part[key]] = min(index, found.get(part[key], index))
    return found


def _leaves(indices: Sequence[int]) -> dict[int, bytes]:
    return {index: bytes(leaf) for index, leaf in LogEntry.objects.filter(idx__in=indices).values_list("idx", "leaf")}


def _published(row: LogCheckpoint) -> Published:
    return Published(row.size, bytes(row.root), row.at, bytes(row.note))
