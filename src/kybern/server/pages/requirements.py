"""A requirement: what it asks, how it stands and why, what would close it, and its neighbours in other frameworks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.urls import path

from kybern.assessment import Status, explain, owed_by
from kybern.catalog import EvidenceCheck
from kybern.catalog._crosswalk import inverted
from kybern.catalog.applicability import load_rules
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current, register_of
from kybern.server.pages.controls import SYSTEMS_SHOWN
from kybern.server.pages.door import page, render
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from kybern.assessment import Owed, Reason, Score
    from kybern.catalog import Check, Control, Requirement
    from kybern.server.live import Standing

_DONE: Final = (Status.MET, Status.NOT_APPLICABLE)
_NEIGHBOURS: Final = 40
_LOOKED_AT: Final = 2000


@dataclass(frozen=True)
class ToDo:
    """What would close a part of a requirement: a check that does not hold, who owes it, and how it is met."""

    control: Control
    check: Check
    status: Status
    text: str
    owed: Owed

    @property
    def evidence(self) -> bool:
        """Whether it is met by evidence; otherwise by a record."""
        return isinstance(self.check, EvidenceCheck)


@page(Permission.ASSESSMENT_READ)
def requirement(request: HttpRequest, ref: str) -> HttpResponse:
    """Show a requirement, for the organisation or for one AI system (`subject`)."""
    standing = current()
    entry = standing.catalog.requirements.get(ref)
    subject = request.GET.get("subject") or None
    if entry is None or (subject is not None and subject not in standing.assessment.subjects):
        raise Http404
    require(actor(request), Permission.ASSESSMENT_READ, _unit_of(subject, standing), subject=request.path)
    if standing.assessment.requirement(ref, subject) is None:
        raise Http404
    reasons = explain(standing.assessment, ref, subject, most=SYSTEMS_SHOWN)
    parts = [child for child in standing.catalog.children(ref) if standing.catalog.requirements[child].normative]
    name = ref.partition(":")[0]
    neighbours = tuple(neighbours_of(standing, ref))
    return render(
        request,
        "requirement.html.j2",
        ref=ref,
        entry=entry,
        framework=standing.catalog.frameworks[name],
        above=_above(standing, ref),
        score=reasons.score,
        reasons=reasons,
        parts=[(child, standing.catalog.requirements[child], standing.assessment.requirement(child, subject)) for child in parts],
        todo=() if parts else tuple(todo_of(standing, reasons, _system(standing, subject)))[:12],
        subject=subject,
        subject_title=None if subject is None else _title(standing, subject),
        systems=() if parts or subject else _systems(standing, ref),
        neighbours=neighbours[:_NEIGHBOURS],
        beside=tuple(dict.fromkeys(one[0].partition(":")[0] for one in neighbours)),
        binds=[one for one in register_of(standing).bindings if one.requirement == ref] if is_bound(standing) else [],
        conclusions=load_rules().conclusions,
    )


def _system(standing: Standing, subject: str | None) -> str | None:
    """Give the AI system that is looked at; None for the organisation."""
    return subject if subject in standing.assessment.systems else None


def _unit_of(subject: str | None, standing: Standing) -> int:
    """Give the unit whose permission is asked: the system's own, or the whole organisation."""
    if subject is None or subject == standing.assessment.organization:
        return root_unit()
    return RecordRow.objects.filter(pk=subject).values_list("unit", flat=True).first() or root_unit()


def _title(standing: Standing, ref: str) -> str:
    record = standing.records.get(ref)
    return record.title if record else ref


def _above(standing: Standing, ref: str) -> list[tuple[str, Requirement]]:
    """Name the groups that a requirement stands in, the outermost first."""
    name, found = ref.partition(":")[0], []
    parent = standing.catalog.requirements[ref].parent
    while parent is not None:
        above = f"{name}:{parent}"
        found.append((above, standing.catalog.requirements[above]))
        parent = standing.catalog.requirements[above].parent
    return found[::-1]


def todo_of(standing: Standing, reasons: Reason, system: str | None = None) -> Iterator[ToDo]:
    """Go through the checks that do not hold; one that is missing on several subjects is told once, as it stands on the first."""
    seen: set[str] = set()
    for one in reasons.walk():
        control, _, name = one.ref.partition("/")
        if one.kind != "check" or one.status is None or one.status in _DONE or one.ref in seen or control not in standing.catalog.controls:
            continue
        seen.add(one.ref)
        found = standing.catalog.controls[control]
        check = next(each for each in found.checks if each.id == name)
        yield ToDo(found, check, one.status, one.text, owed_by(standing.assessment, found, system))


def _systems(standing: Standing, ref: str) -> list[tuple[str, str, Score]]:
    """Give how a requirement stands on AI systems, those first on which it is not met."""

    def make() -> list[tuple[str, str, Score]]:
        found = [
            (one, _title(standing, one), score)
            for one in standing.assessment.systems[:2000]
            if (score := standing.assessment.requirement(ref, one))
        ]
        return sorted(found, key=lambda one: (one[2].status in _DONE, one[2].status, one[2].coverage, one[1]))[:SYSTEMS_SHOWN]

    return standing.assessment.once(("requirement on systems", ref), make)


def neighbours_of(standing: Standing, ref: str) -> Iterator[tuple[str, str, str, str, Score | None]]:
    """Name what other frameworks ask alike, by the crosswalks: (name, title, relation, confidence, score)."""
    seen: set[str] = set()
    for walk in standing.catalog.crosswalks:
        for row in walk.rows:
            other = row.target if row.source == ref else row.source if row.target == ref else None
            if other is None or other in seen or other not in standing.catalog.requirements:
                continue
            seen.add(other)
            entry = standing.catalog.requirements[other]
            score = standing.assessment.requirement(other) if entry.normative else None
            relation = row.relation if row.source == ref else inverted(row.relation)
            yield other, entry.title, str(relation or "related"), str(row.confidence), score


def is_bound(standing: Standing) -> bool:
    """Tell whether the register is made for all at once: the organisation is known, and of a size where that takes a moment."""
    return standing.records.organization is not None and len(standing.assessment.systems) <= SYSTEMS_SHOWN * 25


ROUTES: Final = (path("requirements/<str:ref>", requirement, name="requirement"),)
