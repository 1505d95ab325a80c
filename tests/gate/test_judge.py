"""What a gate comes to, and how it is told: to people, to code hosts, to test reports, and as a statement that is signed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from gate_world import AT, BUNDLE, RECORDS, SYSTEM, bundle, outcome, piece, records
from hypothesis import given
from hypothesis import strategies as st

from kybern.assessment import Status
from kybern.base import InputError, Place
from kybern.catalog import PredicateType, Strength
from kybern.connect import Connector, Observation, Reading, Source, connector_of
from kybern.evidence import body_of, parse_predicate
from kybern.gate import (
    Collect,
    Collected,
    Ground,
    Outcome,
    Wanted,
    as_evidence,
    as_json,
    as_junit,
    as_markdown,
    as_sarif,
    because,
    collect,
    facts_stated,
    held_by,
    mending,
    option_wants,
    system_of,
)

RETIRE: dict[str, Any] = {"stage": "retire", "controls": ["LIF-26"]}
PLAN = piece("document", "retirement-plan", SYSTEM)
AGREED = piece("approval", "retirement-approval", SYSTEM)
RUN = piece("test-run", "validation-test", SYSTEM, passed=3, failed=2)


def test_it_goes_on_where_a_rule_lets_it_and_none_holds_it() -> None:
    found = outcome(PLAN, AGREED, **RETIRE)
    assert found.allowed
    assert list(held_by(found)) == []
    assert not outcome(PLAN, **RETIRE).allowed
    assert dict(held_by(outcome(PLAN, **RETIRE))) == {"default": "No rule lets it go on, and what no rule speaks of is deny."}


def test_a_rule_that_denies_wins_and_says_how_to_mend_it() -> None:
    found = outcome(RUN, controls=[])
    assert not found.allowed
    assert dict(held_by(found)) == {"tests-failed": "Mend the failing tests."}
    assert list(because(found, "tests-failed")) == ["tests.failed is 2"]
    assert list(because(found, "default")) == []


def test_a_rule_that_counts_says_what_it_counted_and_what_is_not_known() -> None:
    rules = bundle(b"""
- id: figures
  title: Figures within bounds
  owner: ai-governance
  rationale: For this test.
  applies_to: [deploy]
  effect: deny
  when: indicators.out_of_bounds > 0 && !(has(impact.approved) && impact.approved) && request.time > timestamp("2026-01-01T00:00:00Z")
  message: Bring it within bounds.
  examples:
    - {title: One, facts: {indicators.out_of_bounds: 1}, expect: fires}
    - {title: None, facts: {}, expect: silent}
""")
    low = piece("measurement", "indicator", "indicator:auc", value=0.1)
    found = outcome(low, rules=rules)
    assert list(because(found, "figures")) == ["indicators.out_of_bounds is 1: indicator:auc", "impact.approved is not known"]
    assert as_json(found, {})["held_by"][0]["because"] == list(because(found, "figures"))
    assert "  - indicators.out\\_of\\_bounds is 1: indicator:auc" in as_markdown(found)


def test_what_is_missing_names_check_status_and_who_owes_it() -> None:
    (short,) = outcome(PLAN, **RETIRE).shortfalls
    assert (short.control.id, short.status.label, short.subject, short.owner) == ("LIF-26", "partly met", SYSTEM, "Owner (Ada)")
    ((check, words),) = mending(short)
    assert check == "LIF-26/retirement-approved"
    assert "Wanted: approval on retirement-approval" in words


def test_facts_that_do_not_come_in_are_denied_with_what_is_wrong() -> None:
    found = outcome(PLAN, AGREED, **RETIRE, **{"system.owned": True})
    assert not found.allowed
    assert list(held_by(found)) == [("facts", "system.owned comes from records: a caller cannot state it")]


def test_a_rule_that_cannot_be_tested_holds_back(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = bundle()
    monkeypatch.setattr("kybern.gate._gate.decide_on", lambda *_: BUNDLE_DECISION(broken))
    found = outcome(PLAN, AGREED, **RETIRE, rules=broken)
    assert dict(held_by(found)) == {"all-due-is-met": "It could not be tested: ZeroDivisionError: x"}


def BUNDLE_DECISION(broken: Any) -> Any:  # noqa: N802 - a stand-in for a value
    from kybern.policy import Decision, Effect, Failure  # noqa: PLC0415

    return Decision(Effect.DENY, (), (Failure(broken.by_id["all-due-is-met"], "ZeroDivisionError: x"),), (), broken)


def test_a_system_out_of_scope_is_not_judged() -> None:
    other = {name: value for name, value in system_content().items() if name not in {"kind", "id", "title"}}
    world = records({"ai_system:other": other, "scope:aims": {"statement": "s", "systems": ["ai_system:other"]}})
    with pytest.raises(InputError, match="out-of-scope"):
        outcome(of=world)


def system_content() -> dict[str, Any]:
    found = RECORDS.get(SYSTEM)
    assert found is not None
    return dict(found.content)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text.encode("utf-8", "replace"))  # noqa: S314 - a report of our own


# --- How it is told ---------------------------------------------------------------------------------------------------------------


def test_the_sarif_log_is_read_by_our_own_reader_and_points_to_the_record() -> None:
    found = outcome(RUN, controls=["LIF-18"])
    log = as_sarif(found, "1.0", lambda ref: Place("records/systems.yaml", 7, 1) if ref == SYSTEM else None)
    reading = connector_of("sarif").read(Source("gate.sarif", json.dumps(log).encode()))
    assert reading.facts == {"scan.errors": 1}
    results = log["runs"][0]["results"]
    assert [one["ruleId"] for one in results if one["level"] == "error"] == ["tests-failed"]
    assert {one["ruleId"] for one in results if one["level"] == "warning"} == {"LIF-18/deployment-planned", "LIF-18/deployment-approved"}
    assert all(one["locations"][0]["physicalLocation"]["region"]["startLine"] == 7 for one in results)
    assert [log["runs"][0]["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] for one in results] == [one["ruleId"] for one in results]


def test_where_it_goes_on_what_is_short_is_a_note() -> None:
    rules = bundle(b"""
- id: goes-on
  title: It goes on
  owner: ai-governance
  rationale: For this test.
  applies_to: [retire]
  effect: allow
  when: controls.due >= 1
  message: It goes on.
  examples:
    - {title: One, facts: {controls.due: 1}, expect: fires}
    - {title: None, facts: {controls.due: 0}, expect: silent}
""")
    found = outcome(PLAN, **RETIRE, rules=rules)
    assert found.allowed
    assert {one["level"] for one in as_sarif(found, "1.0", lambda _: None)["runs"][0]["results"]} == {"note"}
    junit = parsed(as_junit(found))
    assert junit.find("testsuite").get("failures") == "0"  # type: ignore[union-attr]
    assert junit.find("testsuite").get("skipped") == "1"  # type: ignore[union-attr]


def test_the_junit_report_is_read_by_our_own_reader_and_fails_what_holds_back() -> None:
    text = as_junit(outcome(RUN, controls=["LIF-18", "LIF-30"]))
    (run,) = connector_of("junit").read(Source("gate.xml", text.encode())).observations
    assert (run.fields["passed"], run.fields["failed"], run.fields["skipped"]) == (1, 2, 0)  # two rules, and one control that is due
    assert run.observed_at == AT
    root = parsed(text)
    assert [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None] == [
        "tests-failed: Failed tests hold back",
        "LIF-18: Deployment is planned and approved",
    ]


@given(st.text(max_size=40))
def test_whatever_a_title_holds_the_reports_stay_well_formed(title: str) -> None:
    changed = records({SYSTEM: {"title": (title.strip() or "x")[:200]}, "role:owner": {"title": (title.strip() or "x")[:200]}})
    found = outcome(of=changed, controls=["LIF-18"])
    named = Outcome(**{**vars(found), "shortfalls": tuple(type(one)(**{**_fields(one), "owner": title}) for one in found.shortfalls)})
    parsed(as_junit(named))
    rows = [line for line in as_markdown(named).splitlines() if line.startswith("| LIF")]
    assert len(rows) == 1
    assert rows[0].replace("\\\\", "").replace("\\|", "").count("|") == 5


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def test_the_summary_says_what_holds_back_and_who_owes_what() -> None:
    text = as_markdown(outcome(PLAN, **RETIRE))
    assert text.startswith("## ⛔ retire: ai\\_system:scoring does not go on (deny)")
    assert "| LIF-26 Retirement is planned and approved | partly met |" in text
    assert "1 controls are due, 1 of them open." in text


def test_the_json_has_every_fact_and_every_reason() -> None:
    found = as_json(outcome(PLAN, **RETIRE), {"effect": "deny"})
    assert json.loads(json.dumps(found)) == found
    assert found["facts"]["request.time"].startswith("2026-11-20")
    assert found["shortfalls"][0]["missing"][0]["check"] == "LIF-26/retirement-approved"
    assert found["due"] == [{"control": "LIF-26", "title": "Retirement is planned and approved", "status": "partly_met"}]


@pytest.mark.parametrize("evidence", [(PLAN, AGREED), (PLAN,), ()])
def test_the_statement_that_is_signed_fails_nothing_exactly_where_the_system_goes_on(evidence: Any) -> None:
    found = outcome(*evidence, **RETIRE)
    made = as_evidence(found, "1.0")
    assert (made.failed == 0) == found.allowed
    assert made.passed + made.failed == 1 + (not found.allowed)
    assert (made.topic, made.suite, made.observed_at) == ("gate-decision", "gate retire", AT)
    assert parse_predicate(type(made), body_of(made)) == made


# --- What is collected ----------------------------------------------------------------------------------------------------------


def ground() -> Ground:
    system = system_of(RECORDS, "scoring")
    assert system is not None
    return Ground(RECORDS, system, BUNDLE.schema, AT)


def wanted(root: Any, **how: Any) -> Wanted:
    return Wanted(Collect.model_validate(how), root, Place("policy/gate.yaml", 3, 5))


JUNIT = '<testsuite name="all"><testcase name="a"/><testcase name="b"/></testsuite>'


def test_results_are_found_by_pattern_and_what_nobody_signed_has_the_weakest_strength(tmp_path: Any) -> None:
    (tmp_path / "out").mkdir()
    for name in "ab":
        (tmp_path / "out" / f"{name}.xml").write_text(JUNIT.replace('"all"', f'"{name}"'))
    found = collect([wanted(tmp_path, **{"as": "junit", "files": ["out/*.xml"], "topic": "validation-test"})], ground())
    assert [item.source for item in found.items] == ["out/a.xml", "out/b.xml"]
    assert {(int(one.strength), one.signers, one.observed_at) for one in found.evidence} == {(1, (), AT)}


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        ({"as": "junit", "files": ["none/*.xml"], "topic": "validation-test"}, "nothing-collected"),
        ({"as": "junit", "files": ["a.xml"]}, "no-topic"),
        ({"as": "junit", "files": ["a.xml"], "topic": "x", "about": "ai_system:scorin"}, "unknown-record"),
        ({"as": "junit", "files": ["a.xml"], "topic": "x", "only": "other"}, "unknown-figure"),
        ({"as": "junti", "files": ["a.xml"], "topic": "x"}, "unknown-connector"),
        ({"as": "sklearn", "files": ["report.json"], "topic": "indicator", "about": "indicator:auc"}, "ambiguous-figure"),
        ({"as": "fairlearn", "files": ["groups.csv"], "topic": "indicator", "only": "recall_difference"}, "missing-field"),
    ],
)
def test_what_cannot_be_collected_is_told(tmp_path: Any, how: dict[str, Any], rule: str) -> None:
    (tmp_path / "a.xml").write_text(JUNIT)
    (tmp_path / "report.json").write_text('{"0": {"precision": 0.5, "recall": 0.5, "support": 4}}')
    (tmp_path / "groups.csv").write_text("sex,recall\nf,0.5\nm,0.4\n")
    with pytest.raises(InputError) as caught:
        collect([wanted(tmp_path, **how)], ground())
    assert caught.value.problems[0].rule == rule


def test_two_files_do_not_both_measure_one_indicator(tmp_path: Any) -> None:
    for name, share in (("a", 0.5), ("b", 0.9)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"accuracy": share, "weighted avg": {"support": 9}}))
    how = {"as": "sklearn", "files": ["*.json"], "topic": "indicator", "about": "indicator:auc", "only": "accuracy"}
    with pytest.raises(InputError, match=r"There is a figure of indicator:auc in a\.json, too"):
        collect([wanted(tmp_path, **how)], ground())
    assert len(collect([wanted(tmp_path, **{**how, "files": ["a.json"]})], ground()).items) == 1


def test_parts_of_one_run_do_not_replace_each_other(tmp_path: Any) -> None:
    one = '<testsuite name="pytest" timestamp="2026-11-20T0{}:00:00Z"><testcase name="a">{}</testcase><testcase name="b"/></testsuite>'
    (tmp_path / "shard-1.xml").write_text(one.format(1, "<failure/>"))
    (tmp_path / "shard-2.xml").write_text(one.format(2, ""))
    (tmp_path / "other.xml").write_text(one.format(3, "").replace("pytest", "other"))
    how = {"as": "junit", "files": ["*.xml"], "topic": "validation-test"}
    found = collect([wanted(tmp_path, **how)], ground())
    counts = {item.predicate.suite: (item.predicate.passed, item.predicate.failed) for item in found.items}  # type: ignore[attr-defined]
    assert counts == {"pytest": (3, 1), "other": (2, 0)}
    assert {piece.observed_at for piece in found.evidence} == {datetime(2026, 11, 20, 1, tzinfo=UTC)}
    assert [item.source for item in found.items] == ["other.xml", "shard-1.xml, shard-2.xml"]
    signed = tuple(replace(piece, signers=("pipeline:ci",), strength=Strength.MEASURED) for piece in found.evidence)
    judged = outcome(*signed, controls=["LIF-14"])
    assert judged.provided["tests.failed"] == 1
    (control,) = judged.controls
    assert next(node.status for node in control.walk() if node.ref == "LIF-14/validation-passed") is Status.NOT_MET


def test_figures_that_lack_something_are_left_out_and_said_so(tmp_path: Any) -> None:
    (tmp_path / "groups.csv").write_text("sex,recall\nf,0.5\nm,0.4\n")
    found = collect([wanted(tmp_path, **{"as": "fairlearn", "files": ["groups.csv"], "topic": "x"})], ground())
    assert found.items == ()
    assert found.remarks == ("groups.csv: 3 of 3 figures are left out: the file does not say all that a measurement needs",)
    fields = {"unit": "share", "sample_size": 40}
    whole = collect([wanted(tmp_path, **{"as": "fairlearn", "files": ["groups.csv"], "topic": "x", "fields": fields})], ground())
    assert len(whole.items) == 3


def test_what_may_be_missing_may_be_missing_and_facts_add_up_over_files(tmp_path: Any) -> None:
    optional = wanted(tmp_path, **{"as": "junit", "files": ["none.xml"], "topic": "x", "required": False})
    assert collect([optional], ground()) == Collected()
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "s"}}, "results": [{"level": "error"}]}]}
    for name in "ab":
        (tmp_path / f"{name}.sarif").write_text(json.dumps(log))
    found = collect([wanted(tmp_path, **{"as": "sarif", "files": ["*.sarif"]})], ground())
    assert (found.facts, found.items) == ({"scan.errors": 2}, ())


@pytest.mark.parametrize(
    "name", ["release.approved", "tests.passed", "system.owned", "change.substantial", "controls.open", "request.time"]
)
def test_no_connector_states_what_is_not_its_to_state(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "a.x").touch()
    reader = Connector("x", "x", lambda _: Reading((), {name: True}))
    monkeypatch.setattr("kybern.gate._collected.connector_of", lambda _: reader)
    with pytest.raises(InputError, match="not its to state"):
        collect([wanted(tmp_path, **{"as": "x", "files": ["a.x"]})], ground())


def test_no_connector_speaks_for_a_person(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.x").touch()
    said = Observation("yes", PredicateType.APPROVAL, {"by": "person:ada", "decision": "approved"}, "x")
    monkeypatch.setattr("kybern.gate._collected.connector_of", lambda _: Connector("x", "x", lambda _: Reading((said,))))
    with pytest.raises(InputError, match="a person signs that"):
        collect([wanted(tmp_path, **{"as": "x", "files": ["a.x"], "topic": "deployment-approval"})], ground())


def test_an_option_names_connector_files_topic_and_fields(tmp_path: Any) -> None:
    spec = option_wants("sklearn=out/*.json,topic=indicator,about=indicator:auc,only=accuracy,unit=share,sample_size=40", tmp_path).spec
    assert (spec.connector, spec.files, spec.topic, spec.about, spec.only) == (
        "sklearn", ("out/*.json",), "indicator", "indicator:auc", "accuracy",
    )  # fmt: skip
    assert spec.fields == {"unit": "share", "sample_size": 40}
    for text in ("junit", "junit=", "junit=a.xml,topic", "junit=a.xml,topic=No Topic"):
        with pytest.raises(InputError, match="bad-collect"):
            option_wants(text, tmp_path)


# --- Facts that the caller states ------------------------------------------------------------------------------------------------


def test_a_caller_states_facts_by_their_types() -> None:
    schema = BUNDLE.schema
    stated = ["change.substantial=true", "change.reviewers=2", "change.kind=model", "request.actor=person"]
    assert facts_stated(schema, stated, "merge") == {
        "change.substantial": True, "change.reviewers": 2, "change.kind": "model", "request.actor": "person",
    }  # fmt: skip
    assert facts_stated(schema, ["compute.planned=1e24"], "train") == {"compute.planned": 1e24}


@pytest.mark.parametrize(
    ("text", "stage", "word"),
    [
        ("change.substantial", "merge", "states no value"),
        ("change.substantial=yes", "merge", "neither true nor false"),
        ("change.reviewers=two", "merge", "whole number"),
        ("change.kind=modle", "merge", "none of"),
        ("change.substantail=true", "merge", "Did you mean change.substantial"),
        ("system.owned=true", "merge", "comes from records"),
        ("compute.planned=1", "merge", "is no fact here"),
        ("action=deploy", "merge", "is no fact here"),
    ],
)
def test_what_a_caller_cannot_state_is_refused(text: str, stage: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        facts_stated(BUNDLE.schema, [text], stage)


def test_the_moment_of_a_run_in_the_future_is_not_seen() -> None:
    later = piece("test-run", "validation-test", SYSTEM, passed=1, failed=0, days=-2)
    assert later.observed_at > datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert "tests.passed" not in outcome(later).provided
