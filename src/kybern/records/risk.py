"""Layer 2, risk and controls (ISO/IEC 42001 clause 6): criteria, risks, treatment, applicability, objectives, changes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from kybern.catalog import Days, Layer
from kybern.records._base import Part, Record, Text
from kybern.records._refs import (
    AnyRef,
    ControlRef,
    CriteriaRef,
    DocumentRef,
    ImpactRef,
    IndicatorRef,
    ObjectiveRef,
    ObligationRef,
    OwnerRef,
    PartOfRisk,
    PartOfSystem,
    PartOfThing,
    PersonRef,
    RequirementName,
    RiskRef,
    RoleRef,
)

RiskLevel = Annotated[int, Field(ge=1, le=5)]
"""A step of a five-step scale, 1 the lowest; the risk criteria say in words what each step means."""


class ScaleStep(Part):
    """One step of a scale, in words that two assessors read alike."""

    level: RiskLevel
    name: Text
    meaning: Text


class Range(Part):
    """Two numbers above 0 that a quantity lies between nine times in ten: a 90 % interval of the one who assesses."""

    low: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    high: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            msg = "low is above high"
            raise ValueError(msg)
        return self


MOST_PER_YEAR: Final = 1000
"""Nearly three times a day. What comes more often is a running cost, not a risk to be simulated event by event."""


class LikelihoodStep(ScaleStep):
    """A step of the scale of likelihood; in numbers too where the organisation has them."""

    per_year: Range | None = None
    """How often a year what is rated so happens."""

    @model_validator(mode="after")
    def _seldom_enough(self) -> Self:
        if self.per_year is not None and self.per_year.high > MOST_PER_YEAR:
            msg = f"what happens more than {MOST_PER_YEAR} times a year is a running cost; state its sum as the loss of one event a year"
            raise ValueError(msg)
        return self


class ConsequenceStep(ScaleStep):
    """A step of the scale of consequence; in numbers too where the organisation has them."""

    loss: Range | None = None
    """What one such event costs the organisation, in the currency of the criteria."""


class RiskCriteria(Record):
    """How risks are rated and which may be accepted by whom (6.1.1, 6.1.2)."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.1.2"

    kind: Literal["risk_criteria"] = "risk_criteria"
    method: Text
    likelihood: Annotated[tuple[LikelihoodStep, ...], Field(min_length=3, max_length=5)]
    consequence: Annotated[tuple[ConsequenceStep, ...], Field(min_length=3, max_length=5)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    """The currency of the losses by its three letters of ISO 4217, as `EUR`."""
    acceptable_score: Annotated[int, Field(ge=1, le=25)]
    """Likelihood times consequence up to which a risk may be accepted without treatment."""
    acceptance_authority: RoleRef
    document: DocumentRef | None = None
    approved_by: PersonRef | None = None
    approved_on: date | None = None

    @model_validator(mode="after")
    def _losses_have_a_currency(self) -> Self:
        if self.currency is None and any(step.loss is not None for step in self.consequence):
            msg = "losses are stated without their currency: add `currency`, as in `currency: EUR`"
            raise ValueError(msg)
        return self


class Consequences(Part):
    """What the risk would mean, rated apart for each who would bear it."""

    organization: RiskLevel
    individuals: RiskLevel
    society: RiskLevel


class Risk(Record):
    """An AI risk, assessed by stated criteria (6.1.2, 8.2)."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.1.2"

    kind: Literal["risk"] = "risk"
    systems: Annotated[tuple[PartOfSystem, ...], Field(min_length=1)]
    type: Literal[
        "bias",
        "drift",
        "hallucination",
        "misuse",
        "autonomy",
        "privacy",
        "security",
        "robustness",
        "transparency",
        "supplier",
        "legal",
        "systemic",
    ]
    source: RequirementName | None = None
    """A risk source of Annex C.3, as `ISO42001:C.3.4`."""
    objective_affected: RequirementName | None = None
    """An objective of Annex C.2, as `ISO42001:C.2.5`."""
    scenario: Text
    consequence_text: Text | None = None
    consequences: Consequences
    likelihood: RiskLevel
    criteria: CriteriaRef
    priority: Literal["low", "medium", "high", "critical"] | None = None
    assessor: PersonRef
    assessed_on: date
    trigger: Literal["planned", "change", "incident", "concern"] = "planned"

    @property
    def score(self) -> int:
        """Likelihood times the gravest of the three consequences, 1 to 25."""
        return self.likelihood * max(self.consequences.organization, self.consequences.individuals, self.consequences.society)


class Treatment(Record):
    """What is done about a risk, what remains, and who accepts that (6.1.3, 8.3)."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.1.3"

    kind: Literal["treatment"] = "treatment"
    risk: PartOfRisk
    option: Literal["modify", "avoid", "share", "retain"]
    plan: Text
    controls: tuple[ControlRef, ...] = ()
    due_on: date | None = None
    done_on: date | None = None
    residual_likelihood: RiskLevel
    residual_consequence: RiskLevel
    accepted_by: PersonRef | None = None
    accepted_on: date | None = None
    effectiveness: Text | None = None
    effectiveness_checked_on: date | None = None


class ControlImplementation(Record):
    """How the organisation carries out a control of the library, and who owns that."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.1.3"

    kind: Literal["control_implementation"] = "control_implementation"
    control: ControlRef
    how: Text
    systems: tuple[PartOfSystem, ...] = ()
    documents: tuple[DocumentRef, ...] = ()
    started_on: date | None = None
    due_on: date | None = None


class SoaEntry(Record):
    """An entry of the statement of applicability: is the Annex A control necessary, and why.

    Whether it is carried out is computed, so there is no field for it. An exclusion counts once its approval is signed.
    """

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.1.3"

    kind: Literal["soa_entry"] = "soa_entry"
    requirement: RequirementName
    necessary: bool
    justification: Text
    controls: tuple[ControlRef, ...] = ()
    risks: tuple[RiskRef, ...] = ()
    obligations: tuple[ObligationRef, ...] = ()
    systems: tuple[PartOfSystem, ...] = ()
    """Systems the entry speaks of; none means all."""
    approved_by: PersonRef | None = None
    approved_on: date | None = None


class Objective(Record):
    """An AI objective with its measure, target, owner and date (6.2)."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.2"

    kind: Literal["objective"] = "objective"
    type: Literal["management-system", "responsible-development", "responsible-use"] = "management-system"
    theme: RequirementName | None = None
    measure: Text
    target: Text
    indicators: tuple[IndicatorRef, ...] = ()
    actions: Text
    resources: Text | None = None
    due_on: date
    evaluated_by: Text | None = None


class Change(Record):
    """A change to the management system or to an AI system, planned and decided before it happens (6.3, 8.1)."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.3"

    kind: Literal["change"] = "change"
    affects: Annotated[tuple[AnyRef, ...], Field(min_length=1)]
    of_systems: tuple[PartOfThing, ...] = ()
    purpose: Text
    consequences: Text
    reassess: Literal["none", "risk", "impact", "both"]
    """Which assessments the change makes necessary again."""
    risks_assessed: tuple[RiskRef, ...] = ()
    impacts_assessed: tuple[ImpactRef, ...] = ()
    """The assessments that were made again because of the change; `risks_assessed` likewise names risks."""
    requested_by: PersonRef
    requested_on: date
    decision: Literal["pending", "approved", "rejected"] = "pending"
    decided_by: PersonRef | None = None
    decided_on: date | None = None
    implemented_on: date | None = None
    rollback: Text | None = None


class Waiver(Record):
    """A waiver: a control that is knowingly not carried out for a time. Counts only while valid and while its approval is signed."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.1.3"

    kind: Literal["exception"] = "exception"
    controls: Annotated[tuple[ControlRef, ...], Field(min_length=1)]
    systems: tuple[PartOfSystem, ...] = ()
    """Systems the waiver speaks of; none means the organisation and all systems."""
    reason: Text
    compensating: Text
    risks: tuple[RiskRef, ...] = ()
    valid_from: date
    expires_on: date
    approved_by: PersonRef | None = None


class Opportunity(Record):
    """An opportunity that the management system is to help realise (6.1.1)."""

    layer: ClassVar[Layer] = Layer.L2
    clause: ClassVar[str] = "6.1.1"

    kind: Literal["opportunity"] = "opportunity"
    benefit: Text
    action: Text
    objectives: tuple[ObjectiveRef, ...] = ()
    responsible: OwnerRef | None = None
    review_after: Days | None = None
