"""Crashes at every step, in short; `make chaos` runs 500 rounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_nothing_acknowledged_is_lost_and_nothing_half_is_seen() -> None:
    chaos = [sys.executable, str(Path(__file__).with_name("chaos.py")), "--rounds", "40"]
    done = subprocess.run(chaos, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for end in ("kill-at-step killed", "kill-at-time killed", "fail-at-step refused", "full-disk refused"):
        assert end in done.stdout
