"""The page of one AI system: facts, risks, requirements, indicators, evidence, what it is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from markupsafe import Markup

from kybern.assessment import Assessment, Readiness, Row, describe
from kybern.catalog import Framework, PredicateType
from kybern.evidence import Evidence
from kybern.records import Record
from kybern.records.lifecycle import AISystem
from kybern.records.monitoring import Indicator
from kybern.records.risk import Risk, RiskCriteria, Treatment
from kybern.report._bars import Reading, bullet
from kybern.report._matrix import Mark, matrix
from kybern.report._words import day, sentence, system_anchor, words

_PARTS: Final = {"model": "Models", "dataset": "Data sets", "agent": "Agents", "supplier": "Suppliers"}
_FACTS: Final = ("role", "stage", "risk_class", "autonomy", "personal_data", "generates_content")
_PROSE: Final = ("purpose", "use_case", "foreseeable_misuse", "oversight", "version", "in_operation_since")
_LISTS: Final = ("users", "affected_groups", "jurisdictions")
_HIDDEN: Final = {"kind", "id", "title", "tags", "sha256", "artefact_sha256", "review_every"}

ByRecord = Mapping[str, list[Evidence]]
"""Evidence by the name of the record it is about."""

Fact = tuple[str, str]
"""A fact and its value, in words."""


@dataclass(frozen=True, slots=True)
class RiskRow:
    """A risk of the system, before treatment and after, as its records state it."""

    number: int
    risk: Risk
    treatment: Treatment | None
    owner: str

    @property
    def consequence(self) -> int:
        """The gravest of the three consequences."""
        rated = self.risk.consequences
        return max(rated.organization, rated.individuals, rated.society)

    @property
    def residual(self) -> int | None:
        """Likelihood times consequence after treatment."""
        return self.treatment.residual_likelihood * self.treatment.residual_consequence if self.treatment else None


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """An indicator with its latest measurement, if there is one."""

    indicator: Indicator
    evidence: Evidence | None
    reading: Reading | None

    @property
    def svg(self) -> Markup | None:
        """The value against its bounds."""
        return bullet(self.reading) if self.reading else None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """The latest piece of a kind about something of the system; `earlier` older ones are not listed."""

    evidence: Evidence
    about: str
    says: str
    earlier: int


@dataclass(frozen=True, slots=True)
class PartView:
    """A model, data set, agent or supplier with what is stated about it."""

    record: Record
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class SystemPage:
    """Everything the page of an AI system shows."""

    system: AISystem
    owner: str
    readiness: tuple[tuple[Framework, Readiness], ...]
    facts: tuple[Fact, ...]
    risks: tuple[RiskRow, ...]
    acceptable: int | None
    rows: tuple[tuple[Framework, tuple[Row, ...]], ...]
    indicators: tuple[IndicatorRow, ...]
    evidence: tuple[EvidenceRow, ...]
    parts: tuple[tuple[str, tuple[PartView, ...]], ...]

    @property
    def anchor(self) -> str:
        """Where the page is."""
        return system_anchor(self.system.ref)

    @property
    def before(self) -> Markup:
        """The matrix before treatment."""
        return matrix("Before treatment", [Mark(row.number, row.risk.likelihood, row.consequence) for row in self.risks], self.acceptable)

    @property
    def after(self) -> Markup:
        """The matrix after treatment; a risk without one stays where it is."""
        marks = [
            Mark(row.number, row.treatment.residual_likelihood, row.treatment.residual_consequence)
            if row.treatment
            else Mark(row.number, row.risk.likelihood, row.consequence)
            for row in self.risks
        ]
        return matrix("After treatment", marks, self.acceptable)


def system_page(assessment: Assessment, ref: str, pieces: ByRecord, frameworks: Sequence[str]) -> SystemPage:
    """Collect what is known of an AI system in scope; `pieces` are those of `by_record`."""
    catalog, system = assessment.catalog, cast("AISystem", assessment.records.get(ref))
    risks = tuple(_risks(assessment, ref))
    criteria = [assessment.records.get(row.risk.criteria) for row in risks]
    bounds = {one.acceptable_score for one in criteria if isinstance(one, RiskCriteria)}
    return SystemPage(
        system,
        _title(assessment, system.owner),
        tuple((catalog.frameworks[name], assessment.readiness(name, ref)) for name in frameworks),
        tuple(system_facts(assessment, system)),
        risks,
        bounds.pop() if len(bounds) == 1 else None,
        tuple((catalog.frameworks[name], _rows(assessment, name, ref)) for name in frameworks),
        tuple(indicators(assessment, ref, pieces)),
        tuple(_evidence(assessment, ref, pieces)),
        tuple(parts(assessment, ref)),
    )


def _rows(assessment: Assessment, framework: str, system: str) -> tuple[Row, ...]:
    return tuple(row for row in assessment.rows(framework, system) if assessment.catalog.is_leaf(row.ref))


def _title(assessment: Assessment, ref: str | None) -> str:
    record = assessment.records.get(ref) if ref else None
    return record.title if record else ref or "not stated"


def system_facts(assessment: Assessment, system: AISystem) -> Iterator[Fact]:
    """State what the record of a system says, in words."""
    content = system.content
    yield "Owner", _title(assessment, system.owner)
    for name in (*_FACTS, *_PROSE, *_LISTS):
        if name in content:
            prose = name in (*_PROSE, *_LISTS)
            yield sentence(words(name)), _said(content[name]) if prose else words(_said(content[name]))
    if system.in_operation_since is None:
        yield "In operation since", "not in operation"
    for gate in system.gates:
        yield f"Gate: {gate.gate}", f"{day(gate.on)}, {_title(assessment, gate.by)}"


def _said(found: object) -> str:
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, list):
        return ", ".join(map(_said, found))
    if isinstance(found, dict):
        return ", ".join(f"{words(key)} {_said(value)}" for key, value in found.items())
    return str(found)


def _below(assessment: Assessment, ref: str, kind: str) -> Iterator[Record]:
    for below in assessment.records.belonging_to(ref):
        record = assessment.records.get(below)
        if record is not None and record.kind == kind:
            yield record


def _risks(assessment: Assessment, ref: str) -> Iterator[RiskRow]:
    found = sorted(cast("Iterator[Risk]", _below(assessment, ref, "risk")), key=lambda risk: (-risk.score, risk.id))
    for number, risk in enumerate(found, 1):
        mine = (assessment.records.get(who) for who, _ in assessment.records.named_by.get(risk.ref, ()))
        treatments = (one for one in mine if isinstance(one, Treatment))
        last = min(treatments, key=lambda one: (one.residual_likelihood * one.residual_consequence, one.id), default=None)
        yield RiskRow(number, risk, last, _title(assessment, risk.owner))


def by_record(assessment: Assessment) -> ByRecord:
    """Index the evidence seen at the moment asked about by the records it names, latest first."""
    found: defaultdict[str, list[Evidence]] = defaultdict(list)
    for item in assessment.evidence:
        if item.observed_at <= assessment.as_of:
            for ref in dict.fromkeys(subject.ref for subject in item.subjects):
                found[ref].append(item)
    return {ref: sorted(items, key=lambda item: (item.observed_at, item.strength, item.id), reverse=True) for ref, items in found.items()}


def indicators(assessment: Assessment, ref: str, pieces: ByRecord) -> Iterator[IndicatorRow]:
    """Give the indicators of a system, each with its latest measurement."""
    for indicator in cast("Iterator[Indicator]", _below(assessment, ref, "indicator")):
        measured = (item for item in pieces.get(indicator.ref, ()) if item.predicate is PredicateType.MEASUREMENT)
        latest = next(measured, None)
        body = latest.body if latest else {}
        reading = (
            Reading(body["value"], body.get("lower"), body.get("upper"), indicator.minimum, indicator.maximum) if "value" in body else None
        )
        yield IndicatorRow(indicator, latest, reading)


def _evidence(assessment: Assessment, ref: str, pieces: ByRecord) -> list[EvidenceRow]:
    rows = [
        EvidenceRow(found[0], _title(assessment, one), describe(found[0]).partition(": ")[2], len(found) - 1)
        for one in (ref, *assessment.records.belonging_to(ref))
        for found in _by_kind(pieces.get(one, ()))
    ]
    return sorted(rows, key=lambda row: (row.evidence.observed_at, row.evidence.id, row.about), reverse=True)


def _by_kind(pieces: Sequence[Evidence]) -> Iterable[list[Evidence]]:
    kinds: defaultdict[tuple[str, str], list[Evidence]] = defaultdict(list)
    for item in pieces:
        kinds[item.predicate, item.topic].append(item)
    return kinds.values()


def parts(assessment: Assessment, ref: str) -> Iterator[tuple[str, tuple[PartView, ...]]]:
    """Give the models, data sets, agents and suppliers that a system rests on, with what is stated of each."""
    for kind, title in _PARTS.items():
        found = tuple(PartView(record, tuple(_facts(assessment, record))) for record in _below(assessment, ref, kind))
        if found:
            yield title, found


def _facts(assessment: Assessment, record: Record) -> Iterator[Fact]:
    """State what a record says, references by their titles."""
    for name, found in record.content.items():
        if name in _HIDDEN:
            continue
        values = found if isinstance(found, list) else [found]
        said = [_title(assessment, one) if isinstance(one, str) and one in assessment.records else _said(one) for one in values]
        yield sentence(words(name)), "; ".join(said)
