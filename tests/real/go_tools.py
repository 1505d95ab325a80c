"""Go programs for the tests, built with Debian's golang.org/x/mod; where it or Go is missing, their tests are skipped by name."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

GO = shutil.which("go")
GOPATH = Path("/usr/share/gocode")
PROGRAMS = Path(__file__).parent / "sumdb"
NEEDS_GO = (
    pytest.mark.skipif(GO is None, reason="Debian's golang-go is not installed"),
    pytest.mark.skipif(
        not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir(), reason="Debian's golang-golang-x-mod-dev is not installed"
    ),
)


def go_program(name: str, folder: Path) -> Path:
    """Build a program of `sumdb/`."""
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    command = [str(GO), "build", "-o", str(folder / name), *(str(PROGRAMS / f"{one}.go") for one in (name, "common"))]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder / name
