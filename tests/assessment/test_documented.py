"""Documented information is present where a standing document, result or record shows it."""

from __future__ import annotations

import world
from world import AS_OF

from kybern.assessment import assess, documented
from kybern.catalog import Catalog, load_catalog
from kybern.records import RecordSet


def test_a_record_and_its_approval_make_it_present_and_nothing_makes_it_missing() -> None:
    policy = world.records().get("policy:ai")
    assert policy
    found = documented(assess(world.catalog(), world.records(), [world.approved(policy)], AS_OF), "STD")
    assert [(one.requirement, one.present) for one in found] == [("STD:5.1", True), ("STD:6", False)]
    assert "policy:ai" in {ref for ref, _ in found[0].items}


def test_it_is_missing_for_the_system_that_lacks_it() -> None:
    known = world.records()
    law = world.framework()
    entries = tuple(one.model_copy(update={"documented_information": "results"}) if one.id == "5.2" else one for one in law.requirements)
    catalog = Catalog({"STD": law.model_copy(update={"requirements": entries})}, world.catalog().controls)
    auc = known.get("indicator:auc")
    assert auc
    found = {one.requirement: one for one in documented(assess(catalog, known, [world.measured(auc, 0.9)], AS_OF), "STD")}
    assert not found["STD:5.2"].present
    assert found["STD:5.2"].missing_for == ("ai_system:assistant",)


def test_an_empty_workspace_has_every_mandatory_item_missing() -> None:
    found = documented(assess(load_catalog(), RecordSet([]), [], AS_OF))
    assert {one.requirement for one in found} >= {
        f"ISO42001:{clause}" for clause in ("4.3", "5.2", "6.1.1", "6.1.2", "6.1.3", "6.1.4", "6.2", "7.2", "8.1", "8.2")
    }
    assert {one.requirement for one in found} >= {
        f"ISO42001:{clause}" for clause in ("8.3", "8.4", "9.1", "9.2.2", "9.3.3", "10.2", "A.2.2", "A.6.2.8", "A.7.6")
    }
    assert not any(one.present for one in found)
