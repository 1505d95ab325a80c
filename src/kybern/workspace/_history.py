"""Versions of a record, from the Git history of its file: who stated what, when."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kybern.base import InputError
from kybern.workspace._load import parse_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LIMIT = 200
"""Commits of a file looked at; older ones are not told."""
_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a record: the digest it had, the commit that brought it, its author and day (ISO 8601), the commit's first line.

    The state on disk that is not committed has no commit, author and day.
    """

    digest: str
    commit: str | None
    author: str | None
    date: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit of a file: its name, author, day and first line, and the digests of the records the file held then."""

    name: str
    author: str
    date: str
    subject: str
    digests: Mapping[str, str]


class History:
    """The Git history of a workspace's files. Each file is read once, however many of its records are asked for."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self._root = root
        self._commits: dict[str, tuple[_Commit, ...]] = {}

    def versions(self, file: str, ref: str, present: str) -> tuple[Version, ...]:
        """Give the versions of a record, the newest first; `present` is its digest now. Empty where there is no Git history.

        `file` is relative to the root. A commit that left the record as it was is no version of it.
        """
        if file not in self._commits:
            self._commits[file] = tuple(self._read(file))
        found: list[Version] = []
        for one in self._commits[file]:
            digest = one.digests.get(ref)
            if digest and (not found or found[-1].digest != digest):
                found.append(Version(digest, one.name, one.author, one.date, one.subject))
        if found and found[-1].digest != present:
            found.append(Version(present, None, None, None, None))
        return tuple(reversed(found))

    def _read(self, file: str) -> Iterator[_Commit]:
        """Go through a file's commits, the oldest first; one in which it cannot be read as records is passed over."""
        log = _git(self._root, "log", f"--max-count={_LIMIT}", "--format=%H%x1f%an%x1f%aI%x1f%s", "--", file)
        for line in reversed((log or b"").decode("utf-8", "replace").rstrip("\n").split("\n")):
            if line.count("\x1f") < 3:  # noqa: PLR2004 - the separators of the format; there is no commit at all
                continue
            commit, author, date, subject = line.split("\x1f", 3)
            data = _git(self._root, "show", f"{commit}:./{file}")
            if data is None:
                continue
            try:
                yield _Commit(commit, author, date, subject, {record.ref: record.digest for record in parse_records(data, file)})
            except InputError:
                continue


def _git(root: Path, *arguments: str) -> bytes | None:
    """Run Git in a folder; None where Git is not there, the folder is in no repository, or it takes too long."""
    try:
        done = subprocess.run(  # noqa: S603  (list arguments, no shell)
            ["git", "-C", str(root), *arguments],  # noqa: S607  (whichever Git the person uses)
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
