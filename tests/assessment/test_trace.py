"""Stage 2 sampling: every link is walked both ways, dated and attributable."""

from __future__ import annotations

import pytest
import world
from world import AS_OF

from kybern.assessment import Step, TraceGraph, assess
from kybern.base import InputError


@pytest.fixture(scope="module")
def graph() -> TraceGraph:
    known = world.records()
    return TraceGraph(assess(world.catalog(), known, world.evidence(known), AS_OF))


def path_to(step: Step, ref: str) -> list[str] | None:
    if step.ref == ref:
        return [step.ref]
    for child in step.children:
        found = path_to(child, ref)
        if found is not None:
            return [step.ref, *found]
    return None


def test_from_a_system_to_risk_treatment_control_and_evidence(graph: TraceGraph) -> None:
    down = graph.down("ai_system:scoring", depth=6)
    control = path_to(down, "MON-01")
    assert control == ["ai_system:scoring", "risk:bias", "treatment:watch-bias", "MON-01"]
    evidence = [step for step in down.walk() if step.kind == "evidence"]
    assert evidence
    assert all(step.date for step in evidence)


def test_and_back(graph: TraceGraph) -> None:
    (shown,) = {step.ref for step in graph.down("ai_system:scoring").walk() if step.kind == "evidence"}
    up = graph.up(shown, depth=6)
    assert path_to(up, "ai_system:scoring") is not None
    assert path_to(up, "STD:5.2") is not None
    assert path_to(up, "risk:bias") is not None


def test_another_systems_evidence_proves_nothing_of_this_one(graph: TraceGraph) -> None:
    scoring = {step.ref for step in graph.down("ai_system:scoring").walk() if step.kind == "evidence"}
    assistant = {step.ref for step in graph.down("ai_system:assistant").walk() if step.kind == "evidence"}
    assert scoring
    assert assistant
    assert not scoring & assistant


def test_every_link_is_found_from_both_ends(graph: TraceGraph) -> None:
    assert len(graph.links) > 15
    for link in graph.links:
        assert link.source in {child.ref for child in graph.up(link.target, depth=1).children}
        assert link.target in {child.ref for child in graph.down(link.source, depth=1).children}


def test_a_step_says_its_version_and_the_day_it_states(graph: TraceGraph) -> None:
    risk = next(step for step in graph.down("ai_system:scoring").walk() if step.ref == "risk:bias")
    assert risk.date == "2026-05-01"
    assert risk.digest == world.records().get("risk:bias").digest  # type: ignore[union-attr]


def test_the_beginning_of_an_evidence_id_is_enough(graph: TraceGraph) -> None:
    (shown,) = {step.ref for step in graph.down("ai_system:scoring").walk() if step.kind == "evidence"}
    assert graph.up(shown[:8]).ref == shown


def test_an_unknown_name_is_one_clear_error(graph: TraceGraph) -> None:
    with pytest.raises(InputError, match="Nothing here is called ai_system:skoring"):
        graph.down("ai_system:skoring")
