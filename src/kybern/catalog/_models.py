"""The shapes of law as data: frameworks, crosswalks, common controls and their checks."""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kybern.catalog._scales import Confidence, Layer, PredicateType, Relation, Strength, StrengthName, SubjectKind

Scalar = str | int | float | bool
"""A value a condition compares with."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$", max_length=80)]
ControlId = Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{2}$")]
RequirementRef = Annotated[str, Field(pattern=r"^[A-Z0-9_]+:.+$", max_length=120)]
"""`FRAMEWORK:id`, as in `ISO42001:A.7.4`."""
ConclusionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=120)]
"""The name of a conclusion that applicability logic draws from facts: `eu_ai_act.high_risk`."""


class Model(BaseModel):
    """Base of every catalog shape: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Operator(StrEnum):
    """What a condition asks of a field.

    `max_age`: a date not in the future and at most `value` (ISO 8601 duration in days, `P365D`) before the moment asked about.
    `not_past`: a date not before that moment. `within`: a number inside the `minimum` and `maximum` of the target record.
    `contains`: a list has `value`, or a text includes it. `in`: the field is one of the list `value`.
    """

    PRESENT = "present"
    ABSENT = "absent"
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    CONTAINS = "contains"
    MAX_AGE = "max_age"
    NOT_PAST = "not_past"
    WITHIN = "within"


_NO_VALUE = {Operator.PRESENT, Operator.ABSENT, Operator.NOT_PAST, Operator.WITHIN}


class Condition(Model):
    """One question about one field: `{field: review.passed, operator: eq, value: true}`.

    `field` is a dotted path into a record or a predicate. A path that leads nowhere is unknown, except to `present` and `absent`.
    """

    field: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$")]
    operator: Operator
    value: Scalar | list[Scalar] | None = None

    def __hash__(self) -> int:
        """Hash by value: a list of values has no hash of its own."""
        return hash((self.field, self.operator, repr(self.value)))

    @model_validator(mode="after")
    def _value_fits_operator(self) -> Condition:
        if self.operator in _NO_VALUE:
            if self.value is not None:
                msg = f"operator {self.operator} takes no value"
                raise ValueError(msg)
        elif self.value is None:
            msg = f"operator {self.operator} needs a value"
            raise ValueError(msg)
        if (self.operator is Operator.IN) != isinstance(self.value, list):
            msg = "operator in, and only it, takes a list of values"
            raise ValueError(msg)
        if self.operator is Operator.MAX_AGE:
            days(self.value)
        return self


def days(value: object) -> int:
    """Read an ISO 8601 duration in whole days (`P365D`) as a number of days; `ValueError` otherwise."""
    text = str(value)
    if not _DAYS.fullmatch(text):
        msg = f"{text!r} is not a duration in days of at most five digits; write it like P365D"
        raise ValueError(msg)
    return int(text[1:-1])


Days = Annotated[str, Field(pattern=r"^P\d{1,5}D$")]
_DAYS = re.compile(r"P[0-9]{1,5}D")
"""The same for values whose type does not say that they are days."""


class EvidenceCheck(Model):
    """Wants passing evidence: of a type and topic, about a target, with conditions, strong and fresh enough.

    Target: the control's subject (`on` absent), or each record of kind `on` that belongs to the subject and fits `where`;
    every such target needs its evidence, and at least one must exist. `pinned`: the evidence must name the present version
    (digest) of its target, so an approval does not outlive a change of what was approved.
    """

    type: Literal["evidence"]
    id: Slug
    title: str
    predicate: PredicateType
    topic: Slug | None = None
    on: Slug | None = None
    where: tuple[Condition, ...] = ()
    match: tuple[Condition, ...] = ()
    require: tuple[Condition, ...] = ()
    min_strength: StrengthName = Strength.DECLARED
    max_age: Days | None = None
    pinned: bool = False

    @model_validator(mode="after")
    def _asks_for_something(self) -> EvidenceCheck:
        if self.predicate is PredicateType.ABSENCE:
            msg = "no check may ask for an absence: that something is missing shows nothing"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _where_needs_on(self) -> EvidenceCheck:
        if self.where and not self.on:
            msg = "where needs on: it chooses among the records of that kind"
            raise ValueError(msg)
        return self


class RecordCheck(Model):
    """Inspects what the organisation states: records of a kind that belong to the subject.

    Records that fit `where` must each fit `require`; there must be at least `minimum`. With `minimum: 0` and no record the
    check has nothing to say and stands aside. A record check only holds back what evidence shows, it never lifts a status.
    """

    type: Literal["records"]
    id: Slug
    title: str
    kind: Slug
    where: tuple[Condition, ...] = ()
    require: tuple[Condition, ...] = ()
    minimum: Annotated[int, Field(ge=0, le=1000)] = 1


Check = Annotated[EvidenceCheck | RecordCheck, Field(discriminator="type")]


class Satisfies(Model):
    """That a control answers a requirement.

    Only `equal`, `superset` and `subset` count to status; `intersects` is shown as evidence that may serve.
    """

    requirement: RequirementRef
    relation: Relation = Relation.SUBSET
    weight: Annotated[float, Field(gt=0, le=1)] = 1.0


class Control(Model):
    """A common control: implemented once, it counts for every requirement it satisfies.

    It applies to subjects of `applies_to` for which every condition of `applies_when` (about the subject's AI system, or about
    the organisation) holds or cannot be told. `absent` says what an AI system without a subject of that kind means.
    """

    id: ControlId
    layer: Layer
    title: str
    statement: str
    why: str
    owner_role: Slug
    cadence: Days
    applies_to: Annotated[tuple[SubjectKind, ...], Field(min_length=1)]
    applies_when: tuple[Condition, ...] = ()
    absent: Literal["unknown", "not_applicable"] = "unknown"
    satisfies: Annotated[tuple[Satisfies, ...], Field(min_length=1)]
    checks: Annotated[tuple[Check, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rests_on_evidence(self) -> Control:
        if not any(isinstance(check, EvidenceCheck) for check in self.checks):
            msg = "a control needs at least one evidence check: what is only stated is never met"
            raise ValueError(msg)
        ids = [check.id for check in self.checks]
        if len(set(ids)) != len(ids):
            msg = "check ids repeat within the control"
            raise ValueError(msg)
        return self


class Applies(Model):
    """From when an entry binds, and until when: one row for each route, and for each time the date itself was changed.

    `enacted` is the day on which this row became law: whoever asks as of an earlier day gets the row that was law then. A row
    without it has stood since the entry exists. `basis` is the provision that sets the date.
    """

    since: date
    until: date | None = None
    route: Slug | None = None
    enacted: date | None = None
    basis: Annotated[str, Field(min_length=1, max_length=300)]

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Applies:
        if self.until is not None and self.until < self.since:
            msg = "until lies before since"
            raise ValueError(msg)
        return self


class Earlier(Model):
    """How an entry stood until an amendment: `until` is the last day of it, `by` the act that changed it, `change` what changed.

    A field that is not given was as it is after that day. `absent` says that there was no such entry.
    """

    until: date
    by: Annotated[str, Field(min_length=1, max_length=300)]
    change: Annotated[str, Field(min_length=1, max_length=1000)]
    absent: bool = False
    title: str | None = None
    statement: str | None = None
    normative: bool | None = None
    bound: tuple[Slug, ...] | None = None
    penalty: str | None = None

    @property
    def was(self) -> dict[str, object]:
        """The fields that had another value, with it."""
        return {name: value for name in _AMENDABLE if (value := getattr(self, name)) is not None}


_AMENDABLE = ("title", "statement", "normative", "bound", "penalty")


class Requirement(Model):
    """One entry of a framework. `normative` entries ask something of an organisation; a group's status comes from its children.

    `bound` names who has to act (`provider`, `deployer`), `classes` the risk classes or cases it is about (`high-risk`),
    `applies_when` the conclusion on which it binds; what none of them says is that everybody whom the framework reaches is bound.
    `status` and `confidence` say how the entry stands and how sure we are of it; `no_control` why no control answers it. From the day
    `repealed` it is no longer law and asks nothing; it stays because records and older law name it.
    """

    id: Annotated[str, Field(max_length=60)]
    parent: str | None = None
    kind: Slug
    title: str
    statement: str
    normative: bool = True
    documented_information: str | None = None
    layer: Layer | None = None
    bound: tuple[Slug, ...] = ()
    classes: tuple[Slug, ...] = ()
    applies_when: ConclusionName | None = None
    dates: tuple[Applies, ...] = ()
    penalty: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    earlier: tuple[Earlier, ...] = ()
    cites: tuple[RequirementRef, ...] = ()
    repealed: date | None = None
    status: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    status_date: date | None = None
    confidence: Confidence = Confidence.HIGH
    source: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    no_control: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    note: str | None = None

    def as_known(self, on: date) -> Requirement | None:
        """Give the entry as law stood on a day; None where there was none yet. Notes and citations stay those of today."""
        later = sorted((row for row in self.earlier if row.until >= on), key=lambda row: row.until)
        if later and later[0].absent:
            return None
        was: dict[str, object] = {}
        for row in reversed(later):
            was |= row.was
        was["earlier"] = tuple(row for row in self.earlier if row.until < on)
        was["dates"] = tuple(row for row in self.dates if row.enacted is None or row.enacted <= on)
        was["repealed"] = None if self.repealed is not None and on < self.repealed else self.repealed
        if self.status_date is not None and on < self.status_date:
            was |= {"status": None, "status_date": None}
        return self.model_copy(update=was)

    def dates_as_known(self, on: date) -> tuple[Applies, ...]:
        """Name the dates that were law on a day: for each route the row enacted last by then."""
        found: dict[str | None, Applies] = {}
        for row in self.dates:
            before = found.get(row.route)
            enacted = row.enacted or date.min
            if enacted <= on and (before is None or (before.enacted or date.min) <= enacted):
                found[row.route] = row
        return tuple(found.values())


class Framework(Model):
    """A law, standard or practice, with its source and the day its content was checked.

    `applies_when` is the conclusion on which it reaches an AI system or an organisation at all; without it whoever chooses it.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")]
    title: str
    edition: str
    publisher: str
    source: str
    status_date: date
    rights: str
    nature: Literal["law", "standard", "framework", "principles", "taxonomy", "bibliography"] = "framework"
    jurisdictions: tuple[Slug, ...] = ()
    applies_when: ConclusionName | None = None
    requirements: Annotated[tuple[Requirement, ...], Field(min_length=1)]

    def as_known(self, on: date) -> Framework:
        """Give the framework as law stood on a day: amended entries as they were, without those that were not there yet."""
        return self.model_copy(update={"requirements": tuple(known for entry in self.requirements if (known := entry.as_known(on)))})


class Answer(Model):
    """That a control answers an entry of a framework, said beside the framework and not beside the control.

    `requirement` is the entry's id within the framework (`Art.9(2)(a)`), `relation` and `weight` are as in `Satisfies`.
    """

    requirement: Annotated[str, Field(min_length=1, max_length=60)]
    control: ControlId
    relation: Relation = Relation.SUBSET
    weight: Annotated[float, Field(gt=0, le=1)] = 1.0


class Answers(Model):
    """Which controls answer a framework: so a framework joins the catalog without a change to any control."""

    framework: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")]
    status_date: date
    answers: Annotated[tuple[Answer, ...], Field(min_length=1)]


class CrosswalkRow(Model):
    """A row that suggests evidence: `source` stands in `relation` to `target`."""

    source: RequirementRef
    target: RequirementRef
    relation: Relation
    confidence: Confidence
    basis: Slug


class Crosswalk(Model):
    """Rows between two frameworks; `bases` explains each basis slug in words."""

    id: Slug
    source_framework: str
    target_framework: str
    status_date: date
    bases: dict[Slug, str]
    rows: tuple[CrosswalkRow, ...]


def age_limit(check: EvidenceCheck) -> timedelta | None:
    """Give the longest time evidence for the check stays fresh, or None where only its own expiry counts."""
    return None if check.max_age is None else timedelta(days=days(check.max_age))
