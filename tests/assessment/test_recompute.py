"""An assessment that was changed after it was computed is found out, and what was changed is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
import world
from world import AS_OF

from kybern.assessment import assess, differences, to_json


@pytest.fixture
def computed() -> dict[str, Any]:
    known = world.records()
    value: dict[str, Any] = json.loads(json.dumps(to_json(assess(world.catalog(), known, world.evidence(known), AS_OF))))
    return value


def recomputed() -> dict[str, Any]:
    known = world.records()
    return to_json(assess(world.catalog(), known, world.evidence(known), AS_OF))


def test_the_same_inputs_give_the_same_bytes(computed: dict[str, Any]) -> None:
    assert differences(computed, recomputed()) == ()


def test_a_status_that_was_typed_is_named(computed: dict[str, Any]) -> None:
    row = next(one for one in computed["requirements"] if one["id"] == "6")
    row["status"] = "met"
    (said,) = differences(computed, recomputed())
    assert said == "requirements: STD 6 organization:lender states status met, recomputed unknown"


def test_a_coverage_that_was_lifted_is_named(computed: dict[str, Any]) -> None:
    computed["readiness"][0]["coverage"] = 1.0
    (said,) = differences(computed, recomputed())
    assert said.startswith("readiness: STD organization:lender states coverage 1.0, recomputed 0.66")


def test_rows_left_out_or_added_are_named(computed: dict[str, Any]) -> None:
    left_out = computed["requirements"].pop(0)
    computed["requirements"].append({**left_out, "id": "7"})
    said = differences(computed, recomputed())
    assert f"requirements: STD {left_out['id']} {left_out['subject']} is left out" in said
    assert f"requirements: STD 7 {left_out['subject']} is added" in said


def test_other_evidence_is_named_first(computed: dict[str, Any]) -> None:
    known = world.records()
    fewer = to_json(assess(world.catalog(), known, world.evidence(known)[1:], AS_OF))
    assert differences(computed, fewer)[0] == "the digest of the evidence is not the one it names"


@pytest.mark.parametrize("odd", [{}, {"requirements": 7}, {"digests": []}, {"requirements": [[]], "extra": None}])
def test_odd_shapes_differ_and_do_not_break(odd: dict[str, Any]) -> None:
    assert differences(odd, recomputed())
