"""The benchmark of the assessment in short: it runs, grows close to linearly, and one more piece is far cheaper than all of them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import assess as bench


def test_it_grows_close_to_linearly_and_updates_cheaply() -> None:
    bench.run(100, 90, 2_000)  # warms imports and caches
    small, large = bench.run(500, 90, 40_000), bench.run(1_000, 90, 80_000)
    assert large["total_s"] < 3.5 * small["total_s"]
    assert large["update_median_ms"] < 20
    assert large["update_median_ms"] / 1000 < large["assess_s"] / 20
    assert large["coverage"] > 0


def test_columns_and_plain_loops_agree_on_the_shipped_catalog() -> None:
    assert bench.against_loops(systems=3, controls=160, count=600) > 1
