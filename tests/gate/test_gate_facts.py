"""Each fact of a gate is what its description says; what is not known stays missing; what nobody signed counts only against."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from gate_world import AT, RECORDS, SCHEMA, STAGES, SYSTEM, facts, outcome, piece, records
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.evidence import Evidence
from kybern.gate import STAGES as STAGE_NAMES
from kybern.gate import Collected

PROVIDERS = ("clock", "records", "assessment", "evidence")


def test_every_fact_that_a_gate_needs_is_supplied_at_every_stage() -> None:
    for stage in STAGE_NAMES:
        found = outcome(stage=stage, controls=None)
        assert found.decision.faults == ()
        needed = {name for name in SCHEMA.doors[stage].needed if SCHEMA.by_name[name].provider in PROVIDERS}
        assert needed <= found.provided.keys() <= SCHEMA.doors[stage].provided


def test_an_agents_call_needs_few_facts_of_the_system() -> None:
    needed = {name for name in SCHEMA.doors["call-tool"].needed if SCHEMA.by_name[name].provider in {"records", "assessment", "evidence"}}
    assert needed == {
        "system.id", "system.risk_class", "system.role", "system.autonomy", "system.stage", "system.jurisdictions",
        "incidents.open_serious",
    }  # fmt: skip


STATED: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("system.id", "scoring", {}, "scoring"),
    ("system.risk_class", "high", {SYSTEM: {"risk_class": "limited"}}, "limited"),
    ("system.role", "provider", {SYSTEM: {"role": "deployer"}}, "deployer"),
    ("system.autonomy", "proposes", {SYSTEM: {"autonomy": "acts-alone"}}, "acts-alone"),
    ("system.stage", "validation", {SYSTEM: {"stage": "operation"}}, "operation"),
    ("system.personal_data", True, {SYSTEM: {"personal_data": None}}, None),
    ("system.generates_content", False, {SYSTEM: {"generates_content": None}}, None),
    ("system.jurisdictions", ["IE", "DE"], {SYSTEM: {"jurisdictions": ["FR"]}}, ["FR"]),
    ("system.owned", True, {SYSTEM: {"owner": None}}, False),
    ("system.risk_owned", True, {SYSTEM: {"risk_owner": None}}, False),
    ("system.oversight_stated", True, {SYSTEM: {"oversight": None}}, False),
    ("system.misuse_stated", True, {SYSTEM: {"foreseeable_misuse": None}}, False),
    ("system.affected_stated", True, {SYSTEM: {"affected_groups": []}}, False),
    ("models.total", 1, {SYSTEM: {"models": []}}, 0),
    ("models.without_artefact", 0, {"model:pd": {"artefact_sha256": None}}, 1),
    ("models.without_limits", 0, {"model:pd": {"limits": None}}, 1),
    ("datasets.total", 2, {"model:pd": {"datasets": []}}, 1),
    ("datasets.without_licence", 0, {"dataset:history": {"licence": None}}, 1),
    ("datasets.without_licence", 0, {"dataset:loans": {"licence": None}}, 0),
    ("datasets.without_quality_criteria", 0, {"dataset:history": {"quality_criteria": None}}, 1),
    ("datasets.without_known_bias", 0, {"dataset:history": {"known_bias": None}}, 1),
    ("datasets.personal_without_basis", 0, {"dataset:loans": {"legal_basis": None}}, 1),
    ("datasets.personal_without_basis", 0, {"dataset:history": {"personal_data": True}}, 1),
    ("datasets.special_categories", 0, {"dataset:history": {"special_categories": True}}, 1),
    ("suppliers.unassessed", 0, {"supplier:bureau": {"assessed_on": None}}, 1),
    ("suppliers.unassessed", 0, {"supplier:bureau": {"assessed_on": "2026-11-21"}}, 1),
    ("suppliers.without_responsibilities", 0, {"supplier:bureau": {"responsibilities": None}}, 1),
    ("suppliers.critical_without_exit", 0, {"supplier:bureau": {"exit_plan": None}}, 1),
    ("suppliers.critical_without_exit", 0, {"supplier:bureau": {"exit_plan": None, "criticality": "medium"}}, 0),
    ("risks.total", 1, {"risk:bias": None, "treatment:watch": None}, 0),
    ("risks.untreated", 0, {"treatment:watch": None}, 1),
    ("risks.open_above_criteria", 0, {"treatment:watch": None}, 1),
    ("risks.open_above_criteria", 0, {"treatment:watch": {"done_on": "2026-12-01"}}, 1),
    ("risks.open_above_criteria", 0, {"treatment:watch": {"residual_likelihood": 2}}, 1),
    ("risks.open_above_criteria", 0, {"risk_criteria:main": None}, 1),
    (
        "risks.open_above_criteria",
        0,
        {"treatment:watch": {"residual_likelihood": 5, "accepted_by": "person:ada", "accepted_on": "2026-11-20"}},
        0,
    ),
    (
        "risks.open_above_criteria",
        0,
        {"treatment:watch": {"residual_likelihood": 5, "accepted_by": "person:ada", "accepted_on": "2026-11-21"}},
        1,
    ),
    ("indicators.total", 1, {"indicator:auc": None}, 0),
    ("documents.total", 1, {SYSTEM: {"documents": []}}, 0),
    ("incidents.open_serious", 0, {"incident:outage": {"state": "contained"}}, 1),
    ("incidents.open_serious", 0, {"incident:outage": {"state": "open", "severity": "medium"}}, 0),
    ("findings.open_major", 0, {"nonconformity:one": {"state": "corrected"}}, 1),
    ("findings.open_major", 0, {"nonconformity:one": {"state": "open", "grade": "minor"}}, 0),
    ("actions.overdue", 0, {"corrective_action:mend": {"done_on": None}}, 1),
    ("actions.overdue", 0, {"corrective_action:mend": {"done_on": None, "due_on": "2026-11-20"}}, 0),
    ("actions.overdue", 0, {"corrective_action:mend": {"done_on": "2026-11-21"}}, 1),
]


@pytest.mark.parametrize(("name", "before", "change", "after"), STATED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_records_state(name: str, before: Any, change: dict[str, Any], after: Any) -> None:
    assert facts()[name] == before
    assert facts(of=records(change)).get(name) == after


def test_every_fact_from_records_is_in_the_table() -> None:
    told = {name for name, spec in SCHEMA.by_name.items() if spec.provider == "records"}
    assert told == {name for name, *_ in STATED}


def test_time_is_the_moment_asked_about() -> None:
    assert facts()["request.time"] == AT


# --- Decisions ---------------------------------------------------------------------------------------------------------------------

IMPACT = "impact_assessment:one"


def approval(about: str, topic: str, decision: str = "approved", **more: Any) -> Evidence:
    return piece("approval", topic, about, decision=decision, **more)


def test_an_impact_assessment_is_approved_by_the_latest_decision_on_its_present_version() -> None:
    assert "impact.approved" not in facts()
    yes, no = approval(IMPACT, "impact-approval", days=30), approval(IMPACT, "impact-approval", "rejected", days=2)
    assert (facts(yes)["impact.approved"], facts(yes)["impact.age"]) == (True, timedelta(days=30))
    assert facts(yes, no)["impact.approved"] is False
    assert "impact.age" not in facts(yes, no)
    assert facts(no, approval(IMPACT, "impact-approval", days=1))["impact.approved"] is True
    for other in (
        approval(IMPACT, "impact-approval", digest="1" * 64),
        approval(IMPACT, "deployment-approval"),
        approval(SYSTEM, "impact-approval"),
        approval(IMPACT, "impact-approval", days=2, expires=-1),
        approval(IMPACT, "impact-approval", days=-1),
        approval(IMPACT, "impact-approval", signed=False),
    ):
        assert "impact.approved" not in facts(other)


def test_every_impact_assessment_has_to_be_approved_and_by_whom_its_record_names() -> None:
    two = records({"impact_assessment:two": {**_impact(), "type": "dpia"}})
    first = approval(IMPACT, "impact-approval", days=5)
    second = approval("impact_assessment:two", "impact-approval", days=9, of=two)
    assert "impact.approved" not in facts(first, of=two)
    assert facts(first, second, of=two)["impact.age"] == timedelta(days=9)
    assert facts(approval(IMPACT, "impact-approval", "rejected"), of=two)["impact.approved"] is False
    named = records({IMPACT: {"approved_by": "person:ada"}})
    assert "impact.approved" not in facts(approval(IMPACT, "impact-approval", of=named), of=named)
    assert facts(approval(IMPACT, "impact-approval", by="person:ada", of=named), of=named)["impact.approved"] is True


def _impact() -> dict[str, Any]:
    record = RECORDS.get(IMPACT)
    assert record is not None
    return {name: value for name, value in record.content.items() if name not in {"kind", "id", "title"}}


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_release_is_approved_by_the_decision_that_its_gate_asks_for(stage: Any) -> None:
    right = approval(SYSTEM, STAGES[stage].approval)
    assert facts(right, stage=stage)["release.approved"] is True
    others = {one.approval for one in STAGES.values()} - {STAGES[stage].approval}
    assert all("release.approved" not in facts(approval(SYSTEM, topic), stage=stage) for topic in others)
    assert facts(right, approval(SYSTEM, STAGES[stage].approval, "rejected", days=0.5), stage=stage)["release.approved"] is False
    conditional = approval(SYSTEM, STAGES[stage].approval, "approved-with-conditions")
    assert facts(conditional, stage=stage)["release.approved"] is True


def test_the_owner_alone_is_told_from_others() -> None:
    topic = "deployment-approval"
    owner, other = approval(SYSTEM, topic, by="person:ada"), approval(SYSTEM, topic, by="person:bob", days=3)
    assert facts(owner)["release.by_owner_alone"] is True
    assert facts(owner, other)["release.by_owner_alone"] is False
    refused = approval(SYSTEM, topic, "rejected", days=2)
    assert facts(owner, refused, other)["release.by_owner_alone"] is True  # what was approved before the refusal does not count
    assert "release.by_owner_alone" not in facts()
    unowned = records({SYSTEM: {"owner": None}})
    assert "release.by_owner_alone" not in facts(approval(SYSTEM, topic, of=unowned), of=unowned)
    person = records({SYSTEM: {"owner": "person:bob"}})
    assert facts(approval(SYSTEM, topic, of=person), of=person)["release.by_owner_alone"] is True


# --- Tests, figures, documents ------------------------------------------------------------------------------------------------------


def run(suite: str, passed: int, failed: int, **more: Any) -> Evidence:
    return piece("test-run", "validation-test", more.pop("about", SYSTEM), suite=suite, passed=passed, failed=failed, **more)


def counted_tests(*evidence: Evidence) -> tuple[Any, ...]:
    found = facts(*evidence)
    return tuple(found.get(f"tests.{name}") for name in ("passed", "failed", "age"))


def test_the_latest_run_of_each_suite_counts() -> None:
    assert counted_tests() == (None, None, None)
    old, new, other = run("a", 9, 3, days=9), run("a", 10, 0, days=2), run("b", 5, 1, days=4)
    assert counted_tests(old, new, other) == (15, 1, timedelta(days=4))
    assert counted_tests(old) == (9, 3, timedelta(days=9))
    assert counted_tests(new, run("a", 11, 0, days=-1)) == (10, 0, timedelta(days=2))  # what is not yet is not seen
    assert counted_tests(run("a", 4, 0, about="model:pd"), run("a", 5, 0, about="person:ada")) == (4, 0, timedelta(days=1))


def test_of_runs_at_one_moment_the_worst_counts() -> None:
    assert counted_tests(run("a", 10, 0), run("a", 2, 8)) == (2, 8, timedelta(days=1))


def test_a_run_that_expired_passed_nothing_and_its_failures_stand() -> None:
    assert counted_tests(run("a", 10, 0, days=3, expires=-1)) == (None, None, None)
    assert counted_tests(run("a", 10, 2, days=3, expires=-1)) == (None, 2, None)
    assert counted_tests(run("a", 10, 0, days=3, expires=-1), run("a", 9, 0, days=5)) == (None, None, None)


def test_a_run_that_nobody_signed_only_fails() -> None:
    signed = run("a", 10, 0, days=5)
    assert counted_tests(run("a", 50, 0, signed=False)) == (None, None, None)
    assert counted_tests(run("a", 1, 2, signed=False)) == (None, 2, None)
    assert counted_tests(signed, run("a", 50, 0, signed=False)) == (10, 0, timedelta(days=5))
    assert counted_tests(signed, run("a", 1, 2, signed=False)) == (None, 2, None)
    assert counted_tests(run("a", 1, 2, signed=False, days=9), signed) == (10, 0, timedelta(days=5))
    assert counted_tests(run("a", 1, 8, days=5), run("a", 1, 2, signed=False)) == (1, 8, timedelta(days=5))
    assert counted_tests(run("a", 1, 2, signed=False, days=2), run("a", 9, 0, signed=False)) == (None, 2, None)


def figures(*evidence: Evidence) -> tuple[int, int]:
    found = facts(*evidence)
    return found["indicators.out_of_bounds"], found["indicators.unmeasured"]


def figure(value: float, **more: Any) -> Evidence:
    return piece("measurement", "indicator", "indicator:auc", value=value, **more)


def test_the_latest_figure_of_an_indicator_is_held_against_its_bounds() -> None:
    assert figures() == (0, 1)
    assert figures(figure(0.7)) == (0, 0)
    assert figures(figure(0.8, days=9), figure(0.6)) == (1, 0)
    assert figures(figure(0.6, days=9), figure(0.8)) == (0, 0)
    assert figures(figure(0.8), figure(0.6)) == (1, 0)
    assert figures(figure(0.8, days=3, expires=-1)) == (0, 1)
    assert figures(figure(0.6, days=3, expires=-1)) == (1, 0)


def test_a_figure_that_nobody_signed_only_counts_against() -> None:
    assert figures(figure(0.8, signed=False)) == (0, 1)
    assert figures(figure(0.6, signed=False)) == (1, 0)
    assert figures(figure(0.8, signed=False), figure(0.6, days=2)) == (1, 0)
    assert figures(figure(0.6, signed=False, days=2), figure(0.8)) == (0, 0)


def test_a_document_is_changed_where_no_evidence_has_its_digest() -> None:
    seen = piece("document", "model-card", "document:card")
    assert facts()["documents.changed"] == 1
    assert facts(seen)["documents.changed"] == 0
    assert facts(piece("document", "model-card", "model:pd", path="documents/card.md"))["documents.changed"] == 0
    assert facts(piece("document", "model-card", "model:pd", path="documents/other.md"))["documents.changed"] == 1
    sealed = records({"document:card": {"sha256": "c" * 64}})
    assert facts(seen, of=sealed)["documents.changed"] == 1
    assert facts(piece("document", "model-card", "model:pd", sha256="c" * 64), of=sealed)["documents.changed"] == 0
    assert facts(piece("document", "model-card", "document:card", signed=False))["documents.changed"] == 1


# --- What was given, and what was assessed --------------------------------------------------------------------------------------------


def test_what_files_let_the_gate_know_is_passed_on_and_missing_where_none_was_given() -> None:
    names = ("bom.present", "vulnerabilities.critical", "scan.errors")
    assert not any(name in facts() for name in names)
    given = Collected(facts={"bom.present": True, "vulnerabilities.critical": 2, "scan.errors": 0})
    assert [facts(collected=given)[name] for name in names] == [True, 2, 0]
    assert not any(name in facts(collected=given, stage="train") for name in names)


def test_refused_and_unsigned_pieces_are_counted() -> None:
    found = facts(run("a", 1, 0, signed=False), run("b", 1, 0), refused=3)
    assert (found["evidence.refused"], found["evidence.unsigned"]) == (3, 1)


def controls(*evidence: Evidence, **how: Any) -> dict[str, Any]:
    return {name.partition(".")[2]: value for name, value in facts(*evidence, **how).items() if name.startswith("controls.")}


def test_controls_due_are_counted_by_what_the_evidence_shows() -> None:
    none = {"due": 1, "not_met": 0, "expired": 0, "unknown": 0, "partly_met": 0, "waived": 0, "open": 1}
    only = {"controls": ["LIF-26"], "stage": "retire"}
    plan, agreed = piece("document", "retirement-plan", SYSTEM, days=40), approval(SYSTEM, "retirement-approval", days=20)
    assert controls(**only) == none | {"unknown": 1}
    assert controls(plan, **only) == none | {"partly_met": 1}
    assert controls(plan, agreed, **only) == none | {"open": 0}
    refused = approval(SYSTEM, "retirement-approval", "rejected")
    assert controls(refused, **only) == none | {"not_met": 1}
    assert controls(plan, refused, **only) == none | {"partly_met": 1}  # why a rule asks for `controls.open`
    assert facts(plan, agreed, **only)["evidence.oldest"] == timedelta(days=40)
    assert "evidence.oldest" not in facts(plan, **only)
    assert (facts(**only)["assessment.coverage"], facts(plan, **only)["assessment.coverage"]) == (0.0, 0.5)
    old = piece("document", "retirement-plan", SYSTEM, days=40, expires=-1)
    assert controls(old, agreed, **only)["open"] == 1


def test_controls_that_do_not_apply_are_not_due_and_nothing_due_covers_nothing() -> None:
    found = facts(controls=["LIF-30"])  # of agents, and the system has none
    assert (found["controls.due"], found["controls.open"], found["assessment.coverage"]) == (0, 0, 0.0)


def test_an_exception_covers_a_control_only_while_its_approval_is_signed() -> None:
    waiver = {"controls": ["LIF-26"], "reason": "r", "compensating": "c", "valid_from": "2026-01-01", "expires_on": "2026-12-31"}
    world = records({"exception:later": waiver})
    only: dict[str, Any] = {"controls": ["LIF-26"], "stage": "retire", "of": world}
    assert (controls(**only)["open"], controls(**only)["waived"]) == (1, 0)
    signed = piece("approval", "exception-approval", "exception:later", of=world)
    found = controls(signed, **only)
    assert (found["open"], found["waived"], found["partly_met"]) == (0, 1, 1)
    ended = records({"exception:later": {**waiver, "expires_on": date(2026, 11, 19)}})
    assert controls(piece("approval", "exception-approval", "exception:later", of=ended), **{**only, "of": ended})["open"] == 1


# --- Taking evidence away -------------------------------------------------------------------------------------------------------------

_DAYS = st.sampled_from((1, 2, 5, 40))
_SUPPORT = st.one_of(
    st.builds(lambda days, by: approval(IMPACT, "impact-approval", days=days, by=by), _DAYS, st.sampled_from(("person:ada", "person:bob"))),
    st.builds(
        lambda days, by: approval(SYSTEM, "deployment-approval", days=days, by=by), _DAYS, st.sampled_from(("person:ada", "person:bob"))
    ),
    st.builds(lambda days, suite: run(suite, 12, 0, days=days), _DAYS, st.sampled_from("ab")),
    st.builds(lambda days: figure(0.9, days=days), _DAYS),
    st.builds(lambda days: piece("document", "deployment-plan", SYSTEM, days=days), _DAYS),
    st.builds(lambda days: piece("document", "model-card", "document:card", days=days), _DAYS),
)
_AGAINST = st.one_of(
    st.builds(lambda days: approval(IMPACT, "impact-approval", "rejected", days=days), _DAYS),
    st.builds(lambda days: approval(SYSTEM, "deployment-approval", "rejected", days=days), _DAYS),
    st.builds(
        lambda days, suite, failed, signed: run(suite, 12, failed, days=days, signed=signed),
        _DAYS,
        st.sampled_from("ab"),
        st.sampled_from((1, 8)),
        st.booleans(),
    ),
    st.builds(lambda days, signed: figure(0.1, days=days, signed=signed), _DAYS, st.booleans()),
)
_WORST = float("inf")


def _badness(found: Any) -> dict[str, float]:
    """How bad each fact looks, and what is missing looks worst. Ages are left out: what is taken away has none, and its count says so."""
    lower = ("tests.failed", "indicators.out_of_bounds", "controls.open", "documents.changed")
    higher = ("tests.passed", "assessment.coverage")
    bad = {name: found.get(name, _WORST) for name in lower} | {name: -found.get(name, -_WORST) for name in higher}
    bad["unmeasured or out of bounds"] = found["indicators.unmeasured"] + found["indicators.out_of_bounds"]
    for name in ("impact.approved", "release.approved"):
        bad[name] = 0 if found.get(name) else 1
    bad["release.by_owner_alone"] = 0 if found.get("release.by_owner_alone") is False else 1
    return bad


@settings(max_examples=60, deadline=None)
@given(support=st.lists(_SUPPORT, min_size=1, max_size=5), against=st.lists(_AGAINST, max_size=3), data=st.data())
def test_taking_away_what_supports_never_makes_a_fact_look_better(
    support: list[Evidence], against: list[Evidence], data: st.DataObject
) -> None:
    away = data.draw(st.sampled_from(support))
    left = [one for one in (*support, *against) if one.id != away.id]
    only = {"controls": ["LIF-14", "LIF-18", "SOC-02"]}
    before, after = _badness(facts(*support, *against, **only)), _badness(facts(*left, **only))
    assert {name: (before[name], after[name]) for name in before if after[name] < before[name]} == {}


_UNSIGNED = st.one_of(
    st.builds(lambda days, suite: run(suite, 99, 0, days=days, signed=False), _DAYS, st.sampled_from("ab")),
    st.builds(lambda days: figure(0.9, days=days, signed=False), _DAYS),
    st.builds(lambda days: approval(SYSTEM, "deployment-approval", days=days, signed=False), _DAYS),
    st.builds(lambda days: piece("document", "model-card", "document:card", days=days, signed=False), _DAYS),
)


@settings(max_examples=40, deadline=None)
@given(there=st.lists(st.one_of(_SUPPORT, _AGAINST), max_size=5), more=st.lists(st.one_of(_UNSIGNED, _AGAINST), min_size=1, max_size=3))
def test_what_nobody_signed_never_makes_a_fact_look_better(there: list[Evidence], more: list[Evidence]) -> None:
    only = {"controls": ["LIF-14", "LIF-18", "SOC-02"]}
    added = [one for one in more if not one.signers]
    before, after = _badness(facts(*there, **only)), _badness(facts(*there, *added, **only))
    if before["tests.failed"] == _WORST:  # no run before: a run that failed is no better news than none
        before["tests.failed"] = 0
    assert {name: (before[name], after[name]) for name in before if after[name] < before[name]} == {}


@settings(max_examples=40, deadline=None)
@given(support=st.lists(_SUPPORT, max_size=5))
def test_without_any_evidence_every_fact_looks_worst(support: list[Evidence]) -> None:
    some, none = _badness(facts(*support)), _badness(facts())
    assert all(none[name] >= some[name] for name in none)
