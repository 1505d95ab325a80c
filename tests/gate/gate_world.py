"""A lender with one AI system and all that can belong to it, rules that let it on, and evidence in a few words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kybern.catalog import Catalog, PredicateType, Strength, load_controls
from kybern.evidence import Evidence, Subject
from kybern.gate import Collected, Due, Outcome, Question, StageName, at_gate, judge, shipped_stages
from kybern.policy import Bundle, load_bundle, read_schema, shipped_schemas
from kybern.records import Record, RecordSet

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
SYSTEM = "ai_system:scoring"
SCHEMA = read_schema(shipped_schemas()["kybern"], "kybern.yaml")
STAGES = shipped_stages()
CONTROLS = load_controls({name for stage in STAGES.values() for name in stage.controls}).controls

RULES = b"""
- id: all-due-is-met
  title: What is due is met
  owner: ai-governance
  rationale: A gate that lets things through half done is none.
  applies_to: [merge, train, validate, deploy, retire]
  effect: allow
  when: controls.open == 0
  message: All that is due is met.
  examples:
    - {title: All met, facts: {controls.open: 0}, expect: fires}
    - {title: One open, facts: {controls.open: 1}, expect: silent}
- id: tests-failed
  title: Failed tests hold back
  owner: ai-governance
  rationale: A test that fails says that something does not hold.
  applies_to: [merge, deploy]
  effect: deny
  when: has(tests.failed) && tests.failed > 0
  message: Mend the failing tests.
  examples:
    - {title: One failed, facts: {tests.failed: 1}, expect: fires}
    - {title: None failed, facts: {tests.failed: 0}, expect: silent}
"""


def bundle(rules: bytes = RULES) -> Bundle:
    """The rules over the schema that ships."""
    return load_bundle(SCHEMA, [("rules.yaml", rules)], predicates={})


BUNDLE = bundle()


def record(kind: str, identity: str, **fields: Any) -> Record:
    """A record of a kind, checked by its model."""
    return Record.registry[kind].model_validate({"kind": kind, "id": identity, "title": identity.title(), **fields})


_SCALE = [{"level": level, "name": "n", "meaning": "m"} for level in (1, 3, 5)]

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "organization:lender": {"legal_name": "Lender", "sector": "credit", "countries": ["IE"], "ai_roles": ["provider"]},
    "person:ada": {},
    "person:bob": {},
    "role:owner": {"responsibilities": ["Owns it."], "holders": ["person:ada"]},
    SYSTEM: {
        "owner": "role:owner", "role": "provider", "purpose": "p", "use_case": "u", "foreseeable_misuse": "m", "autonomy": "proposes",
        "oversight": "A clerk decides.", "risk_class": "high", "users": ["staff"], "affected_groups": ["applicants"],
        "personal_data": True, "generates_content": False, "jurisdictions": ["IE", "DE"], "stage": "validation",
        "models": ["model:pd"], "datasets": ["dataset:loans"], "suppliers": ["supplier:bureau"], "documents": ["document:card"],
        "risk_owner": "role:owner",
    },
    "model:pd": {
        "type": "t", "task": "classification", "origin": "developed", "datasets": ["dataset:loans", "dataset:history"],
        "artefact_sha256": "a" * 64, "intended_use": "i", "limits": "l",
    },
    "dataset:loans": {
        "use": ["training"], "source": "s", "acquisition": "collected", "licence": "CC0", "legal_basis": "contract", "personal_data": True,
        "known_bias": "few young", "quality_criteria": "complete",
    },
    "dataset:history": {
        "use": ["testing"], "source": "s", "acquisition": "public", "licence": "CC0", "personal_data": False, "known_bias": "none known",
        "quality_criteria": "complete",
    },
    "supplier:bureau": {
        "supplies": ["data"], "country": "IE", "criticality": "high", "responsibilities": "r", "exit_plan": "e",
        "assessed_on": "2026-01-10",
    },
    "risk_criteria:main": {
        "method": "m", "likelihood": _SCALE, "consequence": _SCALE, "acceptable_score": 6, "acceptance_authority": "role:owner",
    },
    "risk:bias": {
        "systems": [SYSTEM], "type": "bias", "scenario": "s", "consequences": {"organization": 2, "individuals": 4, "society": 2},
        "likelihood": 3, "criteria": "risk_criteria:main", "assessor": "person:ada", "assessed_on": "2026-05-01",
    },
    "treatment:watch": {
        "risk": "risk:bias", "option": "modify", "plan": "p", "done_on": "2026-06-01", "residual_likelihood": 1, "residual_consequence": 4,
    },
    "impact_assessment:one": {
        "system": SYSTEM, "scope": "s", "intended_use": "i", "unintended_use": "u", "data_and_model": "d", "environment": "e",
        "interested_parties": ["a"], "failures_and_misuse": "f", "measures": "m", "decision": "proceed", "assessor": "person:ada",
        "assessed_on": "2026-05-01",
        "impacts": [{"on": "a", "scope": "group", "effect": "harm", "description": "d", "severity": 3, "likelihood": 2}],
    },
    "indicator:auc": {
        "of": ["model:pd"], "category": "performance", "metric": "auc", "definition": "d", "unit": "1", "minimum": 0.7,
        "measure_every": "P30D", "why_these_bounds": "w",
    },
    "document:card": {"type": "report", "path": "documents/card.md"},
    "incident:outage": {
        "systems": [SYSTEM], "severity": "serious", "aware_at": "2026-10-01T00:00:00Z", "account": "a", "state": "resolved",
    },
    "nonconformity:one": {
        "requirement": "ISO42001:8.1", "statement": "s", "grade": "major", "found_on": "2026-09-01", "state": "closed",
        "of_systems": [SYSTEM],
    },
    "corrective_action:mend": {
        "nonconformity": "nonconformity:one", "action": "a", "due_on": "2026-10-01", "done_on": "2026-09-15",
    },
}  # fmt: skip


def records(changes: Mapping[str, Mapping[str, Any] | None] | None = None) -> RecordSet:
    """The lender, with fields of some records set otherwise, records left out (None), and others added."""
    changes = changes or {}
    made = {name: {**fields, **(changes.get(name) or {})} for name, fields in DEFAULTS.items() if changes.get(name, {}) is not None}
    made |= {name: dict(fields) for name, fields in changes.items() if name not in DEFAULTS and fields is not None}
    built = []
    for name, fields in made.items():
        kind, _, identity = name.partition(":")
        built.append(record(kind, identity, **{key: value for key, value in fields.items() if value is not None}))
    return RecordSet(built)


RECORDS = records()


def piece(  # noqa: PLR0913 - what a piece is made of
    predicate: str,
    topic: str,
    about: str,
    *,
    days: float = 1,
    signed: bool = True,
    expires: float | None = None,
    of: RecordSet = RECORDS,
    digest: str | None = None,
    **body: Any,
) -> Evidence:
    """A piece observed some days before the moment asked about."""
    found = of.get(about)
    named = digest or (found.digest if found is not None else "0" * 64)
    seen = AT - timedelta(days=days)
    defaults: dict[str, dict[str, Any]] = {
        "approval": {"by": "person:bob", "decision": "approved"},
        "test-run": {"suite": "s", "passed": 10, "failed": 0, "skipped": 0},
        "measurement": {"metric": "auc", "value": 0.8, "unit": "1", "sample_size": 500},
        "document": {"title": "t", "sha256": "b" * 64},
        "decision": {"by": "person:bob", "question": "q", "outcome": "continue", "followed_up": True},
    }
    content = {**defaults[predicate], **body}
    identity = hashlib.sha256(repr((predicate, topic, about, days, signed, expires, named, sorted(content.items()))).encode()).hexdigest()
    strengths = {"approval": Strength.OBSERVED, "decision": Strength.OBSERVED, "document": Strength.DOCUMENTED}
    return Evidence(
        id=identity,
        predicate=PredicateType(predicate),
        topic=topic,
        subjects=(Subject(about, named),),
        observed_at=seen,
        expires_at=None if expires is None else AT + timedelta(days=expires),
        strength=strengths.get(predicate, Strength.MEASURED) if signed else Strength.DECLARED,
        body=content,
        signers=("pipeline:ci",) if signed else (),
    )


def due(stage: StageName, controls: Iterable[str] | None = None) -> Due:
    """What is due at a stage: as it ships, or some controls."""
    names = STAGES[stage].controls if controls is None else tuple(controls)
    return Due(stage, STAGES[stage].approval, Catalog({}, {name: at_gate(CONTROLS[name], STAGES[stage]) for name in names}))


def outcome(  # noqa: PLR0913 - what a gate is asked
    *evidence: Evidence,
    of: RecordSet = RECORDS,
    stage: StageName = "deploy",
    controls: Iterable[str] | None = ("LIF-12", "SOC-15"),
    refused: int = 0,
    collected: Collected = Collected(),  # noqa: B008 - it never changes
    rules: Bundle = BUNDLE,
    **given: Any,
) -> Outcome:
    """What a gate comes to."""
    system = of.get(SYSTEM)
    question = Question(of, system, due(stage, controls), rules, AT, {"request.actor": "pipeline", **given})  # type: ignore[arg-type]
    return judge(question, evidence, refused, collected)


def facts(*evidence: Evidence, **how: Any) -> Mapping[str, Any]:
    """The facts a gate gathers, which come in through the schema."""
    found = outcome(*evidence, **how)
    assert found.decision.faults == ()
    return found.provided
