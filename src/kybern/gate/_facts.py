"""The facts of a gate: what records, assessment, evidence and the clock say of one AI system, as the schema `kybern` describes them.

Two rules run through all of it. What is not known is left out where the schema lets it be, and counts against where it does not.
And what nobody signed counts only against: a failure, a figure out of bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Final, TypeVar

from kybern.assessment import Assessment, Reason, Shortfall, Status
from kybern.catalog import PredicateType
from kybern.evidence import Evidence
from kybern.policy import TIME
from kybern.records import Record, RecordSet
from kybern.records.assurance import CorrectiveAction, Incident, Nonconformity
from kybern.records.leadership import Role
from kybern.records.lifecycle import AISystem, Dataset, Model, Supplier
from kybern.records.monitoring import Indicator
from kybern.records.people import Document
from kybern.records.risk import Risk, RiskCriteria, Treatment
from kybern.records.society import ImpactAssessment

R = TypeVar("R", bound=Record)

IMPACT_TOPIC: Final = "impact-approval"
OWN: Final = frozenset(
    (
        "evidence.oldest",
        "impact.age",
        "impact.approved",
        "release.approved",
        "release.by_owner_alone",
        "tests.age",
        "tests.failed",
        "tests.passed",
    )
)
"""Facts that may be missing and that the gate works out of evidence itself: no file supplies them."""
_APPROVES: Final = frozenset(("approved", "approved-with-conditions"))
_GRAVE: Final = frozenset(("high", "serious"))


@dataclass(frozen=True)
class Asked:
    """What is asked about: an AI system at a moment, by the records, what was accepted and collected, and the approval the gate wants."""

    records: RecordSet
    system: AISystem
    at: datetime
    evidence: Sequence[Evidence]
    """Verified pieces, and those that nobody signed, which have no signers."""
    approval: str
    refused: int = 0
    collected: Mapping[str, bool | int] = field(default_factory=dict)
    """What the files of other tools let the gate know, by the names of facts."""

    @property
    def day(self) -> date:
        """The day it is asked on, in UTC."""
        return self.at.astimezone(UTC).date()

    @cached_property
    def belonging(self) -> tuple[Record, ...]:
        """What belongs to the system: models, data sets, risks, indicators, ..."""
        return tuple(record for ref in self.records.belonging_to(self.system.ref) if (record := self.records.get(ref)) is not None)

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """Choose the records of a kind that belong to the system."""
        return tuple(record for record in self.belonging if isinstance(record, kind))

    @cached_property
    def seen(self) -> tuple[Evidence, ...]:
        """The pieces observed by the moment asked about, the latest first."""
        seen = (piece for piece in self.evidence if piece.observed_at <= self.at)
        return tuple(sorted(seen, key=lambda piece: (piece.observed_at, piece.id), reverse=True))

    def stands(self, piece: Evidence) -> bool:
        """Whether a piece counts for something: somebody signed it, and it has not expired."""
        return bool(piece.signers) and (piece.expires_at is None or piece.expires_at >= self.at)


@dataclass(frozen=True)
class Judged:
    """What the assessment says of the controls due: the tree under each that applies, and what those that are not met are short of."""

    assessment: Assessment
    trees: tuple[Reason, ...]
    shortfalls: tuple[Shortfall, ...]


class Refs(tuple[str, ...]):
    """A count that knows what it counted: the names of records, controls or files."""

    __slots__ = ()


@dataclass(frozen=True)
class Gathered:
    """The facts of a gate, and for those that are counts what was counted: whoever is held back wants to know which ones."""

    facts: Mapping[str, Any]
    counted: Mapping[str, tuple[str, ...]]


def gather(asked: Asked, judged: Judged) -> Gathered:
    """Gather the facts that records, assessment, evidence and the clock supply to a gate."""
    found = _found(asked, judged)
    counted = {name: tuple(value) for name, value in found.items() if isinstance(value, Refs)}
    return Gathered({name: len(value) if isinstance(value, Refs) else value for name, value in found.items()}, counted)


def _found(asked: Asked, judged: Judged) -> dict[str, Any]:
    return {
        **asked.collected,
        TIME: asked.at,
        **_of_system(asked),
        **_of_parts(asked),
        **_of_risks(asked),
        **_of_impact(asked),
        **_of_tests(asked),
        **_of_indicators(asked),
        **_of_controls(asked, judged),
        **_of_release(asked),
        **_of_documents(asked),
        **_of_trouble(asked),
        "evidence.refused": asked.refused,
        "evidence.unsigned": sum(not piece.signers for piece in asked.evidence),
    }


# --- Records ---------------------------------------------------------------------------------------------------------------------


def _of_system(asked: Asked) -> dict[str, Any]:
    system = asked.system
    found: dict[str, Any] = {
        "system.id": system.id,
        "system.risk_class": system.risk_class,
        "system.role": system.role,
        "system.autonomy": system.autonomy,
        "system.stage": system.stage,
        "system.jurisdictions": list(system.jurisdictions),
        "system.owned": system.owner is not None,
        "system.risk_owned": system.risk_owner is not None,
        "system.oversight_stated": system.oversight is not None,
        "system.misuse_stated": system.foreseeable_misuse is not None,
        "system.affected_stated": bool(system.affected_groups),
    }
    optional = {"system.personal_data": system.personal_data, "system.generates_content": system.generates_content}
    return found | {name: value for name, value in optional.items() if value is not None}


def _of_parts(asked: Asked) -> dict[str, Any]:
    models, datasets, suppliers = asked.of(Model), asked.of(Dataset), asked.of(Supplier)
    return {
        "models.total": len(models),
        "models.without_artefact": _refs(one for one in models if one.artefact_sha256 is None),
        "models.without_limits": _refs(one for one in models if one.limits is None),
        "datasets.total": len(datasets),
        "datasets.without_licence": _refs(one for one in datasets if one.licence is None and one.legal_basis is None),
        "datasets.without_quality_criteria": _refs(one for one in datasets if one.quality_criteria is None),
        "datasets.without_known_bias": _refs(one for one in datasets if one.known_bias is None),
        "datasets.personal_without_basis": _refs(one for one in datasets if one.personal_data and one.legal_basis is None),
        "datasets.special_categories": _refs(one for one in datasets if one.special_categories),
        "suppliers.unassessed": _refs(one for one in suppliers if one.assessed_on is None or one.assessed_on > asked.day),
        "suppliers.without_responsibilities": _refs(one for one in suppliers if one.responsibilities is None),
        "suppliers.critical_without_exit": _refs(one for one in suppliers if one.criticality == "high" and one.exit_plan is None),
    }


def _refs(records: Iterable[Record]) -> Refs:
    return Refs(record.ref for record in records)


def _of_risks(asked: Asked) -> dict[str, Any]:
    risks, treatments = asked.of(Risk), asked.of(Treatment)
    by_risk = {risk.ref: [one for one in treatments if one.risk == risk.ref] for risk in risks}
    return {
        "risks.total": len(risks),
        "risks.untreated": _refs(risk for risk in risks if not by_risk[risk.ref]),
        "risks.open_above_criteria": _refs(risk for risk in risks if _above(asked, risk, by_risk[risk.ref])),
    }


def _above(asked: Asked, risk: Risk, treatments: Iterable[Treatment]) -> bool:
    """Tell whether a risk lies above what its criteria accept, and nobody accepted it; what cannot be told counts as above."""
    treated = tuple(treatments)
    if any(one.accepted_by is not None and one.accepted_on is not None and one.accepted_on <= asked.day for one in treated):
        return False
    criteria = asked.records.get(risk.criteria)
    done = [(one.done_on, one.residual_likelihood * one.residual_consequence) for one in treated if one.done_on is not None]
    done = [(day, score) for day, score in done if day <= asked.day]
    score = max(done)[1] if done else risk.score
    return not isinstance(criteria, RiskCriteria) or score > criteria.acceptable_score


def _of_trouble(asked: Asked) -> dict[str, Any]:
    actions = asked.of(CorrectiveAction)
    return {
        "incidents.open_serious": _refs(one for one in asked.of(Incident) if one.severity in _GRAVE and one.state != "resolved"),
        "findings.open_major": _refs(one for one in asked.of(Nonconformity) if one.grade == "major" and one.state != "closed"),
        "actions.overdue": _refs(one for one in actions if one.due_on < asked.day and (one.done_on is None or one.done_on > asked.day)),
    }


# --- Evidence --------------------------------------------------------------------------------------------------------------------


def _decisions(asked: Asked, record: Record, topic: str, approver: str | None = None) -> Iterator[Evidence]:
    """Go through the signed decisions on a record in its present version, the latest first.

    Where the record names its approver, an approval by another is none; a refusal by anybody is one.
    """
    for piece in asked.seen:
        about = any(subject.ref == record.ref and subject.digest == record.digest for subject in piece.subjects)
        if piece.predicate is PredicateType.APPROVAL and piece.topic == topic and about and piece.signers:
            approves = piece.body["decision"] in _APPROVES
            if not approves or (asked.stands(piece) and approver in (None, piece.body["by"])):
                yield piece


def _approves(piece: Evidence) -> bool:
    return piece.body["decision"] in _APPROVES


def _of_impact(asked: Asked) -> dict[str, Any]:
    latest = [next(_decisions(asked, one, IMPACT_TOPIC, one.approved_by), None) for one in asked.of(ImpactAssessment)]
    decided = [piece for piece in latest if piece is not None]
    if any(not _approves(piece) for piece in decided):
        return {"impact.approved": False}
    if not latest or len(decided) < len(latest):
        return {}
    return {"impact.approved": True, "impact.age": asked.at - min(piece.observed_at for piece in decided)}


def _of_release(asked: Asked) -> dict[str, bool]:
    decisions = list(_decisions(asked, asked.system, asked.approval))
    if not decisions:
        return {}
    if not _approves(decisions[0]):
        return {"release.approved": False}
    owner = asked.system.owner
    if owner is None:
        return {"release.approved": True}
    role = asked.records.get(owner)
    owners = set(role.holders) if isinstance(role, Role) else {owner}
    refused_at = max((piece.observed_at for piece in decisions if not _approves(piece)), default=None)
    approvers = {piece.body["by"] for piece in decisions if _approves(piece) and (refused_at is None or piece.observed_at > refused_at)}
    return {"release.approved": True, "release.by_owner_alone": approvers <= owners}


def _of_tests(asked: Asked) -> dict[str, Any]:
    """Count the latest run of each suite on each record. Of a run that expired or that nobody signed only the failures stand."""
    names = {asked.system.ref, *(record.ref for record in asked.belonging)}
    suites: dict[tuple[str, ...], list[Evidence]] = {}
    for piece in asked.seen:
        if piece.predicate is PredicateType.TEST_RUN and _about(piece, names):
            suites.setdefault((piece.topic, piece.body["suite"], *sorted(one.ref for one in piece.subjects)), []).append(piece)
    counted = [_latest(runs) for runs in suites.values()]
    standing = [piece for piece in counted if asked.stands(piece)]
    failed = sum(piece.body["failed"] for piece in counted)
    if not standing:
        return {"tests.failed": failed} if failed else {}
    passed = sum(piece.body["passed"] for piece in standing)
    return {"tests.passed": passed, "tests.failed": failed, "tests.age": asked.at - min(piece.observed_at for piece in standing)}


def _latest(runs: Sequence[Evidence]) -> Evidence:
    """Choose the run of a suite that counts: the latest that is signed, of several at one moment the one that failed most.

    One that nobody signed counts instead where it came later, or at the same moment, and failed more.
    """
    last = next((piece.observed_at for piece in runs if piece.signers), None)
    signed = [piece for piece in runs if piece.signers and piece.observed_at == last]
    best = max(signed, key=_failures, default=None)
    later = (piece for piece in runs if not piece.signers and (last is None or piece.observed_at >= last))
    worst = max(later, key=_failures, default=best)
    if worst is None:
        return runs[0]
    return worst if best is None or worst.body["failed"] > best.body["failed"] else best


def _failures(piece: Evidence) -> tuple[int, int]:
    return piece.body["failed"], -piece.body["passed"]


def _about(piece: Evidence, names: set[str]) -> bool:
    return any(subject.ref in names for subject in piece.subjects)


def _of_indicators(asked: Asked) -> dict[str, Any]:
    indicators = asked.of(Indicator)
    measured: dict[str, list[Evidence]] = {}
    for piece in asked.seen:
        if piece.predicate is PredicateType.MEASUREMENT:
            for subject in piece.subjects:
                measured.setdefault(subject.ref, []).append(piece)
    states = [(one, _state(one, measured.get(one.ref, ()), asked)) for one in indicators]
    return {
        "indicators.total": len(indicators),
        "indicators.out_of_bounds": _refs(one for one, state in states if state is False),
        "indicators.unmeasured": _refs(one for one, state in states if state is None),
    }


def _state(indicator: Indicator, pieces: Sequence[Evidence], asked: Asked) -> bool | None:
    """Tell whether the latest measurement is within bounds; None where none stands. Outside the bounds anybody's word counts."""
    for at, piece in enumerate(pieces):
        outside = not _within(indicator, piece.body["value"])
        if outside:
            return False
        if asked.stands(piece):
            together = (other for other in pieces[at + 1 :] if other.observed_at == piece.observed_at)
            return all(_within(indicator, other.body["value"]) for other in together)
        if piece.signers:
            return None
    return None


def _within(indicator: Indicator, value: float) -> bool:
    return (indicator.minimum is None or value >= indicator.minimum) and (indicator.maximum is None or value <= indicator.maximum)


def _of_documents(asked: Asked) -> dict[str, Any]:
    seen = [piece for piece in asked.seen if piece.predicate is PredicateType.DOCUMENT and asked.stands(piece)]
    return {
        "documents.total": len(asked.system.documents),
        "documents.changed": Refs(ref for ref in asked.system.documents if not any(_shows(asked, ref, piece) for piece in seen)),
    }


def _shows(asked: Asked, ref: str, piece: Evidence) -> bool:
    """Tell whether a piece has the digest of a document: the one its record states, or any of it where it states none."""
    record = asked.records.get(ref)
    stated = record.sha256 if isinstance(record, Document) else None
    if stated is not None:
        return bool(piece.body["sha256"] == stated)
    path = record.path if isinstance(record, Document) else None
    return any(subject.ref == ref for subject in piece.subjects) or (path is not None and piece.body.get("path") == path)


# --- Assessment --------------------------------------------------------------------------------------------------------------------


def _of_controls(asked: Asked, judged: Judged) -> dict[str, Any]:
    checks = [node.status for tree in judged.trees for node in tree.walk() if node.kind == "check" and _applies(node)]

    def having(status: Status) -> Refs:
        return Refs(tree.ref for tree in judged.trees if tree.status is status)

    found: dict[str, Any] = {
        "controls.due": len(judged.trees),
        "controls.not_met": having(Status.NOT_MET),
        "controls.expired": having(Status.EXPIRED),
        "controls.unknown": having(Status.UNKNOWN),
        "controls.partly_met": having(Status.PARTLY_MET),
        "controls.waived": Refs(one.control.id for one in judged.shortfalls if one.waived),
        "controls.open": Refs(one.control.id for one in judged.shortfalls if not one.waived),
        "assessment.coverage": checks.count(Status.MET) / len(checks) if checks else 0.0,
    }
    rests_on = [
        node.evidence.observed_at
        for tree in judged.trees
        if tree.status is Status.MET
        for node in tree.walk()
        if node.evidence is not None and node.counts and node.status is Status.MET
    ]
    return found | ({"evidence.oldest": asked.at - min(rests_on)} if rests_on else {})


def _applies(node: Reason) -> bool:
    return node.status is not Status.NOT_APPLICABLE


def system_of(records: RecordSet, name: str) -> AISystem | None:
    """Find an AI system by its id, or by `ai_system:id`."""
    record = records.get(name if ":" in name else f"ai_system:{name}")
    return record if isinstance(record, AISystem) else None
