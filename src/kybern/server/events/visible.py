"""Which events somebody may know of: the same cut as of the records and the evidence that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Exists, OuterRef, Q

from kybern.server.access.permissions import Permission
from kybern.server.events.models import Event
from kybern.server.events.outbox import RECORD_TYPES, EventType
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.db.models import QuerySet

    from kybern.server.access.actor import Actor

_KEYS: Final = (EventType.KEY_TRUSTED.value, EventType.KEY_REVOKED.value)


def visible_events(who: Actor) -> QuerySet[Event]:
    """Give the events that an actor may know of."""
    return events_in(
        who.where(Permission.RECORDS_READ),
        who.where(Permission.RECORDS_SENSITIVE),
        who.where(Permission.EVIDENCE_READ),
        published=who.may(Permission.RECORDS_READ),
    )


def events_in(records: Collection[int], sensitive: Collection[int], evidence: Collection[int], *, published: bool) -> QuerySet[Event]:
    """Give the events of records and of evidence in these units; of a record that stands elsewhere by now, none.

    Events of keys are for whom the evidence of the whole organisation is; those of the log for whom it is `published`.
    """
    elsewhere = RecordRow.objects.filter(ref=OuterRef("subject"))
    moved = Exists(elsewhere.exclude(unit__in=records))
    moved_sensitive = Exists(elsewhere.exclude(unit__in=sensitive))
    plain = Q(type__in=RECORD_TYPES, unit__in=records, sensitive=False) & ~Q(moved)
    kept = Q(type__in=RECORD_TYPES, unit__in=set(records) & set(sensitive), sensitive=True) & ~Q(moved) & ~Q(moved_sensitive)
    found = plain | kept | Q(type=EventType.EVIDENCE_ACCEPTED.value, unit__in=evidence)
    if root_unit() in evidence:
        found |= Q(type__in=_KEYS)
    if published:
        found |= Q(type=EventType.LOG_PUBLISHED.value)
    return Event.objects.filter(found)
