"""Node programs of others for the tests: what the `package.json` of a folder names is installed once, below `.cache/`, and run from there.

A test that uses it is skipped by name where Node or npm is missing, or the registry is out of reach. The lock holds the digest of every
package and no address: npm's own settings say where they come from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = Path(__file__).parents[2] / ".cache" / "npm"
GIVEN = ("package.json", "package-lock.json")
_OUT_OF_REACH = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "ENOTCACHED", "E404", "E403", "network")


def node_tools(name: str) -> Path:
    """Give the folder with the installed packages of a folder here; skips the test where they cannot be had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not installed")
    digest = hashlib.sha256(b"".join((HERE / name / one).read_bytes() for one in GIVEN)).hexdigest()
    folder = CACHE / digest[:16]
    if not folder.is_dir():
        _install(npm, HERE / name, folder)
    return folder


def _install(npm: str, given: Path, folder: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=CACHE))
    try:
        for name in GIVEN:
            shutil.copy(given / name, fresh)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode and any(sign in done.stderr for sign in _OUT_OF_REACH):
            pytest.skip(f"npm cannot reach its registry: {done.stderr.splitlines()[0]}")
        assert done.returncode == 0, done.stderr
        if not folder.is_dir():
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def run_node(program: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program, `node/sigstore.mjs`, beside the packages it imports."""
    source = HERE / program
    return run_text(source.parent.name, source.read_text(encoding="utf-8"), *arguments, given=given, suffix=source.suffix)


def run_text(
    tools: str, text: str, *arguments: str, given: str = "", suffix: str = ".mjs", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the text of a program beside the packages of a folder here."""
    target = node_tools(tools) / f"{os.getpid()}-program{suffix}"
    target.write_text(text, encoding="utf-8")
    try:
        command = [str(shutil.which("node")), str(target), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=120, cwd=cwd)
    finally:
        target.unlink(missing_ok=True)
