"""CycloneDX 1.7 in JSON: components with model cards and data governance, and declarations from claims down to evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kybern.assessment import Status, describe
from kybern.report.bom._facts import bounds, reading, sensitive

if TYPE_CHECKING:
    from kybern.evidence import Evidence
    from kybern.records import Record
    from kybern.records.lifecycle import Agent, Dataset, Model, Supplier
    from kybern.report.bom._facts import Claim, Facts, Origin

SPEC_VERSION: Final = "1.7"
_ASSESSOR: Final = "assessor:self"
_SERVICES: Final = frozenset(("service", "computing", "system"))
_EFFECTS: Final[Mapping[str, str]] = {"benefit": "benefits", "harm": "harms"}


def cyclonedx(facts: Facts, origin: Origin) -> dict[str, Any]:
    """Write the bill of materials of an AI system. A pure function; what nobody recorded or measured is left out."""
    components = [
        *(_model(facts, one) for one in facts.models),
        *(_dataset(facts, one) for one in facts.datasets),
        *(_agent(one) for one in facts.agents),
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": origin.serial,
        "version": 1,
        "metadata": _metadata(facts, origin),
        "components": components,
        **_some("services", [_service(one) for one in facts.suppliers if _SERVICES & set(one.supplies)]),
        "dependencies": list(_dependencies(facts)),
        **_declared(facts),
    }


def _some(name: str, value: Any) -> dict[str, Any]:
    """Give a field, or nothing where it would be empty."""
    return {name: value} if value not in (None, "", [], {}) else {}


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _properties(**values: object) -> dict[str, Any]:
    """Write what CycloneDX has no field for as properties under Kybern's name."""
    listed = [{"name": f"kybern:{name.replace('_', '-')}", "value": str(value)} for name, value in values.items() if value is not None]
    return _some("properties", listed)


def _metadata(facts: Facts, origin: Origin) -> dict[str, Any]:
    assessment = facts.assessment
    inputs = {f"{name}_sha256": value for name, value in assessment.digests.items()}
    return {
        "timestamp": _moment(origin.at),
        "tools": {"components": [{"type": "application", "name": "kybern", **_some("version", origin.version)}]},
        "component": _system(facts),
        **_some("manufacturer", _organization(facts) if facts.system.role in {"developer", "provider"} else None),
        **_properties(as_of=_moment(assessment.as_of), **inputs),
    }


def _organization(facts: Facts) -> dict[str, Any] | None:
    return None if facts.organization is None else {"bom-ref": facts.organization.ref, "name": facts.organization.legal_name}


def _component(record: Record, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "bom-ref": record.ref,
        "name": record.title,
        **_some("version", record.version),
        **_some("description", record.description),
    }


def _system(facts: Facts) -> dict[str, Any]:
    system = facts.system
    measured = {} if facts.alone else {"measurements": [_metric(item, about) for item, about in facts.measured(system)]}
    shown = [f"{one['type']} = {one['value']} ({one['slice']})" for one in measured.get("measurements", [])]
    properties = _properties(
        purpose=system.purpose,
        risk_class_as_stated=system.risk_class,
        autonomy=system.autonomy,
        oversight=system.oversight,
        stage=system.stage,
        foreseeable_misuse=system.foreseeable_misuse,
        personal_data=_yes_or_no(system.personal_data),
    )
    listed = [*properties.get("properties", []), *({"name": "kybern:measurement", "value": one} for one in shown)]
    return _component(system, "application") | _some("properties", listed)


def _yes_or_no(value: bool | None) -> str | None:  # noqa: FBT001  (the truth is the argument)
    return None if value is None else "yes" if value else "no"


# Models


def _model(facts: Facts, model: Model) -> dict[str, Any]:
    return {
        **_component(model, "machine-learning-model"),
        **_supplier(facts, model),
        **_hash(model.artefact_sha256),
        "modelCard": _card(facts, model),
        **_properties(origin=model.origin, parameters=model.parameters),
    }


def _supplier(facts: Facts, record: Model | Dataset) -> dict[str, Any]:
    found = facts.one_supplier(record)
    return {} if found is None else {"supplier": {"name": found.title}}


def _hash(sha256: str | None) -> dict[str, Any]:
    return {} if sha256 is None else {"hashes": [{"alg": "SHA-256", "content": sha256}]}


def _card(facts: Facts, model: Model) -> dict[str, Any]:
    here = {one.ref for one in facts.datasets}
    parameters = {
        "task": model.task,
        "modelArchitecture": model.type,
        **_some("datasets", [{"ref": ref} for ref in model.datasets if ref in here]),
    }
    metrics = [_metric(item, about) for item, about in facts.measured(model)]
    asked = {one.ref: one for record in facts.bearing_on(model) for one in facts.indicators_of(record)}
    limits = [{"name": f"kybern:bound:{one.metric}", "value": bounds(one)} for one in asked.values()]
    return {
        "bom-ref": f"{model.ref}#card",
        "modelParameters": parameters,
        **_some("quantitativeAnalysis", _some("performanceMetrics", metrics)),
        "considerations": _considerations(facts, model),
        **_some("properties", limits),
    }


def _metric(item: Evidence, about: Record) -> dict[str, Any]:
    """Write a measurement with its interval; the slice says of what population, or about what."""
    metric, value, lower, upper = reading(item)
    population = item.body.get("population")
    about_what = f"{about.ref}, n = {item.body.get('sample_size')}, {item.body.get('unit')}, {item.observed_at:%Y-%m-%d}"
    ends = {} if lower is None or upper is None else {"confidenceInterval": {"lowerBound": lower, "upperBound": upper}}
    return {"type": metric, "value": value, "slice": f"{population}; {about_what}" if population else about_what, **ends}


def _considerations(facts: Facts, model: Model) -> dict[str, Any]:
    risks = [
        {"name": f"{risk.title}: {risk.scenario}", **_some("mitigationStrategy", " ".join(one.plan for one in treatments))}
        for risk, treatments in facts.risks
    ]
    fairness = [
        {"groupAtRisk": one.on, _EFFECTS[one.effect]: one.description, **_some("mitigationStrategy", one.measures)} for one in facts.impacts
    ]
    return {
        "users": list(facts.system.users),
        "useCases": list(dict.fromkeys((facts.system.use_case, model.intended_use))),
        **_some("technicalLimitations", [model.limits] if model.limits else []),
        **_some("ethicalConsiderations", risks),
        **_some("fairnessAssessments", fairness),
    }


# Data, agents, services


_SENSITIVE: Final[Mapping[str, str]] = {"yes": "special categories of personal data", "no": "", "noAssertion": ""}


def _dataset(facts: Facts, dataset: Dataset) -> dict[str, Any]:
    owner = [{"contact": {"name": facts.title(dataset.owner)}}] if dataset.owner else []
    stated = {
        "source": dataset.source,
        "acquisition": dataset.acquisition,
        "acquired_on": dataset.acquired_on,
        "legal_basis": dataset.legal_basis,
        "period": dataset.period,
        "rows": dataset.rows,
        "populations": ", ".join(dataset.populations) or None,
        "known_bias": dataset.known_bias,
        "preparation": dataset.preparation,
        "quality_criteria": dataset.quality_criteria,
        "retention": dataset.retention,
    }
    data = {
        "type": "dataset",
        "name": dataset.title,
        **_some("description", dataset.description),
        "classification": "personal data" if dataset.personal_data else "no personal data",
        **_some("sensitiveData", [text] if (text := _SENSITIVE[sensitive(dataset)]) else []),
        **_some("governance", _some("owners", owner)),
    }
    return {
        **_component(dataset, "data"),
        **_supplier(facts, dataset),
        **_hash(dataset.sha256),
        **_some("licenses", [{"license": {"name": dataset.licence}}] if dataset.licence else []),
        "data": [data],
        **_properties(use=", ".join(dataset.use), **stated),
    }


def _agent(agent: Agent) -> dict[str, Any]:
    tools = "; ".join(f"{tool.name} ({tool.effect}, approval: {tool.approval})" for tool in agent.tools)
    stated = _properties(kind="agent", goal=agent.goal, autonomy=agent.autonomy, limits=agent.limits, stop=agent.stop, tools=tools)
    return _component(agent, "application") | stated


def _service(supplier: Supplier) -> dict[str, Any]:
    return {
        "bom-ref": supplier.ref,
        "name": supplier.title,
        "provider": {"name": supplier.title},
        **_some("description", supplier.description),
        **_properties(supplies=", ".join(supplier.supplies), country=supplier.country, criticality=supplier.criticality),
    }


def _dependencies(facts: Facts) -> Iterator[dict[str, Any]]:
    """Say what rests on what, as the records do; only on what is in this document."""
    services = {one.ref for one in facts.suppliers if _SERVICES & set(one.supplies)}
    here = {one.ref for one in (*facts.models, *facts.datasets, *facts.agents)} | services
    system = facts.system
    for record, named in (
        (system, (*system.models, *system.datasets, *system.agents, *system.suppliers)),
        *((one, (*one.datasets, *one.suppliers)) for one in facts.models),
        *((one, one.suppliers) for one in facts.datasets),
        *((one, one.models) for one in facts.agents),
    ):
        depends = [ref for ref in dict.fromkeys(named) if ref in here]
        yield {"ref": record.ref, **_some("dependsOn", depends)}


# Declarations


def _declared(facts: Facts) -> dict[str, Any]:
    """Write the standards with the requirements that claims count for, and what is declared of them."""
    standards = [one for name in facts.frameworks for one in _standard(facts, name)]
    if not standards:
        return {}
    declarations = {
        "assessors": [{"bom-ref": _ASSESSOR, "thirdParty": False, **_some("organization", _assessor(facts))}],
        "attestations": [_attestation(facts, name) for name in facts.frameworks if facts.requirements(name)],
        "claims": [_claim(facts, one) for one in facts.claims],
        "evidence": [_evidence(facts, item) for item in facts.evidence],
    }
    return {"declarations": declarations, "definitions": {"standards": standards}}


def _assessor(facts: Facts) -> dict[str, Any] | None:
    return None if facts.organization is None else {"name": facts.organization.legal_name}


def _standard(facts: Facts, name: str) -> Iterator[dict[str, Any]]:
    entry, catalog = facts.assessment.catalog.frameworks[name], facts.assessment.catalog
    listed = [
        {"bom-ref": ref, "identifier": catalog.requirements[ref].id, "title": catalog.requirements[ref].title}
        for ref in facts.requirements(name)
    ]
    if listed:
        yield {
            "bom-ref": f"standard:{name}",
            "name": entry.title,
            "version": entry.edition,
            "owner": entry.publisher,
            "requirements": listed,
        }


def _attestation(facts: Facts, name: str) -> dict[str, Any]:
    return {
        "summary": f"What verified evidence showed of {name} on this system as of {_moment(facts.assessment.as_of)}. It is no certificate.",
        "assessor": _ASSESSOR,
        "map": [_mapped(facts, ref) for ref in facts.requirements(name)],
    }


def _mapped(facts: Facts, ref: str) -> dict[str, Any]:
    """Map a requirement to its claims: as counter-claims those that evidence speaks against."""
    claims, score = facts.claims_for(ref), facts.assessment.requirement(ref, facts.system.ref)
    speaking = [f"claim:{one.control.id}" for one in claims if one.status is not Status.NOT_MET]
    against = [f"claim:{one.control.id}" for one in claims if one.status is Status.NOT_MET]
    found: dict[str, Any] = {"requirement": ref, **_some("claims", speaking), **_some("counterClaims", against)}
    if score is not None:
        rationale = f"Status: {score.status.label}. The score is the share of its checks that evidence covers."
        found["conformance"] = {"score": round(score.coverage, 6), "rationale": rationale}
        if score.strength is not None:
            found["confidence"] = {"rationale": f"Mean strength of the evidence: {score.strength:.2f} of 5."}
    return found


def _claim(facts: Facts, claim: Claim) -> dict[str, Any]:
    return {
        "bom-ref": f"claim:{claim.control.id}",
        "target": facts.system.ref,
        "predicate": claim.control.statement,
        "reasoning": f"Computed: {claim.status.label}; {claim.coverage:.0%} of its checks are met.",
        **_some("evidence", [f"evidence:{one.id}" for one in claim.evidence]),
        **_some("counterEvidence", [f"evidence:{one.id}" for one in claim.against]),
    }


def _evidence(facts: Facts, item: Evidence) -> dict[str, Any]:
    data = [{"name": "in-toto statement in a DSSE envelope", "contents": {"url": item.source}}] if item.source else []
    return {
        "bom-ref": f"evidence:{item.id}",
        "description": f"{describe(item)}. The id is the SHA-256 of the signed statement.",
        **_some("data", data),
        "created": _moment(item.observed_at),
        **_some("expires", None if item.expires_at is None else _moment(item.expires_at)),
        **_some("author", {"name": facts.title(item.signers[0])} if item.signers else None),
    }
