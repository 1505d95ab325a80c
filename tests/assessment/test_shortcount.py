"""What is counted in columns is what the reasons say, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strategies
import world
from hypothesis import given, settings
from world import AS_OF

from kybern.assessment import Status, assess, explain, gaps
from kybern.assessment._gaps import _missing
from kybern.assessment._shortcount import costs_of, short_of, short_systems

if TYPE_CHECKING:
    from kybern.assessment import Assessment

DONE = (Status.MET, Status.NOT_APPLICABLE)


def agrees(assessment: Assessment) -> None:
    """Hold the counts of every control against its tree, for the organisation and for each system."""
    for control in assessment.catalog.controls.values():
        costs = {f"{control.id}/{name}": cost for name, cost in costs_of(control).items()}
        for system in (None, *assessment.systems):
            if assessment.control(control.id, system) is None:
                continue
            missing = tuple(_missing(explain(assessment, control.id, system)))
            found = short_of(assessment.board, control, system)
            assert found.count == len(missing), (control.id, system)
            assert found.cost == sum(costs.get(one.ref, sum(costs.values())) for one in missing), (control.id, system)
        scores = {one: assessment.control(control.id, one) for one in assessment.systems}
        assert list(short_systems(assessment.board, control)) == [
            one for one, score in scores.items() if score is not None and score.status not in DONE
        ]


@settings(max_examples=60)
@given(strategies.worlds())
def test_counts_are_those_of_the_reasons(made: strategies.World) -> None:
    agrees(assess(made.catalog, made.records, made.evidence, made.as_of))


def test_the_first_of_what_is_missing_are_the_first_of_all() -> None:
    known = world.records()
    for gap in gaps(assess(world.catalog(), known, [], AS_OF)):
        every = {(one.ref, one.text) for one in gap.missing}
        assert {(one.ref, one.text) for one in gap.first(100)} == every
        assert len(gap.first(1)) == 1
        assert gap.short == len(gap.missing)


def test_of_many_systems_those_that_stand_worst_are_shown_and_the_rest_counted() -> None:
    known = world.records()
    assessment = assess(world.catalog(), known, world.evidence(known), AS_OF)
    for control in assessment.catalog.controls.values():
        whole, cut = explain(assessment, control.id), explain(assessment, control.id, most=1)
        assert cut.score == whole.score
        shown = [one for one in cut.children if one.kind == "subject" and one.ref in assessment.systems]
        every = [one for one in whole.children if one.kind == "subject" and one.ref in assessment.systems]
        assert len(shown) == min(1, len(every))
        if len(every) > 1:
            assert any("more AI system" in one.title for one in cut.children)
            assert all(one.status in DONE for one in every) or shown[0].status not in DONE
