"""Parts that never matter are refused, and nothing that matters is."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from policy_world import SCHEMA

from kybern.policy._check import check
from kybern.policy._syntax import Fault


@pytest.mark.parametrize(
    "when",
    [
        "!has(impact.approved) || (has(impact.approved) && !impact.approved)",
        "size(runs.failed) == 0 || runs.failed.all(r, r == 0)",
        '(system.risk == "high" && tests.failed > 0) || (system.risk == "limited" && tests.failed > 5)',
        "tests.failed < 2 || (tests.failed < 5 && system.live)",
        'system.risk == "high" || (system.risk != "high" && system.live)',
        "system.live && !(system.live && tests.failed > 3)",
        "tests.failed > 1 && tests.failed < 3",
        "score.auc > 1 && score.auc < 2",
        "tests.failed >= 3 && tests.failed <= 3",
    ],
)
def test_what_matters_loads(when: str) -> None:
    check(when, SCHEMA, ("deploy",), {})


@pytest.mark.parametrize(
    ("when", "at"),
    [
        ("system.live && (tests.failed > 5 && tests.failed < 3 && system.live)", "< 3"),
        ("tests.failed > 5 && (tests.failed < 3 || system.live)", "< 3"),
        ('system.live && (system.risk != "high" || system.risk != "limited")', '!= "limited"'),
        ("runs.failed.exists(r, system.live && (r > 3 || r < 5))", "< 5"),
    ],
)
def test_the_fault_stands_at_the_comparison_that_is_ruled_out(when: str, at: str) -> None:
    with pytest.raises(Fault) as error:
        check(when, SCHEMA, ("deploy",), {})
    assert (error.value.rule, error.value.at) == ("constant", when.index(at))


def test_a_condition_of_the_greatest_length_is_looked_through_at_once() -> None:
    start = time.process_time()
    for when in (
        " || ".join(f"(tests.failed == {at % 10} && score.auc > {at % 9}.{at + 1})" for at in range(55)),
        " && ".join(f'(system.owner != "{at}" || system.live)' for at in range(60)),
        " && ".join(f'system.owner != "{at}"' for at in range(140)),
    ):
        with suppress(Fault):
            check(when, SCHEMA, ("deploy",), {})
    assert time.process_time() - start < 1
