"""Scripts run in the virtual environment of a tool, which is made once and lies under .cache (docs/handbook/integrations.md)."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import distribution
from pathlib import Path

import pytest
from governed import INTEGRATIONS, PROGRAM, ROOT


def run_in(tool: str, script: str, root: Path, **more: str) -> str:
    """Run a script in the environment of a tool, with our light modules on its path."""
    python = ROOT / ".cache" / f"tool-{tool}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{tool} is not there: python -m venv .cache/tool-{tool} and install it there")
    path = os.pathsep.join((str(ROOT / "src"), str(INTEGRATIONS / tool), str(_metadata(root.parent / "site"))))
    env = {**os.environ, "PYTHONPATH": path, "HOME": str(root), "PYTHONDONTWRITEBYTECODE": "1", **more}
    done = subprocess.run(
        [python, "-c", script, str(root), str(PROGRAM)], cwd=root, env=env, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout.strip().splitlines()[-1]


def _metadata(folder: Path) -> Path:
    """Make a folder that says, as an installation does, which version of Kybern there is."""
    there = distribution("kybern")
    made = folder / f"kybern-{there.version}.dist-info"
    made.mkdir(parents=True)
    for name in ("METADATA", "entry_points.txt"):
        (made / name).write_text(there.read_text(name) or "")
    return folder
