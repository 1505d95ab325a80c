"""Layer 7, trust and assurance (ISO/IEC 42001 clauses 9.2, 9.3 and 10): audits, reviews, incidents, corrections, approvals."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from kybern.catalog import Days, Layer
from kybern.records._base import Facts, Part, Record, Text
from kybern.records._refs import (
    AnyRef,
    DocumentRef,
    FindingRef,
    IncidentRef,
    PartOfAny,
    PartOfAudit,
    PartOfIncident,
    PartOfNonconformity,
    PartOfSystem,
    PersonRef,
    RequirementName,
)
from kybern.records.leadership import CountryCode

Harm = Literal["death", "health", "critical-infrastructure", "fundamental-rights", "property", "environment"]
"""What makes an incident serious (AI Act, Article 3(49))."""


class AuditProgramme(Record):
    """The internal audit programme: what is audited when, how, by whom (9.2.2)."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "9.2.2"

    kind: Literal["audit_programme"] = "audit_programme"
    frequency: Days
    methods: Text
    planning: Text
    reporting: Text
    from_date: date
    to_date: date


class Audit(Record):
    """An audit: objectives, criteria, scope, impartial auditor, sample, result (9.2; ISO 19011)."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "9.2"

    kind: Literal["audit"] = "audit"
    type: Literal["internal", "supplier", "certification-stage-1", "certification-stage-2", "surveillance"]
    objectives: Text
    criteria: Annotated[tuple[Text, ...], Field(min_length=1)]
    scope: Text
    of_systems: tuple[PartOfSystem, ...] = ()
    auditor: PersonRef
    impartiality: Text
    sample: Text | None = None
    planned_on: date | None = None
    held_on: date | None = None
    conclusion: Text | None = None
    recipients: tuple[PersonRef, ...] = ()
    report: DocumentRef | None = None


class Finding(Record):
    """What an audit found against a requirement, with its grade."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "9.2.2"

    kind: Literal["finding"] = "finding"
    audit: PartOfAudit
    grade: Literal["major", "minor", "observation", "strength"]
    requirement: RequirementName
    statement: Text
    seen: Text
    """What the auditor saw that bears the finding out."""
    of_systems: tuple[PartOfSystem, ...] = ()
    answered_on: date | None = None


class ReviewInput(Part):
    """One input a management review must consider (9.3.2)."""

    topic: Literal[
        "earlier-actions", "context-changes", "interested-party-changes", "nonconformities", "measurements", "audits", "improvement"
    ]
    summary: Text


class ManagementReview(Record):
    """A management review: what was considered, what was decided (9.3)."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "9.3"

    kind: Literal["management_review"] = "management_review"
    held_on: date
    chaired_by: PersonRef
    attended_by: tuple[PersonRef, ...] = ()
    inputs: Annotated[tuple[ReviewInput, ...], Field(min_length=1)]
    decisions: Annotated[tuple[Text, ...], Field(min_length=1)]
    changes_needed: Text | None = None
    minutes: DocumentRef | None = None


class ReportMade(Part):
    """The first report on a clock of law (`kybern clocks` names them): when it was made, and to whom."""

    clock: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=80)]
    at: AwareDatetime
    to: Text | None = None


class Incident(Record):
    """Something that went wrong with an AI system. Awareness and occurrence are kept apart: reporting clocks start from them.

    `kybern clocks` runs them. What is not stated is not known; `harms: []` says that there was none of these.
    """

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "10.2"

    kind: Literal["incident"] = "incident"
    systems: Annotated[tuple[PartOfSystem, ...], Field(min_length=1)]
    severity: Literal["low", "medium", "high", "serious"]
    occurred_at: AwareDatetime | None = None
    aware_at: AwareDatetime
    account: Text
    harm: Text | None = None
    interim_measures: Text | None = None
    cause: Text | None = None
    reported_to: tuple[Text, ...] = ()
    communicated_on: date | None = None
    state: Literal["open", "contained", "resolved"] = "open"
    resolved_at: AwareDatetime | None = None
    causal_link_at: AwareDatetime | None = None
    """When a causal link between system and incident was established, or its reasonable likelihood."""
    determined_at: AwareDatetime | None = None
    """When it was determined that this is an incident which has to be reported."""
    corrected_at: AwareDatetime | None = None
    """When a corrective or mitigating measure was available."""
    member_states: Annotated[tuple[CountryCode, ...], Field(min_length=1)] | None = None
    """Where it happened: there it is reported, and there days end."""
    harms: tuple[Harm, ...] | None = None
    facts: Facts | None = None
    """Further facts of the incident that decide which clocks run, by their names: `kybern clocks --schema`."""
    reports: Annotated[tuple[ReportMade, ...], Field(min_length=1)] | None = None


class Nonconformity(Record):
    """A requirement not fulfilled: correction, consequence, cause, similar cases (10.2)."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "10.2"

    kind: Literal["nonconformity"] = "nonconformity"
    requirement: RequirementName
    statement: Text
    grade: Literal["major", "minor"]
    found_on: date
    of_systems: tuple[PartOfSystem, ...] = ()
    findings: tuple[FindingRef, ...] = ()
    incidents: tuple[IncidentRef, ...] = ()
    correction: Text | None = None
    cause: Text | None = None
    similar_cases: Text | None = None
    state: Literal["open", "corrected", "closed"] = "open"
    closed_on: date | None = None


class CorrectiveAction(Record):
    """What removes a cause, by when, and whether it worked (10.2)."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "10.2"

    kind: Literal["corrective_action"] = "corrective_action"
    nonconformity: PartOfNonconformity
    action: Text
    due_on: date
    done_on: date | None = None
    effective: bool | None = None
    effectiveness: Text | None = None
    checked_on: date | None = None
    system_change: Text | None = None
    """What changed in the management system itself because of it."""


class Lesson(Record):
    """What an incident taught, and what changed because of it (10.1)."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "10.1"

    kind: Literal["lesson"] = "lesson"
    incident: PartOfIncident
    learned: Text
    changed: Text


class Improvement(Record):
    """An improvement of the management system that is planned or done (10.1)."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "10.1"

    kind: Literal["improvement"] = "improvement"
    origin: Literal["review", "audit", "incident", "measurement", "suggestion", "maturity"]
    action: Text
    due_on: date | None = None
    done_on: date | None = None
    effect: Text | None = None


class Approval(Record):
    """A decision that something may go on, by somebody with the authority. What counts is its signed evidence."""

    layer: ClassVar[Layer] = Layer.L7
    clause: ClassVar[str] = "8.1"
    needs_owner: ClassVar[bool] = False

    kind: Literal["approval"] = "approval"
    of: PartOfAny
    decision: Literal["approved", "approved-with-conditions", "rejected"]
    conditions: Text | None = None
    approver: PersonRef
    decided_at: AwareDatetime
    expires_on: date | None = None
    grounds: tuple[AnyRef, ...] = ()
