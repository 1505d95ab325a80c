"""The bill of materials fits the published schemas, says only what was recorded or measured, and leaves the rest out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from report_world import AS_OF, RECORDS, assessed

from kybern.assessment import Assessment, assess
from kybern.catalog import PredicateType, Strength, load_catalog
from kybern.evidence import Evidence, Subject
from kybern.records import RecordSet
from kybern.report.bom import Origin, cyclonedx, facts_of, spdx
from kybern.workspace import parse_records

ORIGIN = Origin("urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79", datetime(2026, 11, 21, tzinfo=UTC), "9.9.9")
SYSTEM = "ai_system:credit"
FRAMEWORKS = ("ISO42001",)
MORE = """
---
kind: dataset
id: holdout
title: Holdout
use: [testing]
source: Own books
acquisition: collected
personal_data: true
special_categories: true
licence: Internal use only
owner: role:model-owner
known_bias: Few young applicants
sha256: %s
---
{kind: supplier, id: cloud, title: Cloud, supplies: [computing], country: IE, criticality: high}
---
kind: agent
id: helper
title: Helper
goal: Looks up files
tools: [{name: search, effect: reads}]
autonomy: proposes
limits: Only reads
stop: A switch
models: [model:pd]
---
kind: impact_assessment
id: credit
title: Impact
system: ai_system:credit
scope: s
intended_use: i
unintended_use: u
data_and_model: d
environment: e
interested_parties: [Applicants]
impacts:
  - {on: Young applicants, scope: group, effect: harm, description: Refused more often, severity: 4, likelihood: 3, measures: A second look}
failures_and_misuse: f
measures: m
decision: proceed
assessor: person:anna
assessed_on: 2026-07-01
""" % ("f" * 64)


@cache
def rich() -> Assessment:
    text = RECORDS.replace("datasets: [dataset:loans]\n", "datasets: [dataset:loans, dataset:holdout]\nagents: [agent:helper]\n", 1)
    text = text.replace("suppliers: [supplier:bureau]", "suppliers: [supplier:bureau, supplier:cloud]")
    text = text.replace(
        "intended_use: Loans}", "intended_use: Loans, datasets: [dataset:loans, dataset:holdout], limits: Only small loans}"
    )
    records = RecordSet(parse_records((text + MORE).encode(), "acme.yaml"))
    return assess(load_catalog(), records, [*assessed().evidence, *measured(records)], AS_OF)


def measured(records: RecordSet) -> Iterator[Evidence]:
    """Two measurements of one indicator, of which the later stands, and one that has expired."""
    for number, (ref, days, expires, value) in enumerate(
        [("indicator:gap", 9, None, 0.05), ("indicator:gap", 2, None, 0.04), ("model:pd", 30, 5, 0.5)]
    ):
        record = records.get(ref)
        assert record is not None
        yield Evidence(
            id=f"{number:064x}",
            predicate=PredicateType.MEASUREMENT,
            topic="spread",
            subjects=(Subject(ref, record.digest),),
            observed_at=AS_OF - timedelta(days=days),
            expires_at=None if expires is None else AS_OF - timedelta(days=expires),
            strength=Strength.MEASURED,
            body={"metric": "gap", "value": value, "unit": "share", "sample_size": 10, "lower": value - 0.01, "upper": value + 0.01},
            signers=("pipeline:ci",),
            source=f"evidence/{number}.dsse.json",
        )


@cache
def bom() -> dict[str, Any]:
    return cyclonedx(facts_of(rich(), SYSTEM, FRAMEWORKS), ORIGIN)


@cache
def graph() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spdx(facts_of(rich(), SYSTEM, FRAMEWORKS), ORIGIN)["@graph"]
    return found


def component(ref: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in bom()["components"] if one["bom-ref"] == ref)
    return found


def walk(value: object) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


@pytest.mark.parametrize("system", [SYSTEM, "ai_system:chat"])
def test_it_fits_the_official_schema_of_cyclonedx(system: str) -> None:
    for assessment in (rich(), assessed()):
        text = json.dumps(cyclonedx(facts_of(assessment, system, FRAMEWORKS), ORIGIN))
        assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(text) is None


def test_the_schema_does_find_what_does_not_fit() -> None:
    changed = {**bom(), "components": [{**bom()["components"][0], "modelcard": {}}]}
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(json.dumps(changed)) is not None


def test_names_are_unique_and_every_reference_leads_somewhere() -> None:
    refs = [one["bom-ref"] for one in walk(bom()) if isinstance(one, dict) and "bom-ref" in one]
    assert len(refs) == len(set(refs))
    named = {ref for one in bom()["dependencies"] for ref in (one["ref"], *one.get("dependsOn", []))}
    declared = bom()["declarations"]
    named |= {ref for one in declared["claims"] for ref in (one["target"], *one.get("evidence", []), *one.get("counterEvidence", []))}
    for one in declared["attestations"]:
        named |= {one["assessor"]}
        named |= {ref for row in one["map"] for ref in (row["requirement"], *row.get("claims", []), *row.get("counterClaims", []))}
    named |= {one["ref"] for one in component("model:pd")["modelCard"]["modelParameters"]["datasets"]}
    assert named <= set(refs)
    assert len(named) > 50


def test_the_model_card_holds_the_latest_standing_measurement_with_its_interval() -> None:
    card = component("model:pd")["modelCard"]
    metrics = [one for one in card["quantitativeAnalysis"]["performanceMetrics"] if one["type"] == "gap"]
    assert [(one["value"], one["confidenceInterval"]) for one in metrics] == [("0.04", {"lowerBound": "0.03", "upperBound": "0.05"})]
    assert metrics[0]["slice"] == "indicator:gap, n = 10, share, 2026-11-18"
    assert {"name": "kybern:bound:Equal opportunity difference", "value": "at most 0.1 share"} in card["properties"]


def test_considerations_come_from_the_records() -> None:
    found = component("model:pd")["modelCard"]["considerations"]
    assert found["users"] == ["Underwriters"]
    assert found["technicalLimitations"] == ["Only small loans"]
    assert found["fairnessAssessments"] == [
        {"groupAtRisk": "Young applicants", "harms": "Refused more often", "mitigationStrategy": "A second look"}
    ]
    assert found["ethicalConsiderations"][0] == {
        "name": "Unequal refusals: Young applicants are refused more often",
        "mitigationStrategy": "Look twice",
    }


def test_data_has_its_governance_and_suppliers_are_services_only_where_they_serve() -> None:
    holdout = component("dataset:holdout")
    assert holdout["data"][0]["governance"] == {"owners": [{"contact": {"name": "Owner of the model"}}]}
    assert holdout["data"][0]["sensitiveData"] == ["special categories of personal data"]
    assert holdout["licenses"] == [{"license": {"name": "Internal use only"}}]
    assert [one["bom-ref"] for one in bom()["services"]] == ["supplier:cloud"]


def test_what_is_not_recorded_is_left_out() -> None:
    loans = component("dataset:loans")
    assert not {"licenses", "hashes", "version", "description", "supplier"} & set(loans)
    assert "governance" not in loans["data"][0]
    assert not any(value in (None, "", [], {}) for value in walk(bom()))


def test_claims_say_what_was_computed_and_what_speaks_against() -> None:
    result, declared = rich(), bom()["declarations"]
    for claim in declared["claims"]:
        score = result.control(claim["bom-ref"].removeprefix("claim:"), SYSTEM)
        assert score is not None
        assert claim["reasoning"].startswith(f"Computed: {score.status.label};")
    assert any("counterEvidence" in claim for claim in declared["claims"])
    known = {one.id for one in result.evidence}
    assert {one["bom-ref"].removeprefix("evidence:") for one in declared["evidence"]} <= known
    for row in declared["attestations"][0]["map"]:
        whole = result.requirement(row["requirement"], SYSTEM)
        assert ("conformance" in row) == (whole is not None)
        if whole is not None:
            assert row["conformance"]["score"] == pytest.approx(whole.coverage, abs=1e-6)


def test_the_same_inputs_give_the_same_bytes() -> None:
    again = cyclonedx(facts_of(rich(), SYSTEM, FRAMEWORKS), ORIGIN)
    assert json.dumps(again) == json.dumps(bom())
    assert json.dumps(spdx(facts_of(rich(), SYSTEM, FRAMEWORKS), ORIGIN)["@graph"]) == json.dumps(graph())


def test_a_system_that_is_not_in_scope_is_an_error() -> None:
    with pytest.raises(KeyError):
        facts_of(rich(), "ai_system:other", FRAMEWORKS)
    with pytest.raises(KeyError):
        facts_of(rich(), SYSTEM, ("OTHER",))


# SPDX


def element(ref: str) -> dict[str, Any]:
    return next(one for one in graph() if one.get("spdxId") == f"{ORIGIN.serial}#{ref}")


@pytest.mark.parametrize("system", [SYSTEM, "ai_system:chat"])
def test_it_fits_the_model_that_spdx_publishes(system: str) -> None:
    """The bindings are generated from the SHACL model of SPDX 3.0.1: unknown names, wrong types and missing values are errors."""
    model = pytest.importorskip("spdx_python_model", reason="spdx-python-model is not installed")
    for assessment in (rich(), assessed()):
        value = spdx(facts_of(assessment, system, FRAMEWORKS), ORIGIN)
        bindings, found = model.load_data(json.loads(json.dumps(value)))
        assert found.missing_ids == set()
        bindings.JSONLDSerializer().serialize_data(found)
        assert len(list(found.foreach())) >= len(value["@graph"])


@pytest.mark.parametrize("change", [{"dataset_datasetType": []}, {"dataset_datasetType": ["tables"]}, {"dataset_rows": 3}])
def test_the_model_does_find_what_does_not_fit(change: dict[str, Any]) -> None:
    model = pytest.importorskip("spdx_python_model", reason="spdx-python-model is not installed")
    value = json.loads(json.dumps({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph()}))
    one = next(one for one in value["@graph"] if one.get("type") == "dataset_DatasetPackage")
    one.update(change)
    with pytest.raises((ValueError, KeyError)):
        bindings_of_changed(model, value)


def bindings_of_changed(model: Any, value: dict[str, Any]) -> None:
    bindings, found = model.load_data(value)
    bindings.JSONLDSerializer().serialize_data(found)


def test_every_end_of_a_relation_is_in_the_document() -> None:
    ids = {one["spdxId"] for one in graph() if "spdxId" in one}
    assert len(ids) == len([one for one in graph() if "spdxId" in one])
    for one in graph():
        for name in ("from", "to", "rootElement", "element", "suppliedBy", "originatedBy", "createdBy", "createdUsing"):
            named = one.get(name, [])
            assert set([named] if isinstance(named, str) else named) <= ids, (one, name)


def test_models_are_related_to_the_data_they_were_trained_and_tested_on() -> None:
    assert element("trainedOn:model:pd")["to"] == [f"{ORIGIN.serial}#dataset:loans"]
    assert element("testedOn:model:pd")["to"] == [f"{ORIGIN.serial}#dataset:holdout"]
    assert element("contains:ai_system:credit")["to"] == [f"{ORIGIN.serial}#{ref}" for ref in ("model:pd", "agent:helper")]
    assert element("hasDeclaredLicense:dataset:holdout")["to"] == [f"{ORIGIN.serial}#licence:dataset:holdout"]


def test_what_spdx_must_have_and_nobody_stated_is_no_assertion() -> None:
    loans, holdout, model = element("dataset:loans"), element("dataset:holdout"), element("model:pd")
    assert loans["dataset_datasetType"] == ["noAssertion"]
    assert loans["dataset_hasSensitivePersonalInformation"] == "noAssertion"
    assert holdout["dataset_hasSensitivePersonalInformation"] == "yes"
    assert model["ai_useSensitivePersonalInformation"] == "yes"
    assert "ai_standardCompliance" not in json.dumps(graph())
    assert "ai_safetyRiskAssessment" not in json.dumps(graph())


def test_metrics_and_thresholds_stand_beside_the_model() -> None:
    model = element("model:pd")
    assert {"type": "DictionaryEntry", "key": "gap (indicator:gap)", "value": "0.04 share [0.03, 0.05], n = 10, 2026-11-18"} in model[
        "ai_metric"
    ]
    assert "at most 0.1 share" in [one["value"] for one in model["ai_metricDecisionThreshold"]]
