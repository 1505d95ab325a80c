"""One record: everything it states, what it names and what names it, the evidence about it, the controls it bears on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.urls import path
from django.utils import timezone

from kybern.assessment import Status
from kybern.catalog import EvidenceCheck, RecordCheck, Strength
from kybern.records import Record
from kybern.server.access.middleware import actor
from kybern.server.access.models import Unit
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.forms import form_of, label_of
from kybern.server.live import NotReady, current
from kybern.server.pages._columns import due_on
from kybern.server.pages._sight import Sight, references, titles_of
from kybern.server.pages._yaml import yaml_of
from kybern.server.pages.door import page, render
from kybern.server.store.models import EvidenceSubject, RecordLink
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import find_record, visible_evidence, visible_records
from kybern.server.wording import label

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from kybern.assessment import Assessment
    from kybern.server.access.actor import Actor
    from kybern.server.store.models import RecordRow

_OPEN: Final = (Status.NOT_MET, Status.EXPIRED, Status.PARTLY_MET, Status.UNKNOWN)
_SORT: Final[dict[Status | None, int]] = {status: number for number, status in enumerate((*_OPEN, Status.MET, Status.NOT_APPLICABLE))}
_PIECES: Final = 8
_LINKS: Final = 60


@dataclass(frozen=True)
class Piece:
    """A piece of evidence about the record."""

    id: str
    topic: str
    observed_at: datetime
    strength: str
    lapsed: bool
    other_version: bool
    """It speaks of another version than the one that stands."""


@dataclass(frozen=True)
class Named:
    """Records of a kind that the record names, or that name it."""

    label: str
    refs: tuple[str, ...]


@dataclass(frozen=True)
class Bearing:
    """A control that the record bears on."""

    id: str
    title: str
    status: Status | None
    why: str


def found_or_404(who: Actor, kind: str, identity: str) -> RecordRow:
    """Look a record up for a reader; `Http404` where there is none that they may know of."""
    row = find_record(who, f"{kind}:{identity}") if kind in Record.registry else None
    if row is None:
        raise Http404
    return row


def may_change(who: Actor, row: RecordRow, permission: Permission = Permission.RECORDS_WRITE) -> bool:
    """Tell whether a reader may change a record, without a line in the access log."""
    return who.may(permission, row.unit) and (row.kind not in SENSITIVE_KINDS or who.may(Permission.RECORDS_SENSITIVE, row.unit))


@page(Permission.RECORDS_READ)
def record(request: HttpRequest, kind: str, identity: str) -> HttpResponse:
    """Show a record."""
    who = actor(request)
    row = found_or_404(who, kind, identity)
    names, named_by, more = _links(who, row)
    every = [*references(kind, row.content), *(ref for group in (*names, *named_by) for ref in group.refs), row.owner]
    pieces, piece_count = _evidence(who, row)
    return render(
        request,
        "record.html.j2",
        form=form_of(kind),
        model=Record.registry[kind],
        row=row,
        sight=Sight(titles_of(who, filter(None, every))),
        due=due_on(row.content),
        today=timezone.now().date(),
        unit=Unit.objects.filter(pk=row.unit).first() if Unit.objects.count() > 1 else None,
        names=names,
        named_by=named_by,
        more_named_by=more,
        pieces=pieces,
        piece_count=piece_count,
        bearings=_bearings(who, row),
        may_write=may_change(who, row),
        may_delete=may_change(who, row, Permission.RECORDS_DELETE),
        may_make=who.may(Permission.RECORDS_WRITE),
        view=request.GET.get("view", ""),
        yaml=yaml_of(kind, row.content) if request.GET.get("view") == "yaml" else "",
        may_trace=who.may(Permission.ASSESSMENT_READ),
    )


def _links(who: Actor, row: RecordRow) -> tuple[list[Named], list[Named], int]:
    """Give what the record names, what names it, and how many more name it than are given; of both only what the reader may see."""
    there = visible_records(who)
    targets = RecordLink.objects.filter(source=row.ref).exclude(target=row.ref).values("target")
    sources = there.filter(ref__in=RecordLink.objects.filter(target=row.ref).exclude(source=row.ref).values("source"))
    names = list(there.filter(ref__in=targets).order_by("kind", "title", "ref").values_list("ref", flat=True)[:_LINKS])
    named_by = list(sources.order_by("kind", "title", "ref").values_list("ref", flat=True)[: _LINKS + 1])
    more = sources.count() - _LINKS if len(named_by) > _LINKS else 0
    return _by_kind(names), _by_kind(named_by[:_LINKS]), more


def _by_kind(refs: list[str]) -> list[Named]:
    groups: dict[str, list[str]] = {}
    for ref in refs:
        groups.setdefault(ref.partition(":")[0], []).append(ref)
    return [Named(label_of(kind), tuple(found)) for kind, found in groups.items()]


def _evidence(who: Actor, row: RecordRow) -> tuple[list[Piece], int]:
    """Give the latest pieces of evidence about the record, and how many there are."""
    if not who.may(Permission.EVIDENCE_READ, row.unit):
        return [], 0
    digests: dict[str, str] = {}
    about = EvidenceSubject.objects.filter(ref=row.ref)
    rows = visible_evidence(who).filter(id__in=about.values("evidence"))
    found = list(rows.order_by("-observed_at", "id").defer("body", "signers")[:_PIECES])
    for evidence, digest in about.filter(evidence__in=[one.id for one in found]).values_list("evidence", "digest"):
        digests[evidence] = row.digest if digests.get(evidence) == row.digest else digest
    now = timezone.now()
    return [
        Piece(
            one.id,
            label(one.topic),
            one.observed_at,
            Strength(one.strength).label,
            one.expires_at is not None and one.expires_at <= now,
            digests.get(one.id) != row.digest,
        )
        for one in found
    ], rows.count()


def _bearings(who: Actor, row: RecordRow) -> list[Bearing]:
    """Name the controls that the record names itself, and those whose checks look at records of its kind."""
    if not who.may(Permission.ASSESSMENT_READ, row.unit):
        return []
    try:
        assessment = current().assessment
    except NotReady:
        return []
    whole = who.may(Permission.ASSESSMENT_READ, root_unit())
    stated = Record.registry[row.kind].model_validate(row.content)
    named = {target for _, entry, target in stated.catalog_links() if entry == "control"}
    looked_at = assessment.once(("controls-of-kind", row.kind), lambda: _looking_at(assessment, row.kind))
    found = []
    for identity in (*sorted(named), *(one for one in looked_at if one not in named)):
        control = assessment.catalog.controls.get(identity)
        if control is not None:
            status = _status(assessment, identity, row, whole=whole)
            found.append(Bearing(identity, control.title, status, "named" if identity in named else looked_at[identity]))
    return sorted(found, key=lambda one: (one.why != "named", _SORT.get(one.status, len(_SORT)), one.id))


def _status(assessment: Assessment, control: str, row: RecordRow, *, whole: bool) -> Status | None:
    """Give a control's status for an AI system, else as a whole to who may see that."""
    if row.ref in assessment.systems:
        score = assessment.control(control, row.ref)
        return None if score is None else score.status
    score = assessment.control(control) if whole else None
    return None if score is None else score.status


def _looking_at(assessment: Assessment, kind: str) -> dict[str, str]:
    """Name the controls with a check on records of a kind, or on evidence about them, each with the title of the first such check."""
    found: dict[str, str] = {}
    for control in assessment.catalog.controls.values():
        for check in control.checks:
            on = check.kind if isinstance(check, RecordCheck) else check.on if isinstance(check, EvidenceCheck) else None
            if on == kind or (on is None and kind in control.applies_to):
                found.setdefault(control.id, check.title)
    return found


ROUTES: Final = (path("records/<str:kind>/<str:identity>", record, name="record"),)
