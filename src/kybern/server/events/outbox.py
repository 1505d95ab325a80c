"""Writing to the outbox: the types of events there are, and one function that adds some within a transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from kybern.server.access.permissions import SENSITIVE_KINDS
from kybern.server.events.models import Event
from kybern.server.store.bulk import insert_rows, json_value, moment_value
from kybern.server.store.journal import locked_head
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django_stubs_ext import StrPromise

    from kybern.evidence import Evidence, TrustedKey

_AT_ONCE: Final = 500
_MANY_IDS: Final = 20
_MANY_TOPICS: Final = 20


class EventType(StrEnum):
    """What can happen."""

    RECORD_ADDED = "org.kybern.record.added"
    RECORD_CHANGED = "org.kybern.record.changed"
    RECORD_REMOVED = "org.kybern.record.removed"
    EVIDENCE_ACCEPTED = "org.kybern.evidence.accepted"
    KEY_TRUSTED = "org.kybern.key.trusted"
    KEY_REVOKED = "org.kybern.key.revoked"
    LOG_PUBLISHED = "org.kybern.log.published"

    @property
    def label(self) -> StrPromise:
        """What happened, in words."""
        return _LABELS[self]

    @property
    def about_record(self) -> bool:
        """Whether it is about a record."""
        return self.startswith("org.kybern.record.")


_LABELS: Final[dict[EventType, StrPromise]] = {
    EventType.RECORD_ADDED: _("A record was added"),
    EventType.RECORD_CHANGED: _("A record was changed"),
    EventType.RECORD_REMOVED: _("A record was removed"),
    EventType.EVIDENCE_ACCEPTED: _("Evidence was taken in"),
    EventType.KEY_TRUSTED: _("A key was trusted"),
    EventType.KEY_REVOKED: _("A key was revoked"),
    EventType.LOG_PUBLISHED: _("A checkpoint of the log was published"),
}
RECORD_TYPES: Final = tuple(one.value for one in EventType if one.about_record)


@dataclass(frozen=True)
class Happening:
    """What is to be told; `unit` None is the whole organisation."""

    type: EventType
    subject: str = ""
    unit: int | None = None
    entry: int | None = None
    sensitive: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


def tell(happenings: Iterable[Happening], at: datetime) -> None:
    """Add events within the caller's transaction: they are there if what they tell of is, and not otherwise."""
    told = list(happenings)
    if not told:
        return
    if not transaction.get_connection().in_atomic_block:
        message = "an event belongs into the transaction of what it tells of"
        raise RuntimeError(message)
    locked_head()  # whoever tells comes one at a time, so that numbers are seen in their order
    root = root_unit() if any(one.unit is None for one in told) else 0
    insert_rows(
        Event,
        ("type", "subject", "unit", "sensitive", "entry", "at", "data"),
        [
            (
                one.type.value,
                one.subject,
                root if one.unit is None else one.unit,
                one.sensitive,
                one.entry,
                moment_value(at),
                json_value(dict(one.data)),
            )
            for one in told
        ],
    )


_ACTS: Final = {"added": EventType.RECORD_ADDED, "changed": EventType.RECORD_CHANGED, "removed": EventType.RECORD_REMOVED}


def tell_records(acts: Iterable[tuple[str, str, str | None, int]], gone: Mapping[str, int], at: datetime) -> None:
    """Tell of records that were written: (name, act, digest, the log's entry); `gone` gives the unit of those that were removed."""
    told = list(acts)
    units = {**gone, **_units([ref for ref, act, _, _ in told if act != "removed"])}
    tell(
        (
            Happening(
                _ACTS[act],
                ref,
                units.get(ref),
                entry,
                ref.partition(":")[0] in SENSITIVE_KINDS,
                {"act": act} if digest is None else {"act": act, "digest": digest},
            )
            for ref, act, digest, entry in told
        ),
        at,
    )


def _units(refs: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(refs), _AT_ONCE):
        found.update(RecordRow.objects.filter(ref__in=refs[start : start + _AT_ONCE]).values_list("ref", "unit"))
    return found


def tell_evidence(taken: Sequence[tuple[Evidence, int]], at: datetime) -> None:
    """Tell of a batch of evidence with its log's entries: one event for each unit that it is about, however many pieces there are."""
    units = _units(list({subject.ref for one, _ in taken for subject in one.subjects}))
    parts: dict[int | None, list[tuple[Evidence, int]]] = {}
    for one, entry in taken:
        where = {units[subject.ref] for subject in one.subjects if subject.ref in units}
        parts.setdefault(where.pop() if len(where) == 1 else None, []).append((one, entry))
    tell((_batch(unit, part) for unit, part in parts.items()), at)


def _batch(unit: int | None, part: Sequence[tuple[Evidence, int]]) -> Happening:
    ids = [one.id for one, _ in part]
    entries = [entry for _, entry in part]
    data = {
        "count": len(part),
        "entries": [min(entries), max(entries)],
        "topics": dict(Counter(one.topic for one, _ in part).most_common(_MANY_TOPICS)),
        "ids": ids[:_MANY_IDS],
    }
    subject = f"evidence:{ids[0]}" if len(ids) == 1 else ""
    return Happening(EventType.EVIDENCE_ACCEPTED, subject, unit, max(entries), data=data)


def tell_trusted(keys: Iterable[TrustedKey], at: datetime) -> None:
    """Tell of keys that count from now on. Who holds them is not said: it may be a person."""
    tell((Happening(EventType.KEY_TRUSTED, f"key:{key.keyid}", data={"kind": key.kind.value}) for key in keys), at)


def tell_revoked(keyid: str, kind: str, at: datetime) -> None:
    """Tell of a key whose signatures count no more."""
    tell([Happening(EventType.KEY_REVOKED, f"key:{keyid}", data={"kind": kind})], at)


def tell_published(size: int, root: bytes, at: datetime) -> None:
    """Tell of a checkpoint that was published."""
    tell([Happening(EventType.LOG_PUBLISHED, entry=size - 1, data={"size": size, "root": root.hex()})], at)
