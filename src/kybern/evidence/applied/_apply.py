"""Planning and applying: what would change, and one signed change set that changes it, whole or not at all."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from kybern.base import canonical_json, digest
from kybern.evidence._envelope import sign
from kybern.evidence._refused import Refused
from kybern.evidence.applied._changeset import Applied, Base, Change, change_set
from kybern.evidence.applied._compare import FieldChange, compare
from kybern.evidence.applied._state import Applications
from kybern.evidence.applied._store import new_file, read_content
from kybern.evidence.log import RECORD, Guard, JournalView, record_entry, term

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from kybern.evidence._keys import SigningKey
    from kybern.evidence._vault import Vault
    from kybern.evidence.applied._state import Reader, State, Version
    from kybern.evidence.applied._store import ChangeFile
    from kybern.evidence.log import Log, TypedEntry
    from kybern.records import Record

PERSONAL_KINDS: Final = frozenset(("person",))
"""Kinds of records whose content is personal: it is sealed, and the log holds a commitment."""


@dataclass(frozen=True)
class Step:
    """What would become of a record: its content before and after, as far as it can be had."""

    ref: str
    was: str | None
    old: bytes | None
    new: Record | None
    unread: str = ""

    @property
    def act(self) -> str:
        """Say in a word what becomes of the record."""
        return "removed" if self.new is None else "added" if self.was is None else "changed"


@dataclass(frozen=True)
class Plan:
    """What would change from a state of the log to the records given."""

    base: State
    steps: tuple[Step, ...]

    @cached_property
    def id(self) -> str:
        """Name the plan: what would change, and from what."""
        said = [[one.ref, one.was, None if one.new is None else one.new.digest] for one in self.steps]
        return digest({"base": [self.base.change, self.base.entries], "steps": said})

    @property
    def counts(self) -> Mapping[str, int]:
        """Count what would be added, changed and removed."""
        counted = Counter(one.act for one in self.steps)
        return {act: counted[act] for act in ("added", "changed", "removed")}

    def fields(self, step: Step) -> tuple[FieldChange, ...]:
        """Say which fields of a record would change."""
        return compare(None if step.old is None else read_content(step.old), None if step.new is None else step.new.content)


def plan(base: State, reader: Reader, records: Iterable[Record]) -> Plan:
    """Compare records with a state of the log. What cannot be read of the state, and is stated, counts as changed."""
    wanted = {record.ref: record for record in records}
    steps: list[Step] = []
    for ref in sorted(base.versions.keys() | wanted.keys()):
        there, record = base.versions.get(ref), wanted.get(ref)
        if there is not None and record is not None and there.leaf.digest == record.digest:
            continue
        old, unread = _old(reader, there)
        if record is None or old is None or hashlib.sha256(old).hexdigest() != record.digest:
            steps.append(Step(ref, None if there is None else there.name, old, record, unread))
    return Plan(base, tuple(steps))


def _old(reader: Reader, version: Version | None) -> tuple[bytes | None, str]:
    try:
        return (None if version is None else reader.content(version)), ""
    except Refused as refused:
        return None, refused.message


@dataclass(frozen=True)
class Signed:
    """Under whose name a change set is made: the key, its holder, the reason, the moment."""

    key: SigningKey
    holder: str
    reason: str
    now: datetime


def change_file(base: State | Base, steps: Iterable[Step], signed: Signed, vault: Vault) -> ChangeFile:
    """Make one signed change set of the steps, with the contents it brings; what is personal is sealed in the vault."""
    changes: list[Change] = []
    contents: dict[str, bytes] = {}
    for step in steps:
        change, content = _change(step, vault)
        changes.append(change)
        contents |= {} if content is None else {change.ref: content}
    rests = base if isinstance(base, Base) else Base(change=base.change, entries=base.entries)
    said = Applied(at=signed.now, by=signed.holder, reason=signed.reason, base=rests, changes=len(changes))
    return new_file(sign(change_set(said, changes), signed.key), changes, contents)


def entries_of(file: ChangeFile, holder: str) -> list[TypedEntry]:
    """Make the log's entries of a change set: one for each version."""
    return [record_entry(one.ref, file.name, holder, **({} if one.now is None else {_kind(one): one.now})) for one in file.changes]


def _change(step: Step, vault: Vault) -> tuple[Change, bytes | None]:
    if step.new is None:
        return Change(step.ref, step.was, None), None
    content = canonical_json(step.new.content)
    if step.new.kind not in PERSONAL_KINDS:
        return Change(step.ref, step.was, step.new.digest), content
    sealed = vault.seal(step.ref, content)
    return Change(step.ref, step.was, sealed.commitments[-1], committed=True), bytes(sealed)


@dataclass(frozen=True)
class Applier:
    """Applies plans to a log."""

    log: Log
    reader: Reader
    key: SigningKey
    holder: str

    def apply(self, found: Plan, reason: str, now: datetime) -> list[int]:
        """Sign the plan as one change set, keep it with its contents, append an entry for each version, and publish.

        The change set is on disk, flushed, before the log acknowledges; the log takes all entries or none. Raises `Refused`:
        `nothing-to-apply`, `moved-on` with what was applied meanwhile, and what the log raises.
        """
        if not found.steps:
            raise Refused(rule="nothing-to-apply", message="nothing would change")
        file = change_file(found.base, found.steps, Signed(self.key, self.holder, reason, now), self.reader.vault)
        self.reader.store.put(file)
        entries = entries_of(file, self.holder)
        last = None if found.base.last is None else found.base.last.index
        try:
            indices = self.log.append(entries, now, Guard(term("type", RECORD), last))
        except Refused as refused:
            if refused.rule != "moved-on":  # whether the log has the entries may be open, so what they name stays
                raise
            self.reader.store.path(file.name).unlink(missing_ok=True)
            raise self._moved_on(found) from None
        self.log.publish(now)
        return indices

    def _moved_on(self, found: Plan) -> Refused:
        """Say what was applied since the plan was made."""
        fresh = Applications(JournalView(self.log)).since(found.base.entries)
        names = list(dict.fromkeys(one.ref for one in fresh))
        who = ", ".join(dict.fromkeys(one.leaf.source for one in fresh))
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")  # noqa: PLR2004 - a line's worth
        return Refused(rule="moved-on", message=f"the log has moved on since this was planned: {who} applied {shown}; plan again")


def _kind(change: Change) -> str:
    return "commitment" if change.committed else "digest"
