"""Every status opens into reasons down to pieces of evidence, in plain words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import world
from world import AS_OF

from kybern.assessment import Reason, Status, assess, explain
from kybern.catalog import Strength
from kybern.evidence import Evidence
from kybern.records import RecordSet


def tree(evidence: list[Evidence], ref: str = "STD:5.2", subject: str | None = None, records: RecordSet | None = None) -> Reason:
    return explain(assess(world.catalog(), records or world.records(), evidence, AS_OF), ref, subject)


def texts(reason: Reason, kind: str) -> list[str]:
    return [node.text for node in reason.walk() if node.kind == kind]


def test_the_status_of_every_node_is_the_one_the_assessment_gives() -> None:
    known = world.records()
    assessment = assess(world.catalog(), known, world.evidence(known), AS_OF)
    for ref in ("STD:5", "STD:5.1", "STD:5.2", "STD:6"):
        for subject in assessment.subjects:
            score = assessment.requirement(ref, subject)
            if score is None:
                with pytest.raises(KeyError):
                    explain(assessment, ref, subject)
                continue
            root = explain(assessment, ref, subject)
            assert root.score == score
            for node in root.walk():
                if node.kind == "control":
                    assert node.score == assessment.control(node.ref, subject)


def test_a_met_requirement_names_the_pieces_it_rests_on() -> None:
    known = world.records()
    pieces = world.evidence(known)
    found = {node.ref for node in tree(pieces).walk() if node.kind == "evidence" and node.counts}
    assert found == {item.id for item in pieces if item.predicate in ("measurement", "test-run")}


def test_a_failing_measurement_says_the_value_and_the_bound() -> None:
    auc = world.records().get("indicator:auc")
    assert auc
    said = texts(tree([world.measured(auc, 0.55)], subject="ai_system:scoring"), "evidence")
    assert said == ["measurement of 2026-11-01, measured and signed: auc = 0.55 1, n = 500; fails: value is 0.55, asked is at least 0.7"]


def test_a_lapsed_measurement_says_when_it_lapsed() -> None:
    auc = world.records().get("indicator:auc")
    assert auc
    said = texts(tree([world.measured(auc, 0.8, observed=datetime(2026, 1, 1, tzinfo=UTC))], subject="ai_system:scoring"), "evidence")
    assert said[0].endswith("it lapsed on 2026-04-01")


def test_a_weak_piece_is_shown_and_does_not_decide() -> None:
    auc = world.records().get("indicator:auc")
    assert auc
    root = tree([world.measured(auc, 0.8, strength=Strength.DOCUMENTED)], subject="ai_system:scoring")
    (node,) = [one for one in root.walk() if one.kind == "evidence"]
    assert node.text.endswith("it is documented, and measured and signed is asked")
    assert not node.counts
    assert root.status is Status.UNKNOWN


def test_a_piece_of_the_future_is_said_to_be_one() -> None:
    auc = world.records().get("indicator:auc")
    assert auc
    said = texts(tree([world.measured(auc, 0.8, observed=datetime(2027, 1, 1, tzinfo=UTC))], subject="ai_system:scoring"), "evidence")
    assert said[0].endswith("it is observed after the moment asked about")


def test_an_approval_of_an_earlier_version_is_said_to_be_one() -> None:
    approval = world.approved(world.record("policy", "ai", type="ai", statement="We were careless."))
    root = tree([approval], "STD:5.1")
    assert root.status is Status.EXPIRED
    assert texts(root, "evidence")[0].endswith("it names an earlier version of policy:ai, which has changed since")


def test_a_missing_piece_says_what_is_wanted() -> None:
    said = texts(tree([], subject="ai_system:scoring"), "target")
    wanted = "measurement on indicator, measured and signed or stronger, not older than 90 days: value is within its bounds"
    assert said == [f"No evidence that counts. Wanted: {wanted}."]


def test_a_control_that_finds_no_subject_says_so() -> None:
    root = explain(assess(world.catalog(), world.records(), [], AS_OF), "LIF-01", "ai_system:scoring")
    assert root.status is Status.NOT_APPLICABLE
    assert texts(root, "note") == ["No agent belongs to ai_system:scoring."]


def test_a_requirement_without_a_control_says_so() -> None:
    root = tree([], "STD:6")
    assert root.status is Status.UNKNOWN
    assert texts(root, "note") == ["No control of the library answers this requirement, so nothing can show that it is met."]


def test_an_exclusion_and_a_waiver_are_told_with_their_standing() -> None:
    excluded = world.record(
        "soa_entry", "no-51", requirement="STD:5.1", necessary=False, justification="We make none.", approved_by="person:ada"
    )
    dates = {"valid_from": "2026-01-01", "expires_on": "2027-01-01", "approved_by": "person:ada"}
    waiver = world.record("exception", "later", controls=["MON-01"], reason="r", compensating="c", **dates)
    known = world.records(excluded, waiver)
    contested = tree([], "STD:5.1", records=known)
    assert contested.status is Status.UNKNOWN
    assert "contested" in texts(contested, "record")[0]
    settled = tree([world.approved(excluded)], "STD:5.1", records=known)
    assert settled.status is Status.NOT_APPLICABLE
    assert "its approval is signed" in texts(settled, "record")[0]
    assert tree([], "MON-01", records=known).status is Status.UNKNOWN
    lifted = tree([world.approved(waiver)], "MON-01", records=known)
    assert lifted.status is Status.PARTLY_MET
    assert "in force until 2027-01-01" in texts(lifted, "record")[0]
