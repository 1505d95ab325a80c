"""Running the installed program, as a user does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "meridian"
KYBERN = Path(sys.executable).parent / "kybern"
MEASURED_AT = "2026-11-20T09:00:00Z"
AS_OF = "2026-11-20T12:00:00Z"


def run_kybern(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the installed program."""
    return subprocess.run([str(KYBERN), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)


def assess(workspace: Path, as_of: str = AS_OF, *more: str) -> dict[str, Any]:
    """Assess a workspace by the installed program and read its JSON."""
    done = run_kybern("assess", "-C", workspace, "--as-of", as_of, "--json", *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
