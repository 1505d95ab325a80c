"""The benchmark of the log in short: it runs, verifies what it measures, and the log keeps up with a plain hash chain."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import log as bench


def test_it_keeps_up_with_a_plain_hash_chain(tmp_path: Path) -> None:
    found = bench.run(10_000, tmp_path)
    assert found["log_append_cpu_s"] < 2.5 * found["chain_append_cpu_s"]
    assert found["audit_cpu_s"] < 1
    assert found["audit_new_cpu_s"] < 0.4
    assert found["proof_warm_ms"] < 1


def test_a_record_has_the_size_it_is_said_to_have() -> None:
    assert {len(bench.Record(number).leaf(number, "2026-11-23T00:00:00.000000Z")) for number in (1, 99, 10**9)} == {1024}
