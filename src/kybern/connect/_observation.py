"""Observations: what a file of another tool says, in the terms of evidence, before anybody signs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from kybern.base import InputError, Place, digest
from kybern.base.suggest import Suggester
from kybern.catalog import PredicateType
from kybern.evidence import PREDICATES, Collector, Predicate, Refused, parse_predicate

NOT_STATED: Final = "not stated"
"""The version of a tool whose file does not name it."""

_ALWAYS: Final = frozenset(("topic", "observed_at", "collector"))
_FARTHEST_EAST: Final = timezone(timedelta(hours=14))
_SHOWN: Final = 12


@dataclass(frozen=True)
class Source:
    """What a connector reads: the bytes of a file, or of a folder's files by their path within it."""

    name: str
    data: bytes = b""
    files: Mapping[str, bytes] | None = None
    """The files of a folder; None for a file."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, or of a folder's names and digests."""
        if self.files is None:
            return sha256(self.data).hexdigest()
        return digest({name: sha256(data).hexdigest() for name, data in sorted(self.files.items())})

    def fault(self, rule: str, message: str, hint: str = "", *, pointer: str = "", line: int = 0) -> InputError:
        """Build the error for something that is wrong with it."""
        return InputError.one(rule, message, Place(self.name, line, 1 if line else 0, pointer), hint)


@dataclass(frozen=True)
class Observation:
    """One thing a file says: the fields of a predicate, the tool that made it, and how the figure is defined.

    `name` is what the file calls it (a suite, a metric), `group` what it lies in (a run, a data set); both choose among many. Fields
    that the file does not state are left out: nothing is filled in by guess. `observed_at` is None where the file has no time.
    """

    name: str
    predicate: PredicateType
    fields: Mapping[str, Any]
    tool: str
    version: str = NOT_STATED
    definition: str | None = None
    observed_at: datetime | None = None
    group: str = ""

    @property
    def label(self) -> str:
        """Its name with its group: what tells it from others of its name."""
        return f"{self.group}/{self.name}" if self.group else self.name


@dataclass(frozen=True)
class Reading:
    """What a connector found: observations, what the file lets a gate know as facts, the topic it bears on by its nature, remarks."""

    observations: tuple[Observation, ...]
    facts: Mapping[str, bool | int] = field(default_factory=dict)
    topic: str | None = None
    remarks: tuple[str, ...] = ()


def moment_of(text: str) -> datetime | None:
    """Read a moment as tools write it. One without a zone is read as the earliest it can be, so that nothing seems fresher than it is."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=_FARTHEST_EAST)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def choose(reading: Reading, only: str | None, source: Source) -> tuple[Observation, ...]:
    """Choose observations by name, or `group/name`; all of them without one.

    Raises `InputError` where there is none of that name, or several, so that two figures of one name are never taken for one.
    """
    if only is None:
        return reading.observations
    found = tuple(one for one in reading.observations if only in (one.name, one.label))
    if not found:
        labels = [one.label for one in reading.observations]
        shown = ", ".join(labels[:_SHOWN]) or "nothing"
        raise source.fault("unknown-figure", f"It holds no {only}.", Suggester().hint(only, labels, f"It holds {shown}."))
    if len(found) > 1:
        names = ", ".join(one.label for one in found[:_SHOWN])
        raise source.fault("ambiguous-figure", f"It holds {len(found)} of the name {only}.", f"Name one of {names}.")
    return found


def lacking(observation: Observation, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the fields that the predicate needs and neither the file nor the caller states."""
    model = PREDICATES[observation.predicate]
    needed = (name for name, spec in model.model_fields.items() if spec.is_required() and name not in _ALWAYS)
    return tuple(name for name in needed if name not in observation.fields and name not in fields)


def predicate_of(  # noqa: PLR0913 - what the file says, and what only the caller knows
    observation: Observation, source: Source, *, topic: str, at: datetime, expires_at: datetime | None = None, fields: Mapping[str, Any]
) -> Predicate:
    """Write an observation as a predicate on a topic, observed at the file's moment, or at `at` where the file has none.

    `fields` fill in what the file does not state; what it states stands. Raises `InputError` with what is missing or does not fit.
    """
    missing = lacking(observation, fields)
    if missing:
        hint = f"Say it: {' '.join(f'-f {name}=…' for name in missing)}."
        raise source.fault("missing-field", f"{observation.label}: the file does not state {', '.join(missing)}.", hint)
    body: dict[str, Any] = {**fields, **observation.fields}
    body |= {"topic": topic, "collector": Collector(name=observation.tool, version=observation.version[:60]).model_dump()}
    body["observed_at"] = (observation.observed_at or at).isoformat()
    if expires_at is not None:
        body["expires_at"] = expires_at.isoformat()
    if observation.definition is not None:
        body["method"] = observation.definition
    body.setdefault("note", _origin(observation, source))
    try:
        return parse_predicate(PREDICATES[observation.predicate], body)
    except Refused as refused:
        message = f"{refused.message[:1].upper()}{refused.message[1:]}."
        raise source.fault(refused.rule, f"{observation.label}: {message}") from None


def _origin(observation: Observation, source: Source) -> str:
    named = ascii(source.name)[1:-1][-400:]
    told = "" if observation.observed_at is not None else "; the file has no time, so it is that of reading it"
    return f"Read from {named}, SHA-256 {source.digest}{told}"
