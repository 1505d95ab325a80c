"""Every status opens into reasons down to pieces of evidence, in plain words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import world
from world import AS_OF

from kybern.assessment import Reason, Status, _board, assess, explain
from kybern.assessment._words import phrase
from kybern.catalog import Catalog, Condition, Operator, Strength
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


def test_a_requirement_that_no_control_can_answer_says_why() -> None:
    catalog = world.catalog()
    said = {"no_control": "Asked of authorities."}
    entries = [entry.model_copy(update=said) if entry.id == "6" else entry for entry in catalog.frameworks["STD"].requirements]
    framework = catalog.frameworks["STD"].model_copy(update={"requirements": tuple(entries)})
    root = explain(assess(Catalog({"STD": framework}, catalog.controls), world.records(), [], AS_OF), "STD:6")
    assert root.status is Status.UNKNOWN
    assert texts(root, "note") == ["No control of the library answers this requirement: Asked of authorities."]


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


def test_reasons_are_made_once_however_often_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control answers several requirements and shows under the organisation and under its systems: its evidence is judged once."""
    judged: list[str] = []
    judge = _board.judge_pieces
    known = world.records()
    assessment = assess(world.catalog(), known, world.evidence(known), AS_OF)
    monkeypatch.setattr(_board, "judge_pieces", lambda pieces, check, *rest: judged.append(check.id) or judge(pieces, check, *rest))
    first = [explain(assessment, ref, subject) for ref in ("STD:5", "STD:5.2", "MON-01") for subject in (None, "ai_system:scoring")]
    assert sorted(judged) == ["in-bounds", "in-bounds", "policy-approved", "tested"]
    assert first == [explain(assessment, ref, subject) for ref in ("STD:5", "STD:5.2", "MON-01") for subject in (None, "ai_system:scoring")]


@pytest.mark.parametrize("expires", [datetime.max.replace(tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_evidence_that_stands_to_the_end_of_the_calendar_is_explained(expires: datetime) -> None:
    known = world.records()
    policy = known.get("policy:ai")
    assert policy
    found = explain(assess(world.catalog(), known, [world.approved(policy, expires=expires)], AS_OF), "GOV-01")
    assert any("stands until 9999-12-31" in node.text for node in found.walk())


def test_a_tree_holds_plain_values_that_json_can_carry() -> None:
    """Evidence is judged in columns; what a column holds is no value of Python, and a program that asks gets a crash."""
    nodes = list(tree(world.evidence(world.records()), "STD:5", records=world.records()).walk())
    assert {node.kind for node in nodes} >= {"check", "evidence", "target"}
    assert {type(node.counts) for node in nodes} == {bool}
    assert {type(node.score.coverage) for node in nodes if node.score} == {float}
    assert {type(node.status) for node in nodes if node.status is not None} == {Status}


def test_an_approval_passes_only_by_the_person_the_record_names() -> None:
    """Anybody with a key can sign; a rejection counts whoever it is from, so that naming another approver does not silence it."""
    policy = world.record("policy", "rules", type="conduct", statement="We are careful.", approved_by="person:bob")
    known = RecordSet([one for one in world.records() if one.kind != "policy"] + [policy])

    def status(*evidence: Evidence) -> Status | None:
        return next(node for node in tree(list(evidence), "GOV-01", records=known).walk() if node.kind == "check").status

    assert status(world.approved(policy)) is Status.UNKNOWN
    assert status(world.approved(policy, by="person:bob")) is Status.MET
    assert status(world.approved(policy, decision="rejected")) is Status.NOT_MET
    said = texts(tree([world.approved(policy)], "GOV-01", records=known), "evidence")
    assert [text.rsplit("; ", 1)[1] for text in said] == ["policy:rules names person:bob to approve it"]


def test_a_clause_cannot_be_left_out() -> None:
    law = world.framework()
    entries = tuple(one.model_copy(update={"kind": "clause"}) if one.id == "5.1" else one for one in law.requirements)
    catalog = Catalog({"STD": law.model_copy(update={"requirements": entries})}, world.catalog().controls)
    entry = world.record(
        "soa_entry", "no-51", requirement="STD:5.1", necessary=False, justification="We make none.", approved_by="person:ada"
    )
    known = world.records(entry)
    root = explain(assess(catalog, known, [*world.evidence(known), world.approved(entry)], AS_OF), "STD:5.1")
    assert root.status is Status.UNKNOWN
    assert "a clause cannot be left out" in texts(root, "record")[0]


SAID = {"gates.gate": "gate includes x", "inputs.topic": "inputs topic includes x", "sample_size": "sample size includes x"}


@pytest.mark.parametrize(("field", "said"), SAID.items())
def test_a_condition_is_said_in_words(field: str, said: str) -> None:
    assert phrase(Condition(field=field, operator=Operator.CONTAINS, value="x")) == said
