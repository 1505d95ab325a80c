"""The compiled form: a catalog that was read and cross-checked once, kept for the next time under the digest of its sources.

It is only a shortcut. Whatever is wrong with it (missing, broken, of another version, in a place that others can write) the sources
are read instead, and nobody is told. Why it is made so: docs/decisions/0023-the-compiled-catalog.md.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from kybern.catalog._catalog import Catalog
from kybern.catalog._files import Files, identity
from kybern.catalog._models import Control, Crosswalk, Framework, Model

_LARGEST: Final = 64 * 2**20
_KEPT: Final = 8
"""Compiled forms kept: one a version of the sources; the oldest go."""
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_DIRECTORY: Final = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0)
_READ: Final = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0)
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW


class _Whole(Model):
    """Everything a catalog is made of, in the order of the files."""

    frameworks: tuple[Framework, ...]
    controls: tuple[Control, ...]
    crosswalks: tuple[Crosswalk, ...]


def key_of(roots: Sequence[Files], record_kinds: Sequence[str] | None) -> str | None:
    """Name the compiled form of these sources: by them, by the code that checks them, and by the record kinds they were held against."""
    kinds = "any" if record_kinds is None else ",".join(sorted(record_kinds))
    return identity(roots, "kybern-catalog/1", _code(), kinds)


@cache
def _code() -> str:
    """Take the digest of the code that a catalog is read and checked by: a rule that changed checks everything again."""
    found = hashlib.sha256()
    for package in ("kybern.base", "kybern.catalog"):
        for file in sorted((file for file in files(package).iterdir() if file.name.endswith(".py")), key=lambda file: file.name):
            found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def read_compiled(folder: Path, key: str) -> Catalog | None:
    """Read the compiled form of that name; None unless it is whole and nobody else can have written it."""
    try:
        with _own_folder(folder) as place:
            data = _read_own(place, key)
        checksum, _, body = data.partition(b"\n")
        if checksum.decode("ascii") != hashlib.sha256(key.encode() + body).hexdigest():
            return None
        whole = _Whole.model_validate_json(body, strict=True)
    except (OSError, UnicodeDecodeError, ValidationError):
        return None
    return catalog_of(whole.frameworks, whole.controls, whole.crosswalks)


def write_compiled(folder: Path, key: str, catalog: Catalog) -> None:
    """Keep the compiled form under that name; where that cannot be done, nothing happens."""
    whole = _Whole(frameworks=tuple(catalog.frameworks.values()), controls=tuple(catalog.controls.values()), crosswalks=catalog.crosswalks)
    body = whole.model_dump_json(exclude_defaults=True).encode()
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _own_folder(folder) as place:
            _write_own(place, key, hashlib.sha256(key.encode() + body).hexdigest().encode() + b"\n" + body)
            _forget_old(place)


def catalog_of(frameworks: Sequence[Framework], controls: Sequence[Control], crosswalks: Sequence[Crosswalk]) -> Catalog:
    """Put a catalog together from its parts."""
    return Catalog({one.id: one for one in frameworks}, {one.id: one for one in controls}, tuple(crosswalks))


@contextmanager
def _own_folder(folder: Path) -> Iterator[int]:
    """Open a folder that is this user's and that nobody else can write; `PermissionError` for any other."""
    place = os.open(folder, _DIRECTORY)
    try:
        _need_own(os.fstat(place), stat.S_IFDIR)
        yield place
    finally:
        os.close(place)


def _need_own(found: os.stat_result, kind: int) -> None:
    own = getattr(os, "geteuid", None)  # without owners there is nobody to trust
    if own is None or found.st_uid != own() or found.st_mode & _OTHERS or stat.S_IFMT(found.st_mode) != kind:
        raise PermissionError(1, "Not this user's alone")


def _read_own(place: int, key: str) -> bytes:
    with os.fdopen(os.open(f"{key}.json", _READ, dir_fd=place), "rb") as file:
        found = os.fstat(file.fileno())
        _need_own(found, stat.S_IFREG)
        if found.st_size > _LARGEST:
            raise PermissionError(1, "Too large")
        return file.read(_LARGEST)


def _write_own(place: int, key: str, data: bytes) -> None:
    """Write whole or not at all: a reader sees the old file or the new one."""
    temporary = f".{key[:16]}.{os.getpid()}.tmp"
    try:
        with os.fdopen(os.open(temporary, _WRITE, 0o600, dir_fd=place), "wb") as file:
            file.write(data)
        os.replace(temporary, f"{key}.json", src_dir_fd=place, dst_dir_fd=place)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=place)
        raise


def _forget_old(place: int) -> None:
    """Remove all but the newest files that this module writes, left-over temporary ones included."""
    names = [name for name in os.listdir(place) if name.endswith((".json", ".tmp"))]
    for name in sorted(names, key=lambda name: os.stat(name, dir_fd=place, follow_symlinks=False).st_mtime_ns)[:-_KEPT]:
        os.unlink(name, dir_fd=place)
