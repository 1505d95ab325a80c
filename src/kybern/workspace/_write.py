"""Putting the files of a new workspace on disk: all of them or none, and nothing that is there is touched."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kybern.base import InputError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def write_scaffold(root: Path, files: Mapping[str, str]) -> None:
    """Write files (relative path to text) below `root`, which is made if it is not there.

    They are written aside first and then put in place one by one; if that fails half-way, those placed are taken away again.
    Raises `InputError` with every file that is already there, and for a folder that cannot be written.
    """
    if taken := [_taken(name) for name in sorted(files) if _in_the_way(root, name)]:
        raise InputError(taken)
    placed: list[Path] = []
    aside: Path | None = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".kybern-init-", dir=root))
        for name, text in files.items():
            _write(aside / name, text)
        for name in files:
            _place(aside / name, root / name)
            placed.append(root / name)
    except OSError as error:
        for path in placed:
            path.unlink(missing_ok=True)
        message = f"The workspace cannot be written: {error.strerror or error}."
        raise InputError.one(
            "unwritable", message, Place(str(error.filename or root)), "Nothing was left behind; choose another folder."
        ) from None
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _place(source: Path, target: Path) -> None:
    """Move a file into place; `FileExistsError` if one has come there meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        raise FileExistsError(17, "a file has come in the way", str(target))
    source.rename(target)


def _in_the_way(root: Path, name: str) -> bool:
    """Tell whether something is there already, or a file or link stands where a folder is needed."""
    path = root / name
    return os.path.lexists(path) or any(_no_folder(parent) for parent in _folders(root, name))


def _folders(root: Path, name: str) -> Iterator[Path]:
    yield from (root / parent for parent in Path(name).parents if parent != Path())


def _no_folder(path: Path) -> bool:
    return path.is_symlink() or (path.exists() and not path.is_dir())


def _taken(name: str) -> Problem:
    return Problem(
        "file-exists", "There is something here already; nothing is overwritten.", Place(name), "Choose another folder, or move it away."
    )
