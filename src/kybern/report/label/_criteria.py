"""Criteria: what must be so before a readiness statement is issued, declared beforehand and named in it by digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field

from kybern.assessment import Status
from kybern.base import InputError, Place, digest
from kybern.base.validation import validate
from kybern.base.yaml import read_yaml
from kybern.catalog import PredicateType
from kybern.records.assurance import Nonconformity
from kybern.records.leadership import Role

if TYPE_CHECKING:
    from kybern.assessment import Assessment
    from kybern.evidence import Evidence
    from kybern.records import RecordSet

TOPIC: Final = "readiness-statement"
"""The topic of the approval that a statement needs."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Criteria(BaseModel):
    """What must be so. The defaults are those of Kybern; a file of the organisation's own may ask for more or less, and says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum_coverage: Share = 0.8
    minimum_strength: Annotated[float, Field(ge=1, le=5, allow_inf_nan=False)] = 2.0
    minimum_freshness: Share = 0.0
    maximum_not_met: Annotated[int, Field(ge=0, le=10_000)] = 0
    maximum_expired: Annotated[int, Field(ge=0, le=10_000)] = 0
    maximum_open_major_nonconformities: Annotated[int, Field(ge=0, le=10_000)] = 0
    log_audited: bool = True
    valid_days: Annotated[int, Field(ge=1, le=730)] = 180
    """Days after the moment a statement speaks of."""
    approver: Annotated[str, Field(pattern=r"^role:[a-z0-9][a-z0-9._-]*$", max_length=120)] | None = None
    """The accountable role; None means top management as the organisation's record names it."""

    @classmethod
    def from_yaml(cls, data: bytes, file: str) -> Criteria:
        """Read a file of criteria; `InputError` with every problem and its place."""
        documents = read_yaml(data, file)
        if len(documents) != 1:
            raise InputError.one("one-document", f"{file} holds {len(documents)} documents.", Place(file), "Keep one.")
        found, problems = validate(cls, documents[0])
        if found is None:
            raise InputError(problems)
        return found

    @property
    def content(self) -> dict[str, Any]:
        """The criteria, JSON-shaped."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of `content`."""
        return digest(self.content)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A criterion that is not met: which, and how."""

    criterion: str
    text: str


def shortfalls(criteria: Criteria, assessment: Assessment, framework: str, *, log_holds: bool) -> tuple[Shortfall, ...]:
    """List what keeps a statement on a framework from being issued; the approval is asked for apart."""
    return tuple(_short(criteria, assessment, framework, log_holds=log_holds))


def _short(criteria: Criteria, assessment: Assessment, framework: str, *, log_holds: bool) -> Iterator[Shortfall]:
    found = assessment.readiness(framework)
    if found.coverage < criteria.minimum_coverage - 1e-9:
        yield Shortfall("minimum_coverage", f"coverage is {found.coverage:.1%}; at least {criteria.minimum_coverage:.1%} is asked")
    for name, value, least in (
        ("strength", found.strength, criteria.minimum_strength),
        ("freshness", found.freshness, criteria.minimum_freshness),
    ):
        if value is None or value < least - 1e-9:
            shown = "unknown, for no evidence stands" if value is None else f"{value:.2f}"
            yield Shortfall(f"minimum_{name}", f"{name} is {shown}; at least {least:g} is asked")
    for status, most in ((Status.NOT_MET, criteria.maximum_not_met), (Status.EXPIRED, criteria.maximum_expired)):
        if found.counts[status] > most:
            text = f"{found.counts[status]} requirements are {status.label}; at most {most} may be"
            yield Shortfall(f"maximum_{status.slug}", text)
    major = [one.ref for one in _open_major(assessment.records)]
    if len(major) > criteria.maximum_open_major_nonconformities:
        text = f"{len(major)} major nonconformities are not closed ({', '.join(major[:5])})"
        yield Shortfall("maximum_open_major_nonconformities", f"{text}; at most {criteria.maximum_open_major_nonconformities} may be")
    if criteria.log_audited and not log_holds:
        yield Shortfall("log_audited", "the audit of the evidence log does not hold")


def _open_major(records: RecordSet) -> Iterator[Nonconformity]:
    for one in cast("tuple[Nonconformity, ...]", records.of_kind("nonconformity")):
        if one.grade == "major" and one.state != "closed":
            yield one


def accountable(criteria: Criteria, records: RecordSet) -> tuple[str | None, tuple[str, ...]]:
    """Name the accountable role, and who may act for it: its holders and its deputy."""
    organization = records.organization
    name = criteria.approver or (organization.top_management if organization is not None else None)
    role = records.get(name) if name is not None else None
    if not isinstance(role, Role):
        return name, ()
    return name, tuple(dict.fromkeys((*role.holders, *([role.deputy] if role.deputy else []))))


def approval_of(claim_digest: str, people: tuple[str, ...], evidence: list[Evidence], at: datetime) -> Evidence | None:
    """Find the approval of exactly this statement by one of these people that stands at a moment; a later rejection takes it back."""
    speaking = [
        one
        for one in evidence
        if one.predicate is PredicateType.APPROVAL
        and one.topic == TOPIC
        and one.observed_at <= at
        and one.body.get("by") in people
        and any(subject.digest == claim_digest for subject in one.subjects)
    ]
    last = max(speaking, key=lambda one: (one.observed_at, one.id), default=None)
    if last is None or last.body.get("decision") != "approved" or (last.expires_at is not None and last.expires_at < at):
        return None
    return last
