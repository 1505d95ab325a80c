"""The rules that ship: tied to controls, explained, at peace with each other, and each of them is what holds something up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from policy_library import BUNDLES, GOOD, MISSING, PROFILES, SCHEMA, WHOLE, ask

from kybern.catalog import load_catalog
from kybern.policy import Effect, Rule, in_words, shipped_rules
from kybern.workspace import profile_ids

CATALOG = load_catalog()
TOOLS = ("reads", "writes", "sends", "pays", "executes")
LIMITED = {"system.risk_class": "limited"}
OUTSIDE = {"call.recipient_external": True}
SUBSTANTIAL = {"change.substantial": True}

Defect = tuple[str, Mapping[str, Any]]
DEFECTS: Mapping[str, Defect | tuple[Defect, ...]] = {
    # Gates
    "prohibited-system-stops": tuple((name, {"system.risk_class": "prohibited"}) for name in GOOD if name != "retire"),
    "system-without-owner": tuple((name, {"system.owned": False}) for name in ("train", "validate", "deploy", "retire")),
    "unclassified-system-waits": tuple((name, {"system.risk_class": "unclassified"}) for name in ("validate", "deploy")),
    "retired-system-stays-retired": tuple((name, {"system.stage": "retirement"}) for name in ("merge", "train", "validate", "deploy")),
    "retirement-without-plan": (("retire", {"retirement.data_plan": False}), ("retire", {"retirement.data_plan": MISSING})),
    "retirement-during-serious-incident": ("retire", {"incidents.open_serious": 1}),
    "retirement-of-high-risk-by-machine": ("retire", {"request.actor": "pipeline"}),
    "nothing-to-validate-yet": ("validate", {"system.stage": "design"}),
    "validation-is-not-skipped": ("deploy", {"system.stage": "development"}),
    # Data
    "training-without-data": ("train", {"datasets.total": 0}),
    "personal-data-without-basis": tuple((name, {"datasets.personal_without_basis": 1}) for name in ("train", "deploy")),
    "special-categories-need-the-privacy-officer": ("train", {"datasets.special_categories": 1}),
    "data-without-licence": ("train", {"datasets.without_licence": 1}),
    "data-without-quality-criteria": ("train", {"datasets.without_quality_criteria": 1}),
    "bias-of-data-is-examined": tuple((name, {"datasets.without_known_bias": 1}) for name in ("validate", "deploy")),
    "personal-data-not-stated": ("deploy", {"system.personal_data": MISSING}),
    # Evaluation
    "tests-not-run": tuple(
        (name, change)
        for name in ("merge", "validate", "deploy")
        for change in ({"tests.passed": 0}, {"tests.passed": MISSING}, {"tests.failed": MISSING})
    ),
    "tests-fail": tuple((name, {"tests.failed": 1}) for name in ("merge", "validate", "deploy")),
    "tests-too-old": (("deploy", {"tests.age": "169h"}), ("deploy", {"tests.age": MISSING})),
    "tests-of-high-risk-are-of-today": ("deploy", {"tests.age": "25h"}),
    "few-tests-for-high-risk": (("validate", {"tests.passed": 19}), ("deploy", {"tests.passed": 1})),
    "indicator-out-of-bounds": (("validate", {"indicators.out_of_bounds": 1}), ("deploy", {"indicators.out_of_bounds": 1})),
    "indicator-never-measured": ("deploy", {"indicators.unmeasured": 1}),
    "high-risk-without-indicators": (("validate", {"indicators.total": 0}), ("deploy", {"indicators.total": 0})),
    "critical-vulnerability": tuple((name, {"vulnerabilities.critical": 1}) for name in ("merge", "validate", "deploy")),
    "vulnerabilities-not-looked-for": ("deploy", {"vulnerabilities.critical": MISSING}),
    "scan-finds-errors": (("merge", {"scan.errors": 1}), ("deploy", {"scan.errors": 1})),
    "bill-of-materials-missing": (("deploy", {"bom.present": False}), ("deploy", {"bom.present": MISSING})),
    "model-without-artefact": ("deploy", {"models.without_artefact": 1}),
    "model-without-limits": (("validate", {"models.without_limits": 1}), ("deploy", {"models.without_limits": 1})),
    "no-model-on-record": (("validate", {"models.total": 0}), ("deploy", {"models.total": 0})),
    # Oversight
    "oversight-not-stated": tuple(
        (name, {"system.oversight_stated": False, "system.risk_class": risk})
        for name in ("validate", "deploy")
        for risk in ("high", "limited")
    ),
    "high-risk-acts-alone": ("deploy", {"system.autonomy": "acts-alone"}),
    "authority-decides-by-machine": ("deploy", {"system.autonomy": "acts-alone", "system.role": "authority", **LIMITED}),
    "high-risk-acts-before-people-look": ("deploy", {"system.autonomy": "acts-with-oversight"}),
    "misuse-not-stated": (("validate", {"system.misuse_stated": False}), ("deploy", {"system.misuse_stated": False, **LIMITED})),
    "affected-groups-not-stated": (("validate", {"system.affected_stated": False}), ("deploy", {"system.affected_stated": False})),
    # Approvals
    "release-waits-for-approval": ("deploy", {"release.approved": MISSING}),
    "release-was-refused": ("deploy", {"release.approved": False}),
    "high-risk-by-the-owner-alone": (("deploy", {"release.by_owner_alone": True}), ("deploy", {"release.by_owner_alone": MISSING})),
    "limited-risk-by-the-owner-alone": ("deploy", {"release.by_owner_alone": True, **LIMITED}),
    "agent-passes-no-gate-alone": (("deploy", {"request.actor": "agent"}), ("retire", {"request.actor": "agent"})),
    "training-of-a-general-purpose-model": ("train", {"compute.planned": 2e23}),
    "training-with-systemic-risk": ("train", {"compute.planned": 2e25}),
    "energy-of-training-not-stated": ("train", {"energy.planned": MISSING}),
    "energy-of-training-is-capped": ("train", {"energy.planned": 10_001}),
    # Change
    "change-without-review": (("merge", {"change.reviewers": 0}), ("merge", {"change.reviewers": MISSING})),
    "model-or-data-read-by-one": ("merge", {"change.reviewers": 1}),
    "live-configuration-read-by-one": ("merge", {"change.reviewers": 1, "change.kind": "configuration", "system.stage": "operation"}),
    "kind-of-change-not-stated": (("merge", {"change.kind": MISSING}), ("deploy", {"change.kind": MISSING})),
    "weight-of-change-not-stated": ("deploy", {"change.substantial": MISSING}),
    "substantial-change-with-old-impact-assessment": (
        ("deploy", {"impact.age": "2161h", **SUBSTANTIAL}),
        ("deploy", {"impact.age": MISSING, **SUBSTANTIAL}),
    ),
    "substantial-change-needs-counsel": ("deploy", SUBSTANTIAL),
    "new-model-with-old-results": ("deploy", {"tests.age": "25h", **LIMITED}),
    # Suppliers
    "supplier-not-assessed": ("deploy", {"suppliers.unassessed": 1}),
    "duties-with-supplier-open": ("deploy", {"suppliers.without_responsibilities": 1}),
    "critical-supplier-without-exit": ("deploy", {"suppliers.critical_without_exit": 1, **LIMITED}),
    "critical-supplier-of-high-risk-without-exit": ("deploy", {"suppliers.critical_without_exit": 1}),
    "passed-on-without-documents": ("deploy", {"documents.total": 0, "system.role": "integrator", **LIMITED}),
    # Incidents and findings
    "release-during-serious-incident": (
        ("deploy", {"incidents.open_serious": 1, "change.substantial": MISSING, **LIMITED}),
    ),
    "fix-during-serious-incident": ("deploy", {"incidents.open_serious": 1}),
    "major-finding-open": ("deploy", {"findings.open_major": 1}),
    "corrective-action-overdue": ("deploy", {"actions.overdue": 1}),
    "corrective-actions-pile-up": ("deploy", {"actions.overdue": 4}),
    # Risk
    "no-risk-on-record": (("validate", {"risks.total": 0}), ("deploy", {"risks.total": 0})),
    "risk-without-owner": (("validate", {"system.risk_owned": False}), ("deploy", {"system.risk_owned": False})),
    "risk-above-criteria": ("deploy", {"risks.open_above_criteria": 1}),
    "risk-without-treatment": ("deploy", {"risks.untreated": 1}),
    "high-risk-without-impact-assessment": (("deploy", {"impact.approved": False}), ("deploy", {"impact.approved": MISSING})),
    "impact-assessment-refused": ("deploy", {"impact.approved": False, **LIMITED}),
    "limited-risk-without-impact-assessment": ("deploy", {"impact.approved": MISSING, **LIMITED}),
    "impact-assessment-too-old": ("deploy", {"impact.age": "8761h"}),
    # Documents
    "high-risk-without-documents": ("deploy", {"documents.total": 0}),
    "document-without-digest": ("deploy", {"documents.changed": 1}),
    "generated-content-not-stated": ("deploy", {"system.generates_content": MISSING}),
    # Evidence
    "nothing-is-due": ("deploy", {"controls.due": 0}),
    "control-not-met": (("validate", {"controls.not_met": 1}), ("deploy", {"controls.not_met": 1})),
    "evidence-expired": (("validate", {"controls.expired": 1}), ("deploy", {"controls.expired": 1})),
    "high-risk-with-unknown-controls": ("deploy", {"controls.unknown": 1}),
    "high-risk-with-controls-met-in-part": ("deploy", {"controls.partly_met": 1}),
    "limited-risk-with-unknown-controls": ("deploy", {"controls.unknown": 1, **LIMITED}),
    "coverage-too-low": ("deploy", {"assessment.coverage": 0.49}),
    "coverage-of-high-risk-low": ("deploy", {"assessment.coverage": 0.79}),
    "evidence-refused": (("validate", {"evidence.refused": 1}), ("deploy", {"evidence.refused": 1})),
    "evidence-of-last-year": ("deploy", {"evidence.oldest": "8761h"}),
    # Agents
    "stopped-agent-does-nothing": tuple((name, {"agent.stopped": True}) for name in TOOLS),
    "undeclared-tool": tuple((name, {"tool.declared": False}) for name in TOOLS),
    "effect-of-tool-unknown": ("reads", {"tool.effect": MISSING}),
    "code-waits-for-a-person": ("executes", {"call.approved": False}),
    "tool-waits-for-a-person": tuple((name, {"tool.human_approval": True}) for name in ("reads", "writes", "sends", "pays")),
    "agent-that-proposes-only-reads": tuple((name, {"agent.autonomy": "proposes"}) for name in ("writes", "sends", "pays", "executes")),
    "agent-acts-with-approval": tuple((name, {"agent.autonomy": "acts-with-approval"}) for name in ("writes", "sends", "pays")),
    "payment-without-amount": ("pays", {"call.amount": MISSING}),
    "larger-payment-waits-for-a-person": ("pays", {"call.amount": 100.01}),
    "payment-is-capped": ("pays", {"call.amount": 1000.01, "call.approved": True}),
    "budget-of-the-day-is-spent": ("pays", {"budget.spent_today": 500}),
    "budget-of-the-day-runs-out": ("pays", {"budget.spent_today": 400}),
    "calls-of-the-day-are-used-up": tuple((name, {"budget.calls_today": 1000}) for name in TOOLS),
    "session-runs-long": tuple((name, {"session.calls": 200}) for name in ("reads", "writes", "sends", "pays")),
    "untrusted-content-and-personal-data-leave": (
        ("sends", {"session.untrusted_content": True, "call.personal_data": True}),
        ("sends", {"session.untrusted_content": True, "call.personal_data": MISSING}),
        ("reads", {"session.untrusted_content": True, **OUTSIDE}),
    ),
    "untrusted-content-leaves-with-a-person": ("sends", {"session.untrusted_content": True}),
    "untrusted-content-runs-no-code": ("executes", {"session.untrusted_content": True}),
    "untrusted-content-pays-with-a-person": ("pays", {"session.untrusted_content": True}),
    "personal-data-are-masked": tuple((name, {"call.personal_data": True, **OUTSIDE}) for name in ("reads", "writes", "sends", "pays")),
    "recipient-not-stated": ("sends", {"call.recipient_external": MISSING}),
    "contents-not-stated": ("sends", {"call.personal_data": MISSING}),
    "confidential-stays-inside": ("sends", {"session.labels": ["Confidential-HR"]}),
    "high-risk-agent-acts-alone": ("writes", {"system.risk_class": "high", "agent.autonomy": "acts-alone"}),
    "agent-during-serious-incident": tuple((name, {"incidents.open_serious": 1}) for name in ("writes", "sends", "pays")),
    "tool-by-its-name-runs-code": ("reads", {"tool.name": "bash"}),
}  # fmt: skip
"""By rule: which request, and what is changed in it for the rule to decide. `test_every_rule_…` asks for each to be here."""


def defects() -> list[tuple[str, str, Mapping[str, Any]]]:
    found: list[tuple[str, str, Mapping[str, Any]]] = []
    for rule, rows in DEFECTS.items():
        many: Any = rows if isinstance(rows[0], tuple) else (rows,)
        found += [(rule, name, change) for name, change in many]
    return found


def test_there_are_rules_for_every_theme_and_every_effect() -> None:
    assert len(WHOLE.rules) >= 60
    assert {rule.effect for rule in WHOLE.rules} == set(Effect)
    assert set(profile_ids()) < set(PROFILES)
    assert set(PROFILES) - set(profile_ids()) == {"core", "agents"}
    assert all(len(BUNDLES[profile].rules) > len(BUNDLES["core"].rules) for profile in PROFILES if profile != "core")


@pytest.mark.parametrize("rule", WHOLE.rules, ids=[rule.id for rule in WHOLE.rules])
def test_a_rule_is_tied_to_the_catalog_and_explains_itself(rule: Rule) -> None:
    spec = rule.spec
    assert spec.controls
    assert [one for one in spec.controls if one not in CATALOG.controls] == []
    assert [one for one in spec.requirements if one not in CATALOG.requirements] == []
    roles = {control.owner_role for control in CATALOG.controls.values()}
    assert {spec.owner, *spec.approvers} <= roles
    assert len(spec.rationale) > 60
    assert spec.profiles
    assert not re.search(r"\b(certified|compliant)\b", f"{spec.title} {spec.rationale} {spec.message}")


@pytest.mark.parametrize("rule", WHOLE.rules, ids=[rule.id for rule in WHOLE.rules])
def test_a_rule_reads_as_a_sentence(rule: Rule) -> None:
    english, german = in_words(rule, SCHEMA), in_words(rule, SCHEMA, "de")
    assert english.startswith("For ")
    assert german.startswith("Für ")
    names = [name for name in SCHEMA.by_name if name in english or name in german]
    assert names == [], "facts are called by their labels"


def test_a_file_holds_one_theme_and_says_so() -> None:
    for name, data in shipped_rules().items():
        assert data.startswith(b"# Rules that ship: "), name


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", GOOD)
def test_what_is_in_order_goes_on(profile: str, name: str) -> None:
    """Whatever the risk class, whoever asks, and whatever the organisation is to the system."""
    bundle, gate = BUNDLES[profile], GOOD[name][0] != "call-tool"
    changes: list[dict[str, Any]] = [{"system.risk_class": risk} for risk in ("minimal", "limited", "high")]
    changes += [{"request.actor": "pipeline"}] * (name in {"merge", "train", "validate", "deploy"})
    changes += [{"system.role": role} for role in SCHEMA.by_name["system.role"].values] * gate
    changes += [{"change.kind": kind} for kind in SCHEMA.by_name["change.kind"].values] * (name in {"merge", "deploy"})
    for change in changes:
        found = ask(bundle, name, change)
        assert found.effect is Effect.ALLOW, (change, found.reasons)


def test_every_rule_that_holds_something_up_is_tried() -> None:
    assert set(DEFECTS) == {rule.id for rule in WHOLE.rules if rule.effect is not Effect.ALLOW}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_single_defect_changes_what_is_decided(profile: str) -> None:
    bundle = BUNDLES[profile]
    for rule_id, name, change in defects():
        rule = bundle.by_id.get(rule_id)
        if rule is None:
            continue
        action = GOOD[name][0]
        assert action in rule.spec.applies_to
        found = ask(bundle, name, change)
        assert rule in found.fired, (rule_id, name, change)
        assert found.effect is not Effect.ALLOW


@pytest.mark.parametrize(("rule_id", "name", "change"), defects())
def test_a_defect_is_decided_by_its_rule_where_nothing_else_speaks(rule_id: str, name: str, change: Mapping[str, Any]) -> None:
    rule = WHOLE.by_id[rule_id]
    allows = tuple(one for one in WHOLE.rules if one.effect is Effect.ALLOW)
    found = ask(replace(WHOLE, rules=(*allows, rule)), name, change)
    assert (found.effect, found.deciding) == (rule.effect, (rule,))
    without = ask(replace(WHOLE, rules=allows), name, change)
    assert without.effect is Effect.ALLOW or without.fired == (), "without the rule it goes on, or is denied without a word"
