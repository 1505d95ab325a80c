"""The assessment over the API: readiness, requirements with their reasons, and what closes most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema

from kybern.assessment import Status, explain, gaps, owed_by
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs
from kybern.server.api._fields import (
    LIMIT,
    ControlName,
    Cursor,
    FrameworkId,
    Identity,
    Limit,
    Ref,
    RequirementName,
    ScoreOut,
    StatusName,
    Text,
    iso,
    score_json,
)
from kybern.server.api._paging import slice_of
from kybern.server.api._standing import ReasonOut, reason_json, standing_for, whole
from kybern.server.pages.controls import SYSTEMS_SHOWN
from kybern.server.pages.readiness import gaps_of, rows_of
from kybern.server.pages.requirements import todo_of

if TYPE_CHECKING:
    from kybern.assessment import Gap, Readiness
    from kybern.server.live import Standing
    from kybern.server.pages.readiness import Row

router: Final = Router(tags=["assessment"])
_SUBJECTS: Final = 50
_MISSING: Final = 5
_DEEPEST: Final = 8


class ReadinessOut(Schema):
    """A framework in numbers, kept apart: coverage, the strength and freshness of the evidence, how many requirements have which status."""

    framework: str
    title: str
    asked: bool
    """Whether the organisation asks about it."""
    coverage: float
    strength: float | None
    freshness: float | None
    counts: dict[str, int]
    gaps: int | None
    """Controls that fall short of it; null for a framework that is not asked about."""


class AssessmentOut(Schema):
    """The assessment at a moment, over the first so many entries of the log."""

    as_of: str
    entries: int
    organization: str
    systems: int
    digests: dict[str, str]
    frameworks: list[ReadinessOut]


class RequirementOut(Schema):
    """A requirement and how it stands; `owners` owe what is open of it."""

    ref: str
    title: str
    layer: str | None
    parts: bool
    """Whether it stands for those below it."""
    owners: list[str]
    score: ScoreOut


class RequirementPage(Schema):
    """A page of requirements."""

    as_of: str
    items: list[RequirementOut]
    next: str | None


class ToDoOut(Schema):
    """A check that does not hold: who owes it, and whether evidence or a record meets it."""

    control: str
    check: str
    title: str
    status: str
    text: str
    owner: str
    owner_ref: str | None
    owner_refs: list[str]
    by: str


class RequirementWhole(Schema):
    """A requirement with how it stands, why, and what would close it."""

    as_of: str
    ref: str
    framework: str
    title: str
    statement: str
    layer: str | None
    subject: str
    parts: list[str]
    score: ScoreOut | None
    reasons: ReasonOut
    gaps: list[ToDoOut]


class MissingOut(Schema):
    """A check that does not hold."""

    ref: str
    title: str
    status: str | None
    text: str


class GapOut(Schema):
    """A control that falls short, and what doing it would bring: the requirements it closes alone, the coverage each framework wins."""

    control: str
    title: str
    status: str
    owner: str
    owner_ref: str | None
    owner_refs: list[str]
    subjects: list[str]
    subjects_count: int
    requirements: list[str]
    closes: list[str]
    gain: dict[str, float]
    effort: int
    short: int
    planned_on: str | None
    missing: list[MissingOut]
    """The first of the checks that do not hold."""


class GapPage(Schema):
    """A page of gaps: what is planned for the month, then what closes most for the least work."""

    as_of: str
    items: list[GapOut]
    next: str | None


class ControlStanding(Schema):
    """How a control stands, why, and who carries it out."""

    as_of: str
    control: str
    title: str
    subject: str
    owner: str
    owner_ref: str | None
    owner_refs: list[str]
    score: ScoreOut
    reasons: ReasonOut


class SystemStanding(Schema):
    """How an AI system stands."""

    as_of: str
    ref: str
    title: str
    frameworks: list[ReadinessOut]


@router.get("/assessment", response=AssessmentOut, auth=Needs(Permission.ASSESSMENT_READ), summary="The assessment of the organisation")
def assessment(request: HttpRequest) -> dict[str, Any]:
    """Give readiness by framework, those that the organisation asks about first, as of the moment and the entry of the log it says."""
    standing = whole(request)
    found = standing.assessment
    return {
        "as_of": iso(standing.as_of),
        "entries": standing.entries,
        "organization": found.organization,
        "systems": len(found.systems),
        "digests": found.digests,
        "frameworks": _frameworks(standing, None),
    }


def _frameworks(standing: Standing, subject: str | None) -> list[dict[str, Any]]:
    names = [*standing.frameworks, *(name for name in standing.catalog.frameworks if name not in standing.frameworks)]
    return [_readiness(standing, name, subject) for name in names]


def _readiness(standing: Standing, name: str, subject: str | None) -> dict[str, Any]:
    found: Readiness = standing.assessment.once(("readiness", name, subject), lambda: standing.assessment.readiness(name, subject))
    is_asked = name in standing.frameworks
    return {
        "framework": name,
        "title": standing.catalog.frameworks[name].title,
        "asked": is_asked,
        "coverage": found.coverage,
        "strength": found.strength,
        "freshness": found.freshness,
        "counts": {status.slug: count for status, count in found.counts.items()},
        "gaps": len(_gaps(standing, name, subject)) if is_asked else None,
    }


@router.get("/requirements", response=RequirementPage, auth=Needs(Permission.ASSESSMENT_READ), summary="Requirements and how they stand")
def requirements(  # noqa: PLR0913, PLR0917 - each is a parameter of the address
    request: HttpRequest,
    framework: FrameworkId | None = None,
    status: StatusName | None = None,
    owner: Text | None = None,
    subject: Ref | None = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> dict[str, Any]:
    """List the requirements of a framework, or of all that the organisation asks about, for it or for one AI system (`subject`).

    With `status` or `owner` only those that ask something by themselves; groups of requirements are left out then.
    """
    standing, chosen = standing_for(request, subject)
    if framework is not None and framework not in standing.catalog.frameworks:
        raise Http404
    names = standing.frameworks if framework is None else (framework,)
    rows = [row for name in names for row in rows_of(standing, name, chosen) if _fits(row, status, owner)]
    found, after = slice_of(rows, lambda row: row.ref, cursor, limit)
    return {"as_of": iso(standing.as_of), "items": [_requirement(row) for row in found], "next": after}


def _fits(row: Row, status: str | None, owner: str | None) -> bool:
    if (status is not None or owner is not None) and not row.leaf:
        return False
    return status in (None, row.score.status.slug) and (owner is None or owner in row.owners)


def _requirement(row: Row) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "title": row.entry.title,
        "layer": None if row.entry.layer is None else row.entry.layer.value,
        "parts": not row.leaf,
        "owners": list(row.owners),
        "score": score_json(row.score),
    }


@router.get(
    "/requirements/{path:ref}",
    response=RequirementWhole,
    auth=Needs(Permission.ASSESSMENT_READ),
    summary="A requirement: how it stands, and why",
)
def requirement(
    request: HttpRequest,
    ref: RequirementName,
    subject: Ref | None = None,
    depth: Annotated[int, Query(ge=0, le=_DEEPEST)] = 3,
) -> dict[str, Any]:
    """Give a requirement with its tree of reasons, so many levels of it, and the checks that do not hold with who owes them."""
    standing, chosen = standing_for(request, subject)
    entry = standing.catalog.requirements.get(ref)
    if entry is None or standing.assessment.requirement(ref, chosen) is None:
        raise Http404
    reasons = explain(standing.assessment, ref, chosen, most=SYSTEMS_SHOWN)
    return {
        "as_of": iso(standing.as_of),
        "ref": ref,
        "framework": ref.partition(":")[0],
        "title": entry.title,
        "statement": entry.statement,
        "layer": None if entry.layer is None else entry.layer.value,
        "subject": chosen or standing.assessment.organization,
        "parts": [child for child in standing.catalog.children(ref) if standing.catalog.requirements[child].normative],
        "score": score_json(reasons.score),
        "reasons": reason_json(reasons, depth),
        "gaps": [
            {
                "control": one.control.id,
                "check": one.check.id,
                "title": one.check.title,
                "status": one.status.slug,
                "text": one.text,
                "owner": one.owed.words,
                "owner_ref": one.owed.ref,
                "owner_refs": list(one.owed.refs),
                "by": "evidence" if one.evidence else "record",
            }
            for one in todo_of(standing, reasons, chosen)
        ],
    }


@router.get("/gaps", response=GapPage, auth=Needs(Permission.ASSESSMENT_READ), summary="What closes most, and who owes it")
def gap_list(  # noqa: PLR0913, PLR0917 - each is a parameter of the address
    request: HttpRequest,
    framework: FrameworkId | None = None,
    owner: Text | None = None,
    subject: Ref | None = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> dict[str, Any]:
    """List the controls that fall short: what is planned for the month or late first, then what closes most requirements alone."""
    standing, chosen = standing_for(request, subject)
    if framework is not None and framework not in standing.catalog.frameworks:
        raise Http404
    every = [one for one in _gaps(standing, framework, chosen) if owner is None or owner in (one.owner, *one.owed.refs)]
    found, after = slice_of(every, lambda one: one.control.id, cursor, limit)
    return {"as_of": iso(standing.as_of), "items": [_gap(one) for one in found], "next": after}


def _gaps(standing: Standing, framework: str | None, subject: str | None) -> tuple[Gap, ...]:
    if subject is None:
        return gaps_of(standing, framework)
    names = standing.frameworks if framework is None else (framework,)
    return gaps(standing.assessment, names, subject, first=names[0])


def _gap(one: Gap) -> dict[str, Any]:
    return {
        "control": one.control.id,
        "title": one.control.title,
        "status": one.status.slug,
        "owner": one.owner,
        "owner_ref": one.owner_ref,
        "owner_refs": list(one.owed.refs),
        "subjects": list(one.subjects[:_SUBJECTS]),
        "subjects_count": len(one.subjects),
        "requirements": list(one.requirements),
        "closes": list(one.closes),
        "gain": one.gain,
        "effort": one.effort,
        "short": one.short,
        "planned_on": None if one.planned_on is None else one.planned_on.isoformat(),
        "missing": [
            {"ref": each.ref, "title": each.title, "status": Status(each.status or 0).slug, "text": each.text}
            for each in one.first(_MISSING)
        ],
    }


@router.get(
    "/systems/{identity}/assessment", response=SystemStanding, auth=Needs(Permission.ASSESSMENT_READ), summary="How an AI system stands"
)
def system(request: HttpRequest, identity: Identity) -> dict[str, Any]:
    """Give readiness by framework for one AI system in scope."""
    standing, chosen = standing_for(request, f"ai_system:{identity}")
    record = standing.records.get(str(chosen))
    if record is None:
        raise Http404
    return {"as_of": iso(standing.as_of), "ref": record.ref, "title": record.title, "frameworks": _frameworks(standing, record.ref)}


@router.get(
    "/controls/{identity}/assessment", response=ControlStanding, auth=Needs(Permission.ASSESSMENT_READ), summary="How a control stands"
)
def control(
    request: HttpRequest,
    identity: ControlName,
    subject: Ref | None = None,
    depth: Annotated[int, Query(ge=0, le=_DEEPEST)] = 3,
) -> dict[str, Any]:
    """Give how a control stands for the organisation, or on one AI system (`subject`), with its reasons."""
    standing, chosen = standing_for(request, subject)
    found = standing.catalog.controls.get(identity)
    score = None if found is None else standing.assessment.control(identity, chosen)
    if found is None or score is None:
        raise Http404
    owed = owed_by(standing.assessment, found, chosen)
    return {
        "as_of": iso(standing.as_of),
        "control": identity,
        "title": found.title,
        "subject": chosen or standing.assessment.organization,
        "owner": owed.words,
        "owner_ref": owed.ref,
        "owner_refs": list(owed.refs),
        "score": score_json(score),
        "reasons": reason_json(explain(standing.assessment, identity, chosen, most=SYSTEMS_SHOWN), depth),
    }
