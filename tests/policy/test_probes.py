"""Plausible slips, one a row: each is right or refused, none silently wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from policy_rules import bundle, bundle_of, request
from policy_world import SCHEMA

from kybern.base import InputError
from kybern.base.yaml import read_yaml
from kybern.policy import Effect, decide_on

ROWS: Any = read_yaml((Path(__file__).parent / "probes.yaml").read_bytes(), "probes.yaml")[0].value


@pytest.mark.parametrize("row", ROWS, ids=[row["slip"] for row in ROWS])
def test_a_slip_is_right_or_refused(row: dict[str, Any]) -> None:
    if "refused" in row:
        with pytest.raises(InputError) as error:
            bundle(row["when"])
        [problem] = error.value.problems
        assert problem.rule == row["refused"]
        assert row.get("hint", "") in problem.hint
        assert problem.place.line, "it says where"
        return
    given, provided = request(row["facts"])
    decision = decide_on(bundle_of(row["when"]), given, provided)
    if "undecided" in row:
        assert decision.effect is Effect.DENY
        assert row["undecided"] in " ".join(decision.faults)
    else:
        assert (decision.effect is Effect.DENY) is row["fires"]
        assert not decision.faults


def test_the_twelve_kinds_of_slip_are_all_probed() -> None:
    kinds = (
        "misspelt field", "wrong type", "and before or", "missing value", "unit", "time zone", "empty list", "case", "negative",
        "null", "unknown key",
    )  # fmt: skip
    for kind in kinds:
        assert any(kind in row["slip"] for row in ROWS), kind


def test_overlapping_rules_are_decided_by_the_declared_order() -> None:
    both = bundle_of("tests.failed < 5", "tests.failed > 2", effects=("allow", "deny"))
    assert decide_on(both, *request({"tests.failed": 1})).effect is Effect.ALLOW
    overlap = decide_on(both, *request({"tests.failed": 3}))
    assert overlap.effect is Effect.DENY
    assert [rule.id for rule in overlap.fired] == ["r0", "r1"], "it names both"
    assert decide_on(both, *request({"tests.failed": 9})).effect is Effect.DENY


def test_every_probe_speaks_of_the_sample_schema() -> None:
    assert SCHEMA.ref == "sample/1"
