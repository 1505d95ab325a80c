"""The standing is kept current: a piece more, a record changed, a moment that passes; and it equals an assessment of everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from server_world import signed

from kybern.assessment import assess, differences, to_json
from kybern.catalog import PredicateType

pytestmark = pytest.mark.django_db
SYSTEM = "ai_system:credit-scoring"


def test_one_more_piece_is_seen_and_equals_assessing_all() -> None:
    from kybern.server.live import current
    from kybern.server.store.evidence import take_evidence

    before = current()
    digest_before = before.assessment.digests["evidence"]
    take_evidence([signed(PredicateType.TEST_RUN, [SYSTEM], suite="more", passed=3, failed=1, topic="validation-test")], datetime.now(UTC))
    after = current()
    assert after.entries == before.entries + 1
    assert after.assessment.digests["evidence"] != digest_before
    assert after.assessment.plan is before.assessment.plan, "nothing else was worked out anew"
    whole = assess(after.catalog, after.records, list(after.assessment.evidence), after.as_of)
    assert not differences(to_json(after.assessment), to_json(whole))


def test_a_changed_record_is_seen() -> None:
    from kybern.server.live import current
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    before = current()
    row = RecordRow.objects.get(pk=SYSTEM)
    write_records([Write(SYSTEM, {**row.content, "title": "Another name"}, row.digest)], "person:administrator", "why", datetime.now(UTC))
    after = current()
    assert after.records.get(SYSTEM).title == "Another name"  # type: ignore[union-attr]
    assert (before.entries, after.entries) == (before.entries, before.entries + 1)


def test_what_lapses_within_the_step_counts_as_lapsed() -> None:
    from kybern.server.live import current

    standing = current()
    now = datetime.now(UTC)
    assert now < standing.as_of <= now + timedelta(hours=1)


def test_a_piece_that_is_signed_by_more_counts_as_the_stronger() -> None:
    from kybern.evidence import PrivateKey, countersign
    from kybern.server.live import current
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.keys import trust

    now = datetime.now(UTC)
    auditor = PrivateKey.generate()
    trust([auditor.trusted(name="auditor", holder="person:auditor", kind="auditor", valid_from=now - timedelta(days=30))])
    envelope = signed(PredicateType.TEST_RUN, [SYSTEM], suite="audited", passed=3, failed=0, topic="validation-test")
    (first,) = take_evidence([envelope], now)
    assert current().assessment.evidence.get(first.id).strength == 4  # type: ignore[union-attr]
    (second,) = take_evidence([countersign(envelope, auditor)], now)
    assert (second.outcome, second.id) == ("accepted", first.id)
    assert current().assessment.evidence.get(first.id).strength == 5  # type: ignore[union-attr]
    assert [one.outcome for one in take_evidence([envelope, countersign(envelope, auditor)], now)] == ["known", "known"]


@pytest.fixture
def of_a_large_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the tests' log for a large one: what is at hand is grown, and what takes long is made aside."""
    from kybern.server.live import _standing

    monkeypatch.setattr(_standing, "_MANY_ENTRIES", 0)


@pytest.mark.usefixtures("of_a_large_log")
def test_a_large_organisation_is_assessed_anew_from_what_is_at_hand() -> None:
    from kybern.records import RecordSet
    from kybern.server.live import _standing, forget
    from kybern.server.live._standing import _LIVE
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    forget()
    _LIVE.standing = before = _LIVE._whole()
    row = RecordRow.objects.get(pk=SYSTEM)
    write_records([Write(SYSTEM, {**row.content, "title": "Yet another"}, row.digest)], "person:administrator", "why", datetime.now(UTC))
    take_evidence([signed(PredicateType.TEST_RUN, [SYSTEM], suite="grown", passed=3, failed=1, topic="validation-test")], datetime.now(UTC))
    after = _LIVE._whole()
    changed = [one.ref for one in after.records if before.records.get(one.ref) is not one]
    assert changed == [SYSTEM]
    assert len(after.assessment.evidence) == len(before.assessment.evidence) + 1
    whole = assess(after.catalog, RecordSet(_standing._records()), _standing._evidence(after.entries), after.as_of)
    assert [one.ref for one in after.records] == [one.ref for one in whole.records]
    assert not differences(to_json(after.assessment), to_json(whole))
    assert after.assessment.digests == whole.digests


@pytest.mark.usefixtures("of_a_large_log")
def test_evidence_is_kept_from_the_search_for_cycles_and_is_gone_when_nobody_needs_it() -> None:
    import gc
    import weakref

    from kybern.server.live import _standing, current

    before = gc.get_threshold()
    _standing.forget()
    _standing._LIVE.standing = _standing._LIVE._whole()
    try:
        found = current().assessment
        looked_through = {id(one) for one in gc.get_objects()}
        assert not looked_through & set(map(id, found.evidence))
        assert id(found) in looked_through, "what one more piece replaces is found once nobody needs it"
        gone = [weakref.ref(found), weakref.ref(found.evidence), weakref.ref(next(iter(found.records)))]
        del found
        _standing.forget()
        gc.collect()
        assert [one() for one in gone] == [None, None, None]
        assert gc.get_threshold() == before
    finally:
        gc.unfreeze()


@pytest.mark.usefixtures("of_a_large_log")
def test_the_first_assessment_of_a_large_organisation_holds_for_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.live import _standing

    _standing.forget()
    asked: list[timedelta] = []
    monkeypatch.setattr(_standing, "_ahead", lambda now, step: asked.append(step) or now + step)
    _standing._LIVE._whole()
    assert asked == [timedelta(hours=1)]


def test_a_piece_that_bears_on_all_is_worked_out_once_where_that_is_quick_and_aside_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An approval of an entry of the statement of applicability may leave requirements out: everything is assessed anew."""
    from dataclasses import replace

    from kybern.assessment import _assessment
    from kybern.evidence import PrivateKey
    from kybern.server.live import forget
    from kybern.server.live._standing import _LIVE
    from kybern.server.store.evidence import take_evidence
    from kybern.server.store.keys import trust
    from kybern.server.store.models import LogHead, RecordRow

    forget()
    before, now = _LIVE._whole(), datetime.now(UTC)
    key = PrivateKey.generate()
    trust([key.trusted(name="admin", holder="person:administrator", kind="person", valid_from=now - timedelta(days=1))])
    who = {"by": "person:administrator", "decision": "approved", "topic": "soa-approval"}
    entries = RecordRow.objects.filter(kind="soa_entry").order_by("ref").values_list("ref", flat=True)[:3]
    taken = take_evidence([signed(PredicateType.APPROVAL, [one], key=key, **who) for one in entries], datetime.now(UTC))
    assert [one.outcome for one in taken] == ["accepted"] * 3, taken
    filled: list[int] = []
    real = _assessment.Board.filled
    monkeypatch.setattr(_assessment.Board, "filled", lambda *told: filled.append(1) or real(*told))
    head = LogHead.objects.get(pk=1)
    found = _LIVE._with_evidence(replace(before, took=0.0), head, 40)
    assert found is not None
    assert (found.entries, len(filled)) == (head.size, 1)
    assert _LIVE._with_evidence(replace(before, took=float("inf")), head, 40) is None
