"""Coverage: every gate of every system and every tool of every agent is governed by some rule, or named as not."""

from __future__ import annotations

from typing import Any

import pytest
from policy_library import BUNDLES, GATES, SCHEMA, WHOLE

from kybern.policy import Bundle
from kybern.policy.analysis import assets_of, coverage, unattached_models
from kybern.records import Record, RecordSet

TOOLS = [
    {"name": "search", "effect": "reads"},
    {"name": "wire", "effect": "pays", "approval": "human"},
]


def record(kind: str, identity: str, **fields: Any) -> Record:
    return Record.registry[kind].model_validate({"kind": kind, "id": identity, "title": identity.title(), **fields})


def system(**fields: Any) -> Record:
    given = {
        "owner": "person:ada", "role": "provider", "purpose": "p", "use_case": "u", "autonomy": "proposes", "users": ["clerks"],
        "jurisdictions": ["EU"], "stage": "development", "risk_class": "high", **fields,
    }  # fmt: skip
    return record("ai_system", "scoring", **given)


def agent(**fields: Any) -> Record:
    given = {"owner": "person:ada", "goal": "g", "tools": TOOLS, "autonomy": "acts-with-oversight", "limits": "l", "stop": "s", **fields}
    return record("agent", "helper", **given)


def model(identity: str) -> Record:
    return record("model", identity, owner="person:ada", type="gbm", task="classification", origin="developed", intended_use="i")


def test_the_inventory_is_every_system_at_every_gate_and_every_tool() -> None:
    assets = list(assets_of(RecordSet([system(), agent()])))
    assert [(one.ref, one.action) for one in assets[:5]] == [("ai_system:scoring", gate) for gate in GATES]
    assert [(one.title, one.action) for one in assets[5:]] == [("Helper: search", "call-tool"), ("Helper: wire", "call-tool")]
    assert assets[6].pins["tool.human_approval"] is True
    for one in assets:
        assert set(one.pins) <= set(SCHEMA.by_name), "what is settled are facts"


def test_the_core_governs_everything() -> None:
    found = coverage(BUNDLES["core"], assets_of(RecordSet([system(), agent()])))
    assert all(one.governed for one in found)
    assert all(one.unsure == () for one in found)


def test_what_a_thing_is_settles_which_rules_can_decide_on_it() -> None:
    search, wire = coverage(BUNDLES["agents"], assets_of(RecordSet([agent()])))
    names = [{rule.id for rule in one.rules} for one in (search, wire)]
    assert "reading-goes-on" in names[0]
    assert "reading-goes-on" not in names[1]
    assert "tool-waits-for-a-person" in names[1]
    assert "tool-waits-for-a-person" not in names[0]
    assert "tool-by-its-name-runs-code" not in names[0] | names[1], "neither is called so"
    assert "undeclared-tool" not in names[0] | names[1], "both are in the record"


@pytest.mark.parametrize(("risk", "there"), [("high", True), ("minimal", False)])
def test_the_risk_class_of_a_system_settles_it_too(risk: str, there: bool) -> None:  # noqa: FBT001 - a row
    found = coverage(BUNDLES["core"], assets_of(RecordSet([system(risk_class=risk)])))
    [deploy] = [one for one in found if one.asset.action == "deploy"]
    assert ("high-risk-without-documents" in {rule.id for rule in deploy.rules}) is there


def test_what_only_the_default_decides_is_not_governed() -> None:
    rules = tuple(rule for rule in WHOLE.rules if rule.id in {"validation-goes-on", "paying-goes-on"})
    found = coverage(Bundle(SCHEMA, rules, {}), assets_of(RecordSet([system(), agent()])))
    assert [one.asset.action for one in found if one.governed] == ["validate", "call-tool"]
    [paying] = [one for one in found if one.asset.action == "call-tool" and one.governed]
    assert paying.asset.title == "Helper: wire"


def test_a_model_that_belongs_to_no_system_is_named() -> None:
    records = RecordSet([system(models=["model:used"]), model("used"), model("loose")])
    assert unattached_models(records) == ("model:loose",)
