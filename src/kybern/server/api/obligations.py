"""What binds the organisation and its AI systems, and traces between records, controls, requirements and evidence."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from kybern.assessment import TraceGraph
from kybern.base import InputError
from kybern.records import Record
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.api._door import Needs, ProblemAnswer
from kybern.server.api._fields import LIMIT, Cursor, Limit, Ref, RequirementName, ScoreOut, Text, iso, score_json
from kybern.server.api._paging import slice_of
from kybern.server.api._standing import standing_for, whole
from kybern.server.live import register_of
from kybern.server.pages.requirements import is_bound
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from datetime import date

    from kybern.assessment import Binding, Step
    from kybern.server.access.actor import Actor

router: Final = Router(tags=["assessment"])
_DEEPEST: Final = 6
_STEPS: Final = 5_000
_ENTRIES: Final = 50_000
"""Entries of the log up to which traces are made: every link of every record and piece is gone through for them."""


class BindingOut(Schema):
    """A requirement that binds a subject: from when and why, who owes it, how it stands (null where no control answers it)."""

    subject: str
    requirement: str
    regime: str
    title: str | None
    statement: str
    since: str | None
    until: str | None
    before: str | None
    in_effect: bool
    basis: str | None
    because: list[str]
    chain: list[str]
    penalty: str | None
    owner: str | None
    owner_ref: str | None
    stated: list[str]
    score: ScoreOut | None


class UnsettledOut(Schema):
    """Requirements of a regime that may bind a subject, and the facts that would settle it."""

    subject: str
    regime: str
    requirements: list[str]
    facts: list[str]


class RegisterOut(Schema):
    """A page of what binds, with what may bind and which regimes do not reach whom."""

    as_of: str
    items: list[BindingOut]
    next: str | None
    unsettled: list[UnsettledOut]
    free: dict[str, list[str]]


class StepOut(Schema):
    """A node of a trace: how it was reached, and what comes after it."""

    ref: str
    kind: str
    title: str
    relation: str
    date: str | None
    digest: str | None
    children: list[StepOut]


@router.get("/obligations", response=RegisterOut, auth=Needs(Permission.ASSESSMENT_READ), summary="What binds, from when, and why")
def obligation_list(
    request: HttpRequest,
    subject: Ref | None = None,
    regime: Text | None = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> dict[str, Any]:
    """List the requirements that bind the organisation and its AI systems, or one of them (`subject`), in the order of the law."""
    standing, chosen = standing_for(request, subject)
    named = None if subject is None else chosen or standing.assessment.organization
    if named is None and not is_bound(standing):
        detail = "The register of so many AI systems, or of no known organisation, is not made at once: name a subject."
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "subject-needed", detail)
    register = register_of(standing, named)
    bindings = [one for one in register.bindings if regime in (None, one.duty.regime)]
    found, after = slice_of(bindings, lambda one: f"{one.subject} {one.requirement} {one.duty.since} {one.duty.regime}", cursor, limit)
    return {
        "as_of": iso(standing.as_of),
        "items": [_binding(one, register.as_of) for one in found],
        "next": after,
        "unsettled": [
            {"subject": one.subject, "regime": one.regime, "requirements": list(one.requirements), "facts": list(one.facts)}
            for one in register.unsettled
            if regime in (None, one.regime)
        ],
        "free": {name: list(names) for name, names in register.free.items()},
    }


def _binding(one: Binding, day: date) -> dict[str, Any]:
    duty = one.duty
    return {
        "subject": one.subject,
        "requirement": one.requirement,
        "regime": duty.regime,
        "title": duty.title,
        "statement": one.statement,
        "since": _day(duty.since),
        "until": _day(duty.until),
        "before": _day(one.before),
        "in_effect": one.in_effect(day),
        "basis": duty.basis,
        "because": list(duty.because),
        "chain": list(one.chain),
        "penalty": duty.penalty,
        "owner": one.owner,
        "owner_ref": one.owner_ref,
        "stated": list(one.stated),
        "score": score_json(one.score),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


@router.get("/trace/{path:ref}", response=StepOut, auth=Needs(Permission.ASSESSMENT_READ), summary="A trace from a name")
def trace(
    request: HttpRequest,
    ref: Annotated[RequirementName, Field(min_length=1)],
    direction: Literal["down", "up"] = "down",
    depth: Annotated[int, Query(ge=0, le=_DEEPEST)] = 3,
) -> dict[str, Any]:
    """Walk from a record, control, requirement or piece of evidence: `down` to parts and proofs, `up` to what it is part of or proves."""
    standing, hidden = whole(request), _hidden_from(actor(request))
    if standing.entries > _ENTRIES:
        detail = "Traces are not made for an organisation of this size: follow the references of records and the reasons of requirements."
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "too-large", detail)
    graph: TraceGraph = standing.assessment.once("trace graph", lambda: TraceGraph(standing.assessment))
    try:
        found = graph.down(ref, depth) if direction == "down" else graph.up(ref, depth)
    except InputError:
        raise Http404 from None
    if _kind(found) in hidden:
        raise Http404
    if sum(1 for _ in found.walk()) > _STEPS:
        detail = f"The trace has more than {_STEPS} steps: ask for less depth."
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "too-large", detail)
    return _step(found, hidden)


def _hidden_from(who: Actor) -> frozenset[str]:
    """Name the kinds of steps that are left out for a reader, with all that is behind them: what they may not read elsewhere."""
    root = root_unit()
    if not who.may(Permission.RECORDS_READ, root):
        return frozenset((*Record.registry, "evidence"))
    sensitive = frozenset[str]() if who.may(Permission.RECORDS_SENSITIVE, root) else SENSITIVE_KINDS
    return sensitive if who.may(Permission.EVIDENCE_READ, root) else sensitive | {"evidence"}


def _kind(step: Step) -> str:
    return step.ref.partition(":")[0] if step.kind == "record" else step.kind


def _step(step: Step, hidden: frozenset[str]) -> dict[str, Any]:
    return {
        "ref": step.ref,
        "kind": step.kind,
        "title": step.title,
        "relation": step.relation,
        "date": step.date,
        "digest": step.digest,
        "children": [_step(child, hidden) for child in step.children if _kind(child) not in hidden],
    }
