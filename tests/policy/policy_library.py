"""The rules that ship, as bundles by profile; requests that are in order, and what can be wrong with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kybern.policy import (
    Bundle,
    Decision,
    Facts,
    decide_on,
    load_bundle,
    read_schema,
    shipped_profiles,
    shipped_rules,
    shipped_schemas,
)

SCHEMA = read_schema(shipped_schemas()["kybern"], "kybern.yaml")
WHOLE = load_bundle(SCHEMA, shipped_rules().items())
PROFILES = shipped_profiles()
MISSING = object()
GATES = ("merge", "train", "validate", "deploy", "retire")


def of_profile(profile: str) -> Bundle:
    """The bundle that `profiles: [PROFILE]` chooses."""
    return replace(WHOLE, rules=tuple(rule for rule in WHOLE.rules if not {"core", profile}.isdisjoint(rule.spec.profiles)))


BUNDLES = {profile: of_profile(profile) for profile in PROFILES}

_SYSTEM: Mapping[str, Any] = {
    "system.risk_class": "high", "system.stage": "validation", "system.personal_data": True, "system.generates_content": True,
    "impact.approved": True, "impact.age": "720h", "tests.passed": 120, "tests.failed": 0, "tests.age": "2h", "evidence.oldest": "2400h",
    "release.approved": True, "release.by_owner_alone": False, "assessment.coverage": 0.95, "change.kind": "model",
    "change.substantial": False, "change.reviewers": 2, "bom.present": True, "vulnerabilities.critical": 0, "scan.errors": 0,
    "compute.planned": 1e20, "energy.planned": 500, "retirement.data_plan": True, "request.actor": "person",
}  # fmt: skip
_CALLS: Mapping[str, Mapping[str, Any]] = {
    "reads": {}, "writes": {}, "sends": {"call.recipient_external": True, "call.personal_data": False}, "pays": {"call.amount": 50},
    "executes": {"call.approved": True},
}  # fmt: skip
GOOD: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    **{gate: (gate, _SYSTEM) for gate in GATES},
    **{effect: ("call-tool", {"tool.effect": effect, "tool.human_approval": False, **more}) for effect, more in _CALLS.items()},
}
"""Requests that are in order, by gate and by what a tool does."""


def sources(name: str, change: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request that is in order but for a change; what a change sets to MISSING is left out."""
    action, facts = GOOD[name]
    door = SCHEMA.doors[action]
    here = door.caller | door.provided
    whole: dict[str, Any] = {fact: SCHEMA.by_name[fact].example for fact in door.needed}
    whole |= {fact: value for fact, value in facts.items() if fact in here} | dict(change)
    whole = {fact: value for fact, value in whole.items() if value is not MISSING}
    given = {fact: value for fact, value in whole.items() if fact in door.caller}
    return {"action": action, **given}, {fact: value for fact, value in whole.items() if fact not in given}


def facts_for(name: str, change: Mapping[str, Any]) -> Facts:
    """The same, taken in."""
    return SCHEMA.facts_of(*sources(name, change))


def ask(bundle: Bundle, name: str, change: Mapping[str, Any]) -> Decision:
    """Decide on it."""
    found = decide_on(bundle, *sources(name, change))
    assert not found.faults, found.faults
    return found
