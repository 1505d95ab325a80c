"""One AI system as its page tells it, a part at a time: only what a tab shows is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from django.utils.translation import gettext as _

from kybern.catalog import PredicateType
from kybern.gate import STAGES, because, held_by, mending, verdict
from kybern.records.assurance import Approval
from kybern.records.people import Document
from kybern.records.society import ImpactAssessment
from kybern.report._system import indicators, parts, system_facts
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.pages import _evidence_list as evidence_list
from kybern.server.pages import _law as law
from kybern.server.pages._decisions import judged, next_gate
from kybern.server.pages._keyset import page_of
from kybern.server.pages._risks import STATES, acceptable_of, level_of, matrices, risks_by_system
from kybern.server.store.evidence import read_pieces
from kybern.server.store.models import EvidenceRow, EvidenceSubject, RecordRow
from kybern.server.store.visible import visible_evidence, visible_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from django.http import HttpRequest

    from kybern.evidence import Evidence
    from kybern.gate import Outcome, StageName
    from kybern.records import Record
    from kybern.records.lifecycle import AISystem
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._risks import RiskView

_LATEST: Final = 30
"""Pieces about an indicator among which its latest measurement is looked for."""


@dataclass(frozen=True)
class Subject:
    """The system, who reads of it, and what they may see: what belongs to it and is hidden from them is left out everywhere."""

    request: HttpRequest
    who: Actor
    row: RecordRow
    system: AISystem
    standing: Standing
    now: datetime
    seen: frozenset[str]

    @property
    def ref(self) -> str:
        """The system's name."""
        return self.row.ref

    @property
    def in_scope(self) -> bool:
        """Whether it is assessed."""
        return self.ref in self.standing.assessment.plan.system_index

    def may(self, permission: Permission) -> bool:
        """Tell whether the reader may do something with this system."""
        return self.who.may(permission, self.row.unit)

    def of(self, kind: str) -> list[Record]:
        """Give the records of a kind that belong to the system and that the reader may see."""
        refs = (ref for ref in self.standing.records.belonging_to(self.ref) if ref.startswith(f"{kind}:") and ref in self.seen)
        return [one for ref in refs if (one := self.standing.records.get(ref)) is not None]


def subject_of(request: HttpRequest, row: RecordRow, standing: Standing, now: datetime) -> Subject:
    """Put together what the tabs work on."""
    who = actor(request)
    belonging = [row.ref, *standing.records.belonging_to(row.ref)]
    seen: set[str] = set()
    for start in range(0, len(belonging), 500):
        seen.update(visible_records(who).filter(ref__in=belonging[start : start + 500]).values_list("ref", flat=True))
    return Subject(request, who, row, typed(row, standing), standing, now, frozenset(seen))


def risk_rows(subject: Subject) -> list[RiskView]:
    """Give the risks of the system that the reader may see."""
    return [one for one in risks_by_system(subject.standing).get(subject.ref, ()) if one.risk.ref in subject.seen]


# --- the tabs ------------------------------------------------------------------------------------------------------------------------


def overview(subject: Subject) -> dict[str, Any]:
    """Say what the system is, how it stands, which class it has."""
    standing, assessment = subject.standing, subject.standing.assessment
    readable = subject.may(Permission.ASSESSMENT_READ)
    frameworks = standing.frameworks if readable and subject.in_scope else ()
    return {
        "said": tuple(system_facts(assessment, subject.system)),
        "readiness": [(standing.catalog.frameworks[name], assessment.readiness(name, subject.ref)) for name in frameworks],
        "law": law.law_class(law.classification(subject.system, standing)),
        "risks": risk_rows(subject),
        "documents": _documents(subject),
    }


def _documents(subject: Subject) -> list[Document]:
    """Give the documents that the system names, and those that are about it."""
    records = subject.standing.records
    about = (who for who, _link in records.named_by.get(subject.ref, ()) if who.startswith("document:"))
    refs = list(dict.fromkeys((*subject.system.documents, *about)))
    visible = set(visible_records(subject.who).filter(ref__in=refs).values_list("ref", flat=True))
    return [one for ref in refs if ref in visible and isinstance(one := records.get(ref), Document)]


def by_law(subject: Subject) -> dict[str, Any]:
    """Say what law makes of the system, and what binds it from when."""
    found = law.classification(subject.system, subject.standing)
    register = law.register_of(subject.system, subject.standing)
    return {
        "law": law.law_class(found),
        "reaches": law.reaches(found),
        "known": len(found.known),
        "facts_total": len(found.rules.schema.facts),
        "problems": law.known_facts(subject.system, subject.standing.records)[1],
        "duties": law.articles(register, subject.ref, subject.standing),
        "organization_duties": sum(one.subject == subject.standing.assessment.organization for one in register.bindings),
        "scored": subject.may(Permission.ASSESSMENT_READ) and subject.in_scope,
        "day_now": subject.standing.as_of.date(),
    }


def risks(subject: Subject) -> dict[str, Any]:
    """Give the risks with matrices and treatments, and the impact assessments."""
    rows = risk_rows(subject)

    def cell(name: str, likelihood: int, consequence: int) -> str:
        return f"/risks?system={subject.ref}&{name}={likelihood}x{consequence}"

    before, after = matrices(rows, _("Before treatment"), _("After treatment"), cell, lambda one: f"/records/risk/{one.risk.id}")
    return {
        "rows": rows,
        "before": before,
        "after": after,
        "acceptable": acceptable_of(rows),
        "level_of": level_of,
        "states": STATES,
        "assessments": [one for one in subject.of("impact_assessment") if isinstance(one, ImpactAssessment)],
    }


def rests_on(subject: Subject) -> dict[str, Any]:
    """Give models, data sets, agents and suppliers, with what is stated of each."""
    found = (
        (title, [one for one in listed if one.record.ref in subject.seen])
        for title, listed in parts(subject.standing.assessment, subject.ref)
    )
    return {"parts": [(title, listed) for title, listed in found if listed]}


def measured(subject: Subject) -> dict[str, Any]:
    """Give the indicators with their latest measurement against their bounds."""
    pieces = {one.ref: _latest(subject, one.ref) for one in subject.of("indicator")} if subject.may(Permission.EVIDENCE_READ) else {}
    rows = [one for one in indicators(subject.standing.assessment, subject.ref, pieces) if one.indicator.ref in subject.seen]
    return {"rows": rows}


def _latest(subject: Subject, ref: str) -> list[Evidence]:
    about = EvidenceSubject.objects.filter(ref=ref).order_by("-observed_at").values_list("evidence", flat=True)[:_LATEST]
    rows = visible_evidence(subject.who).filter(id__in=list(about), predicate=PredicateType.MEASUREMENT.value, observed_at__lte=subject.now)
    return read_pieces(rows.order_by("-observed_at", "-strength", "id")[:1])


def timeline(subject: Subject) -> dict[str, Any]:
    """Give the evidence about the system and what belongs to it, the latest first."""
    if not subject.may(Permission.EVIDENCE_READ):
        return {"listed": [], "found": None}
    about = EvidenceSubject.objects.filter(ref__in=sorted(subject.seen)).values("evidence")
    found = page_of(visible_evidence(subject.who).filter(id__in=about), evidence_list.ORDER, subject.request.GET)
    return {"listed": evidence_list.listed(subject.who, found.rows, subject.now), "found": found, "standings": evidence_list.STANDINGS}


@dataclass(frozen=True)
class ApprovalRow:
    """A record of an approval, or a signed one: of what, by whom, when, what was decided."""

    of: str
    title: str
    decision: str
    by: str
    at: datetime
    href: str
    signed: bool


def gates(subject: Subject) -> dict[str, Any]:
    """Tell the gates that were passed, what holds the next one back, and approvals."""
    wanted = subject.request.GET.get("gate", "")
    stage: StageName = next((one for one in STAGES if one == wanted), next_gate(subject.system.stage))
    readable = subject.in_scope and subject.may(Permission.ASSESSMENT_READ) and subject.may(Permission.RULES_READ)
    outcome = judged(subject.standing, subject.system, stage) if readable else None
    return {
        "stage": stage,
        "stages": STAGES,
        "passed": subject.system.gates,
        "outcome": outcome,
        **({} if outcome is None else told(outcome)),
        "approvals": sorted(_approvals(subject), key=lambda one: one.at, reverse=True),
    }


def told(outcome: Outcome) -> dict[str, Any]:
    """Say what a gate came to: what holds back and why, what would mend it."""
    return {
        "verdict": verdict(outcome),
        "held": [(name, text, tuple(because(outcome, name))) for name, text in held_by(outcome)],
        "short": [(one, tuple(mending(one))) for one in outcome.shortfalls],
    }


def _approvals(subject: Subject) -> Iterator[ApprovalRow]:
    records = subject.standing.records
    for one in subject.of("approval"):
        if isinstance(one, Approval):
            of = records.get(one.of)
            href = f"/records/approval/{one.id}"
            yield ApprovalRow(one.of, one.of if of is None else of.title, one.decision, one.approver, one.decided_at, href, signed=False)
    if not subject.may(Permission.EVIDENCE_READ):
        return
    about = EvidenceSubject.objects.filter(ref__in=sorted(subject.seen)).values("evidence")
    rows = visible_evidence(subject.who).filter(id__in=about, predicate=PredicateType.APPROVAL.value).order_by("-observed_at", "id")[:50]
    for piece in read_pieces(rows):
        of = next((records.get(one.ref) for one in piece.subjects if one.ref in subject.seen), None)
        ref = piece.subjects[0].ref if of is None else of.ref
        decision, by = str(piece.body.get("decision", "")), str(piece.body.get("by", ""))
        yield ApprovalRow(ref, ref if of is None else of.title, decision, by, piece.observed_at, f"/evidence/{piece.id}", signed=True)


TABS: Final[dict[str, Callable[[Subject], dict[str, Any]]]] = {
    "overview": overview,
    "law": by_law,
    "risks": risks,
    "parts": rests_on,
    "indicators": measured,
    "gates": gates,
    "evidence": timeline,
}
"""The tabs by the name they have in the address."""


def counts(subject: Subject) -> dict[str, int]:
    """Say how much there is behind a tab."""
    kinds = [ref.partition(":")[0] for ref in subject.seen]
    return {
        "risks": len(risk_rows(subject)) + kinds.count("impact_assessment"),
        "parts": sum(kinds.count(kind) for kind in ("model", "dataset", "agent", "supplier")),
        "indicators": kinds.count("indicator"),
    }


def typed(row: RecordRow, standing: Standing) -> AISystem:
    """Give the record as the standing knows it, or as it was written since."""
    from kybern.server.store.records import read_record

    record = standing.records.get(row.ref)
    return cast("AISystem", read_record(row.content) if record is None else record)


__all__ = ["TABS", "EvidenceRow", "Subject", "counts", "subject_of", "told"]
