"""What must hold of every world: nothing is met out of nothing, and less evidence is never more status."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import isclose
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from reference import COUNTING, refutes
from strategies import MOMENTS, NOON, World, worlds

from kybern.assessment import Assessment, EvidenceTable, Score, Status, assess, gaps
from kybern.base import digest
from kybern.catalog import Catalog, Control, EvidenceCheck, Operator, Relation, load_catalog
from kybern.evidence import Subject
from kybern.records import Record, RecordSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from kybern.catalog import Check

some_worlds = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
Scores = dict[tuple[str, str | None], Score]
STATED_ONLY = {Status.UNKNOWN, Status.NOT_MET, Status.NOT_APPLICABLE}
"""What can be so without any evidence: a record that breaks a condition says no, and nothing says more than that."""


def look(world: World) -> Assessment:
    return assess(world.catalog, world.records, world.evidence, world.as_of)


def scores(result: Assessment) -> Scores:
    """Every requirement and every control on every subject."""
    found: Scores = {(row.ref, row.subject): row.score for row in result.rows()}
    for control in result.catalog.controls:
        for subject in (None, *result.subjects):
            score = result.control(control, subject)
            if score is not None:
                found[control, subject] = score
    return found


def alike(left: Score, right: Score) -> bool:
    numbers = zip((left.coverage, left.strength, left.freshness), (right.coverage, right.strength, right.freshness), strict=True)
    near = all(a == b if a is None or b is None else isclose(a, b, abs_tol=1e-9) for a, b in numbers)
    return near and (left.status, left.evidence) == (right.status, right.evidence)


def differences(before: Scores, after: Scores) -> list[str]:
    keys = sorted({*before, *after}, key=str)
    pairs = [(key, before.get(key), after.get(key)) for key in keys]
    return [f"{key}: {old} became {new}" for key, old, new in pairs if old is None or new is None or not alike(old, new)]


def short(result: Assessment) -> list[tuple[object, ...]]:
    """Say what every gap comes to."""
    return [(one.control.id, one.status, one.subjects, one.requirements, one.closes, one.effort, one.short) for one in gaps(result)]


def raised(before: Scores, after: Scores) -> list[str]:
    """List what stands higher than before. An exclusion that loses its approval becomes contested: from not applicable to unknown."""
    assert before.keys() == after.keys()
    pairs = [(key, before[key].status, after[key].status) for key in before]
    outside = Status.NOT_APPLICABLE
    return [
        f"{key}: {old.slug} became {new.slug}"
        for key, old, new in pairs
        if (old is outside and new not in (outside, Status.UNKNOWN)) or (old is not outside and (new is outside or new > old))
    ]


def met(result: Scores) -> set[tuple[str, str | None]]:
    return {key for key, score in result.items() if score.status is Status.MET}


@some_worlds
@given(worlds(), st.integers(0, 100))
def test_taking_away_a_passing_piece_raises_nothing(world: World, choice: int) -> None:
    harmless = [piece for piece in world.evidence if not refutes(world.catalog, world.records, piece, world.as_of)]
    assume(harmless)
    gone = harmless[choice % len(harmless)]
    less = replace(world, evidence=tuple(piece for piece in world.evidence if piece is not gone))
    assert not raised(scores(look(world)), scores(look(less)))


@some_worlds
@given(worlds())
def test_what_is_met_rests_on_evidence(world: World) -> None:
    for key, score in scores(look(world)).items():
        if score.status is Status.MET:
            assert score.evidence > 0, key
            assert score.strength is not None, key
            assert score.coverage > 0, key
        assert (score.evidence == 0) == (score.strength is None) == (score.freshness is None), key
        assert 0 <= score.coverage <= 1, key


@some_worlds
@given(worlds())
def test_without_evidence_nothing_is_above_not_met(world: World) -> None:
    assert {score.status for score in scores(look(replace(world, evidence=()))).values()} <= STATED_ONLY


@some_worlds
@given(worlds())
def test_evidence_about_nothing_here_is_no_evidence(world: World) -> None:
    elsewhere = tuple(replace(piece, subjects=(Subject("model:elsewhere", "0" * 64),)) for piece in world.evidence)
    assert not differences(scores(look(replace(world, evidence=()))), scores(look(replace(world, evidence=elsewhere))))


@some_worlds
@given(worlds())
def test_a_requirement_without_a_counting_control_is_never_met(world: World) -> None:
    result = look(world)
    for ref in world.catalog.requirements:
        if world.catalog.is_leaf(ref) and not any(mapping.relation in COUNTING for _, mapping in world.catalog.controls_for(ref)):
            score = result.requirement(ref)
            assert score is not None
            assert score.status in (Status.UNKNOWN, Status.NOT_APPLICABLE)
            assert all(result.requirement(ref, system) is None for system in result.systems)


@some_worlds
@given(worlds())
def test_controls_that_only_intersect_make_nothing_met(world: World) -> None:
    def loosen(control: Control) -> Control:
        mappings = tuple(mapping.model_copy(update={"relation": Relation.INTERSECTS}) for mapping in control.satisfies)
        return control.model_copy(update={"satisfies": mappings})

    result = look(replace(world, catalog=with_controls(world.catalog, loosen)))
    assert {row.score.status for row in result.rows()} <= {Status.UNKNOWN, Status.NOT_APPLICABLE}


def test_a_control_without_evidence_checks_cannot_be_made() -> None:
    control = next(iter(load_catalog().controls.values()))
    records_only = [check.model_dump() for check in control.checks if not isinstance(check, EvidenceCheck)]
    with pytest.raises(ValidationError, match="at least 1 item"):
        Control.model_validate({**control.model_dump(), "checks": []})
    stated = {"type": "records", "id": "stated", "title": "t", "kind": "policy"}
    with pytest.raises(ValidationError, match="what is only stated is never met"):
        Control.model_validate({**control.model_dump(), "checks": [*records_only, stated]})


def test_an_empty_workspace_has_nothing_but_unknown_in_the_shipped_catalog() -> None:
    result = scores(assess(load_catalog(), RecordSet([]), [], NOON))
    assert len(result) > 100
    assert {score.status for score in result.values()} == {Status.UNKNOWN}
    assert {score.coverage for score in result.values()} == {0.0}


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_records_alone_make_nothing_met_in_the_shipped_catalog(world: World) -> None:
    result = scores(assess(load_catalog(), world.records, [], world.as_of))
    assert {score.status for score in result.values()} <= STATED_ONLY


@some_worlds
@given(worlds(), st.randoms(use_true_random=False))
def test_order_changes_nothing(world: World, random: Callable[[], float]) -> None:
    records, evidence = list(world.records), list(world.evidence)
    random.shuffle(records)  # type: ignore[attr-defined]
    random.shuffle(evidence)  # type: ignore[attr-defined]
    other = replace(world, records=RecordSet(records), evidence=tuple(evidence))
    assert not differences(scores(look(world)), scores(look(other)))


@some_worlds
@given(worlds(), st.integers(0, 100))
def test_one_more_piece_is_as_if_it_had_been_there(world: World, choice: int) -> None:
    assume(world.evidence)
    item = world.evidence[choice % len(world.evidence)]
    before = look(replace(world, evidence=tuple(piece for piece in world.evidence if piece is not item)))
    kept, _short = scores(before), gaps(before)
    whole, grown = look(world), before.plus(item)
    assert not differences(scores(whole), scores(grown))
    assert short(grown) == short(whole)
    assert not differences(kept, scores(before))


@some_worlds
@given(worlds())
def test_pieces_added_one_by_one_are_as_if_given_at_once(world: World) -> None:
    result = look(replace(world, evidence=()))
    for piece in world.evidence:
        result = result.plus(piece)
    assert not differences(scores(look(world)), scores(result))


@some_worlds
@given(worlds(), st.integers(0, 100))
def test_some_pieces_more_are_as_if_they_had_been_there(world: World, choice: int) -> None:
    at = choice % (len(world.evidence) + 1)
    before, later = look(replace(world, evidence=world.evidence[:at])), world.evidence[at:]
    grown = before.plus_all(later)
    assert not differences(scores(look(world)), scores(grown))
    assert grown.plus_all(later) is grown, "they are all there"


@some_worlds
@given(worlds())
def test_evidence_observed_later_is_not_seen(world: World) -> None:
    seen = tuple(piece for piece in world.evidence if piece.observed_at <= world.as_of)
    assert not differences(scores(look(world)), scores(look(replace(world, evidence=seen))))


def with_controls(catalog: Catalog, change: Callable[[Control], Control]) -> Catalog:
    return Catalog(catalog.frameworks, {key: change(control) for key, control in catalog.controls.items()}, catalog.crosswalks)


def timeless(control: Control) -> Control:
    """Drop the conditions that read dates, so that only evidence ages."""

    def of(check: Check) -> Check:
        dated = {Operator.MAX_AGE, Operator.NOT_PAST}
        names = [name for name in ("where", "match", "require") if hasattr(check, name)]
        return check.model_copy(update={name: tuple(one for one in getattr(check, name) if one.operator not in dated) for name in names})

    return control.model_copy(update={"checks": tuple(of(check) for check in control.checks)})


@some_worlds
@given(worlds(), st.sampled_from([timedelta(seconds=1), timedelta(days=1), timedelta(days=40), timedelta(days=600)]))
def test_time_alone_raises_nothing(world: World, later: timedelta) -> None:
    """Waivers begin on a date, so they are left out; a lapsed approval makes an exclusion contested, which lowers."""
    seen = tuple(piece for piece in world.evidence if piece.observed_at <= world.as_of)
    records = RecordSet(record for record in world.records if record.kind != "exception")
    world = replace(world, catalog=with_controls(world.catalog, timeless), records=records, evidence=seen)
    assert not raised(scores(look(world)), scores(look(replace(world, as_of=world.as_of + later))))


def without_waivers(world: World) -> World:
    return replace(world, records=RecordSet(record for record in world.records if record.kind != "exception"))


@some_worlds
@given(worlds())
def test_a_waiver_lifts_to_partly_met_at_most_and_lowers_nothing(world: World) -> None:
    before, after = scores(look(without_waivers(world))), scores(look(world))
    assert met(before) == met(after)
    for key, score in after.items():
        assert score.status is before[key].status or before[key].status < score.status is Status.PARTLY_MET, key
        assert alike(replace(score, status=before[key].status), before[key]), key


@some_worlds
@given(worlds())
def test_a_waiver_that_nobody_approved_changes_nothing(world: World) -> None:
    waivers = {record.ref for record in world.records.of_kind("exception")}
    silent = replace(
        world,
        evidence=tuple(
            replace(piece, subjects=tuple(subject for subject in piece.subjects if subject.ref not in waivers)) for piece in world.evidence
        ),
    )
    assert not differences(scores(look(without_waivers(world))), scores(look(silent)))


@some_worlds
@given(worlds(), st.sampled_from([(date(2026, 1, 1), date(2026, 6, 14)), (date(2026, 7, 6), date(2027, 1, 1))]))
def test_a_waiver_out_of_date_changes_nothing_though_approved(world: World, dates: tuple[date, date]) -> None:
    """All moments asked about lie between 15 June and 5 July."""
    assert all(dates[1] < moment.date() or moment.date() < dates[0] for moment in MOMENTS)
    stale: dict[str, Record] = {
        record.ref: type(record).model_validate({**record.model_dump(), "valid_from": dates[0], "expires_on": dates[1]})
        for record in world.records.of_kind("exception")
    }
    records = RecordSet(stale.get(record.ref, record) for record in world.records)
    approved = tuple(
        replace(piece, subjects=tuple(Subject(one.ref, stale[one.ref].digest) if one.ref in stale else one for one in piece.subjects))
        for piece in world.evidence
    )
    world = replace(world, records=records, evidence=approved)
    assert not differences(scores(look(without_waivers(world))), scores(look(world)))


@some_worlds
@given(worlds())
def test_the_digest_of_the_evidence_is_that_of_its_sorted_list(world: World) -> None:
    whole = EvidenceTable(world.evidence)
    expected = digest(sorted([item.id, int(item.strength)] for item in whole))
    assert whole.digest == expected
    grown = EvidenceTable(())
    for item in world.evidence:
        assert len(grown) % 2 or grown.digest is not None
        grown = grown.plus(item)
    assert grown.digest == expected
    for ref in {subject.ref for item in world.evidence for subject in item.subjects}:
        there = {item.id for item in whole if any(subject.ref == ref for subject in item.subjects)}
        assert {item.id for item in whole.naming(ref)} == {item.id for item in grown.naming(ref)} == there
