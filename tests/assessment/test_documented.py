"""Documented information is present where a standing document, result or record shows it."""

from __future__ import annotations

import world
from world import AS_OF

from kybern.assessment import assess, documented
from kybern.catalog import load_catalog
from kybern.records import RecordSet


def listed(evidence: list[object]) -> dict[str, bool]:
    return {one.requirement: one.present for one in documented(assess(world.catalog(), world.records(), evidence, AS_OF), "STD")}  # type: ignore[arg-type]


def test_a_record_and_its_approval_make_it_present_and_nothing_makes_it_missing() -> None:
    policy = world.records().get("policy:ai")
    assert policy
    found = documented(assess(world.catalog(), world.records(), [world.approved(policy)], AS_OF), "STD")
    assert [(one.requirement, one.present) for one in found] == [("STD:5.1", True), ("STD:6", False)]
    assert "policy:ai" in {ref for ref, _ in found[0].items}


def test_an_empty_workspace_has_every_mandatory_item_missing() -> None:
    found = documented(assess(load_catalog(), RecordSet([]), [], AS_OF))
    assert {one.requirement for one in found} >= {
        f"ISO42001:{clause}" for clause in ("4.3", "5.2", "6.1.1", "6.1.2", "6.1.3", "6.1.4", "6.2", "7.2", "8.1", "8.2")
    }
    assert {one.requirement for one in found} >= {
        f"ISO42001:{clause}" for clause in ("8.3", "8.4", "9.1", "9.2.2", "9.3.3", "10.2", "A.2.2", "A.6.2.8", "A.7.6")
    }
    assert not any(one.present for one in found)
