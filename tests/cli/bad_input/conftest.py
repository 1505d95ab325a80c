"""Bad input of every sort gives one clear error with its place, exit code 2, and never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bad_program import workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return workspace(tmp_path / "w")
