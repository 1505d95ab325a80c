"""A small organisation in good order, and the evidence that the shipped catalog asks of it: what a fault is then set into."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kybern.catalog import Catalog, EvidenceCheck, Operator, PredicateType
from kybern.evidence import Evidence, Subject
from kybern.records import Record, RecordSet

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
SYSTEM = "ai_system:sorter"
Said = Callable[[str, str, dict[str, Any]], dict[str, Any] | None]
"""What a piece says in the end: given its topic, the record it is about and its body; None for a piece that nobody made."""

TOPICS = ("earlier-actions", "context-changes", "interested-party-changes", "nonconformities", "measurements", "audits", "improvement")
ROLES = ("board", "lead", "owner", "auditor", "data")
DAY = "2026-10-01"
REVIEWED = {"owner": "role:lead", "reviewed_on": DAY}
BOUNDS = {
    "metric": "m",
    "definition": "d",
    "unit": "share",
    "maximum": 0.5,
    "measure_every": "P30D",
    "why_these_bounds": "Beyond it, mail gets lost.",
}
SCALE = [{"level": level, "name": f"step {level}", "meaning": f"meaning {level}"} for level in range(1, 6)]


def records(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """State everything the organisation states, by name: one AI system, bought in part, in operation."""
    stated = [*_leadership(), *_risk(), *_applicability(catalog), *_system(), *_society(), *_people(), *_assurance()]
    return {f"{one['kind']}:{one['id']}": {"title": one["id"], **one} for one in stated}


def _leadership() -> Iterator[dict[str, Any]]:
    yield {
        "kind": "organization",
        "id": "house",
        "legal_name": "House Ltd",
        "sector": "Post",
        "countries": ["IE"],
        "ai_roles": ["provider"],
        "top_management": "role:board",
        "reviewed_on": DAY,
    }
    for number, (position, theme) in enumerate((("external", "legal"), ("external", "climate"), ("internal", "people"))):
        yield {
            "kind": "context_issue",
            "id": f"i{number}",
            "position": position,
            "theme": theme,
            "relevant": True,
            "effect": "e",
            **REVIEWED,
        }
    yield {
        "kind": "scope",
        "id": "scope",
        "statement": "All AI of the house",
        "systems": [SYSTEM],
        "document": "document:scope",
        "approved_by": "person:ann",
        "approved_on": DAY,
        "owner": "role:board",
    }
    yield {"kind": "document", "id": "scope", "type": "policy", "owner": "role:lead", "path": "documents/scope.md"}
    for role in ROLES:
        yield {"kind": "role", "id": role, "responsibilities": ["r"], "authority": "a", "holders": ["person:ann"], "assigned_on": DAY}


def _risk() -> Iterator[dict[str, Any]]:
    signed = {"approved_by": "person:ann", "approved_on": DAY}
    scales = {"likelihood": SCALE, "consequence": SCALE, "acceptable_score": 8, "acceptance_authority": "role:board"}
    yield {"kind": "risk_criteria", "id": "criteria", "method": "m", **scales, **signed, **REVIEWED}
    yield {"kind": "opportunity", "id": "faster", "benefit": "b", "action": "a", "responsible": "role:lead", "owner": "role:lead"}
    for type_ in ("bias", "drift", "misuse"):
        yield {
            "kind": "risk",
            "id": type_,
            "systems": [SYSTEM],
            "type": type_,
            "source": "ISO42001:C.3.4",
            "objective_affected": "ISO42001:C.2.5",
            "scenario": "s",
            "consequence_text": "c",
            "consequences": {"organization": 2, "individuals": 3, "society": 1},
            "likelihood": 3,
            "criteria": "risk_criteria:criteria",
            "priority": "high",
            "assessor": "person:ann",
            "assessed_on": DAY,
            **REVIEWED,
        }
        yield {
            "kind": "treatment",
            "id": type_,
            "risk": f"risk:{type_}",
            "option": "modify",
            "plan": "p",
            "controls": ["MON-07"],
            "due_on": DAY,
            "done_on": DAY,
            "residual_likelihood": 1,
            "residual_consequence": 3,
            "accepted_by": "person:ann",
            "accepted_on": DAY,
            "effectiveness": "It works",
            "effectiveness_checked_on": DAY,
            "owner": "role:owner",
        }
    yield {
        "kind": "objective",
        "id": "fair",
        "measure": "m",
        "target": "t",
        "indicators": ["indicator:gap"],
        "actions": "a",
        "resources": "r",
        "due_on": "2027-06-30",
        "evaluated_by": "The lead, twice a year",
        "owner": "role:lead",
    }
    yield {
        "kind": "change",
        "id": "retrained",
        "affects": [SYSTEM],
        "of_systems": [SYSTEM],
        "purpose": "p",
        "consequences": "c",
        "reassess": "both",
        "risks_assessed": ["risk:bias"],
        "impacts_assessed": ["impact_assessment:sorter"],
        "requested_by": "person:ann",
        "requested_on": DAY,
        "decision": "approved",
        "decided_by": "person:ann",
        "decided_on": DAY,
        "implemented_on": DAY,
        "rollback": "r",
        "owner": "role:owner",
    }


def _applicability(catalog: Catalog) -> Iterator[dict[str, Any]]:
    for ref in catalog.leaves("ISO42001"):
        if ref.startswith("ISO42001:A."):
            entry = {"requirement": ref, "necessary": True, "justification": "j", "controls": ["GOV-01"], "risks": ["risk:bias"]}
            signed = {"approved_by": "person:ann", "approved_on": DAY, "owner": "role:lead"}
            yield {"kind": "soa_entry", "id": ref.removeprefix("ISO42001:").lower(), **entry, **signed}
    for control in list(catalog.controls)[:10]:
        how = {"control": control, "how": "h", "owner": "role:lead", "started_on": DAY}
        yield {"kind": "control_implementation", "id": control.lower(), **how}


def _system() -> Iterator[dict[str, Any]]:
    yield {
        "kind": "ai_system",
        "id": "sorter",
        "role": "provider",
        "purpose": "p",
        "use_case": "u",
        "foreseeable_misuse": "m",
        "autonomy": "proposes",
        "oversight": "o",
        "risk_class": "limited",
        "users": ["Clerks"],
        "affected_groups": ["Senders"],
        "jurisdictions": ["IE"],
        "stage": "operation",
        "in_operation_since": "2026-02-01",
        "gates": [{"gate": gate, "on": "2026-01-15", "by": "person:ann"} for gate in ("validation", "deployment")],
        "models": ["model:reader"],
        "suppliers": ["supplier:maker"],
        **REVIEWED,
    }
    bought = {"type": "t", "task": "classification", "origin": "bought", "intended_use": "u", "suppliers": ["supplier:maker"]}
    yield {"kind": "model", "id": "reader", **bought, "owner": "role:owner"}
    supplied = {"supplies": ["model"], "country": "IE", "criticality": "low", "contract": "c", "responsibilities": "r"}
    yield {"kind": "supplier", "id": "maker", **supplied, "assessed_on": DAY, "owner": "role:owner"}
    for name, category in (("gap", "fairness"), ("energy", "environment")):
        yield {"kind": "indicator", "id": name, "of": [SYSTEM], "category": category, **BOUNDS, **REVIEWED}


def _society() -> Iterator[dict[str, Any]]:
    rated = {"on": "Senders", "description": "d", "severity": 2, "likelihood": 2, "measures": "m"}
    yield {
        "kind": "impact_assessment",
        "id": "sorter",
        "system": SYSTEM,
        **dict.fromkeys(("scope", "intended_use", "unintended_use", "data_and_model", "environment", "failures_and_misuse"), "t"),
        "interested_parties": ["Senders"],
        "consulted": "Senders",
        "impacts": [
            {**rated, "scope": "individual", "effect": "harm"},
            {**rated, "scope": "group", "effect": "benefit"},
            {**rated, "scope": "society", "effect": "harm"},
        ],
        "measures": "m",
        "decision": "proceed",
        "assessor": "person:ann",
        "assessed_on": DAY,
        "approved_by": "person:ann",
        "approved_on": DAY,
        "document": "document:scope",
        "disclosed": "On the website",
        "owner": "role:owner",
    }


def _people() -> Iterator[dict[str, Any]]:
    yield {"kind": "person", "id": "ann"}
    for name in ("reading", "auditing", "deciding"):
        needed = {"needed_by": ["role:owner"], "shown_by": "s", "held_by": ["person:ann"], "renew_every": "P730D"}
        yield {"kind": "competence", "id": name, **needed, **REVIEWED}
    for type_ in ("role", "ai-literacy"):
        course = {"type": type_, "teaches": "t", "audience": ["role:owner"], "repeat_every": "P365D", "last_held_on": DAY}
        yield {"kind": "training", "id": type_, **course, "owner": "role:lead"}


def _assurance() -> Iterator[dict[str, Any]]:
    term = {"frequency": "P365D", "methods": "m", "planning": "p", "reporting": "r", "from_date": "2026-01-01", "to_date": "2028-12-31"}
    yield {"kind": "audit_programme", "id": "term", **term, "owner": "role:auditor"}
    held = {"auditor": "person:ann", "impartiality": "From outside", "sample": "s", "held_on": DAY, "conclusion": "c"}
    audit = {"type": "internal", "objectives": "o", "criteria": ["c"], "scope": "s", **held, "report": "document:scope"}
    yield {"kind": "audit", "id": "yearly", **audit, "owner": "role:auditor"}
    review = {"held_on": DAY, "chaired_by": "person:ann", "decisions": ["d"], "minutes": "document:scope", "owner": "role:board"}
    yield {"kind": "management_review", "id": "yearly", **review, "inputs": [{"topic": topic, "summary": "s"} for topic in TOPICS]}
    yield {
        "kind": "nonconformity",
        "id": "late",
        "requirement": "ISO42001:8.4",
        "statement": "s",
        "grade": "minor",
        "found_on": "2026-05-01",
        "correction": "c",
        "cause": "c",
        "similar_cases": "s",
        "state": "closed",
        "closed_on": DAY,
        "owner": "role:lead",
    }
    yield {
        "kind": "corrective_action",
        "id": "late",
        "nonconformity": "nonconformity:late",
        "action": "a",
        "due_on": DAY,
        "done_on": "2026-08-01",
        "effective": True,
        "effectiveness": "No case since",
        "checked_on": DAY,
        "owner": "role:lead",
    }


def record_set(stated: Mapping[str, Mapping[str, Any]]) -> RecordSet:
    """Read what is stated as records; a `ValidationError` if a record refuses it."""
    return RecordSet(Record.registry[one["kind"]].model_validate(one) for one in stated.values())


def evidence(catalog: Catalog, found: RecordSet, said: Said) -> list[Evidence]:
    """Make, for every evidence check and every record it may ask about, the piece that meets it, as `said` lets it be."""
    pieces: dict[str, Evidence] = {}
    for control in catalog.controls.values():
        for check in control.checks:
            if isinstance(check, EvidenceCheck):
                for record in found:
                    if record.kind in ({check.on} if check.on else {kind.value for kind in control.applies_to}):
                        body = said(str(check.topic), record.ref, _body(check, record))
                        if body is not None:
                            piece = _piece(check, record, body)
                            pieces[piece.id] = piece
    return list(pieces.values())


def _piece(check: EvidenceCheck, record: Record, body: dict[str, Any]) -> Evidence:
    """One piece of just the strength that the check asks for."""
    name = hashlib.sha256(f"{check.predicate}{check.topic}{record.ref}{check.min_strength}{sorted(body.items())}".encode()).hexdigest()
    at = AS_OF - timedelta(days=1)
    subject = (Subject(record.ref, record.digest),)
    return Evidence(name, check.predicate, str(check.topic), subject, at, None, check.min_strength, body)


_ALWAYS: Mapping[PredicateType, dict[str, Any]] = {
    PredicateType.TEST_RUN: {"passed": 50, "failed": 0},
    PredicateType.TRAINING: {"due": 10, "share_passed": 1.0},
    PredicateType.AUDIT: {"sample_size": 10, "major": 0},
    PredicateType.APPROVAL: {"decision": "approved", "role": "role:board"},
    PredicateType.DECISION: {"followed_up": True},
    PredicateType.ATTESTATION: {"holds": True},
    PredicateType.MEASUREMENT: {"sample_size": 1000},
    PredicateType.DOCUMENT: {},
}


def _body(check: EvidenceCheck, record: Record) -> dict[str, Any]:
    """Say what the check wants to hear, the outcome of a decision and the value of a measurement among it."""
    body = dict(_ALWAYS[check.predicate])
    if check.predicate is PredicateType.APPROVAL:
        body["by"] = record.content.get("approved_by", "person:ann")
    for condition in (*check.match, *check.require):
        if condition.operator is Operator.IN and isinstance(condition.value, list):
            body.setdefault(condition.field, condition.value[0])
        elif condition.operator is Operator.WITHIN:
            body[condition.field] = record.content.get("maximum", record.content.get("minimum"))
        elif condition.operator is not Operator.PRESENT:
            body.setdefault(condition.field, condition.value)
    return body
