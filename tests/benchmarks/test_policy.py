"""The benchmark of rules in short: the same answers as the official CEL, and a decision stays cheap however many rules there are."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import policy as bench


def test_it_decides_as_the_official_cel_does_and_many_times_faster() -> None:
    found = bench.beside(100, 3_000, (bench.kybern_engine, bench.cel_engine))
    ours = next(mean for name, (_, mean) in found.items() if name.startswith("kybern"))
    cel = next(mean for name, (_, mean) in found.items() if name.startswith("cel"))
    assert cel > 10 * ours


def test_a_decision_costs_about_the_same_with_a_hundred_times_the_rules() -> None:
    means = []
    for count in (100, 10_000):
        _, given, allowed = bench.kybern_engine(bench.conditions(count), bench.requests(5_000, count))
        means.append(min(bench.timed(allowed, given)[1] for _ in range(3)))
    assert means[1] < 3 * means[0], "twice is what is promised; the rest is for a machine that others use too"


def test_a_decision_with_its_record_takes_microseconds() -> None:
    assert min(bench.evidence(100, 3_000)[1] for _ in range(3)) < 60


def test_a_thousand_rules_are_analysed_in_seconds() -> None:
    assert bench.solver(300) < 10
