"""Backup and restore: one file with the database's dump, the vault, the secret and the published log, each held to its SHA-256."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Final

from kybern.base import InputError, Place
from kybern.evidence import VAULT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

FORMAT: Final = "kybern.backup/1"
MANIFEST: Final = "manifest.json"
DUMP: Final = "database.jsonl"
FOLDERS: Final = (VAULT.as_posix(), "log", "uploads")
FILES: Final = ("secret.key",)
_MAX_FILES: Final = 1_000_000


@dataclass(frozen=True)
class Kept:
    """What a backup holds."""

    rows: int
    files: int
    bytes: int


def backup(target: Path, data: Path, now: datetime) -> Kept:
    """Write a backup, whole or not at all: of one moment of the database, with the files beside it. It holds secrets: 0600.

    The files are copied after the database: what the log published meanwhile is more than the dump knows, never less.
    """
    from kybern.server.store.dump import snapshot, write_dump

    fresh = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
            digests: dict[str, str] = {}
            with snapshot() as alias, archive.open(DUMP, "w", force_zip64=True) as inside:
                hashing = _Hashing(inside)
                rows = write_dump(hashing, alias)  # type: ignore[arg-type]  # it writes, which is all a dump asks
            digests[DUMP] = hashing.digest
            for name, path in _files(data):
                digests[name] = _add(archive, name, path)
            manifest = {"format": FORMAT, "at": now.isoformat(), "rows": rows, "sha256": digests}
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    return Kept(rows, len(digests) - 1, target.stat().st_size)


class _Hashing(io.RawIOBase):
    """Passes on what is written, and hashes it."""

    def __init__(self, inside: IO[bytes]) -> None:
        self._inside, self._hash = inside, hashlib.sha256()

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return self._inside.write(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _files(data: Path) -> Iterator[tuple[str, Path]]:
    yield from ((name, data / name) for name in FILES if (data / name).is_file())
    for folder in FOLDERS:
        yield from ((path.relative_to(data).as_posix(), path) for path in sorted((data / folder).rglob("*")) if path.is_file())


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    content = path.read_bytes()
    archive.writestr(name, content)
    return hashlib.sha256(content).hexdigest()


def read_manifest(source: Path) -> dict[str, Any]:
    """Check a backup whole before anything is touched, every digest of it; `InputError` with what does not fit."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest: Any = json.loads(archive.read(MANIFEST))
            if manifest.get("format") != FORMAT:
                raise _bad(source, "it is of another format")
            names = set(archive.namelist()) - {MANIFEST}
            if names != set(manifest["sha256"]) or len(names) > _MAX_FILES:
                raise _bad(source, "its files are not those its manifest names")
            for name, digest in manifest["sha256"].items():
                if _outside(name) or _digest(archive, name) != digest:
                    raise _bad(source, f"{name} is not what was backed up")
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, AttributeError) as error:
        raise _bad(source, str(error)) from None
    return dict(manifest)


def restore_files(source: Path, data: Path) -> int:
    """Put the files of a checked backup into an empty data folder; gives how many. The database is `restore_database`'s."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(data.iterdir()):
        raise InputError.one("not-empty", f"{data} is not empty; nothing is overwritten.", Place(str(data)), "Name a new folder.")
    count = 0
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            if name in {MANIFEST, DUMP}:
                continue
            path = data / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with archive.open(name) as inside, path.open("xb") as file:
                shutil.copyfileobj(inside, file)
            path.chmod(0o600)
            count += 1
    return count


def restore_database(source: Path) -> int:
    """Fill the empty database from a checked backup; gives how many rows."""
    from kybern.server.store.dump import read_dump

    with zipfile.ZipFile(source) as archive, archive.open(DUMP) as inside, tempfile.TemporaryFile() as file:
        shutil.copyfileobj(inside, file)
        file.seek(0)
        return read_dump(file)


def _outside(name: str) -> bool:
    path = PurePosixPath(name)
    known = name == DUMP or name in FILES or any(path.is_relative_to(folder) for folder in FOLDERS)
    return path.is_absolute() or ".." in path.parts or "\\" in name or not known


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        found = hashlib.sha256()
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
        return found.hexdigest()


def _bad(source: Path, why: str) -> InputError:
    return InputError.one("bad-backup", f"This is no whole backup: {why}.", Place(str(source)), "Name a file that `kybern backup` wrote.")
