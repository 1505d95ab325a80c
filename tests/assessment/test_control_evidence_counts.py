"""Control evidence and verifications decide checks as other evidence does, and say in words what they show."""

from __future__ import annotations

from typing import Any

import pytest
import world
from world import AS_OF

from kybern.assessment import Status, assess, explain
from kybern.catalog import Catalog, Strength

TESTED: dict[str, Any] = {
    "control": "LIF-01",
    "population_size": 1200,
    "sample_size": 60,
    "exceptions": 1,
    "result": "passed",
    "error_rate": 1 / 60,
    "lower": 0.0004,
    "upper": 0.0894,
}


def catalog(predicate: str, *require: dict[str, Any]) -> Catalog:
    check = {"type": "evidence", "id": "c", "title": "It works", "predicate": predicate, "topic": "operation", "min_strength": "measured"}
    control = world.control("LIF-01", "STD:5.2", applies_to=["agent"], checks=[check | {"require": list(require)}])
    return Catalog({"STD": world.framework()}, {"LIF-01": control})


def outcome(catalog: Catalog, predicate: str, strength: Strength = Strength.MEASURED, **body: Any) -> tuple[Status, list[str]]:
    known = world.records()
    agent = known.get("agent:helper")
    assert agent
    piece = world.piece(predicate, "operation", agent, strength=strength, **body)
    root = explain(assess(catalog, known, [piece], AS_OF), "STD:5.2", "ai_system:assistant")
    return root.score.status, [node.text for node in root.walk() if node.kind == "evidence"]


@pytest.mark.parametrize(
    ("changes", "strength", "status"),
    [
        ({}, Strength.MEASURED, Status.MET),
        ({"result": "failed"}, Strength.MEASURED, Status.NOT_MET),
        ({"upper": 0.2}, Strength.MEASURED, Status.NOT_MET),
        ({}, Strength.DOCUMENTED, Status.UNKNOWN),
    ],
)
def test_control_evidence_decides_by_its_result_and_its_upper_bound(changes: dict[str, Any], strength: Strength, status: Status) -> None:
    asked = catalog(
        "control-evidence",
        {"field": "result", "operator": "eq", "value": "passed"},
        {"field": "upper", "operator": "le", "value": 0.1},
    )
    found, said = outcome(asked, "control-evidence", strength, **(TESTED | changes))
    assert found is status
    if status is Status.MET:
        words = "LIF-01 passed, exceptions: 1 in 60 of 1200, error rate 0.0167 [0.0004, 0.0894]"
        assert said == [f"control evidence of 2026-11-01, measured and signed: {words}; stands without an end"]


@pytest.mark.parametrize(("properties", "status"), [(["SCANNED", "OTHER"], Status.MET), (["OTHER"], Status.NOT_MET)])
def test_a_verification_decides_by_the_properties_it_names(properties: list[str], status: Status) -> None:
    asked = catalog("verification", {"field": "properties", "operator": "contains", "value": "SCANNED"})
    found, said = outcome(asked, "verification", verifier="https://example.org/v2", properties=properties)
    assert found is status
    assert f"https://example.org/v2 found {', '.join(properties)}" in said[0]
