"""A small world with names one can follow: one lender, two AI systems, four controls, a handful of evidence."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any

from kybern.catalog import Catalog, Control, Framework, PredicateType, Strength
from kybern.evidence import Evidence, Subject
from kybern.records import Record, RecordSet

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)


def framework() -> Framework:
    """A standard with a clause of two requirements, a control area with one, and one that nothing answers."""

    def entry(identity: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
        return {"id": identity, "parent": parent, "kind": "control", "title": f"Title {identity}", "statement": f"Asks {identity}.", **more}

    return Framework.model_validate(
        {
            "id": "STD",
            "title": "A standard",
            "edition": "1",
            "publisher": "p",
            "source": "s",
            "status_date": date(2026, 1, 1),
            "rights": "ours",
            "requirements": [
                entry("5"),
                entry("5.1", "5", layer="L1", documented_information="the policy"),
                entry("5.2", "5", layer="L3"),
                entry("6", layer="L2", documented_information="a plan"),
            ],
        }
    )


def control(identity: str, requirement: str, **fields: Any) -> Control:
    """A control with sensible defaults."""
    return Control.model_validate(
        {
            "id": identity,
            "layer": "L1",
            "title": f"Control {identity}",
            "statement": "It is done.",
            "why": "It matters.",
            "owner_role": "risk-manager",
            "cadence": "P365D",
            "satisfies": [{"requirement": requirement}],
            **fields,
        }
    )


def catalog() -> Catalog:
    """The standard with three controls: one of the organisation, two of systems."""
    policy = {
        "type": "evidence",
        "id": "policy-approved",
        "title": "The policy is approved",
        "predicate": "approval",
        "topic": "policy-approval",
        "on": "policy",
        "pinned": True,
        "require": [{"field": "decision", "operator": "eq", "value": "approved"}],
    }
    stated = {"type": "records", "id": "policy-stated", "title": "A policy is stated", "kind": "policy"}
    bound = {
        "type": "evidence",
        "id": "in-bounds",
        "title": "Indicators are within bounds",
        "predicate": "measurement",
        "topic": "indicator",
        "on": "indicator",
        "require": [{"field": "value", "operator": "within"}],
        "min_strength": "measured",
        "max_age": "P90D",
    }
    tested = {
        "type": "evidence",
        "id": "tested",
        "title": "The agent is tested",
        "predicate": "test-run",
        "topic": "red-team",
        "require": [{"field": "failed", "operator": "eq", "value": 0}],
    }
    controls = (
        control("GOV-01", "STD:5.1", applies_to=["organization"], checks=[policy, stated]),
        control("MON-01", "STD:5.2", applies_to=["ai_system"], checks=[bound]),
        control("LIF-01", "STD:5.2", applies_to=["agent"], absent="not_applicable", checks=[tested]),
    )
    return Catalog({"STD": framework()}, {one.id: one for one in controls})


def record(kind: str, identity: str, **fields: Any) -> Record:
    """A record of a kind, checked by its model."""
    return Record.registry[kind].model_validate({"kind": kind, "id": identity, "title": identity.title(), **fields})


def system(identity: str, **fields: Any) -> Record:
    """An AI system with sensible defaults."""
    return record(
        "ai_system",
        identity,
        **{
            "role": "provider",
            "purpose": "p",
            "use_case": "u",
            "autonomy": "advises",
            "users": ["staff"],
            "jurisdictions": ["IE"],
            "stage": "operation",
            **fields,
        },
    )


def indicator(identity: str, of: str) -> Record:
    """An indicator of at least 0.7."""
    return record(
        "indicator",
        identity,
        of=[of],
        category="performance",
        metric="auc",
        definition="area under the curve",
        unit="1",
        minimum=0.7,
        measure_every="P30D",
        why_these_bounds="w",
    )


def records(*more: Record) -> RecordSet:
    """The lender: a policy, a scoring system with an indicator, an assistant with an agent, a risk with its treatment."""
    return RecordSet(
        [
            record("organization", "lender", legal_name="Lender", sector="credit", countries=["IE"], ai_roles=["provider"]),
            record("person", "ada"),
            record("role", "risk-manager", responsibilities=["risk"], holders=["person:ada"]),
            record("policy", "ai", type="ai", statement="We are careful."),
            system("scoring"),
            system("assistant", agents=["agent:helper"]),
            record(
                "agent",
                "helper",
                goal="help",
                tools=[{"name": "mail", "effect": "sends"}],
                autonomy="acts-with-approval",
                limits="l",
                stop="s",
            ),
            indicator("auc", "ai_system:scoring"),
            indicator("answers", "ai_system:assistant"),
            record(
                "risk_criteria",
                "criteria",
                method="m",
                likelihood=[{"level": n, "name": "n", "meaning": "m"} for n in (1, 2, 3)],
                consequence=[{"level": n, "name": "n", "meaning": "m"} for n in (1, 2, 3)],
                acceptable_score=4,
                acceptance_authority="role:risk-manager",
            ),
            record(
                "risk",
                "bias",
                systems=["ai_system:scoring"],
                type="bias",
                scenario="s",
                consequences={"organization": 2, "individuals": 4, "society": 2},
                likelihood=3,
                criteria="risk_criteria:criteria",
                assessor="person:ada",
                assessed_on="2026-05-01",
            ),
            record(
                "treatment",
                "watch-bias",
                risk="risk:bias",
                option="modify",
                plan="watch",
                controls=["MON-01"],
                residual_likelihood=1,
                residual_consequence=3,
            ),
            *more,
        ]
    )


def piece(  # noqa: PLR0913  (what a piece is made of)
    predicate: str,
    topic: str,
    about: Record,
    *,
    observed: datetime = datetime(2026, 11, 1, tzinfo=UTC),
    strength: Strength = Strength.MEASURED,
    expires: datetime | None = None,
    **body: Any,
) -> Evidence:
    """A verified piece of evidence about one record, in its present version."""
    identity = hashlib.sha256(repr((predicate, topic, about.ref, observed, sorted(body.items()))).encode()).hexdigest()
    subjects = (Subject(about.ref, about.digest),)
    return Evidence(
        identity,
        PredicateType(predicate),
        topic,
        subjects,
        observed,
        expires,
        strength,
        body,
        ("person:ada",),
        f"evidence/{identity[:16]}.dsse.json",
    )


def measured(about: Record, value: float, **more: Any) -> Evidence:
    """A measurement of an indicator."""
    return piece("measurement", "indicator", about, metric="auc", value=value, unit="1", sample_size=500, **more)


def approved(about: Record, **more: Any) -> Evidence:
    """An approval by Ada."""
    return piece(
        "approval", "policy-approval", about, **{"by": "person:ada", "decision": "approved", "strength": Strength.OBSERVED, **more}
    )


def evidence(known: RecordSet) -> list[Evidence]:
    """Enough for everything to be met but requirement 6, which no control answers."""
    auc, answers, agent, policy = (known.get(ref) for ref in ("indicator:auc", "indicator:answers", "agent:helper", "policy:ai"))
    assert auc
    assert answers
    assert agent
    assert policy
    tests = piece("test-run", "red-team", agent, suite="attacks", passed=20, failed=0, skipped=0)
    return [measured(auc, 0.81), measured(answers, 0.9), tests, approved(policy)]
