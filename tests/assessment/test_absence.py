"""What is missing is found, dated and owed by somebody: held against a slow second way, and against what must hold of every world."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import World, worlds
from world import AS_OF, approved, catalog, evidence, measured, piece, records

from kybern.assessment import Absence, AbsenceKind, Status, absences, ahead, assess, duties, explain, numbered, rhythms, stated
from kybern.assessment._lapses import lapses
from kybern.catalog import EvidenceCheck, Operator, PredicateType
from kybern.evidence import AbsenceFound, parse_predicate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kybern.assessment import Assessment, Duty
    from kybern.evidence import Evidence

some_worlds = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
DAY = timedelta(days=1)
KNOWN = records()


def of(kind: AbsenceKind, pieces: Iterable[Evidence], as_of: datetime = AS_OF) -> list[Absence]:
    return [one for one in absences(assess(catalog(), KNOWN, pieces, as_of)) if one.kind is kind]


def about(ref: str) -> object:
    record = KNOWN.get(ref)
    assert record is not None
    return record


def test_where_everything_came_nothing_is_missing() -> None:
    assert absences(assess(catalog(), KNOWN, evidence(KNOWN), AS_OF)) == ()


def test_without_any_evidence_every_check_is_told_with_who_owes_it_and_what_closes_it() -> None:
    found = of(AbsenceKind.NEVER, [])
    assert {(one.check, one.about) for one in found} == {
        ("GOV-01/policy-approved", "policy:ai"),
        ("MON-01/in-bounds", "indicator:auc"),
        ("MON-01/in-bounds", "indicator:answers"),
        ("LIF-01/tested", "agent:helper"),
    }
    assert {one.owner for one in found} == {"Risk-Manager (Ada)"}
    assert {one.since for one in found} == {None}
    closes = {one.about: one.closes for one in found}
    assert closes["indicator:auc"].startswith("Measurement on indicator, measured and signed or stronger, not older than 90 days")


def test_controls_of_frameworks_nobody_asks_about_owe_nothing() -> None:
    nothing_came = assess(catalog(), KNOWN, [], AS_OF)
    assert absences(nothing_came, frameworks=()) == ()
    assert absences(nothing_came, frameworks=("OTHER",)) == ()
    assert absences(nothing_came, frameworks=("STD",)) == absences(nothing_came)
    everything_came = assess(catalog(), KNOWN, evidence(KNOWN), AS_OF)
    year = timedelta(days=365)
    assert ahead(everything_came, year, ("OTHER",)) == ()
    assert ahead(everything_came, year, ("STD",)) == ahead(everything_came, year) != ()


def test_what_has_no_record_to_be_about_is_missing_too() -> None:
    without = type(KNOWN)(record for record in KNOWN if record.kind != "policy")
    found = [one for one in absences(assess(catalog(), without, [], AS_OF)) if one.check == "GOV-01/policy-approved"]
    assert [(one.kind, one.about) for one in found] == [(AbsenceKind.NEVER, "organization:lender")]
    assert "a record of kind policy" in found[0].closes


def test_a_measurement_is_overdue_once_the_rhythm_its_record_states_is_over() -> None:
    """The indicator is to be measured every 30 days; the check itself takes 90, so the status stands and the finding is told."""
    came = datetime(2026, 10, 1, 9, tzinfo=UTC)
    others = [one for one in evidence(KNOWN) if one.subjects[0].ref != "indicator:auc"]
    late = [*others, measured(about("indicator:auc"), 0.8, observed=came)]  # type: ignore[arg-type]
    assert of(AbsenceKind.OVERDUE, late, came + 30 * DAY) == []
    found = of(AbsenceKind.OVERDUE, late, came + 30 * DAY + timedelta(microseconds=1))
    ours = [one for one in found if one.about == "indicator:auc"]
    assert [(one.since, one.ground, one.last) for one in ours] == [(came + 30 * DAY, "measure_every", late[-1].id)]


def test_a_piece_that_speaks_against_is_no_absence_until_the_next_is_due() -> None:
    came = datetime(2026, 11, 1, tzinfo=UTC)
    low = [measured(about("indicator:auc"), 0.1, observed=came)]  # type: ignore[arg-type]
    assert not [one for one in absences(assess(catalog(), KNOWN, low, AS_OF)) if one.about == "indicator:auc"]
    later = [one for one in of(AbsenceKind.OVERDUE, low, AS_OF + 60 * DAY) if one.about == "indicator:auc"]
    assert "spoke against it" in later[0].text


def test_an_approval_of_an_older_version_is_overdue_and_nobody_knows_since_when() -> None:
    old = approved(about("policy:ai"))  # type: ignore[arg-type]
    other = replace(old, subjects=(replace(old.subjects[0], digest="0" * 64),))
    found = of(AbsenceKind.OVERDUE, [other])
    assert [(one.about, one.ground, one.since) for one in found] == [("policy:ai", "version", None)]
    assert "was changed since" in found[0].text


def test_what_falls_due_next_is_listed_by_day() -> None:
    result = assess(catalog(), KNOWN, evidence(KNOWN), AS_OF)
    listed = ahead(result, 30 * DAY)
    assert [(str(one.due)[:10], one.about) for one in listed] == [("2026-12-01", "indicator:answers"), ("2026-12-01", "indicator:auc")]
    assert ahead(result, 10 * DAY) == ()
    assert len(ahead(result, timedelta(days=36_500))) == 4


def test_no_check_can_ask_for_an_absence() -> None:
    with pytest.raises(ValidationError, match="shows nothing"):
        EvidenceCheck(type="evidence", id="a", title="a", predicate=PredicateType.ABSENCE)


# A slow second way


def due_dates(result: Assessment, duty: Duty) -> set[datetime]:
    """Work out by hand until when each speaking piece carries; the reasons say which pieces speak."""
    check, record = duty.check, result.records.get(duty.about)
    assert record is not None
    kind = next(kind for kind in duty.control.applies_to if (check.on or kind) == record.kind)
    subject = result.organization if kind == "organization" else None
    speaking = set()
    for node in explain(result, duty.control.id, subject).walk():
        if node.kind == "check" and node.ref == duty.name:
            for inner in node.walk():
                told = inner.evidence
                if told is not None and inner.status is not None and any(one.ref == duty.about for one in told.subjects):
                    speaking.add(told.id)
    ends = set()
    for identity in speaking:
        item = result.evidence.get(identity)
        assert item is not None
        named = next(one.digest for one in item.subjects if one.ref == duty.about)
        if check.pinned and named != record.digest:
            continue
        rhythm = [int(text[1:-1]) for text in (duty.control.cadence, record.content.get("measure_every"), check.max_age) if text]
        bound = [item.observed_at + timedelta(days=number) for number in rhythm]
        ends.add(min([*bound, *([item.expires_at] if item.expires_at else [])]))
    return ends


@some_worlds
@given(worlds())
def test_due_dates_are_those_of_the_slow_way(world: World) -> None:
    result = assess(world.catalog, world.records, world.evidence, world.as_of)
    for duty in duties(result):
        ends = due_dates(result, duty) if duty.ground != "nothing" else set()
        if duty.due is not None:
            assert abs(duty.due - max(ends)) < timedelta(milliseconds=1)
        elif duty.ground == "version":
            assert not ends


def dated(result: Assessment) -> set[tuple[str, str, int]]:
    """The dates of the duties, in microseconds, taken one by one."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return {(one.name, one.about, (one.due - start) // timedelta(microseconds=1)) for one in duties(result) if one.due is not None}


def in_columns(result: Assessment, since: datetime, before: datetime) -> set[tuple[str, str, int]]:
    found = lapses(result, lambda _control: True, since, before)
    return {
        (one.name, result.records.of_kind(one.kind)[at].ref, due)
        for one in found
        for at, due in zip(one.members.tolist(), one.due.tolist(), strict=True)
    }


FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@some_worlds
@given(worlds())
def test_dates_in_columns_are_those_of_the_duties(world: World) -> None:
    result = assess(world.catalog, world.records, world.evidence, world.as_of)
    forever = datetime.max.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    expected = {one for one in dated(result) if one[2] < forever // timedelta(microseconds=1)}
    assert in_columns(result, FIRST, LAST) == expected
    split = world.as_of
    assert in_columns(result, FIRST, split) | in_columns(result, split, LAST) == expected
    assert not in_columns(result, FIRST, split) & in_columns(result, split, LAST)


@some_worlds
@given(worlds())
def test_dates_in_columns_are_kept_piece_by_piece(world: World) -> None:
    result = assess(world.catalog, world.records, (), world.as_of)
    for item in world.evidence:
        if item.observed_at <= world.as_of:
            result = result.plus(item)
    assert in_columns(result, FIRST, LAST) == {one for one in dated(result) if one[2] < 2**57}


def test_dates_in_columns_are_those_of_the_lender() -> None:
    result = assess(catalog(), KNOWN, evidence(KNOWN), AS_OF)
    found = in_columns(result, FIRST, LAST)
    assert found == dated(result)
    assert found
    kept = {one.control.id for one in lapses(result, lambda control: control.id == "MON-01", FIRST, LAST)}
    assert kept == {"MON-01"}


@some_worlds
@given(worlds())
def test_what_is_neither_overdue_nor_failed_is_met(world: World) -> None:
    """Where a check is not met on a record, something failed or something is missing: nothing is passed over."""
    result = assess(world.catalog, world.records, world.evidence, world.as_of)
    missing = {(one.check, one.about) for one in absences(result)}
    for duty in duties(result):
        if duty.ground == "nothing" or duty.failed or (duty.name, duty.about) in missing:
            continue
        record = result.records.get(duty.about)
        assert record is not None
        assert result.board.target(duty.check, record).status[0] == Status.MET


# What must hold of every world


def names(found: Iterable[Absence]) -> set[tuple[str, str, str]]:
    return {one.name for one in found}


@some_worlds
@given(worlds(), st.integers(0, 200))
def test_a_fresh_piece_only_removes_findings(world: World, choice: int) -> None:
    if not world.evidence:
        return
    old = world.evidence[choice % len(world.evidence)]
    fresh = replace(old, id="f" * 64, observed_at=world.as_of, expires_at=None)
    before = absences(assess(world.catalog, world.records, world.evidence, world.as_of))
    after = absences(assess(world.catalog, world.records, (*world.evidence, fresh), world.as_of))
    if fresh.predicate is not PredicateType.APPROVAL:  # an exclusion may lose its approval, and its controls are owed again
        kinds = {name for name in names(after) if name[0] != "overdue"}
        assert kinds <= names(before)
        assert {name[1:] for name in names(after)} <= {name[1:] for name in names(before)}


@some_worlds
@given(worlds(), st.integers(0, 900))
def test_time_alone_closes_nothing(world: World, days: int) -> None:
    """Nobody delivers, time goes by: what was missing still is. Left out: exclusions, whose approval lapses, and conditions on dates."""
    checks = [check for control in world.catalog.controls.values() for check in control.checks if isinstance(check, EvidenceCheck)]
    conditions = [one for check in checks for one in (*check.where, *check.match, *check.require)]
    assume(not any(one.operator in (Operator.MAX_AGE, Operator.NOT_PAST) for one in conditions))
    seen = tuple(one for one in world.evidence if one.observed_at <= world.as_of and one.predicate is not PredicateType.APPROVAL)
    now, later = (absences(assess(world.catalog, world.records, seen, at)) for at in (world.as_of, world.as_of + days * DAY))
    assert names(now) <= names(later)


# Sources


def delivered(days: Iterable[int], signer: str = "pipeline:ci") -> list[Evidence]:
    start = datetime(2026, 1, 1, 8, tzinfo=UTC)
    made = []
    for day in days:
        one = piece("test-run", f"suite-{day}", about("agent:helper"), observed=start + day * DAY, suite="s", passed=1, failed=0)  # type: ignore[arg-type]
        made.append(replace(one, signers=(signer,)))
    return made


def quiet(days: Iterable[int], until: int, signer: str = "pipeline:ci") -> bool:
    as_of = datetime(2026, 1, 1, 20, tzinfo=UTC) + until * DAY
    return bool([one for one in of(AbsenceKind.SILENT, delivered(days, signer), as_of) if one.about == signer])


def test_a_weekly_source_is_silent_after_two_weeks_and_a_day() -> None:
    weekly = range(0, 70, 7)
    assert not quiet(weekly, 63 + 14)
    assert quiet(weekly, 63 + 15)


def test_who_works_on_weekdays_is_not_silent_on_monday() -> None:
    weekdays = [day for day in range(100) if day % 7 < 5]
    assert not quiet(weekdays, max(weekdays) + 3)
    assert quiet(weekdays, max(weekdays) + 4)


def test_one_long_pause_of_long_ago_does_not_hide_a_new_one() -> None:
    days = [*range(10), *range(100, 130)]
    assert quiet(days, 129 + 5)


def test_with_few_deliveries_the_rhythm_is_unknown_and_nobody_is_accused() -> None:
    few = delivered(range(0, 35, 7))
    assert [(one.intervals, one.every, one.silent_from) for one in rhythms(few, AS_OF)] == [(4, None, None)]
    assert not quiet(range(0, 35, 7), 300)


def test_people_have_no_rhythm() -> None:
    assert rhythms(delivered(range(30), "person:ada"), AS_OF) == ()


def test_many_pieces_of_one_day_are_one_delivery() -> None:
    days = [day for day in range(0, 70, 7) for _ in range(5)]
    assert [one.every for one in rhythms(delivered(days), AS_OF)] == [7.0]


@given(st.lists(st.integers(1, 9), min_size=5, max_size=40))
def test_a_source_that_keeps_to_its_usual_intervals_is_never_silent(intervals: list[int]) -> None:
    days = [sum(intervals[:count]) for count in range(len(intervals) + 1)]
    assert not quiet(days, days[-1] + sorted(intervals)[len(intervals) // 2])


@given(st.lists(st.integers(1, 20), min_size=5, max_size=40))
def test_every_source_that_stopped_is_found_in_the_end(intervals: list[int]) -> None:
    days = [sum(intervals[:count]) for count in range(len(intervals) + 1)]
    found = rhythms(delivered(days), datetime(2030, 1, 1, tzinfo=UTC))
    assert found[0].silent_from is not None
    assert found[0].last < found[0].silent_from <= found[0].last + timedelta(days=6 * 20 + 1)


def test_a_signed_finding_is_no_delivery() -> None:
    said = replace(delivered([0])[0], predicate=PredicateType.ABSENCE)
    assert rhythms([said], AS_OF) == ()


# Numbers


def counted(*numbers: int, signer: str = "pipeline:ci") -> list[Evidence]:
    return [
        replace(one, body={**one.body, "sequence": number})
        for one, number in zip(delivered(range(len(numbers)), signer), numbers, strict=True)
    ]


def test_numbers_that_never_came_are_told_as_ranges() -> None:
    found = of(AbsenceKind.MISSING, counted(3, 4, 7, 8, 10))
    assert [one.about for one in found] == ["pipeline:ci#5-6", "pipeline:ci#9"]
    assert found[0].since == datetime(2026, 1, 3, 8, tzinfo=UTC)
    assert "numbers 5 to 6 never came, though 4 and 7 did" in found[0].text


def test_a_number_the_log_has_is_not_missing_and_one_the_log_lacks_is() -> None:
    result = assess(catalog(), KNOWN, counted(1, 3), AS_OF)
    assert [one.about for one in absences(result, {"pipeline:ci": [2]}) if one.kind is AbsenceKind.MISSING] == []
    assert [one.about for one in absences(result, {"tool:x": [1, 5]}) if one.kind is AbsenceKind.MISSING] == ["pipeline:ci#2", "tool:x#2-4"]


def test_a_huge_gap_costs_nothing() -> None:
    assert [one.about for one in of(AbsenceKind.MISSING, counted(1, (1 << 53) - 1))] == [f"pipeline:ci#2-{(1 << 53) - 2}"]


@given(st.sets(st.integers(1, 60), min_size=1))
def test_ranges_hold_exactly_the_numbers_between_that_are_not_there(numbers: set[int]) -> None:
    told: set[int] = set()
    for one in of(AbsenceKind.MISSING, counted(*sorted(numbers))):
        first, _, last = one.about.partition("#")[2].partition("-")
        told |= set(range(int(first), int(last or first) + 1))
    assert told == set(range(min(numbers), max(numbers) + 1)) - numbers


def test_pieces_of_after_the_moment_are_not_counted() -> None:
    assert numbered(counted(1, 2), datetime(2026, 1, 1, 20, tzinfo=UTC)).keys() == {"pipeline:ci"}
    assert list(numbered(counted(1, 2), datetime(2026, 1, 1, 20, tzinfo=UTC))["pipeline:ci"]) == [1]


# As a statement


def test_findings_become_a_statement_that_counts_all_and_lifts_nothing() -> None:
    result = assess(catalog(), KNOWN, [*counted(1, 3), *evidence(KNOWN)[1:]], AS_OF)
    found = absences(result)
    predicate = parse_predicate(AbsenceFound, stated(result, found, {"name": "kybern", "version": "1"}))
    assert isinstance(predicate, AbsenceFound)
    assert (predicate.never, predicate.missing, len(predicate.findings)) == (1, 1, len(found))
    assert predicate.observed_at == AS_OF
    body = predicate.model_dump(mode="json", exclude_none=True)
    about_us = about("organization:lender")
    said = replace(piece("document", "absence", about_us, observed=AS_OF), predicate=PredicateType.ABSENCE, body=body)  # type: ignore[arg-type]
    more = result.plus(said)
    assert [(row.ref, row.subject, row.score) for row in more.rows()] == [(row.ref, row.subject, row.score) for row in result.rows()]
    assert names(absences(more)) == names(found)


def test_the_last_day_of_the_calendar_is_no_trouble() -> None:
    end = datetime(9999, 12, 31, 23, tzinfo=UTC)
    result = assess(catalog(), KNOWN, evidence(KNOWN), end)
    assert {one.kind for one in absences(result)} == {AbsenceKind.OVERDUE}
    assert ahead(result, timedelta(days=3650)) == ()
    late = [replace(one, observed_at=end) for one in evidence(KNOWN)]
    assert absences(assess(catalog(), KNOWN, late, end)) == ()
    assert date.max.year == 9999
