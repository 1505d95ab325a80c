"""Gaps say what is missing, what closes most first, and who owes it."""

from __future__ import annotations

from collections import Counter

import pytest
import world
from world import AS_OF

from kybern.assessment import assess, gaps


def test_no_gap_where_every_control_is_met() -> None:
    known = world.records()
    assert gaps(assess(world.catalog(), known, world.evidence(known), AS_OF)) == ()


def test_a_gap_names_control_owner_subjects_and_what_it_closes() -> None:
    known = world.records()
    (gap,) = gaps(assess(world.catalog(), known, [one for one in world.evidence(known) if one.predicate != "approval"], AS_OF))
    assert gap.control.id == "GOV-01"
    assert gap.owner == "Risk-Manager (Ada)"
    assert gap.owner_ref == "role:risk-manager"
    assert gap.subjects == ("organization:lender",)
    assert gap.closes == ("STD:5.1",)
    assert [one.ref for one in gap.missing] == ["GOV-01/policy-approved"]


def test_doing_what_the_gap_says_wins_the_coverage_it_promises() -> None:
    known = world.records()
    pieces = world.evidence(known)
    before = assess(world.catalog(), known, pieces[:3], AS_OF)
    (gap,) = gaps(before)
    after = before.plus(pieces[3])
    won = after.readiness("STD").coverage - before.readiness("STD").coverage
    assert gap.gain["STD"] == pytest.approx(won)


def test_a_control_implementation_names_the_owner() -> None:
    done = world.record("control_implementation", "gov-01", control="GOV-01", how="h", owner="person:ada")
    (gap, *_) = gaps(assess(world.catalog(), world.records(done), [], AS_OF))
    owners = {one.control.id: one.owner for one in gaps(assess(world.catalog(), world.records(done), [], AS_OF))}
    assert owners["GOV-01"] == "Ada"
    assert gap.closes


def test_what_closes_more_comes_first() -> None:
    known = world.records()
    listed = gaps(assess(world.catalog(), known, [], AS_OF))
    closing = [len(gap.closes) for gap in listed]
    assert closing == sorted(closing, reverse=True)


def test_one_system_has_its_own_gaps() -> None:
    known = world.records()
    assessment = assess(world.catalog(), known, [], AS_OF)
    assert {gap.control.id for gap in gaps(assessment, system="ai_system:scoring")} == {"MON-01"}
    assert {gap.control.id for gap in gaps(assessment, system="ai_system:assistant")} == {"MON-01", "LIF-01"}


def test_what_reads_alike_on_several_subjects_is_told_once_with_all_of_them() -> None:
    gap = next(one for one in gaps(assess(world.catalog(), world.records(), [], AS_OF)) if one.control.id == "MON-01")
    alike = Counter((one.ref, one.text) for one in gap.missing)
    assert max(alike.values()) > 1, "the world has a check that is missing alike on two systems"
    assert {(one.ref, one.text): len(on) for one, on in gap.told(10)} == alike
    assert all(set(on) <= set(gap.subjects) for _one, on in gap.told(10))
    assert len(gap.told(1)) == 1


def test_the_systems_of_a_gap_are_its_subjects_without_the_organisation() -> None:
    for gap in gaps(assess(world.catalog(), world.records(), [], AS_OF)):
        assert gap.systems == tuple(one for one in gap.subjects if one.startswith("ai_system:"))
