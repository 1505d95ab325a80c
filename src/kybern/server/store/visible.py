"""What an actor may see of the store: the one place where lists and look-ups are cut to what is granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from kybern.server.access.check import note, require
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.store.models import EvidenceRow, EvidenceSubject, RecordRow
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from kybern.server.access.actor import Actor


def visible_records(who: Actor) -> QuerySet[RecordRow]:
    """Give the records that an actor may read."""
    plain, sensitive = who.where(Permission.RECORDS_READ), who.where(Permission.RECORDS_SENSITIVE)
    return RecordRow.objects.filter(
        Q(unit__in=plain) & (~Q(kind__in=SENSITIVE_KINDS) | Q(unit__in=sensitive)),
    )


def find_record(who: Actor, ref: str) -> RecordRow | None:
    """Look a record up for an actor; None where there is none, or none that they may know of.

    That somebody asked for what they may not see is logged, and so is every reading of a sensitive record.
    """
    row = RecordRow.objects.filter(pk=ref).first()
    if row is None:
        return None
    wanted = [Permission.RECORDS_READ, *([Permission.RECORDS_SENSITIVE] if row.kind in SENSITIVE_KINDS else [])]
    missing = next((one for one in wanted if not who.may(one, row.unit)), None)
    if missing is not None:
        note(who, AccessEvent.Kind.DENIED, missing, ref)
        return None
    if row.kind in SENSITIVE_KINDS:
        note(who, AccessEvent.Kind.READ, Permission.RECORDS_SENSITIVE, ref)
    return row


def may_write(who: Actor, row: RecordRow | None, ref: str, permission: Permission = Permission.RECORDS_WRITE) -> None:
    """Let pass who may write a record, or make one: a new record stands at the top until it is put elsewhere. Raises `Denied`."""
    unit = root_unit() if row is None else row.unit
    if row is None and permission is Permission.RECORDS_WRITE:
        # Who may write in some unit may make records: they belong where what they are part of belongs.
        require(who, permission, subject=ref)
    else:
        require(who, permission, unit, subject=ref)
    if ref.partition(":")[0] in SENSITIVE_KINDS:
        require(who, Permission.RECORDS_SENSITIVE, None if row is None else unit, subject=ref)


def visible_evidence(who: Actor) -> QuerySet[EvidenceRow]:
    """Give the evidence that an actor may read: that of which every subject that stands is in a unit granted to them."""
    units = who.where(Permission.EVIDENCE_READ)
    if root_unit() in units:
        return EvidenceRow.objects.all()
    hidden = RecordRow.objects.filter(ref=OuterRef("ref")).exclude(unit__in=units)
    outside = EvidenceSubject.objects.filter(evidence=OuterRef("id")).filter(Exists(hidden))
    known = EvidenceSubject.objects.filter(evidence=OuterRef("id"), ref__in=RecordRow.objects.filter(unit__in=units).values("ref"))
    return EvidenceRow.objects.filter(Exists(known)).exclude(Exists(outside))


def find_evidence(who: Actor, identity: str) -> EvidenceRow | None:
    """Look a piece up for an actor; None where there is none, or none that they may know of: that they asked for one is logged."""
    row = visible_evidence(who).filter(pk=identity).first()
    if row is None and EvidenceRow.objects.filter(pk=identity).exists():
        note(who, AccessEvent.Kind.DENIED, Permission.EVIDENCE_READ, f"evidence:{identity[:16]}")
    return row
