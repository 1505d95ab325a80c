"""Python packages of others for the tests that must not stand in Kybern's own environment: each in a throw-away one below `.cache/`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[2] / ".cache" / "venv"
_OUT_OF_REACH = ("No matching distribution", "Could not find a version", "ConnectionError", "Max retries", "Temporary failure")


def foreign_python(*requirements: str) -> Path:
    """Give the interpreter of an environment with these packages; skips the test where they cannot be had."""
    name = "-".join(one.replace("==", "-") for one in (f"py{sys.version_info.major}{sys.version_info.minor}", *requirements))
    folder = CACHE / name
    if not (folder / "ready").exists():
        _make(folder, requirements)
    return folder / "bin" / "python"


def _make(folder: Path, requirements: tuple[str, ...]) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as wheels:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "wheel", "-w", wheels, *requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        if done.returncode:
            assert any(sign in done.stderr for sign in _OUT_OF_REACH), done.stderr
            pytest.skip(f"{' '.join(requirements)} cannot be had: {done.stderr.strip().splitlines()[-1]}")
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        command = [str(folder / "bin" / "python"), "-m", "pip", "-q", "install", "--no-index", "--find-links", wheels, *requirements]
        subprocess.run(command, capture_output=True, check=True, timeout=180)
    (folder / "ready").touch()
