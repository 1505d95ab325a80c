"""The course of readiness: every point is an assessment of its own, nothing new is seen ahead, and a plan is supposed on its day only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import world
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import World, worlds
from world import AS_OF

from kybern.assessment import Assessment, PlannedStep, Status, assess, course, gaps, moments_around
from kybern.base import InputError
from kybern.catalog import Catalog
from kybern.records import Record, RecordSet

LAW = ("STD",)
AHEAD = AS_OF + timedelta(days=200)
BACK = AS_OF - timedelta(days=30)


def planned(control: str, on: str) -> Record:
    return world.record("control_implementation", control.lower(), control=control, how="h", due_on=on)


# Moments


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(3, 60))
def test_moments_are_as_many_as_asked_even_in_order_and_the_present_is_among_them(back: int, ahead: int, count: int) -> None:
    if not back and not ahead:
        assert moments_around(AS_OF, 0, 0, 1) == (AS_OF,)
        return
    found = moments_around(AS_OF, back, ahead, count)
    assert len(found) == count
    assert list(found) == sorted(set(found))
    assert AS_OF in found
    assert found[0] == AS_OF - timedelta(days=back)
    assert found[-1] == AS_OF + timedelta(days=ahead)
    steps = [later - earlier for earlier, later in pairwise(found)]
    for side in (steps[: found.index(AS_OF)], steps[found.index(AS_OF) :]):
        assert not side or max(side) - min(side) < timedelta(seconds=1)


@pytest.mark.parametrize(("back", "ahead", "count"), [(-1, 3, 5), (3, -1, 5), (10, 10, 2), (0, 10, 1), (0, 0, 2), (0, 0, 0)])
def test_too_few_moments_are_refused(back: int, ahead: int, count: int) -> None:
    with pytest.raises(ValueError, match="cannot be spread"):
        moments_around(AS_OF, back, ahead, count)


def test_a_moment_without_a_time_zone_is_refused_and_so_is_a_framework_nobody_knows() -> None:
    known = world.records()
    with pytest.raises(InputError, match="time zone"):
        course(world.catalog(), known, [], LAW, [datetime(2026, 1, 1)], as_of=AS_OF)  # noqa: DTZ001
    with pytest.raises(KeyError):
        course(world.catalog(), known, [], ("NOPE",), [], as_of=AS_OF)


# Past and forecast


def test_the_past_does_not_see_what_was_observed_later_and_ahead_evidence_lapses() -> None:
    known = world.records()
    line = course(world.catalog(), known, world.evidence(known), LAW, [BACK, AHEAD], as_of=AS_OF).lines["STD"]
    assert [point.tense for point in line.points] == ["past", "now", "ahead"]
    past, now, ahead = line.points
    assert past.coverage == 0
    assert now.counts[Status.MET] == 2
    assert now.met == pytest.approx(2 / 3)
    assert now.applicable == 3
    assert ahead.counts[Status.EXPIRED] + ahead.counts[Status.PARTLY_MET] == 1, "measurements count for 90 days"
    assert ahead.coverage < now.coverage
    assert line.now is now
    assert line.planned == ()


def test_what_comes_after_the_present_is_not_seen_at_any_moment() -> None:
    known = world.records()
    later = [replace(one, observed_at=AS_OF + timedelta(days=10)) for one in world.evidence(known)]
    line = course(world.catalog(), known, later, LAW, [AHEAD], as_of=AS_OF).lines["STD"]
    assert [point.coverage for point in line.points] == [0, 0]


def test_the_past_may_be_held_against_the_records_of_its_time() -> None:
    known = world.records()
    asked: list[datetime] = []

    def then(moment: datetime) -> RecordSet:
        asked.append(moment)
        return known if moment >= AS_OF else RecordSet([])

    found = course(world.catalog(), then, world.evidence(known), LAW, [BACK, AHEAD], as_of=AS_OF)
    assert found.records_then
    assert not course(world.catalog(), known, [], LAW, [], as_of=AS_OF).records_then
    assert set(asked) == {BACK, AS_OF}, "nobody knows the records of the future"
    assert found.lines["STD"].points[0].counts[Status.UNKNOWN] == 3


@settings(max_examples=60, deadline=None)
@given(worlds(), st.lists(st.integers(-40, 60), max_size=3))
def test_every_point_is_what_assess_says_of_its_moment(drawn: World, days: list[int]) -> None:
    moments = [drawn.as_of + timedelta(days=day) for day in days]
    names = tuple(drawn.catalog.frameworks)
    seen = [one for one in drawn.evidence if one.observed_at <= drawn.as_of]
    found = course(drawn.catalog, drawn.records, drawn.evidence, names, moments, as_of=drawn.as_of)
    for name in names:
        alone = course(drawn.catalog, drawn.records, drawn.evidence, [name], moments, as_of=drawn.as_of)
        assert alone.lines[name] == found.lines[name], "other frameworks do not bear on a line"
        assert [point.at for point in found.lines[name].points] == sorted({drawn.as_of, *moments})
        for point in found.lines[name].points:
            said = assess(drawn.catalog, drawn.records, seen, point.at).readiness(name)
            assert (point.coverage, point.counts) == (pytest.approx(said.coverage), said.counts)


# What is planned


def test_a_plan_counts_from_its_day_on_and_not_before() -> None:
    known = world.records(planned("GOV-01", "2026-12-10"))
    moments = [datetime(2026, 12, 9, 23, tzinfo=UTC), datetime(2026, 12, 10, tzinfo=UTC)]
    found = course(world.catalog(), known, [], LAW, moments, as_of=AS_OF)
    assert found.plan == (PlannedStep("GOV-01", date(2026, 12, 10)),)
    assert found.overdue == ()
    line = found.lines["STD"]
    assert [point.coverage for point in line.points] == [0, 0, 0]
    assert [point.coverage for point in line.planned] == [0, 0, pytest.approx(1 / 3)]
    assert [point.counts[Status.MET] for point in line.planned] == [0, 0, 1]


def test_a_plan_for_a_day_gone_by_is_named_and_not_counted() -> None:
    known = world.records(planned("GOV-01", "2026-11-19"))
    found = course(world.catalog(), known, [], LAW, [AHEAD], as_of=AS_OF)
    assert found.plan == ()
    assert [one.control for one in found.overdue] == ["GOV-01"]
    assert found.lines["STD"].planned == ()
    done = course(world.catalog(), known, world.evidence(known), LAW, [AHEAD], as_of=AS_OF)
    assert done.overdue == (), "it is met"


def test_a_plan_for_today_is_still_to_be_done() -> None:
    known = world.records(planned("GOV-01", "2026-11-20"))
    line = course(world.catalog(), known, [], LAW, [AHEAD], as_of=AS_OF).lines["STD"]
    assert [point.coverage for point in line.planned] == [0, pytest.approx(1 / 3)]


@pytest.mark.parametrize("controls", [("GOV-01",), ("GOV-01", "MON-01")])
def test_the_plan_brings_what_the_gaps_promise_and_more_where_a_control_does_not_apply(controls: tuple[str, ...]) -> None:
    known = world.records(*(planned(control, "2026-12-10") for control in controls))
    day = datetime(2026, 12, 31, tzinfo=UTC)
    line = course(world.catalog(), known, [], LAW, [day], as_of=AS_OF).lines["STD"]
    promised = sum(gap.gain["STD"] for gap in gaps(assess(world.catalog(), known, [], day)) if gap.control.id in controls)
    won = line.planned[-1].coverage - line.points[-1].coverage
    if "MON-01" not in controls:
        assert won == pytest.approx(promised)
    else:
        assert won > promised, "a gain is shared with LIF-01 on the scoring too, which has no agent; supposing reckons without it"


@settings(max_examples=80, deadline=None)
@given(worlds(), st.data())
def test_supposing_controls_met_lowers_nothing_and_meets_what_only_they_answer(drawn: World, data: st.DataObject) -> None:
    catalog: Catalog = drawn.catalog
    found = assess(catalog, drawn.records, drawn.evidence, drawn.as_of)
    met = data.draw(st.sets(st.sampled_from(sorted(catalog.controls))))
    supposed = Assessment(found.board.supposing(met))
    order = {status: at for at, status in enumerate(Status)}
    for row, then in zip(found.rows(), supposed.rows(), strict=True):
        assert order[then.score.status] >= order[row.score.status]
        assert then.score.coverage >= row.score.coverage - 1e-12
        assert (then.score.status is Status.NOT_APPLICABLE) == (row.score.status is Status.NOT_APPLICABLE)
    again = assess(catalog, drawn.records, drawn.evidence, drawn.as_of)
    assert [row.score for row in again.rows()] == [row.score for row in found.rows()], "the assessment itself is left as it was"
    if not met:
        assert [row.score for row in supposed.rows()] == [row.score for row in found.rows()]
