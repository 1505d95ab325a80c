"""What a gate is given: files of other tools, read by connectors, counted as evidence as far as somebody signed them.

What nobody signed has the strength of a mere declaration, the weakest there is: a check of the catalog that wants more is not met by it,
and a failure fails it all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from glob import glob, has_magic
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from kybern.base import InputError, Place, digest
from kybern.base.suggest import Suggester
from kybern.catalog import PredicateType, Strength
from kybern.connect import Connector, Observation, Reading, Source, choose, connector_of, lacking, predicate_of, read_source
from kybern.evidence import Evidence, Predicate, Subject, TestRun, parse_statement, statement
from kybern.gate._facts import OWN
from kybern.gate._stages import Collect, Settings
from kybern.policy import FactSchema
from kybern.records import RecordSet
from kybern.records.lifecycle import AISystem

MAX_FOUND: Final = 200
"""Files that one pattern may find."""
_BY_TOOLS: Final = frozenset((PredicateType.MEASUREMENT, PredicateType.TEST_RUN, PredicateType.DOCUMENT))
"""What a tool can observe; what a person says or does is signed by that person."""


@dataclass(frozen=True)
class Item:
    """One thing that was read and can be signed: the predicate, what it is about, and where it was read."""

    predicate: Predicate
    subjects: tuple[Subject, ...]
    source: str


@dataclass(frozen=True)
class Collected:
    """What was collected: what can be signed, the facts the files let a gate know, and what was left out and why."""

    items: tuple[Item, ...] = ()
    facts: Mapping[str, bool | int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    """The items as evidence: signed where there was a key, else without signers."""


@dataclass(frozen=True)
class Wanted:
    """What is to be collected: files below a folder, and the place that says so."""

    spec: Collect
    root: Path
    place: Place


@dataclass(frozen=True)
class Ground:
    """What a gate collects for: the records, the AI system, the schema of facts, the moment."""

    records: RecordSet
    system: AISystem
    schema: FactSchema
    at: datetime


def collect(wanted: Sequence[Wanted], ground: Ground) -> Collected:
    """Read what is wanted. Raises `InputError` for what is not there or cannot be read."""
    items: list[Item] = []
    facts: dict[str, bool | int] = {}
    remarks: list[str] = []
    for one in wanted:
        connector = connector_of(one.spec.connector)
        for source in _sources(one, connector):
            reading = connector.read(source)
            _merge(facts, reading.facts, ground.schema, source)
            remarks += [f"{source.name}: {remark}" for remark in (*reading.remarks, *_left_out(one.spec, reading, source))]
            items += _items(one, reading, source, ground)
    found = together(items)
    _check_twice(found)
    return Collected(found, facts, tuple(remarks), tuple(unsigned(item) for item in found))


def stage_wants(settings: Settings, stage: str, root: Path) -> list[Wanted]:
    """Tell what the settings of the workspace in `root` collect at a stage."""
    return [Wanted(spec, root, settings.place("collect", at)) for at, spec in enumerate(settings.spec.collect) if stage in spec.stages]


def _sources(wanted: Wanted, connector: Connector) -> Iterator[Source]:
    spec, root, place = wanted.spec, wanted.root, wanted.place
    for pattern in spec.files:
        paths = sorted(glob(pattern, root_dir=root, recursive=True)) if has_magic(pattern) else [pattern]  # noqa: PTH207 - relative, as it is written
        if len(paths) > MAX_FOUND:
            raise InputError.one("too-many", f"{pattern} finds more than {MAX_FOUND} files.", place, "Name them more narrowly.")
        there = [path for path in paths if (root / path).exists()]
        if not there and spec.required:
            hint = "Did the step before it run? `required: false` lets it be missing."
            raise InputError.one("nothing-collected", f"{pattern} finds no file.", place, hint)
        yield from (read_source(root / path, connector, path) for path in there)


def _merge(facts: dict[str, bool | int], more: Mapping[str, bool | int], schema: FactSchema, source: Source) -> None:
    """Add up what files let a gate know; a connector can speak only of facts that evidence supplies."""
    for name, value in more.items():
        spec = schema.by_name.get(name)
        if spec is None:
            continue
        if spec.provider != "evidence" or not spec.optional or name in OWN:
            raise source.fault("not-a-connectors-fact", f"The connector states {name}, which is not its to state.")
        before = facts.get(name)
        facts[name] = (bool(before) or value) if isinstance(value, bool) else int(before or 0) + value


def _whole(spec: Collect, reading: Reading, source: Source) -> list[Observation]:
    """Choose what can be written as evidence; what is named has to be."""
    return [one for one in choose(reading, spec.only, source) if spec.only is not None or not lacking(one, spec.fields)]


def _left_out(spec: Collect, reading: Reading, source: Source) -> Iterator[str]:
    left = len(choose(reading, spec.only, source)) - len(_whole(spec, reading, source))
    if left:
        yield f"{left} of {len(reading.observations)} figures are left out: the file does not say all that a measurement needs"


def _items(wanted: Wanted, reading: Reading, source: Source, ground: Ground) -> Iterator[Item]:
    spec, place = wanted.spec, wanted.place
    whole, topic = _whole(spec, reading, source), spec.topic or reading.topic
    if topic is None:
        if reading.facts or not whole:  # it lets the gate know something, and bears on no topic
            return
        hint = "Name one, as in topic: validation-test."
        raise InputError.one("no-topic", f"{source.name} bears on no topic by its nature.", place, hint)
    subject = _subject(spec.about or ground.system.ref, ground.records, place)
    _check_indicator(whole, subject, source)
    for one in whole:
        if one.predicate not in _BY_TOOLS:
            raise source.fault("not-a-tools-word", f"A connector observes no {one.predicate.value}: a person signs that.")
        yield Item(predicate_of(one, source, topic=topic, at=ground.at, fields=spec.fields), (subject,), source.name)


def _subject(ref: str, records: RecordSet, place: Place) -> Subject:
    record = records.get(ref)
    if record is None:
        hint = Suggester().hint(ref, [one.ref for one in records], "A record is named kind:id.")
        raise InputError.one("unknown-record", f"There is no record {ref}.", place, hint)
    return Subject(ref, record.digest)


def _check_indicator(found: Sequence[Observation], subject: Subject, source: Source) -> None:
    """Refuse several figures of one indicator: it has one definition, so they cannot all be it."""
    if subject.ref.startswith("indicator:") and len(found) > 1:
        names = ", ".join(one.label for one in found[:12])
        raise source.fault("ambiguous-figure", f"{len(found)} figures cannot all be {subject.ref}.", f"Choose one with `only`: {names}.")


def _check_twice(found: Sequence[Item]) -> None:
    """Refuse figures of one indicator from several files: the later would stand for the earlier."""
    of: dict[tuple[str, str], str] = {}
    for item in found:
        ref = item.subjects[0].ref
        if ref.startswith("indicator:") and of.setdefault((ref, item.predicate.topic), item.source) != item.source:
            message = f"There is a figure of {ref} in {of[ref, item.predicate.topic]}, too."
            raise InputError.one("ambiguous-figure", message, Place(item.source), "Collect one at a time.")


def together(items: Sequence[Item]) -> tuple[Item, ...]:
    """Take test runs that were collected at once for what they are: parts of one run.

    On one topic about one record a later run that passed stands for an earlier one that failed. Parts of one run do not replace each
    other so: parts of one suite are added up, and all are of one moment, their earliest, at which a failure counts before a success.
    """
    parts: dict[tuple[str, ...], list[Item]] = {}
    others: list[Item] = []
    for item in items:
        if isinstance(item.predicate, TestRun):
            made = item.predicate
            parts.setdefault((made.topic, item.subjects[0].ref, made.collector.name, made.suite), []).append(item)
        else:
            others.append(item)
    earliest: dict[tuple[str, ...], datetime] = {}
    for (topic, ref, *_), found in parts.items():
        moments = [item.predicate.observed_at for item in found]
        earliest[topic, ref] = min([*moments, earliest.get((topic, ref), moments[0])])
    return (*(_one(found, earliest[key[0], key[1]]) for key, found in parts.items()), *others)


def _one(parts: Sequence[Item], at: datetime) -> Item:
    """Add up the parts of one suite."""
    runs = [item.predicate for item in parts if isinstance(item.predicate, TestRun)]
    counts = {name: sum(getattr(run, name) for run in runs) for name in ("passed", "failed", "skipped")}
    digests = sorted({run.report_sha256 for run in runs if run.report_sha256 is not None})
    sources = list(dict.fromkeys(item.source for item in parts))
    more: dict[str, Any] = {"observed_at": at}
    if len(runs) > 1:
        note = f"Added up from {len(sources)} files: {', '.join(sources)}"[:2000]
        more |= {**counts, "note": note, "report_sha256": digests[0] if len(digests) == 1 else digest(digests)}
    return Item(runs[0].model_copy(update=more), parts[0].subjects, ", ".join(sources))


def unsigned(item: Item) -> Evidence:
    """Make an item evidence without signers, of the weakest strength."""
    read = parse_statement(statement(item.predicate, item.subjects))
    predicate = read.predicate
    return Evidence(
        id=read.id,
        predicate=predicate.type,
        topic=predicate.topic,
        subjects=read.subjects,
        observed_at=predicate.observed_at.astimezone(UTC),
        expires_at=None if predicate.expires_at is None else predicate.expires_at.astimezone(UTC),
        strength=Strength.DECLARED,
        body=read.body,
        source=item.source,
    )


def option_wants(text: str, root: Path) -> Wanted:
    """Read `KIND=FILES,topic=…,about=…,only=…,FIELD=…`; `InputError` for what does not read."""
    kind, equals, rest = text.partition("=")
    parts: list[str] = rest.split(",")
    if not equals or not parts[0]:
        hint = "Write --collect junit=report.xml,topic=validation-test."
        raise InputError.one("bad-collect", f"{text!r} names no file.", Place("--collect"), hint)
    more: dict[str, Any] = {"as": kind, "files": (parts[0],)}
    fields: dict[str, Any] = {}
    for part in parts[1:]:
        name, is_set, value = part.partition("=")
        if not is_set:
            raise InputError.one("bad-collect", f"{part!r} in {text!r} has no value.", Place("--collect"), "Write name=value.")
        if name in {"topic", "about", "only"}:
            more[name] = value
        else:
            fields[name] = _number(value)
    try:
        return Wanted(Collect.model_validate({**more, "fields": fields}), root, Place("--collect"))
    except ValidationError as error:
        why = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        raise InputError.one("bad-collect", f"{text!r} does not read: {why}.", Place("--collect")) from None


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
