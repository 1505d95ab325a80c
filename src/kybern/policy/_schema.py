"""The fact schema: what rules may speak of, declared and versioned; and the door through which facts come in, checked."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kybern.base import digest
from kybern.catalog import Slug
from kybern.policy._durations import read_duration
from kybern.policy._types import BOOL, DURATION, TIMESTAMP, Base, Type
from kybern.policy._units import DIMENSIONS

ACTION: Final = "action"
"""The fact that every request has: what is to be decided."""

TIME: Final = "request.time"
"""The fact that says when: a rule's time of effect is held against it. The clock's, never the caller's."""

CALLER: Final = "caller"
MAX_ITEMS: Final = 1000

FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=80)]
Plain: TypeAlias = str | int | float | bool
Value: TypeAlias = str | int | float | bool | datetime | timedelta | tuple[str, ...] | tuple[int, ...] | tuple[float, ...]
"""What a fact is once it has come in."""

_Line = Annotated[str, Field(min_length=1, max_length=500)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FactSpec(_Shape):
    """A fact: its name, type, what it means, for which actions it is there, and who supplies it.

    `label` is what a sentence calls it (`the risk class of the system`), `label_de` the same in German.

    Texts are an enumeration (`values`), or say how they are spelt: `case` lower, upper, or exact where every spelling is another
    value. A number with a dimension has a `unit`. An `optional` fact has to be asked for with `has(…)` before it is used.
    `provider` other than `caller` names who supplies it: the caller cannot. `example` stands in where an example leaves it out.
    """

    name: FactName
    type: Literal["bool", "int", "number", "string", "timestamp", "duration", "list"]
    description: _Line
    label: Annotated[str, Field(min_length=1, max_length=120)]
    label_de: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    items: Literal["int", "number", "string"] | None = None
    values: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=300)] = ()
    case: Literal["lower", "upper", "exact"] | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_items: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 100
    actions: tuple[Slug, ...] = ()
    optional: bool = False
    provider: Slug = CALLER
    example: Plain | list[Plain] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> FactSpec:
        scalar = self.items if self.type == "list" else self.type
        for holds, msg in (
            ((self.items is None) != (self.type == "list"), "a list, and only it, says what its items are"),
            (not self.values or scalar == "string", "values are for texts"),
            (
                scalar != "string" or bool(self.values) != (self.case is not None),
                "a text has either values, or a case: lower, upper or exact",
            ),
            (self.case is None or scalar == "string", "case is for texts"),
            (self.unit is None or scalar in {"int", "number"}, "a unit is for numbers; a timespan is a duration"),
            (self.unit is None or self.unit in DIMENSIONS, f"there is no unit {self.unit!r}: there are {', '.join(DIMENSIONS)}"),
            (len(set(self.values)) == len(self.values), "a value stands twice"),
            (
                len({"".join(value.casefold().split()) for value in self.values}) == len(set(self.values)),
                "two values differ in capitals or spaces only",
            ),
            (self.optional or self.example is not None, "a fact that is always there needs an example"),
            (
                scalar != "int" or all(bound is None or bound.is_integer() for bound in (self.minimum, self.maximum)),
                "the bounds of a whole number are whole",
            ),
            (self.minimum is None or self.maximum is None or self.minimum <= self.maximum, "minimum is above maximum"),
            ((self.minimum is None and self.maximum is None) or scalar in {"int", "number"}, "bounds are for numbers"),
        ):
            if not holds:
                raise ValueError(msg)
        return self

    @cached_property
    def kind(self) -> Type:
        """The type as the checker has it."""
        item = Type(Base(self.items or self.type), self.unit, self.values)
        return Type(Base.LIST, item=item) if self.type == "list" else item


class FactSchema(_Shape):
    """A schema: its name and version, the actions that are decided on, who supplies facts, and the facts."""

    id: Slug
    version: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=20)]
    title: _Line
    actions: Annotated[dict[Slug, _Line], Field(min_length=1, max_length=100)]
    providers: dict[Slug, _Line]
    facts: Annotated[tuple[FactSpec, ...], Field(min_length=1, max_length=2000)]

    @model_validator(mode="after")
    def _holds_together(self) -> FactSchema:
        names = [fact.name for fact in self.facts]
        twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) != len(names) else None
        if twice is not None:
            msg = f"the fact {twice} stands twice"
            raise ValueError(msg)
        for fact in self.facts:
            self._check(fact)
        time = next((fact for fact in self.facts if fact.name == TIME), None)
        if time is None or time.kind != TIMESTAMP or time.optional or time.actions or time.provider == CALLER:
            msg = f"{TIME} must be there: a timestamp for every action, from a provider"
            raise ValueError(msg)
        return self

    def _check(self, fact: FactSpec) -> None:
        unknown = next((name for name in fact.actions if name not in self.actions), None)
        if unknown is not None:
            msg = f"{fact.name} names the action {unknown}, which is not among the actions"
            raise ValueError(msg)
        if fact.provider != CALLER and fact.provider not in self.providers:
            msg = f"{fact.name} names the provider {fact.provider}, which is not among the providers"
            raise ValueError(msg)
        if fact.example is not None:
            reader_of(fact)(fact.example)

    @property
    def ref(self) -> str:
        """Name and version: `kybern/1`."""
        return f"{self.id}/{self.version}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the schema's canonical JSON."""
        return digest(self.model_dump(mode="json"))

    @cached_property
    def by_name(self) -> Mapping[str, FactSpec]:
        """The facts by name."""
        return {fact.name: fact for fact in self.facts}

    @cached_property
    def _readers(self) -> Mapping[str, Callable[[object], Value]]:
        return {fact.name: reader_of(fact) for fact in self.facts}

    def read(self, name: str, value: object) -> Value:
        """Read a value of a fact; `KeyError` for an unknown fact, `ValueError` in words for what is no value of it."""
        return self._readers[name](value)

    @cached_property
    def doors(self) -> Mapping[str, Door]:
        """What is known and needed for each action."""
        return {action: Door.of(self, action) for action in self.actions}

    def facts_of(self, given: Mapping[str, object], provided: Mapping[str, object]) -> Facts:
        """Take in the facts of a request: those its caller gives (flat, by dotted name), and those providers supply.

        Raises `BadFacts` with everything that is wrong: an unknown fact, one of the wrong type or out of bounds, one that is missing,
        one that the caller may not supply.
        """
        faults: list[str] = []
        action = given.get(ACTION)
        door = self.doors.get(action) if isinstance(action, str) else None
        if door is None or not isinstance(action, str):
            raise BadFacts([f"{ACTION} is {_shown(action)}; it is one of {', '.join(self.actions)}"])
        values: dict[str, Value] = {ACTION: door.action}
        if given.keys() - door.caller != {ACTION}:
            faults += door.strange(self, given.keys() - {ACTION})
        if provided.keys() - door.provided:
            faults += sorted(f"{_named(name)} is not a provider's fact for {action}" for name in provided.keys() - door.provided)
        readers = self._readers
        for source in (given, provided):
            for name, value in source.items():
                if name in readers:
                    try:
                        values[name] = readers[name](value)
                    except Exception as error:  # noqa: BLE001 - whatever the value does when it is looked at, it is no fact
                        faults.append(f"{name}: {error}")
        if not faults and not values.keys() >= door.needed:
            faults += [f"{name} is missing" for name in sorted(door.needed - values.keys())]
        if faults:
            raise BadFacts(faults)
        return Facts(values, self)


@dataclass(frozen=True)
class Door:
    """The facts of one action: those the caller may give, those providers supply, those that must be there."""

    action: str
    caller: frozenset[str]
    provided: frozenset[str]
    needed: frozenset[str]

    @classmethod
    def of(cls, schema: FactSchema, action: str) -> Door:
        """Gather what a schema says of an action."""
        here = [fact for fact in schema.facts if not fact.actions or action in fact.actions]
        return cls(
            action,
            frozenset(fact.name for fact in here if fact.provider == CALLER),
            frozenset(fact.name for fact in here if fact.provider != CALLER),
            frozenset(fact.name for fact in here if not fact.optional),
        )

    def strange(self, schema: FactSchema, names: Iterable[str]) -> list[str]:
        """Say what is wrong with each name that the caller may not give."""
        from kybern.base.suggest import Suggester  # noqa: PLC0415 - only where something is wrong

        found: list[str] = []
        found += [f"{_shown(name)} is not the name of a fact" for name in names if not isinstance(name, str)]
        for name in sorted({name for name in names if isinstance(name, str)} - self.caller):
            spec = schema.by_name.get(name)
            if spec is None:
                found.append(f"there is no fact {_named(name)}. {Suggester().hint(name, self.caller | self.provided)}".strip())
            elif name in self.provided:
                found.append(f"{name} comes from {spec.provider}: a caller cannot state it")
            else:
                found.append(f"{name} is not a fact of {self.action}")
        return found


class BadFacts(Exception):  # noqa: N818 - a finding about a request; whoever decides denies
    """Facts that cannot be decided on: everything that is wrong with them."""

    def __init__(self, faults: list[str]) -> None:
        """Keep the faults."""
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that came in through a schema: every one known, of its type, within its bounds; none missing that must be there."""

    values: Mapping[str, Value]
    schema: FactSchema


# --- Reading one value -------------------------------------------------------------------------------------------------------------


def reader_of(spec: FactSpec) -> Callable[[object], Value]:
    """Make the function that reads a value of a fact; it raises `ValueError` in words for what is none."""
    kind = spec.kind
    if kind.item is None:
        return _scalar(spec, kind)
    one, most = _scalar(spec, kind.item), spec.max_items

    def read_list(value: object) -> Value:
        if not isinstance(value, list | tuple | set | frozenset):
            msg = f"{_shown(value)} is not a list"
            raise ValueError(msg)  # noqa: TRY004 - the fact's content is wrong, not the program's type
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else tuple(value)  # the same facts in the same order
        if len(items) > most:
            msg = f"it has {len(items)} items; at most {most} are read"
            raise ValueError(msg)
        return tuple(map(one, items))  # type: ignore[return-value]

    return read_list


def _scalar(spec: FactSpec, kind: Type) -> Callable[[object], Value]:
    if kind.values:
        return _enumerated(frozenset(kind.values))
    if kind == BOOL:
        return _bool
    if kind == TIMESTAMP:
        return _timestamp
    if kind == DURATION:
        return _duration
    if kind.base is Base.STRING:
        return _text(spec.case)
    return _number(spec, whole=kind.base is Base.INT)


def _enumerated(values: frozenset[str]) -> Callable[[object], Value]:
    own = {value: value for value in values}

    def read(value: object) -> Value:
        if isinstance(value, str) and value in own:
            return own[value]
        msg = f"{_shown(value)} is none of {', '.join(sorted(values))}"
        raise ValueError(msg)

    return read


def _bool(value: object) -> Value:
    if isinstance(value, bool):
        return value
    msg = f"{_shown(value)} is neither true nor false"
    raise ValueError(msg)


def _text(case: str | None) -> Callable[[object], Value]:
    def read(value: object) -> Value:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            msg = f"{_shown(value)} is not a text of at most {MAX_TEXT:,} characters"
            raise ValueError(msg)
        text = str.__str__(value)
        text = text.lower() if case == "lower" else text.upper() if case == "upper" else text
        return text if text.isascii() else _composed(text)

    return read


def _composed(text: str) -> str:
    """Give a text its composed form (NFC): an ü in two signs is an ü. `ValueError` for half a sign, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = f"{_shown(text)} holds half a character"
        raise ValueError(msg) from None
    return unicodedata.normalize("NFC", text)


MAX_TEXT: Final = 100_000


def _number(spec: FactSpec, *, whole: bool) -> Callable[[object], Value]:
    low = -math.inf if spec.minimum is None else spec.minimum
    high = math.inf if spec.maximum is None else spec.maximum

    kind = int if whole else float

    def read(value: object) -> Value:
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not math.isfinite(value):
            msg = f"{_shown(value)} is not a {'whole ' if whole else ''}number"
            raise ValueError(msg)
        if not low <= value <= high:
            msg = f"{value} lies outside {low:g} to {high:g}"
            raise ValueError(msg)
        if abs(value) > SAFE and whole:
            msg = f"{value} is beyond 2^53"
            raise ValueError(msg)
        if type(value) is kind:
            return value
        number = int(value) if whole else float(value)
        if number != value:
            msg = f"{value} has more digits than a number keeps"
            raise ValueError(msg)
        return number

    return read


SAFE: Final = 2**53 - 1
FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
LONGEST: Final = timedelta(days=36_525)
"""Moments lie from 1900 to 2200 and timespans within a century: so reckoning with them stays in the calendar, and what is proved of
them is proved of every request."""
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})", re.ASCII)


def read_timestamp(text: str) -> datetime:
    """Read a moment as RFC 3339 has it, with its zone; `ValueError` in words otherwise."""
    if not _MOMENT.fullmatch(text):
        msg = f"{text!r} is not a moment with its zone, like 2026-11-23T09:00:00Z"
        raise ValueError(msg)
    return datetime.fromisoformat(text)


def _timestamp(value: object) -> Value:
    moment = read_timestamp(value) if isinstance(value, str) else value
    if type(moment) is datetime and moment.tzinfo is UTC and FIRST <= moment <= LAST:
        return moment
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        msg = f"{_shown(value)} is not a moment with its zone, like 2026-11-23T09:00:00Z"
        raise ValueError(msg)
    return in_calendar(moment)


def in_calendar(moment: datetime) -> datetime:
    """Give a moment in UTC; `ValueError` in words for one that is not thought of."""
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        found = None
    if found is None or not FIRST <= found <= LAST:
        msg = f"{moment.isoformat()} lies outside {FIRST.year} to {LAST.year}"
        raise ValueError(msg)
    return datetime.combine(found.date(), found.timetz())


def _duration(value: object) -> Value:
    span = read_duration(value) if isinstance(value, str) else value
    if type(span) is timedelta:
        return in_a_century(span)
    if not isinstance(span, timedelta):
        msg = f"{_shown(value)} is not a timespan, like 24h or 1h30m"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return in_a_century(timedelta(span.days, span.seconds, span.microseconds))


def in_a_century(span: timedelta) -> timedelta:
    """Give a timespan back; `ValueError` in words for one that is not thought of."""
    if not -LONGEST <= span <= LONGEST:
        msg = f"{span.days} days are more than a century ({LONGEST.days} days)"
        raise ValueError(msg)
    return span


def _named(name: object) -> str:
    """Name what a caller calls a fact: a name as it stands, anything else as it is written."""
    return name if isinstance(name, str) and name.isascii() and name.isprintable() else _shown(name)


def _shown(value: object) -> str:
    try:
        text = ascii(value)
    except Exception:  # noqa: BLE001 - an object that cannot even be shown
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - part of a line
