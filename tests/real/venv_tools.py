"""Python packages of others for the tests that must not stand in Kybern's own environment: each in a throw-away one below `.cache/`.

Made once, in full or not at all; a test is skipped by name where the packages, or the Python that they need, cannot be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[2] / ".cache" / "venv"
AICS = ("aics-tlog==0.2.1", "aics-witness==0.1.0")
_OUT_OF_REACH = ("No matching distribution", "Could not find a version", "ConnectionError", "Max retries", "Temporary failure")


def aics_python() -> Path:
    """Give the interpreter of an environment with `aics-tlog` and `aics-witness`, which need Python 3.12 or later."""
    found = _later_python()
    if found is None:
        pytest.skip("aics-tlog needs Python 3.12 or 3.13, and neither is installed")
    return foreign_python(*AICS, interpreter=found)


def _later_python() -> str | None:
    """Find a Python of 3.12 or 3.13 that starts."""
    versions = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for name in ("python3.13", "python3.12"):
        for path in [*map(str, sorted(versions.glob(f"*/bin/{name}"))), *filter(None, [shutil.which(name)])]:
            asked = subprocess.run([path, "-c", "import ssl, sqlite3, ensurepip, venv"], capture_output=True, check=False)
            if asked.returncode == 0:
                return path
    return None


def foreign_python(*requirements: str, interpreter: str = sys.executable) -> Path:
    """Give the interpreter of an environment with these packages."""
    asked = subprocess.run([interpreter, "-c", "import sys; print(sys.version_info[0:2])"], capture_output=True, text=True, check=True)
    version = "".join(one for one in asked.stdout if one.isdigit())
    folder = CACHE / "-".join(one.replace("==", "-") for one in (f"py{version}", *requirements))
    if not (folder / "ready").exists():
        _make(folder, requirements, interpreter)
    return folder / "bin" / "python"


def _make(folder: Path, requirements: tuple[str, ...], interpreter: str) -> None:
    """Make an environment beside its place and put it there when it is whole."""
    CACHE.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=CACHE))
    try:
        subprocess.run([interpreter, "-m", "venv", str(fresh)], check=True, capture_output=True, timeout=120)
        command = [str(fresh / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install", *requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            assert any(sign in done.stderr for sign in _OUT_OF_REACH), done.stderr
            pytest.skip(f"{' '.join(requirements)} cannot be had: {done.stderr.strip().splitlines()[-1]}")
        (fresh / "ready").touch()
        if not folder.exists():
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
