"""The vectorised assessment gives what plain loops written from the document give."""

from __future__ import annotations

import os
from math import isclose

from hypothesis import HealthCheck, given, settings
from reference import Numbers, reference
from strategies import World, worlds

from kybern.assessment import Assessment, Score, assess

EXAMPLES = int(os.environ.get("KYBERN_EXAMPLES", "300"))


def numbers(score: Score | None) -> Numbers | None:
    return None if score is None else (score.status.slug, score.coverage, score.strength, score.freshness)


def agree(left: Numbers | None, right: Numbers | None) -> bool:
    if left is None or right is None or left[0] != right[0]:
        return left == right
    pairs = zip(left[1:], right[1:], strict=True)
    return all(a == b if a is None or b is None else isclose(a, b, rel_tol=0, abs_tol=1e-9) for a, b in pairs)


def disagreements(world: World, result: Assessment) -> list[str]:
    expected = reference(world.catalog, world.records, world.evidence, world.as_of)
    subjects = {expected.organization: result.organization} | {system: system for system in expected.systems}
    wrong = []
    if list(result.systems) != expected.systems:
        wrong.append(f"systems: {result.systems} instead of {expected.systems}")
    for ref, entry in world.catalog.requirements.items():
        for theirs, ours in subjects.items() if entry.normative else ():
            want, got = expected.requirements.get((ref, theirs)), numbers(result.requirement(ref, ours))
            if not agree(want, got):
                wrong.append(f"{ref} on {ours}: {got} instead of {want}")
    for identity in world.catalog.controls:
        for theirs, ours in {None: None, **subjects}.items():
            want, got = expected.controls.get((identity, theirs)), numbers(result.control(identity, ours))
            if not agree(want, got):
                wrong.append(f"{identity} on {ours}: {got} instead of {want}")
    return wrong


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_every_status_and_number_is_the_reference_s(world: World) -> None:
    result = assess(world.catalog, world.records, world.evidence, world.as_of)
    assert not disagreements(world, result)
