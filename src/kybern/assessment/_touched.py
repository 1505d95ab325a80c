"""Whom a change of law touches: the controls that answer it, the records that name either, and the statuses that move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kybern.assessment._assessment import Assessment
from kybern.assessment._status import Status
from kybern.catalog import Control, EntryChange, Relation
from kybern.records import Record, RecordSet


@dataclass(frozen=True, slots=True)
class TouchedRecord:
    """A record that names what changed: entries, entries over them, or controls that answer them."""

    ref: str
    title: str
    because: tuple[str, ...]
    systems: tuple[str, ...]
    """The AI systems it names."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The status of a requirement on a subject under the one law and the other; None where it does not bear on the subject."""

    ref: str
    subject: str
    old: Status | None
    new: Status | None


def touched_controls(changes: Iterable[EntryChange], controls: Iterable[Control]) -> dict[str, tuple[tuple[str, Relation], ...]]:
    """Name, for each changed entry, the controls that answer it and how; entries that no control answers are left out."""
    answers: dict[str, list[tuple[str, Relation]]] = {}
    for control in controls:
        for mapping in control.satisfies:
            answers.setdefault(mapping.requirement, []).append((control.id, mapping.relation))
    return {change.ref: tuple(answers[change.ref]) for change in changes if change.ref in answers}


def touched_records(changes: Sequence[EntryChange], controls: Iterable[str], records: RecordSet) -> tuple[TouchedRecord, ...]:
    """Name the records that name a changed entry, one over it, or one of the controls, in the order of the records."""
    entries: dict[str, dict[str, None]] = {}
    for change in changes:
        for name in (change.ref, *change.above):
            entries.setdefault(name, {})[change.ref] = None
    known = {**{name: (name,) for name in controls}, **{name: tuple(because) for name, because in entries.items()}}
    return tuple(found for record in records if (found := _touched(record, known)))


def _touched(record: Record, known: Mapping[str, tuple[str, ...]]) -> TouchedRecord | None:
    because = dict.fromkeys(name for _, _, target in record.catalog_links() for name in known.get(target, ()))
    systems = dict.fromkeys(_systems(record))
    return TouchedRecord(record.ref, record.title, tuple(because), tuple(systems)) if because else None


def _systems(record: Record) -> Iterator[str]:
    if record.kind == "ai_system":
        yield record.ref
    for link in record.links():
        if link.target.startswith("ai_system:"):
            yield link.target


def status_changes(old: Assessment, new: Assessment, frameworks: Iterable[str]) -> tuple[StatusChange, ...]:
    """Compare two assessments of the same records and evidence, made under two states of law, requirement by requirement."""
    names = tuple(frameworks)
    before, after = ({(row.ref, row.subject): row.score.status for name in names for row in side.rows(name)} for side in (old, new))
    keys = dict.fromkeys((*after, *before))
    return tuple(StatusChange(*key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key))
