"""The facts a bill of materials states: from records and verified evidence, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from kybern.assessment import Reason, Status, explain
from kybern.catalog import PredicateType
from kybern.records.leadership import Organization
from kybern.records.lifecycle import Agent, AISystem, Dataset, Model, Supplier
from kybern.records.monitoring import Indicator
from kybern.records.risk import Risk, Treatment
from kybern.records.society import Impact, ImpactAssessment

if TYPE_CHECKING:
    from kybern.assessment import Assessment
    from kybern.catalog import Control
    from kybern.evidence import Evidence
    from kybern.records import Record

_R = TypeVar("_R", bound="Record")


@dataclass(frozen=True)
class Origin:
    """What a document says of itself: its serial number as `urn:uuid:…`, when it is made, and the version of Kybern that makes it."""

    serial: str
    at: datetime
    version: str


@dataclass(frozen=True)
class Claim:
    """What a control claims of the system, with the evidence that decides for and against it."""

    control: Control
    status: Status
    coverage: float
    strength: float | None
    evidence: tuple[Evidence, ...]
    against: tuple[Evidence, ...]


@dataclass(frozen=True)
class Facts:
    """An AI system with what belongs to it."""

    assessment: Assessment
    system: AISystem
    frameworks: tuple[str, ...]

    @property
    def organization(self) -> Organization | None:
        """The organisation, if exactly one is stated."""
        return self.assessment.records.organization

    @cached_property
    def _below(self) -> tuple[Record, ...]:
        records = self.assessment.records
        return tuple(record for ref in records.belonging_to(self.system.ref) if (record := records.get(ref)) is not None)

    def _of(self, kind: type[_R]) -> tuple[_R, ...]:
        return tuple(record for record in self._below if isinstance(record, kind))

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """Its models."""
        return self._of(Model)

    @cached_property
    def datasets(self) -> tuple[Dataset, ...]:
        """Its data sets, those of its models among them."""
        return self._of(Dataset)

    @cached_property
    def agents(self) -> tuple[Agent, ...]:
        """Its agents."""
        return self._of(Agent)

    @cached_property
    def suppliers(self) -> tuple[Supplier, ...]:
        """Its suppliers, those of its models and data among them."""
        return self._of(Supplier)

    @cached_property
    def risks(self) -> tuple[tuple[Risk, tuple[Treatment, ...]], ...]:
        """Its risks, each with what is done about it."""
        treatments = self._of(Treatment)
        return tuple((risk, tuple(one for one in treatments if one.risk == risk.ref)) for risk in self._of(Risk))

    @cached_property
    def impacts(self) -> tuple[Impact, ...]:
        """The impacts that its impact assessments name."""
        return tuple(impact for one in self._of(ImpactAssessment) for impact in one.impacts)

    def indicators_of(self, record: Record) -> tuple[Indicator, ...]:
        """Find the indicators measured on a record."""
        return tuple(one for one in self._of(Indicator) if record.ref in one.of)

    @cached_property
    def alone(self) -> bool:
        """Tell whether the system has exactly one model: then what is measured of the system is measured of the model."""
        return len(self.models) == 1

    def bearing_on(self, record: Record) -> tuple[Record, ...]:
        """Name what a measurement of a record is about: it or an indicator of it; or of its system, if it is the one model of that."""
        own = (record, *self.indicators_of(record))
        return (*own, self.system, *self.indicators_of(self.system)) if isinstance(record, Model) and self.alone else own

    def measured(self, record: Record) -> tuple[tuple[Evidence, Record], ...]:
        """Give the latest standing measurement of each metric of a record, with what it is about: observed by now and not expired."""
        found: dict[tuple[str, str, str], tuple[Evidence, Record]] = {}
        about = {one.ref: one for one in self.bearing_on(record)}
        for item in sorted(self.assessment.evidence, key=lambda one: (one.observed_at, one.id)):
            if item.predicate is PredicateType.MEASUREMENT and item.observed_at <= self.assessment.as_of:
                for subject in item.subjects:
                    if subject.ref in about:
                        found[item.topic, str(item.body.get("metric")), subject.ref] = (item, about[subject.ref])
        return tuple(pair for pair in found.values() if pair[0].expires_at is None or pair[0].expires_at >= self.assessment.as_of)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """What the controls that bear on the system claim of it, where there is evidence for or against."""
        return tuple(self._claims())

    def _claims(self) -> Iterator[Claim]:
        for control in self.assessment.catalog.controls.values():
            score = self.assessment.control(control.id, self.system.ref)
            if score is None or score.status is Status.NOT_APPLICABLE:
                continue
            pieces = list(_deciding(explain(self.assessment, control.id, self.system.ref)))
            speaking = {one.id: one for one, status in pieces if status is Status.MET}
            against = {one.id: one for one, status in pieces if status is Status.NOT_MET}
            if speaking or against:
                yield Claim(control, score.status, score.coverage, score.strength, tuple(speaking.values()), tuple(against.values()))

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every piece that a claim or a measurement rests on, once."""
        found = {item.id: item for claim in self.claims for item in (*claim.evidence, *claim.against)}
        found |= {item.id: item for record in (self.system, *self.models) for item, _ in self.measured(record)}
        return tuple(found[identity] for identity in sorted(found))

    def requirements(self, framework: str) -> tuple[str, ...]:
        """Name the requirements of a framework that some claim counts for."""
        bearing = {claim.control.id for claim in self.claims}
        counting = self.assessment.plan.counting
        return tuple(
            ref for ref in self.assessment.catalog.leaves(framework) if any(control.id in bearing for control, _ in counting.get(ref, ()))
        )

    def claims_for(self, ref: str) -> tuple[Claim, ...]:
        """Give the claims that count for a requirement."""
        answering = {control.id for control, _ in self.assessment.plan.counting.get(ref, ())}
        return tuple(claim for claim in self.claims if claim.control.id in answering)

    def title(self, ref: str) -> str:
        """Give the title of a record, or its name where it is not recorded."""
        record = self.assessment.records.get(ref)
        return record.title if record is not None else ref

    def one_supplier(self, record: Model | Dataset) -> Supplier | None:
        """Give the supplier of a record, if it names exactly one that is recorded."""
        found = self.assessment.records.get(record.suppliers[0]) if len(record.suppliers) == 1 else None
        return found if isinstance(found, Supplier) else None


def facts_of(assessment: Assessment, system: str, frameworks: Sequence[str]) -> Facts:
    """Collect the facts of an AI system in scope; `KeyError` for another, or for an unknown framework."""
    for name in frameworks:
        assessment.catalog.frameworks[name]
    assessment.plan.system_index[system]
    return Facts(assessment, cast("AISystem", assessment.records.get(system)), tuple(frameworks))


def _deciding(reason: Reason) -> Iterator[tuple[Evidence, Status | None]]:
    for node in reason.walk():
        if node.evidence is not None and node.counts:
            yield node.evidence, node.status


def sensitive(dataset: Dataset) -> str:
    """Tell whether a data set holds special categories of personal data: `yes`, `no`, `noAssertion` where that is not stated."""
    if dataset.special_categories:
        return "yes"
    return "no" if not dataset.personal_data or "special_categories" in dataset.model_fields_set else "noAssertion"


def reading(item: Evidence) -> tuple[str, str, str | None, str | None]:
    """Give a measurement's metric, its value with unit, and the ends of its interval where it has both."""
    body = item.body
    lower, upper = body.get("lower"), body.get("upper")
    ends = (f"{lower:.6g}", f"{upper:.6g}") if lower is not None and upper is not None else (None, None)
    return str(body.get("metric")), f"{body['value']:.6g}", *ends


def bounds(indicator: Indicator) -> str:
    """Say the bounds that an organisation sets itself."""
    parts = [f"at least {indicator.minimum:.6g}"] if indicator.minimum is not None else []
    parts += [f"at most {indicator.maximum:.6g}"] if indicator.maximum is not None else []
    return f"{' and '.join(parts)} {indicator.unit}"
