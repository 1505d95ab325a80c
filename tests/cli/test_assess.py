"""What `kybern assess` decides by itself: when coverage falls short."""

from __future__ import annotations

from functools import reduce
from operator import add

import pytest

from kybern.cli._assess import _is_under


@pytest.mark.parametrize(
    ("shares", "percent", "under"), [([0.8] * 70, 80, False), ([0.1] * 3, 10, False), ([0.7999] * 70, 80, True), ([1.0], 100, False)]
)
def test_an_error_of_the_machine_is_no_shortfall(shares: list[float], percent: float, under: bool) -> None:  # noqa: FBT001  (a case)
    assert _is_under(reduce(add, shares) / len(shares), percent) is under


def test_one_of_these_means_does_miss_its_round_number() -> None:
    """Without the tolerance the pipeline of somebody who is at 80 % fails at 80."""
    assert reduce(add, [0.8] * 70) / 70 != 0.8  # `sum` compensates from Python 3.12 on
