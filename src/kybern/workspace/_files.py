"""Reading files of a workspace: only regular files inside its root, never through a link, never more than the limit."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from kybern.base import InputError, Place, Problem
from kybern.base.yaml import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_SUFFIXES: Final = (".yaml", ".yml")


def read_file(root: Path, name: str, max_bytes: int = DEFAULT_LIMITS.max_bytes) -> bytes:
    """Read the file `name` (relative to `root`, with forward slashes).

    Raises `InputError` for a link, something that is not a regular file, a file over the limit and a file that cannot be read.
    """
    path = root / name
    if path.is_symlink():
        raise InputError([_link(root, name)])
    try:
        handle = os.open(path, _FLAGS)
    except OSError as error:
        raise InputError([_unreadable(name, error)]) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):  # before fdopen, which refuses a folder in its own way
        os.close(handle)
        raise InputError([Problem("not-a-file", "This is not a regular file.", Place(name), "Move it elsewhere.")])
    with os.fdopen(handle, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise InputError([_too_large(name, size, max_bytes)])
        return file.read(max_bytes + 1)


def record_files(root: Path) -> tuple[list[str], list[Problem]]:
    """List the record files under `records/` in the order of their names, with what may not stand there.

    Names that start with a dot are passed over: editors keep their own files so.
    """
    return yaml_files(root, "records")


def yaml_files(root: Path, below: str) -> tuple[list[str], list[Problem]]:
    """List the YAML files under the folder `below`, by the rules for record files."""
    names: list[str] = []
    problems: list[Problem] = []
    pending = [below]
    if (root / below).is_symlink():
        return [], [_link(root, below)]
    while pending:
        folder = pending.pop()
        for name, is_folder, problem in _entries(root, folder):
            if problem:
                problems.append(problem)
            else:
                (pending if is_folder else names).append(name)
    return sorted(names), problems


def list_records(root: Path) -> list[str]:
    """List the record files under `records/`; `InputError` with everything that may not stand there."""
    names, problems = record_files(root)
    if problems:
        raise InputError(problems)
    return names


def _entries(root: Path, folder: str) -> Iterator[tuple[str, bool, Problem | None]]:
    """Go through one folder: (name, is it a folder, what is wrong with it)."""
    try:
        entries = list(os.scandir(root / folder))
    except FileNotFoundError:
        return
    except OSError as error:
        yield folder, True, _unreadable(folder, error)
        return
    for entry in entries:
        name = f"{folder}/{entry.name}"
        wanted = entry.name.endswith(_SUFFIXES)
        if entry.name.startswith("."):
            continue
        if not name.isprintable():
            yield (
                name,
                False,
                Problem("file-name", "The file name holds characters that cannot be shown.", Place(ascii(name)), "Rename it."),
            )
        elif entry.is_symlink():
            if wanted or entry.is_dir():
                yield name, False, _link(root, name)
        elif entry.is_dir():
            yield name, True, None
        elif wanted:
            yield name, False, None


def inside(root: Path, name: str) -> bool:
    """Tell whether the path `name`, links followed, stays inside `root`. A path the system cannot even hold does not."""
    try:
        return (root / name).resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def is_file(root: Path, name: str) -> bool:
    """Tell whether there is a file of that name; one the system cannot even hold is not."""
    try:
        return (root / name).is_file()
    except (OSError, ValueError):
        return False


def _link(root: Path, name: str) -> Problem:
    if inside(root, name):
        return Problem(
            "symlink", "This is a symbolic link; records are read from real files only.", Place(name), "Put the file itself here."
        )
    return Problem("outside", "This link leads outside the workspace.", Place(name), "Put the file itself here.")


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(
        "unreadable", f"The file cannot be read: {error.strerror or error}.", Place(name), "Check that it exists and its permissions."
    )


def _too_large(name: str, size: int, max_bytes: int) -> Problem:
    message = f"The file has {size:,} bytes; at most {max_bytes:,} are read."
    return Problem("too-large", message, Place(name), "Split the records over several files.")
