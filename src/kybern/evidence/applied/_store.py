"""The change sets on disk: one file each, whole or not at all, with the contents that a stranger recomputes the records from.

`log/changes/DIGEST.changes`, where DIGEST is the SHA-256 of the signed envelope: the envelope on the first line, then the list of
changes, then the content of each version that has one, in the order of the list. A content is the canonical JSON whose SHA-256 is
the version's digest; where it is personal it is sealed, or says that it was erased.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kybern.evidence._durable import put
from kybern.evidence._envelope import parse_envelope
from kybern.evidence._refused import Refused
from kybern.evidence._vault import Erased, Sealed, Vault, parse_sealed
from kybern.evidence.applied._changeset import Change, ChangeSet, list_of, read_change, read_change_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHANGES: Final = Path("log", "changes")
"""Where change sets lie, relative to the workspace: published with the log."""

CHANGES_SUFFIX: Final = ".changes"
MAX_FILE: Final = 1 << 30
_NAME: Final = re.compile(rf"[0-9a-f]{{64}}\{CHANGES_SUFFIX}", re.ASCII)


@dataclass(frozen=True)
class ChangeFile:
    """A change set as it lies on disk; its signature is not verified here."""

    name: str
    envelope: bytes
    stated: ChangeSet
    changes: tuple[Change, ...]
    contents: tuple[bytes, ...]

    def __bytes__(self) -> bytes:
        """Write it as it lies on disk."""
        return b"".join((self.envelope, list_of(self.changes), *(content + b"\n" for content in self.contents)))

    @cached_property
    def stored(self) -> Mapping[str, tuple[Change, bytes]]:
        """What is stored of each record's version, by the record's name; a removal stores nothing."""
        with_content = [change for change in self.changes if change.now is not None]
        return {change.ref: (change, content) for change, content in zip(with_content, self.contents, strict=True)}

    def content(self, ref: str, vault: Vault) -> bytes:
        """Give the canonical JSON of a version. Raises `Refused`: `no-content`, `bad-content`, `erased`, `sealed`, `bad-sealed`."""
        there = self.stored.get(ref)
        if there is None:
            raise Refused(rule="no-content", message=f"the change set {self.name[:12]}… stores no content of {ref}")
        change, data = there
        if not change.committed:
            if hashlib.sha256(data).hexdigest() != change.now:
                raise Refused(rule="bad-content", message=f"the content of {ref} in {self.name[:12]}… is not that of its digest")
            return data
        sealed = parse_sealed(data)
        if change.now not in sealed.commitments:
            raise Refused(rule="bad-content", message=f"what is sealed of {ref} in {self.name[:12]}… is not what was committed to")
        if isinstance(sealed, Erased):
            raise sealed.refusal()
        return vault.open(sealed)[0]

    def with_erased(self, key: str, mark: Erased) -> ChangeFile:
        """Put the mark of an erasure in the place of everything sealed under a key."""
        contents = tuple(_erased(content, key, mark) if change.committed else content for change, content in self.stored.values())
        return ChangeFile(self.name, self.envelope, self.stated, self.changes, contents)


def read_change_file(data: bytes, name: str) -> ChangeFile:
    """Read a file of the store; `Refused` (`bad-change-file` and what reading envelope and list raises) if it is none of that name."""
    first, _, rest = data.partition(b"\n")
    envelope = first + b"\n"
    if hashlib.sha256(envelope).hexdigest() != name:
        raise _bad(name, why="its first line is not the envelope of that digest")
    stated = read_change_set(parse_envelope(envelope).payload)
    if rest and not rest.endswith(b"\n"):
        raise _bad(name, why="its end is missing")
    lines = rest.split(b"\n")[:-1]
    changes = tuple(read_change(line) for line in lines[: stated.said.changes])
    contents = tuple(lines[stated.said.changes :])
    if hashlib.sha256(list_of(changes)).hexdigest() != stated.listed or len({change.ref for change in changes}) != len(changes):
        raise _bad(name, why="its list is not the one that was signed")
    if len(contents) != sum(change.now is not None for change in changes):
        raise _bad(name, why="contents are missing or too many")
    return ChangeFile(name, envelope, stated, changes, contents)


class ChangeStore:
    """The change sets of a workspace, each read once."""

    def __init__(self, root: Path) -> None:
        """Read nothing yet."""
        self.folder = root / CHANGES
        self._files: dict[str, ChangeFile] = {}

    def get(self, name: str) -> ChangeFile:
        """Read the change set whose envelope has this digest; `Refused`: `no-change-file`, `too-large`, and as `read_change_file`."""
        if name not in self._files:
            path = self.path(name)
            try:
                if path.is_symlink() or path.stat().st_size > MAX_FILE:
                    raise Refused(rule="too-large", message=f"{path.name} is a link, or larger than {MAX_FILE:,} bytes")
                self._files[name] = read_change_file(path.read_bytes(), name)
            except OSError as error:
                message = f"the change set {name[:12]}… cannot be read in {self.folder}: {error.strerror}"
                raise Refused(rule="no-change-file", message=message) from None
        return self._files[name]

    def put(self, file: ChangeFile) -> None:
        """Write a change set, durable when this returns."""
        put(self.path(file.name), bytes(file))
        self._files[file.name] = file

    def names(self) -> list[str]:
        """Name every change set there is."""
        return sorted(path.stem for path in self.folder.glob(f"*{CHANGES_SUFFIX}") if _NAME.fullmatch(path.name))

    def path(self, name: str) -> Path:
        """Say where a change set lies."""
        return self.folder / f"{name}{CHANGES_SUFFIX}"

    def sealed(self, key: str | None = None) -> Iterator[tuple[ChangeFile, Sealed]]:
        """Find everything sealed, or what is under one key, with its file."""
        yield from ((file, one) for file, one in self._personal() if isinstance(one, Sealed) and key in (None, one.key))

    def erased(self) -> Iterator[tuple[ChangeFile, Erased]]:
        """Find every mark of an erasure, with its file."""
        yield from ((file, one) for file, one in self._personal() if isinstance(one, Erased))

    def _personal(self) -> Iterator[tuple[ChangeFile, Sealed | Erased]]:
        for name in self.names():
            file = self.get(name)
            for change, content in file.stored.values():
                found = _sealed(content) if change.committed else None
                if found is not None:
                    yield file, found


def new_file(envelope: bytes, changes: Sequence[Change], contents: Mapping[str, bytes]) -> ChangeFile:
    """Put a change set together from its signed envelope, its changes and the stored content of each by the record's name."""
    ordered = tuple(sorted(changes))
    stated = read_change_set(parse_envelope(envelope).payload)
    stored = tuple(contents[change.ref] for change in ordered if change.now is not None)
    return ChangeFile(hashlib.sha256(envelope).hexdigest(), envelope, stated, ordered, stored)


def read_content(data: bytes) -> dict[str, Any]:
    """Read a content whose digest was held against the log."""
    value: dict[str, Any] = json.loads(data)
    return value


def _sealed(content: bytes) -> Sealed | Erased | None:
    """Read a personal content; None where it is none, of which reading the version tells."""
    try:
        return parse_sealed(content)
    except Refused:
        return None


def _erased(content: bytes, key: str, mark: Erased) -> bytes:
    found = _sealed(content)
    return bytes(Erased(mark.at, mark.ground, found.commitments)) if isinstance(found, Sealed) and found.key == key else content


def _bad(name: str, *, why: str) -> Refused:
    return Refused(rule="bad-change-file", message=f"{name[:12]}…{CHANGES_SUFFIX} is no change set: {why}")
