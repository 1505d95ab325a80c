"""Evidence: in-toto Statement v1 with Kybern's predicate types, and the verified piece the assessment reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from kybern.catalog import ControlId, PredicateType, Slug, Strength
from kybern.evidence._interval import MAX_COUNT, clopper_pearson, wilson

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_PREFIX = "urn:kybern:predicate:"
"""Predicate type URIs are `urn:kybern:predicate:<short name>:v1`."""

RecordName = Annotated[str, Field(pattern=r"^[a-z_]+:[a-z0-9][a-z0-9._-]*$", max_length=120)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_ROUNDED = 0.005
"""How far a share may lie from its counts: it may have been rounded to a whole percent."""

Line = Annotated[str, Field(min_length=1, max_length=2000)]

MAX_SEQUENCE = (1 << 53) - 1
"""The greatest number a source may count to: every reader of JSON reads it alike."""

MAX_FINDINGS = 2000
"""Findings that one statement of absence lists; its counts are of all."""


class Shape(BaseModel):
    """Base of the statement's parts: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Collector(Shape):
    """What made the evidence: a tool and its version, or `person` with the tool they signed with."""

    name: Line
    version: Annotated[str, Field(max_length=60)]


class Predicate(Shape):
    """What every predicate says: the topic it bears on, when it was observed, until when it stands, by what method."""

    type: ClassVar[PredicateType]

    topic: Slug
    observed_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    collector: Collector
    sequence: Annotated[int, Field(ge=1, le=MAX_SEQUENCE)] | None = None
    """The source's own number of this piece, where it counts: a number that never comes is found missing."""
    method: Line | None = None
    note: Line | None = None

    @classmethod
    def worked_out(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Work out the fields that follow from others of a body; counts of the wrong form are left to the check of the fields."""
        del body
        return {}

    @model_validator(mode="after")
    def _expires_after_observed(self) -> Self:
        if self.expires_at is not None and self.expires_at <= self.observed_at:
            msg = "expires_at is not after observed_at"
            raise ValueError(msg)
        return self


class Measurement(Predicate):
    """A number measured on data: metric, value, unit, sample, interval."""

    type: ClassVar[PredicateType] = PredicateType.MEASUREMENT
    metric: Line
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Line
    lower: Annotated[float, Field(allow_inf_nan=False)] | None = None
    upper: Annotated[float, Field(allow_inf_nan=False)] | None = None
    confidence_level: Annotated[float, Field(gt=0, lt=1)] | None = None
    sample_size: Annotated[int, Field(ge=0)]
    population: Line | None = None
    period: Line | None = None
    data_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _interval_has_an_order(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            msg = "lower is above upper"
            raise ValueError(msg)
        return self


class TestRun(Predicate):
    """The counts of a test run."""

    __test__: ClassVar[bool] = False
    type: ClassVar[PredicateType] = PredicateType.TEST_RUN
    suite: Line
    passed: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]
    skipped: Annotated[int, Field(ge=0)] = 0
    report_sha256: Sha256 | None = None


class DocumentSeen(Predicate):
    """A document's digest, at a moment: that this text existed in this version."""

    type: ClassVar[PredicateType] = PredicateType.DOCUMENT
    title: Line
    sha256: Sha256
    path: Line | None = None
    version: Annotated[str, Field(max_length=40)] | None = None
    words: Annotated[int, Field(ge=0)] | None = None


class ByPerson(Predicate):
    """Something a person says or does with their own key: `by` must be the key's holder."""

    by: RecordName


class Attestation(ByPerson):
    """A person states that something holds, or that it does not."""

    type: ClassVar[PredicateType] = PredicateType.ATTESTATION
    statement: Line
    holds: bool


class Approval(ByPerson):
    """A person decides on the subject with the authority of a role."""

    type: ClassVar[PredicateType] = PredicateType.APPROVAL
    decision: Literal["approved", "approved-with-conditions", "rejected"]
    conditions: Line | None = None
    role: RecordName | None = None


class Decision(ByPerson):
    """A person or body decides a question about the subject: a review's result, a gate passed, an incident closed."""

    type: ClassVar[PredicateType] = PredicateType.DECISION
    question: Line
    outcome: Line
    followed_up: bool | None = None


class TrainingHeld(Predicate):
    """A course was held: how many were due, how many came, how many passed its test."""

    type: ClassVar[PredicateType] = PredicateType.TRAINING
    course: Line
    due: Annotated[int, Field(ge=0)]
    attended: Annotated[int, Field(ge=0)]
    passed: Annotated[int, Field(ge=0)]
    share_passed: Annotated[float, Field(ge=0, le=1)]
    """Passed over due: what checks ask about, so it has to follow from the counts."""

    @model_validator(mode="after")
    def _counts_fit_each_other(self) -> Self:
        if self.passed > self.attended:
            msg = "more passed than attended"
            raise ValueError(msg)
        if abs(self.share_passed - self.share_of(self.passed, self.due)) > _ROUNDED:
            msg = f"share_passed is not passed over due, which is {self.share_of(self.passed, self.due):.2f}"
            raise ValueError(msg)
        return self

    @classmethod
    def worked_out(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Work out the share from the counts."""
        passed, due = body.get("passed"), body.get("due")
        return {"share_passed": cls.share_of(passed, due)} if type(passed) is int and type(due) is int else {}

    @staticmethod
    def share_of(passed: int, due: int) -> float:
        """Work out the share: of nobody due nobody has passed, and those who came beside make it no more than all."""
        return min(passed / due, 1.0) if due else 0.0


class AuditDone(ByPerson):
    """An auditor's result on the subject: the sample and the findings by grade."""

    type: ClassVar[PredicateType] = PredicateType.AUDIT
    criteria: Line
    sample_size: Annotated[int, Field(ge=0)]
    major: Annotated[int, Field(ge=0)]
    minor: Annotated[int, Field(ge=0)]
    observations: Annotated[int, Field(ge=0)] = 0
    conclusion: Line


class Missing(Shape):
    """One thing that was due and did not come: what kind of absence, about what, since when, who owes it."""

    kind: Slug
    about: Line
    check: Annotated[str, Field(max_length=100)] | None = None
    since: AwareDatetime | None = None
    owner: Line
    text: Line


class AbsenceFound(Predicate):
    """What was due at a moment and was not there: "nothing" as a dated, signed piece. No check asks for it, so it lifts nothing."""

    type: ClassVar[PredicateType] = PredicateType.ABSENCE
    overdue: Annotated[int, Field(ge=0)]
    never: Annotated[int, Field(ge=0)]
    silent: Annotated[int, Field(ge=0)]
    missing: Annotated[int, Field(ge=0)]
    catalog_sha256: Sha256
    records_sha256: Sha256
    evidence_sha256: Sha256
    findings: Annotated[tuple[Missing, ...], Field(max_length=MAX_FINDINGS)] = ()
    findings_sha256: Sha256
    """Over the canonical JSON of all findings, listed here or not."""


class Verification(Predicate):
    """A verifier found these properties of the subject to hold."""

    type: ClassVar[PredicateType] = PredicateType.VERIFICATION
    verifier: Line
    properties: Annotated[tuple[Line, ...], Field(min_length=1, max_length=200)]


_INTERVALS = {"clopper-pearson": clopper_pearson, "wilson": wilson}
_BY_CHANCE = frozenset(("random", "systematic"))
_AGREE = 5e-4
"""How far a stated number may lie from the computed one: both may have been rounded to a tenth of a percent."""


class ControlEvidence(Predicate):
    """A control was tested on a sample from a population over a period: coverage, exceptions, and the error rate with its interval.

    What follows from the counts has to: coverage, result, error rate and interval are computed anew and compared.
    """

    type: ClassVar[PredicateType] = PredicateType.CONTROL_EVIDENCE
    control: ControlId
    method: Line
    period_start: AwareDatetime
    period_end: AwareDatetime
    population: Line
    population_size: Annotated[int, Field(ge=1)]
    sample_size: Annotated[int, Field(ge=1, le=MAX_COUNT)]
    sampling: Literal["all", "random", "systematic", "judgemental"]
    exceptions: Annotated[int, Field(ge=0)]
    tolerated: Annotated[int, Field(ge=0)] = 0
    coverage: Annotated[float, Field(gt=0, le=1)]
    result: Literal["passed", "failed"]
    error_rate: Annotated[float, Field(ge=0, le=1)]
    interval: Literal["clopper-pearson", "wilson"] | None = None
    confidence_level: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    lower: Annotated[float, Field(ge=0, le=1)] | None = None
    upper: Annotated[float, Field(ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for holds, msg in (
            (self.period_start < self.period_end, "period_end is not after period_start"),
            (self.period_end <= self.observed_at, "period_end is after observed_at: what lies ahead was not observed"),
            (self.sample_size <= self.population_size, "sample_size is larger than population_size"),
            (self.sampling != "all" or self.sample_size == self.population_size, "sampling is all, but the sample is not the population"),
            (self.exceptions <= self.sample_size, "more exceptions than sampled"),
        ):
            if not holds:
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _interval_is_whole(self) -> Self:
        parts = (self.interval, self.confidence_level, self.lower, self.upper)
        if any(part is None for part in parts) and any(part is not None for part in parts):
            msg = "interval, confidence_level, lower and upper go together"
            raise ValueError(msg)
        if (self.interval is not None) != (self.sampling in _BY_CHANCE):
            drawn = "drawn by chance needs an" if self.interval is None else "that is all of the population, or chosen by judgement, has no"
            msg = f"a sample {drawn} interval"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _follows_from_the_counts(self) -> Self:
        stated = self.model_dump()
        for name, value in self.worked_out(stated).items():
            fits = abs(stated[name] - value) <= _AGREE if isinstance(value, float) else stated[name] == value
            if not fits:
                computed = f"{value:.6g}" if isinstance(value, float) else value
                msg = f"{name} is not what follows from the counts, which is {computed}"
                raise ValueError(msg)
        return self

    @classmethod
    def worked_out(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Work out coverage, result, error rate and interval from the counts."""
        population, sample, exceptions, tolerated = (
            body.get(name) for name in ("population_size", "sample_size", "exceptions", "tolerated")
        )
        tolerated = 0 if tolerated is None else tolerated
        if not (type(population) is type(sample) is type(exceptions) is type(tolerated) is int) or not (
            0 <= exceptions <= sample <= min(population, MAX_COUNT) and sample and tolerated >= 0
        ):
            return {}
        found = {
            "coverage": sample / population,
            "result": "passed" if exceptions <= tolerated else "failed",
            "error_rate": exceptions / sample,
        }
        compute, level = _INTERVALS.get(str(body.get("interval"))), body.get("confidence_level")
        if compute is not None and isinstance(level, float) and 0 < level < 1:
            found["lower"], found["upper"] = compute(exceptions, sample, level)
        return found


PREDICATES: Mapping[PredicateType, type[Predicate]] = {
    model.type: model
    for model in (
        Measurement,
        TestRun,
        DocumentSeen,
        Attestation,
        Approval,
        Decision,
        TrainingHeld,
        AuditDone,
        Verification,
        ControlEvidence,
        AbsenceFound,
    )
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about: a record, in the version that had this digest."""

    ref: str
    digest: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence whose envelope was verified: the only kind the assessment ever sees.

    `id` is the SHA-256 of the envelope's payload; `body` the predicate, JSON-shaped; `strength` is computed from predicate type
    and signers; `source` says where the envelope lies.
    """

    id: str
    predicate: PredicateType
    topic: str
    subjects: tuple[Subject, ...]
    observed_at: datetime
    expires_at: datetime | None
    strength: Strength
    body: Mapping[str, Any]
    signers: tuple[str, ...] = ()
    source: str = ""
