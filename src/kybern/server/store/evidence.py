"""Taking in evidence: verified piece by piece, then the log's entries and the rows of all of it in one transaction."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from kybern.catalog import PredicateType, Strength
from kybern.evidence import Evidence, Refused, Subject, verify
from kybern.evidence.log import Entry
from kybern.server._metrics import count_evidence
from kybern.server.events.outbox import tell_evidence
from kybern.server.store.bulk import insert_rows, json_value, moment_value
from kybern.server.store.journal import DatabaseJournal, locked_head
from kybern.server.store.keys import keyring
from kybern.server.store.models import Envelope, EvidenceRow, EvidenceSubject

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from kybern.evidence import Keyring

MAX_BATCH: Final = 20_000
_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Taken:
    """What became of a piece: `accepted`, `known` (it was here already), or `refused` with the rule and the reason."""

    outcome: str
    id: str = ""
    entry: int | None = None
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Piece:
    """A verified piece with the envelope it came in, and that one's SHA-256."""

    evidence: Evidence
    envelope: bytes
    digest: str


def take_evidence(envelopes: Sequence[bytes], now: datetime, trusted: Keyring | None = None) -> list[Taken]:
    """Take in signed evidence: what verifies is kept, logged and counts from now on; what does not is refused, piece by piece.

    A statement that is here already with other signatures counts with those that came last if they make it as strong or stronger.
    """
    trusted = keyring() if trusted is None else trusted
    outcomes: list[Taken | None] = [None] * len(envelopes)
    pieces: dict[int, Piece] = {}
    for number, envelope in enumerate(envelopes):
        try:
            found = verify(envelope, trusted)
        except Refused as refused:
            outcomes[number] = Taken("refused", rule=refused.rule, reason=refused.message)
        else:
            pieces[number] = Piece(found, envelope, hashlib.sha256(envelope).hexdigest())
    if pieces:
        with transaction.atomic():
            locked_head()
            for number, taken in _keep(pieces, now):
                outcomes[number] = taken
    done = [one for one in outcomes if one is not None]
    count_evidence(one.outcome for one in done)
    return done


def _keep(pieces: dict[int, Piece], now: datetime) -> Iterator[tuple[int, Taken]]:
    """Keep what is new within the transaction that holds the head."""
    there = _there([one.evidence.id for one in pieces.values()])
    fresh: dict[str, int] = {}
    for number, one in pieces.items():
        known = there.get(one.evidence.id)
        if one.evidence.id in fresh or (known is not None and (known.envelope == one.digest or known.strength > one.evidence.strength)):
            yield number, Taken("known", one.evidence.id, None if known is None else known.entry)
        else:
            fresh[one.evidence.id] = number
    kept = [pieces[number] for number in fresh.values()]
    entries = [Entry(one.evidence.id, one.digest, one.evidence.signers[0]) for one in kept]
    if not entries:
        return
    indices = DatabaseJournal().append(entries, now)
    at = datetime.fromisoformat(locked_head().at)
    insert(kept, indices, at, there)
    tell_evidence([(one.evidence, index) for one, index in zip(kept, indices, strict=True)], at)
    for one, index in zip(kept, indices, strict=True):
        yield fresh[one.evidence.id], Taken("accepted", one.evidence.id, index)


def _there(ids: Sequence[str]) -> dict[str, EvidenceRow]:
    found: dict[str, EvidenceRow] = {}
    for start in range(0, len(ids), _AT_ONCE):
        part = EvidenceRow.objects.filter(pk__in=ids[start : start + _AT_ONCE]).only("id", "envelope", "strength", "entry")
        found |= {row.id: row for row in part}
    return found


def insert(kept: Sequence[Piece], indices: Sequence[int], at: datetime, there: Container[str] = ()) -> None:
    """Make the rows of pieces that the log took in at a moment; those `there` are stronger forms of what is here already."""
    known = _stored([one.digest for one in kept])
    insert_rows(Envelope, ("digest", "data"), [(one.digest, one.envelope) for one in kept if one.digest not in known])
    again = [one.evidence.id for one in kept if one.evidence.id in there]
    for start in range(0, len(again), _AT_ONCE):
        EvidenceRow.objects.filter(pk__in=again[start : start + _AT_ONCE]).delete()
    insert_rows(EvidenceRow, _COLUMNS, [_values(one, index, at) for one, index in zip(kept, indices, strict=True)])
    insert_rows(
        EvidenceSubject,
        ("evidence", "ref", "digest", "observed_at"),
        [
            (one.evidence.id, subject.ref, subject.digest, moment_value(one.evidence.observed_at))
            for one in kept
            if one.evidence.id not in there
            for subject in one.evidence.subjects
        ],
    )


def _stored(digests: Sequence[str]) -> set[str]:
    """Find which envelopes are kept already: a rebuild makes rows, and not envelopes."""
    found: set[str] = set()
    for start in range(0, len(digests), _AT_ONCE):
        found |= set(Envelope.objects.filter(pk__in=digests[start : start + _AT_ONCE]).values_list("digest", flat=True))
    return found


_COLUMNS: Final = (
    "id",
    "envelope",
    "entry",
    "predicate",
    "topic",
    "observed_at",
    "expires_at",
    "strength",
    "signers",
    "body",
    "received_at",
)


def _values(one: Piece, index: int, at: datetime) -> tuple[object, ...]:
    found = one.evidence
    return (
        found.id,
        one.digest,
        index,
        found.predicate.value,
        found.topic,
        moment_value(found.observed_at),
        moment_value(found.expires_at),
        int(found.strength),
        json_value(found.signers),
        json_value(found.body),
        moment_value(at),
    )


_READ: Final = ("id", "entry", "predicate", "topic", "observed_at", "expires_at", "strength", "signers", "body")


def read_pieces(rows: Iterable[EvidenceRow]) -> list[Evidence]:
    """Give rows as the pieces that the assessment reads; they were verified when they were taken in."""
    return _pieces([attrgetter(*_READ)(row) for row in rows])


def pieces_after(entry: int, before: int, most: int) -> list[Evidence]:
    """Read the pieces that the log took in after an entry and before another, in its order, at most so many."""
    rows = EvidenceRow.objects.filter(entry__gt=entry, entry__lt=before).order_by("entry")
    return _pieces(list(rows.values_list(*_READ)[:most]))


def _pieces(listed: Sequence[tuple[Any, ...]]) -> list[Evidence]:
    subjects: dict[str, list[Subject]] = {}
    for start in range(0, len(listed), _AT_ONCE):
        part = [row[0] for row in listed[start : start + _AT_ONCE]]
        for one, ref, digest in EvidenceSubject.objects.filter(evidence__in=part).order_by("pk").values_list("evidence", "ref", "digest"):
            subjects.setdefault(one, []).append(Subject(ref, digest))
    return [_piece(row, tuple(subjects.get(row[0], ()))) for row in listed]


def _piece(row: tuple[Any, ...], subjects: tuple[Subject, ...]) -> Evidence:
    identity, entry, predicate, topic, observed_at, expires_at, strength, signers, body = row
    return Evidence(
        id=identity,
        predicate=PredicateType(predicate),
        topic=topic,
        subjects=subjects,
        observed_at=observed_at,
        expires_at=expires_at,
        strength=Strength(strength),
        body=body,
        signers=tuple(signers),
        source=f"log entry {entry}",
    )
