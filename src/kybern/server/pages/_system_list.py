"""The inventory of AI systems: rows from the database, and for those that are shown their numbers from the assessment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from django.db.models import Max
from django.utils.translation import gettext as _

from kybern.assessment import Status
from kybern.assessment._cells import stack
from kybern.records.lifecycle import AISystem, Stage
from kybern.server.access.permissions import Permission
from kybern.server.pages._asked import asked, number, owner_options, titles, unit_options
from kybern.server.pages._law import LawClass, classification, law_class
from kybern.server.pages._looks import status_word
from kybern.server.pages._risks import risks_by_system
from kybern.server.store.models import EvidenceSubject
from kybern.server.store.visible import visible_records
from kybern.server.wording import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from kybern.assessment import Assessment, Readiness
    from kybern.catalog import Framework
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.store.models import RecordRow

KIND: Final = "ai_system"
STAGES: Final[tuple[str, ...]] = get_args(Stage)
CLASSES: Final[tuple[str, ...]] = get_args(AISystem.model_fields["risk_class"].annotation)
ORDERS: Final = {
    "title": ("title", "ref"),
    "-title": ("-title", "-ref"),
    "changed": ("changed_at", "ref"),
    "-changed": ("-changed_at", "-ref"),
}


@dataclass(frozen=True)
class SystemRow:
    """A system in the list. What the reader may not see of it is None."""

    row: RecordRow
    owner: str | None
    law: LawClass | None
    readiness: tuple[tuple[Framework, Readiness], ...]
    status: Status | None
    open_risks: int
    last: datetime | None
    in_scope: bool

    @property
    def stage(self) -> str:
        """Where it stands in its life cycle."""
        return str(self.row.content.get("stage", ""))

    @property
    def role(self) -> str:
        """What the organisation is to it."""
        return str(self.row.content.get("role", ""))

    @property
    def stated(self) -> str:
        """The risk class that the record states."""
        return str(self.row.content.get("risk_class", "unclassified"))


def filtered(who: Actor, request: HttpRequest, standing: Standing | None) -> QuerySet[RecordRow]:
    """Choose the systems that the address asks for among those that the reader may see."""
    rows = visible_records(who).filter(kind=KIND)
    stage, risk_class, owner, status, text = (asked(request, name) for name in ("stage", "class", "owner", "status", "q"))
    if stage in STAGES:
        rows = rows.filter(content__stage=stage)
    if risk_class in CLASSES:
        rows = rows.filter(content__risk_class=risk_class)
    if owner:
        rows = rows.filter(owner=owner)
    unit = number(asked(request, "unit"), who.where(Permission.RECORDS_READ))
    if unit is not None:
        rows = rows.filter(unit=unit)
    if text:
        rows = rows.filter(text__contains=text.lower())
    wanted = next((one for one in Status if one.slug == status), None)
    if wanted is not None and standing is not None:
        found = [ref for ref, one in statuses(standing).items() if one is wanted]
        rows = rows.filter(ref__in=found, unit__in=who.where(Permission.ASSESSMENT_READ))
    return rows


def statuses(standing: Standing) -> Mapping[str, Status]:
    """Give the status of every system in scope on the first framework that is asked about: all its requirements combined."""

    def make() -> Mapping[str, Status]:
        leaves = standing.assessment.board.leaves
        cells = [leaves[ref] for ref in standing.catalog.leaves(standing.frameworks[0]) if ref in leaves]
        if not cells or not standing.assessment.systems:
            return dict.fromkeys(standing.assessment.systems, Status.UNKNOWN)
        found = stack(cells).status.tolist()
        return {ref: Status(one) for ref, one in zip(standing.assessment.systems, found, strict=True)}

    return standing.assessment.once("system-statuses", make)


def shown(who: Actor, rows: Sequence[RecordRow], standing: Standing | None) -> list[SystemRow]:
    """Work out the numbers of the systems on a page."""
    owners = titles(who, (row.owner for row in rows if row.owner))
    last = _last_evidence(who, rows, standing)
    return [_row(who, row, standing, owners, last) for row in rows]


def _row(who: Actor, row: RecordRow, standing: Standing | None, owners: Mapping[str, str], last: Mapping[str, datetime]) -> SystemRow:
    owner = owners.get(row.owner, row.owner.partition(":")[2] or None)
    if standing is None or not who.may(Permission.ASSESSMENT_READ, row.unit):
        return SystemRow(row, owner, None, (), None, 0, last.get(row.ref), in_scope=True)
    record, assessment = standing.records.get(row.ref), standing.assessment
    law = law_class(classification(record, standing)) if isinstance(record, AISystem) else None
    inside = row.ref in statuses(standing)
    readiness = (
        tuple((standing.catalog.frameworks[name], _readiness(assessment, name, row.ref)) for name in standing.frameworks) if inside else ()
    )
    risks = sum(one.open for one in risks_by_system(standing).get(row.ref, ()))
    return SystemRow(row, owner, law, readiness, statuses(standing).get(row.ref), risks, last.get(row.ref), in_scope=inside)


def _readiness(assessment: Assessment, name: str, ref: str) -> Readiness:
    return assessment.once(("readiness", name, ref), lambda: assessment.readiness(name, ref))


def _last_evidence(who: Actor, rows: Sequence[RecordRow], standing: Standing | None) -> dict[str, datetime]:
    """Find when something about a system, or about what belongs to it, was last observed."""
    readable = [row.ref for row in rows if who.may(Permission.EVIDENCE_READ, row.unit)]
    belonging = {ref: {ref, *(() if standing is None else standing.records.belonging_to(ref))} for ref in readable}
    refs = sorted(set().union(*belonging.values()))
    found: dict[str, datetime] = {}
    for start in range(0, len(refs), 500):
        part = EvidenceSubject.objects.filter(ref__in=refs[start : start + 500]).order_by().values("ref")
        found |= {one["ref"]: one["last"] for one in part.annotate(last=Max("observed_at"))}
    return {ref: max(moments) for ref, inside in belonging.items() if (moments := [found[one] for one in inside if one in found])}


def selects(who: Actor, standing: Standing | None) -> list[dict[str, Any]]:
    """Give the filters with their choices."""
    rows = visible_records(who).filter(kind=KIND)
    found: list[dict[str, Any]] = [
        {"name": "stage", "label": _("Stage"), "options": [(one, words(one)) for one in STAGES]},
        {"name": "class", "label": _("Risk class"), "options": [(one, words(one)) for one in CLASSES]},
        {"name": "owner", "label": _("Owner"), "options": owner_options(rows)},
    ]
    if standing is not None:
        statuses = [(one.slug, status_word(one)) for one in sorted(Status, reverse=True) if one is not Status.NOT_APPLICABLE]
        found.append({"name": "status", "label": _("Status"), "options": statuses})
    units = unit_options(who, Permission.RECORDS_READ)
    return [*found, {"name": "unit", "label": _("Unit"), "options": units}] if units else found
