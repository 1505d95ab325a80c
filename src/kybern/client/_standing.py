"""What can be asked of the assessment: readiness, requirements and why they stand so, gaps, what binds, traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal

from pydantic import TypeAdapter

from kybern.client._exchange import Call, path_of, query_of
from kybern.client._results import Page
from kybern.client._standing_results import (
    Assessment,
    Binding,
    ControlAssessment,
    Gap,
    Requirement,
    RequirementDetail,
    Step,
    SystemAssessment,
    Unsettled,
)

if TYPE_CHECKING:
    import httpx

_REQUIREMENTS: Final = TypeAdapter(Page[Requirement])
_GAPS: Final = TypeAdapter(Page[Gap])
_BINDINGS: Final = TypeAdapter(Page[Binding])
_UNSETTLED: Final = TypeAdapter(tuple[Unsettled, ...])


def assessment() -> Call[Assessment]:
    """Give the readiness of the organisation by framework, those that it asks about first."""
    return Call("GET", "assessment", lambda answer: Assessment.model_validate_json(answer.content))


def system_assessment(ref: str) -> Call[SystemAssessment]:
    """Give the readiness of an AI system in scope by framework."""
    path = path_of("systems", ref.removeprefix("ai_system:"), "assessment")
    return Call("GET", path, lambda answer: SystemAssessment.model_validate_json(answer.content))


def requirements(
    framework: str | None = None,
    *,
    status: str | None = None,
    owner: str | None = None,
    subject: str | None = None,
    page_size: int = 200,
) -> Call[Page[Requirement]]:
    """List the requirements of a framework, or of all that are asked about, for the organisation or for one AI system (`subject`)."""
    query = query_of(framework=framework, status=status, owner=owner, subject=subject, limit=page_size)
    return Call("GET", "requirements", lambda answer: _REQUIREMENTS.validate_json(answer.content), query)


def requirement(ref: str, *, subject: str | None = None, depth: int = 3) -> Call[RequirementDetail]:
    """Give a requirement with its tree of reasons, so many levels of it, and the checks that do not hold with who owes them."""
    query = query_of(subject=subject, depth=depth)
    return Call("GET", path_of("requirements", ref), lambda answer: RequirementDetail.model_validate_json(answer.content), query)


def control_assessment(identity: str, *, subject: str | None = None, depth: int = 3) -> Call[ControlAssessment]:
    """Give how a control stands for the organisation, or on one AI system, with its reasons."""
    path = path_of("controls", identity, "assessment")
    return Call("GET", path, lambda answer: ControlAssessment.model_validate_json(answer.content), query_of(subject=subject, depth=depth))


def gaps(framework: str | None = None, *, owner: str | None = None, subject: str | None = None, page_size: int = 200) -> Call[Page[Gap]]:
    """List the controls that fall short: what is planned for the month or late first, then what closes most requirements alone."""
    query = query_of(framework=framework, owner=owner, subject=subject, limit=page_size)
    return Call("GET", "gaps", lambda answer: _GAPS.validate_json(answer.content), query)


def obligations(subject: str | None = None, *, regime: str | None = None, page_size: int = 200) -> Call[Page[Binding]]:
    """List the requirements that bind the organisation and its AI systems, or one of them, in the order of the law."""
    return Call(
        "GET",
        "obligations",
        lambda answer: _BINDINGS.validate_json(answer.content),
        query_of(subject=subject, regime=regime, limit=page_size),
    )


def unsettled(subject: str | None = None, *, regime: str | None = None) -> Call[tuple[Unsettled, ...]]:
    """List what may bind and cannot be told yet, with the facts that would settle it."""
    return Call("GET", "obligations", _read_unsettled, query_of(subject=subject, regime=regime, limit=1))


def _read_unsettled(answer: httpx.Response) -> tuple[Unsettled, ...]:
    return _UNSETTLED.validate_python(json.loads(answer.content)["unsettled"])


def trace(ref: str, *, direction: Literal["down", "up"] = "down", depth: int = 3) -> Call[Step]:
    """Walk from a record, control, requirement or piece of evidence: `down` to parts and proofs, `up` to what it is part of or proves."""
    query = query_of(direction=direction, depth=depth)
    return Call("GET", path_of("trace", ref), lambda answer: Step.model_validate_json(answer.content), query)
