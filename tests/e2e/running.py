"""Running the installed program, as a user does; and the same in this process, where the program has answered such a question before."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from typer.testing import CliRunner

from kybern.cli._main import app

Run: TypeAlias = "Callable[..., subprocess.CompletedProcess[str]]"
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "meridian"
KYBERN = Path(sys.executable).parent / "kybern"
MEASURED_AT = "2026-11-20T09:00:00Z"
AS_OF = "2026-11-20T12:00:00Z"


def run_kybern(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the installed program."""
    return subprocess.run([str(KYBERN), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)


def ask_kybern(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program in this process: what a new one would answer, without its start."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def assess(workspace: Path, as_of: str = AS_OF, *more: str, run: Run = ask_kybern) -> dict[str, Any]:
    """Assess a workspace and read the program's JSON."""
    done = run("assess", "-C", workspace, "--as-of", as_of, "--json", *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
