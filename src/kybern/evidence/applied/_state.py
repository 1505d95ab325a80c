"""The records as they were applied: replayed from the log, at any entry or moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kybern.evidence._refused import Refused
from kybern.evidence.applied._store import read_content
from kybern.evidence.log import RECORD
from kybern.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kybern.evidence._vault import Vault
    from kybern.evidence.applied._store import ChangeStore
    from kybern.evidence.log import Leaf, View


@dataclass(frozen=True)
class Version:
    """A version of a record as the log has it: in which entry, and what the entry says."""

    index: int
    leaf: Leaf

    @property
    def ref(self) -> str:
        """The record's name."""
        return self.leaf.ref

    @property
    def name(self) -> str | None:
        """The digest of the version, or the commitment to it; None where the record was removed."""
        return self.leaf.digest or self.leaf.commitment or None


@dataclass(frozen=True)
class State:
    """The versions that stand after some entries of the log: `last` is the last of them that is a record's, None before the first."""

    versions: Mapping[str, Version]
    last: Version | None

    @property
    def entries(self) -> int:
        """How many entries the log had with the last of these."""
        return 0 if self.last is None else self.last.index + 1

    @property
    def change(self) -> str | None:
        """The change set that brought this state."""
        return None if self.last is None else self.last.leaf.change


class Applications:
    """Everything that was ever applied, in order."""

    def __init__(self, view: View) -> None:
        """Read the entries of records from the log."""
        self.all = tuple(Version(index, leaf) for index, leaf in view.entries(RECORD))

    def now(self) -> State:
        """Give the state after the last entry."""
        return self._state(len(self.all))

    def at(self, moment: datetime) -> State:
        """Give the state at a moment: after the last entry that the log took in by then."""
        return self._state(sum(one.leaf.at <= moment for one in self.all))

    def after(self, index: int) -> State:
        """Give the state after the entry of this index."""
        return self._state(sum(one.index <= index for one in self.all))

    def of(self, ref: str) -> tuple[Version, ...]:
        """Give every version of a record, the oldest first; a removal is one."""
        return tuple(one for one in self.all if one.ref == ref)

    def since(self, entries: int) -> tuple[Version, ...]:
        """Give what was applied after the log had so many entries."""
        return tuple(one for one in self.all if one.index >= entries)

    def _state(self, count: int) -> State:
        found: dict[str, Version] = {}
        for one in self.all[:count]:
            found[one.ref] = one
        return State({ref: one for ref, one in found.items() if not one.leaf.removed}, self.all[count - 1] if count else None)


@dataclass(frozen=True)
class Unread:
    """A version whose content cannot be had: why, as a slug and in words (`erased`, `sealed`, `bad-content`, ...)."""

    ref: str
    rule: str
    message: str


@dataclass(frozen=True)
class Contents:
    """The contents of a state."""

    found: Mapping[str, bytes]
    unread: tuple[Unread, ...] = ()

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Read the contents as records; `Refused` (`bad-content`) for one that this version of Kybern does not read."""
        return tuple(_record(ref, data) for ref, data in self.found.items())

    def json(self, ref: str) -> dict[str, Any] | None:
        """Give a record's content; None if it is not here."""
        data = self.found.get(ref)
        return None if data is None else read_content(data)


@dataclass(frozen=True)
class Reader:
    """Reads the contents of versions out of the change sets, opening what is sealed where the key is in the vault."""

    store: ChangeStore
    vault: Vault
    _known: dict[tuple[str, str], bytes | Refused] = field(default_factory=dict)

    def content(self, version: Version) -> bytes | None:
        """Give the canonical JSON of a version, None for a removal; raises `Refused` as `ChangeFile.content`."""
        key = (version.leaf.change, version.ref)
        if version.leaf.removed:
            return None
        if key not in self._known:
            self._known[key] = self._read(version)
        found = self._known[key]
        if isinstance(found, Refused):
            raise found
        return found

    def contents(self, state: State) -> Contents:
        """Read the contents of a state; those that cannot be had are named with the reason."""
        found: dict[str, bytes] = {}
        unread: list[Unread] = []
        for ref in sorted(state.versions):
            try:
                data = self.content(state.versions[ref])
            except Refused as refused:
                unread.append(Unread(ref, refused.rule, refused.message))
            else:
                found |= {} if data is None else {ref: data}
        return Contents(found, tuple(unread))

    def _read(self, version: Version) -> bytes | Refused:
        try:
            file = self.store.get(version.leaf.change)
            there = file.stored.get(version.ref)
            if there is None or there[0].now != version.name:
                return Refused("bad-content", f"entry {version.index} and its change set tell of other versions of {version.ref}")
            return file.content(version.ref, self.vault)
        except Refused as refused:
            return refused


def _record(ref: str, data: bytes) -> Record:
    content = read_content(data)
    kind = Record.registry.get(str(content.get("kind")))
    try:
        record = None if kind is None else kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Refused(
            "bad-content", f"{ref} cannot be read as it was applied: {'/'.join(map(str, first['loc']))}: {first['msg']}"
        ) from None
    if record is None or record.ref != ref:
        raise Refused("bad-content", f"{ref} is not of a kind that this Kybern knows, or has another name in its content")
    return record
