"""A gate is quick on a cold start: a new process, the example's 300 records and more, and evidence to verify."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kybern.evidence import FOLDER, Collector, PrivateKey, Subject, TestRun, sign, statement, with_key, write
from kybern.workspace import load_workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "meridian"
PROGRAM = Path(sys.executable).with_name("kybern")
BUDGET = 1.5
"""Seconds of CPU."""
PIECES = 200


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gate") / "meridian"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("pipeline", "evidence", ".kybern", "keys.yaml"))
    run("policy", "init", "-C", str(root))
    key, start = PrivateKey.generate(), datetime.now(UTC) - timedelta(days=30)
    entry = key.trusted(name="ci", holder="pipeline:ci", kind="pipeline", valid_from=start)
    (root / "keys.yaml").write_bytes(with_key("", entry, "keys.yaml"))
    record = load_workspace(root).records.get("ai_system:credit-scoring")
    assert record is not None
    for number in range(PIECES):
        made = TestRun(
            topic="validation-test",
            observed_at=start + timedelta(hours=number),
            collector=Collector(name="pytest", version="9"),
            suite=f"suite-{number}",
            passed=12,
            failed=0,
        )
        write(root / FOLDER, sign(statement(made, [Subject(record.ref, record.digest)]), key))
    return root


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False, env={**os.environ, "GITHUB_STEP_SUMMARY": ""})


def cpu(*words: str) -> float:
    """Seconds of CPU of one call, the best of three."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = run(*words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 1, done.stderr
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


@pytest.mark.parametrize("stage", ["merge", "deploy"])
def test_a_gate_over_three_hundred_records_and_two_hundred_pieces_is_within_its_budget(workspace: Path, stage: str) -> None:
    assert len(load_workspace(workspace).records) > 300
    took = cpu("gate", "--stage", stage, "--system", "credit-scoring", "-C", str(workspace))
    assert took < BUDGET, f"kybern gate --stage {stage} took {took:.2f} s of CPU"
