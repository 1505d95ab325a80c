"""The audit of records: every version that the log has, held against its change set, its content and its signature."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from kybern.evidence._refused import Refused
from kybern.evidence.applied._changeset import Change, open_change_set
from kybern.evidence.log import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.evidence._keyring import Keyring
    from kybern.evidence.applied._state import Applications, Reader, Version

_MOST: Final = 20


@dataclass
class RecordAudit:
    """What was held against each other, what did not fit, and how many contents could not be looked at because they are sealed."""

    versions: int = 0
    change_sets: int = 0
    erased: int = 0
    sealed: int = 0
    strangers: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def held(self) -> tuple[str, ...]:
        """Say what held."""
        if self.findings or not self.versions:
            return ()
        change_sets = f"{self.change_sets:,} signed change set{'' if self.change_sets == 1 else 's'}"
        found = [f"{self.versions:,} record versions are those of {change_sets}, and each content has its digest."]
        if self.sealed:
            found.append(
                f"{self.sealed:,} of them are sealed, and the key is not here: their commitments stand, the contents were not read."
            )
        if self.strangers:
            found.append(f"{self.strangers:,} change sets are of no entry: an apply that did not come to its end. They count for nothing.")
        return tuple(found)

    def find(self, rule: str, message: str) -> None:
        """Note what does not fit."""
        if len(self.findings) < _MOST:
            self.findings.append(Finding(rule, message))


def audit_records(applied: Applications, reader: Reader, keyring: Keyring) -> RecordAudit:
    """Hold every version in the log against change sets and contents."""
    found = RecordAudit()
    live: dict[str, str] = {}
    seen: set[str] = set()
    before: Version | None = None
    for name, group in groupby(applied.all, key=lambda one: one.leaf.change):
        versions = list(group)
        _change_set(found, reader, keyring, versions, before)
        _chain(found, reader, versions, live)
        for version in versions:
            _version(found, reader, version)
        seen.add(name)
        before = versions[-1]
    found.change_sets = len(seen)
    found.strangers = len(set(reader.store.names()) - seen)
    return found


def _change_set(found: RecordAudit, reader: Reader, keyring: Keyring, versions: Sequence[Version], before: Version | None) -> None:
    """Hold the entries of one change set against it: signed by its source, on what stood before, with just these changes."""
    first = versions[0]
    where = f"The change set of entry {first.index}"
    try:
        file = reader.store.get(first.leaf.change)
        stated = open_change_set(file.envelope, keyring, first.leaf.source, first.leaf.at)
    except Refused as refused:
        found.find(refused.rule, f"{where}: {refused.message}.")
        return
    entries = 0 if before is None else before.index + 1
    if (stated.said.base.change, stated.said.base.entries) != (None if before is None else before.leaf.change, entries):
        found.find("other-base", f"{where} was planned against another state than the one before it.")
    listed = [(one.ref, one.now, one.committed) for one in file.changes]
    if listed != [(one.ref, one.name, bool(one.leaf.commitment)) for one in versions]:
        found.find("other-changes", f"{where} does not list the changes that the log took in.")


def _chain(found: RecordAudit, reader: Reader, versions: Sequence[Version], live: dict[str, str]) -> None:
    """See that each change starts from the version that stood."""
    try:
        changes: dict[str, Change] = {one.ref: one for one in reader.store.get(versions[0].leaf.change).changes}
    except Refused:  # told already
        changes = {}
    for one in versions:
        change = changes.get(one.ref)
        if change is not None and change.was != live.get(one.ref):
            found.find("other-base", f"Entry {one.index} changes {one.ref} from a version that did not stand.")
        if one.name is None:
            live.pop(one.ref, None)
        else:
            live[one.ref] = one.name


def _version(found: RecordAudit, reader: Reader, version: Version) -> None:
    found.versions += 1
    try:
        reader.content(version)
    except Refused as refused:
        if refused.rule == "erased":
            found.erased += 1
        elif refused.rule == "sealed":
            found.sealed += 1
        else:
            found.find(refused.rule, f"Entry {version.index}: {refused.message}.")
