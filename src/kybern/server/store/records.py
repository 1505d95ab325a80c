"""Writing records: one transaction for the signed change set, the log's entries, and the rows made from them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from pydantic import ValidationError

from kybern.base import InputError, Place, Problem
from kybern.base.validation import said_of
from kybern.base.yaml import pointer
from kybern.evidence import VAULT, Refused, Vault
from kybern.evidence.applied import (
    MAX_CHANGES,
    Base,
    ChangeFile,
    ChangeStore,
    Signed,
    Step,
    change_file,
    entries_of,
    read_change_file,
)
from kybern.evidence.log import read_leaf
from kybern.records import Record
from kybern.server._metrics import count_records
from kybern.server.events.outbox import tell_records
from kybern.server.store.journal import DatabaseJournal, locked_head
from kybern.server.store.keys import held_key
from kybern.server.store.models import ChangeSetRow, LogEntry, RecordLink, RecordRow
from kybern.server.store.projection import project

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kybern.server.store.models import LogHead

ANY: Final = "*"
"""In the place of a version's digest: whatever stands there now."""


@dataclass(frozen=True)
class Write:
    """What is to become of a record: its new content, or None to remove it.

    `expected` is the digest of the version it was made from, None where there should be none yet, `ANY` where that does not matter.
    """

    ref: str
    content: Mapping[str, Any] | None
    expected: str | None = ANY


@dataclass(frozen=True)
class Written:
    """What became of a record: its digest, None if it was removed, and the log's entry; `entry` is None where nothing changed."""

    ref: str
    act: str
    digest: str | None
    entry: int | None


class Conflict(Exception):  # noqa: N818 - it is an answer
    """Somebody else wrote the record meanwhile: which, and what stands there now (None: nothing)."""

    def __init__(self, ref: str, current: str | None) -> None:
        """Keep what stands there."""
        super().__init__(f"{ref} was changed meanwhile")
        self.ref, self.current = ref, current


@lru_cache(maxsize=2)
def _parsed(data: bytes, name: str) -> ChangeFile:
    """Read a change set. The last ones are kept, for one by which thousands of records came is asked for with each of them."""
    return read_change_file(data, name)


class DatabaseChanges(ChangeStore):
    """The change sets in the database."""

    def __init__(self) -> None:
        """Read nothing yet."""
        super().__init__(settings.KYBERN_DATA)

    def get(self, name: str) -> ChangeFile:
        """Read the change set whose envelope has this digest; `Refused` (`no-change-file`) if there is none."""
        if name not in self._files:
            data = ChangeSetRow.objects.filter(pk=name).values_list("data", flat=True).first()
            if data is None:
                raise Refused(rule="no-change-file", message=f"the change set {name[:12]}… is not in the database")
            self._files[name] = _parsed(bytes(data), name)
        return self._files[name]

    def put(self, file: ChangeFile) -> None:
        """Keep a change set, in the caller's transaction."""
        ChangeSetRow.objects.create(name=file.name, data=bytes(file))

    def names(self) -> list[str]:
        """Name every change set there is."""
        return list(ChangeSetRow.objects.order_by("name").values_list("name", flat=True))


def vault() -> Vault:
    """Open the vault of the data folder, where personal content is sealed."""
    return Vault(settings.KYBERN_DATA / VAULT, os.urandom)


def read_record(content: Mapping[str, Any]) -> Record:
    """Read a record's content; `InputError` with every fault, its place a JSON pointer into the content."""
    kind = content.get("kind")
    model = Record.registry.get(kind) if isinstance(kind, str) else None
    if model is None:
        hint = f"The kinds are {', '.join(sorted(Record.registry))}."
        raise InputError.one("unknown-kind", f"There is no record kind {kind!r}.", Place("record", pointer="/kind"), hint)
    try:
        return model.model_validate_json(json.dumps(content))
    except ValidationError as error:
        found = said_of(error, content, model=model, whole=f"A record of kind {kind}")
        raise InputError(
            [Problem(said.rule, said.message, Place("record", pointer=pointer(path)), said.hint) for path, said in found]
        ) from None


def write_records(writes: Sequence[Write], by: str, reason: str, now: datetime) -> list[Written]:
    """Write records in somebody's name, all of them or none; one signed change set in the log.

    Raises `Conflict` where a record is not in the version expected, `InputError` for content that cannot be used, for references
    that lead nowhere, and for a removal of what others name.
    """
    wanted = _wanted(writes)
    with transaction.atomic():
        head = locked_head()
        standing = {row.ref: row for row in RecordRow.objects.filter(ref__in=list(wanted))}
        steps = [step for write in writes if (step := _step(write, wanted[write.ref], standing.get(write.ref))) is not None]
        entries: dict[str, int] = {}
        if steps:
            _check_references([one.new for one in steps if one.new], {one.ref for one in steps if one.new is None})
            entries = _append(head, steps, by, reason, now)
        written = [_written(one, wanted[one.ref], standing.get(one.ref), entries) for one in writes]
        _tell(written, standing)
    count_records(one.act for one in written)
    return written


def _tell(written: Sequence[Written], standing: Mapping[str, RecordRow]) -> None:
    acts = [(one.ref, one.act, one.digest, one.entry) for one in written if one.entry is not None]
    if acts:
        gone = {ref: row.unit for ref, row in standing.items()}
        tell_records(acts, gone, datetime.fromisoformat(locked_head().at))


def _wanted(writes: Sequence[Write]) -> dict[str, Record | None]:
    if not 0 < len(writes) <= MAX_CHANGES:
        raise InputError.one("no-change", "There is nothing to write, or too much at once.", Place("records"))
    problems: list[Problem] = []
    wanted: dict[str, Record | None] = {}
    for number, write in enumerate(writes):
        if write.ref in wanted:
            problems.append(Problem("duplicate-id", f"{write.ref} is written twice.", Place(write.ref), "Keep one."))
        try:
            record = None if write.content is None else read_record(write.content)
        except InputError as error:
            where = write.ref or str(number)
            problems += [Problem(one.rule, one.message, Place(where, pointer=one.place.pointer), one.hint) for one in error.problems]
            continue
        if record is not None and record.ref != write.ref:
            problems.append(
                Problem("wrong-name", f"The content is of {record.ref}.", Place(write.ref, pointer="/id"), f"Write {write.ref}.")
            )
        wanted[write.ref] = record
    if problems:
        raise InputError(problems)
    return wanted


def _step(write: Write, record: Record | None, row: RecordRow | None) -> Step | None:
    """Say what becomes of a record; None where it stands as wanted."""
    there = None if row is None else row.digest
    if write.expected not in (ANY, there):
        raise Conflict(write.ref, there)
    if (record is None and row is None) or (record is not None and record.digest == there):
        return None
    return Step(write.ref, None if row is None else _version_name(row), None, record)


def _version_name(row: RecordRow) -> str:
    """Give the name of the version that stands, as the log has it: its digest, or the commitment where it is personal."""
    leaf = read_leaf(bytes(LogEntry.objects.values_list("leaf", flat=True).get(pk=row.entry)))
    return leaf.digest or leaf.commitment


def _check_references(records: Sequence[Record], removed: Collection[str]) -> None:
    """Refuse references to what is not there, and removals of what is named."""
    written = {record.ref for record in records}
    named = [(record, link) for record in records for link in record.links()]
    asked = {link.target for _, link in named} - written
    known = set(RecordRow.objects.filter(ref__in=asked).values_list("ref", flat=True)) - set(removed)
    problems = [
        Problem(
            "broken-reference",
            f"There is no record {link.target}.",
            Place(record.ref, pointer=pointer(link.path)),
            "Write it first, or in the same request.",
        )
        for record, link in named
        if link.target in asked and link.target not in known
    ]
    problems += _still_named(removed, written)
    if problems:
        raise InputError(problems)


def _still_named(removed: Collection[str], written: Collection[str]) -> list[Problem]:
    links = RecordLink.objects.filter(target__in=list(removed)).exclude(source__in=[*removed, *written])
    return [
        Problem("still-named", f"{link.source} names it.", Place(link.target), f"Take the reference out of {link.source} first.")
        for link in links.order_by("target", "source")[:50]
    ]


def _append(head: LogHead, steps: Sequence[Step], by: str, reason: str, now: datetime) -> dict[str, int]:
    """Sign, log and project the steps within the transaction that holds the head."""
    key = held_key(by, now)
    file = change_file(_base(head), steps, Signed(key, by, reason or "edited", now), vault())
    ChangeSetRow.objects.create(name=file.name, data=bytes(file))
    indices = DatabaseJournal().append(entries_of(file, by), now)
    entries = {change.ref: index for change, index in zip(file.changes, indices, strict=True)}
    at = locked_head().at
    project([(one.ref, one.new, entries[one.ref]) for one in steps], by, at)
    return entries


def _base(head: LogHead) -> Base:
    """Name the last change set, and how many entries the log had with it."""
    if not head.records:
        return Base(change=None, entries=0)
    last = read_leaf(bytes(LogEntry.objects.values_list("leaf", flat=True).get(pk=head.records - 1)))
    return Base(change=last.change, entries=head.records)


def _written(write: Write, record: Record | None, row: RecordRow | None, entries: Mapping[str, int]) -> Written:
    entry = entries.get(write.ref)
    act = "unchanged" if entry is None else "removed" if record is None else "added" if row is None else "changed"
    return Written(write.ref, act, None if record is None else record.digest, entry)
