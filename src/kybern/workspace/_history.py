"""Versions of a record, from the Git history of its file: who stated what, when."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from kybern.base import InputError
from kybern.workspace._load import parse_records

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


def versions(root: Path, file: str, ref: str, present: str) -> tuple[Version, ...]:
    """Give the versions of a record, the newest first; `present` is its digest now. Empty where there is no Git history.

    `file` is relative to `root`. A commit that left the record as it was is no version of it.
    """
    log = _git(root, "log", f"--max-count={_LIMIT}", "--format=%H%x1f%an%x1f%aI%x1f%s", "--", file)
    if log is None:
        return ()
    found: list[Version] = []
    for line in reversed(log.decode("utf-8", "replace").rstrip("\n").split("\n")):
        if line.count("\x1f") < 3:  # noqa: PLR2004 - the separators of the format; there is no commit at all
            continue
        commit, author, date, subject = line.split("\x1f", 3)
        data = _git(root, "show", f"{commit}:./{file}")
        if data is None:
            continue
        try:
            digests = [record.digest for record in parse_records(data, file) if record.ref == ref]
        except InputError:
            continue
        if digests and (not found or found[-1].digest != digests[0]):
            found.append(Version(digests[0], commit, author, date, subject))
    if found and found[-1].digest != present:
        found.append(Version(present, None, None, None, None))
    return tuple(reversed(found))


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
