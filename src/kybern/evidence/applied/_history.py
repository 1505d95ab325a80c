"""Who changed what, when and why: the versions of a record, and each of its fields traced to the change that brought it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kybern.evidence._refused import Refused
from kybern.evidence.applied._changeset import open_change_set
from kybern.evidence.applied._compare import FieldChange, compare, fields_of
from kybern.evidence.applied._store import read_content

if TYPE_CHECKING:
    from kybern.base.yaml import JsonValue
    from kybern.evidence._keyring import Keyring
    from kybern.evidence.applied._changeset import Applied
    from kybern.evidence.applied._state import Applications, Reader, Version


@dataclass(frozen=True)
class Told:
    """A version of a record with what its change set says, and whether a key vouches for it.

    `said` is None where the change set cannot be had; `doubt` says why it cannot, or why its signature does not count; `unread`
    why the content cannot be had.

    `fields` are those that differ from the version before, as far as both can be read; `stood` tells whether there was one.
    """

    version: Version
    said: Applied | None
    doubt: str
    unread: str
    fields: tuple[FieldChange, ...]
    stood: bool = False

    @property
    def act(self) -> str:
        """Say in a word what became of the record."""
        if self.version.leaf.removed:
            return "removed"
        return "changed" if self.stood else "added"


@dataclass(frozen=True)
class Blamed:
    """A field of a record as it stands, and the version that last changed it; None where that cannot be told."""

    path: str
    value: JsonValue
    told: Told | None


def history(applied: Applications, reader: Reader, keyring: Keyring, ref: str) -> tuple[Told, ...]:
    """Give the versions of a record, the oldest first."""
    found: list[Told] = []
    before: dict[str, Any] | None = None
    stood = False
    for version in applied.of(ref):
        content, unread = _content(reader, version)
        said, doubt = _said(reader, keyring, version)
        fields = () if unread or (found and found[-1].unread) else compare(before, content)
        found.append(Told(version, said, doubt, unread, fields, stood))
        before, stood = content, not version.leaf.removed
    return tuple(found)


def blame(told: tuple[Told, ...], reader: Reader) -> tuple[Blamed, ...]:
    """Trace each field of a record's last version; nothing if it was removed. Raises `Refused` if its content cannot be had."""
    if not told or told[-1].version.leaf.removed:
        return ()
    content = reader.content(told[-1].version)
    fields = fields_of(None if content is None else read_content(content))
    brought: dict[str, Told | None] = {}
    known: dict[str, JsonValue] = {}
    sure = True
    for one in told:
        now, unread = _content(reader, one.version)
        if unread:
            sure = False
            continue
        present = fields_of(now)
        for path, value in present.items():
            if path not in known or known[path] != value:
                brought[path] = one if sure else None
        known, sure = present, True
    return tuple(Blamed(path, value, brought.get(path)) for path, value in fields.items())


def _content(reader: Reader, version: Version) -> tuple[dict[str, Any] | None, str]:
    try:
        data = reader.content(version)
    except Refused as refused:
        return None, refused.message
    return (None if data is None else read_content(data)), ""


def _said(reader: Reader, keyring: Keyring, version: Version) -> tuple[Applied | None, str]:
    try:
        file = reader.store.get(version.leaf.change)
    except Refused as refused:
        return None, refused.message
    try:
        return open_change_set(file.envelope, keyring, version.leaf.source, version.leaf.at).said, ""
    except Refused as refused:
        return file.stated.said, refused.message
