"""A form with its values: what a page shows, or shows again with what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from kybern.base.yaml import JsonValue
from kybern.server.forms._fields import Choice, Field, Form, Widget
from kybern.server.forms._names import MOST_ROWS, named
from kybern.server.forms._read import NONE_SAID
from kybern.workspace import inline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kybern.base import Problem

_NO_PROBLEMS: Final[Mapping[str, Sequence[Problem]]] = MappingProxyType({})
_NO_ROWS: Final[Mapping[str, int]] = MappingProxyType({})
_IN_DAYS: Final = re.compile(r"P(0|[1-9][0-9]{0,4})D")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMERAL: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
_INPUTS: Final = {Widget.DATE: ("date", _DATE), Widget.INTEGER: ("number", _NUMERAL), Widget.NUMBER: ("number", _NUMERAL)}
"""Inputs that take values of one form only: any other value is shown as text, for a browser would drop it."""
_LINE_LENGTH: Final = 90
_HIGHEST: Final = 18
_LINES: Final = frozenset((Widget.LINE, Widget.VALUE))
_SAFE: Final = 2**53


@dataclass(frozen=True, slots=True)
class Option:
    """A choice as it is offered: chosen or not."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a list: one field or several, under its number."""

    name: str
    number: int
    """Counted from 1, for people."""
    fields: tuple[BoundField, ...]
    spare: bool
    """Empty, and waiting to be filled in."""


@dataclass(frozen=True, slots=True)
class BoundField:
    """A field with its name in the form, its value as text, its rows, and what is wrong with it."""

    field: Field
    name: str
    value: str = ""
    options: tuple[Option, ...] = ()
    blank: bool = False
    """A choice may be left open."""
    rows: tuple[Row, ...] = ()
    fields: tuple[BoundField, ...] = ()
    problems: tuple[Problem, ...] = ()
    spare: bool = False
    none_said: bool = False

    @property
    def id(self) -> str:
        """The element's id."""
        return "f-" + self.name.replace(".", "-")

    @property
    def widget(self) -> Widget:
        """How it is filled in: a line that holds line breaks needs room for them."""
        return Widget.PROSE if self.field.widget in _LINES and "\n" in self.value else self.field.widget

    @property
    def input_type(self) -> str:
        """The type of the input that can hold the value."""
        kind, form = _INPUTS.get(self.field.widget, ("text", None))
        return kind if form is None or not self.value or form.fullmatch(self.value) else "text"

    @property
    def required(self) -> bool:
        """Tell whether a browser should insist on it: not within a row that may stay empty."""
        return self.field.required and not self.spare

    @property
    def lines(self) -> int:
        """Lines that the text takes, within reason."""
        return min(_HIGHEST, sum(1 + len(line) // _LINE_LENGTH for line in self.value.split("\n")))

    @property
    def none_name(self) -> str:
        """The name of the box that says of a list: there are none."""
        return f"{self.name}.{NONE_SAID}"

    def walk(self) -> Iterator[BoundField]:
        """Go through this field and all below it."""
        yield self
        for one in self.fields:
            yield from one.walk()
        for row in self.rows:
            for one in row.fields:
                yield from one.walk()


@dataclass(frozen=True, slots=True)
class BoundGroup:
    """A group of bound fields."""

    title: str
    fields: tuple[BoundField, ...]


@dataclass(frozen=True, slots=True)
class BoundForm:
    """A form with its values; `problems` are those of the record as a whole."""

    form: Form
    groups: tuple[BoundGroup, ...]
    problems: tuple[Problem, ...] = ()

    def walk(self) -> Iterator[BoundField]:
        """Go through every field, however deep."""
        for group in self.groups:
            for one in group.fields:
                yield from one.walk()

    @property
    def faults(self) -> tuple[tuple[BoundField | None, Problem], ...]:
        """Every problem with its field, in the order of the page; those of the whole first."""
        found = [(one, problem) for one in self.walk() for problem in one.problems]
        return (*((None, problem) for problem in self.problems), *found)


def values_of(
    form: Form,
    content: Mapping[str, JsonValue],
    problems: Mapping[str, Sequence[Problem]] = _NO_PROBLEMS,
    spare: Mapping[str, int] = _NO_ROWS,
) -> BoundForm:
    """Bind a form to the content of a record, or to nothing for a new one.

    `problems` are by form name; one whose field is not shown goes to the nearest that is. `spare` says how many empty rows a list
    shows at least; lists of single fields have one, and lists of parts that must not be empty.
    """
    groups = _Binder({}, spare).groups(form, content)
    if problems:
        names = {one.name for group in groups for bound in group.fields for one in bound.walk()}
        placed: dict[str, tuple[Problem, ...]] = {}
        for name, found in problems.items():
            where = _nearest(name, names)
            placed[where] = (*placed.get(where, ()), *found)
        return BoundForm(form, _Binder(placed, spare).groups(form, content), placed.get("", ()))
    return BoundForm(form, groups)


def _nearest(name: str, names: set[str]) -> str:
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


class _Binder:
    def __init__(self, problems: Mapping[str, tuple[Problem, ...]], spare: Mapping[str, int]) -> None:
        self._problems = problems
        self._spare = spare

    def groups(self, form: Form, content: Mapping[str, JsonValue]) -> tuple[BoundGroup, ...]:
        return tuple(
            BoundGroup(group.title, tuple(self._bind(one, one.name, content.get(one.name)) for one in group.fields))
            for group in form.groups
        )

    def _bind(self, field: Field, name: str, value: JsonValue, *, spare: bool = False) -> BoundField:
        bound = BoundField(field, name, problems=self._problems.get(name, ()), spare=spare)
        if field.widget is Widget.PART:
            return replace(bound, fields=self._inner(field, name, value, spare=spare))
        if field.widget is Widget.CHOICES:
            chosen = [_text(field, one) for one in _items(value)]
            return replace(bound, options=_options(field.choices, chosen), none_said=value == [])
        if field.is_rows:
            return replace(bound, rows=self._rows(field, name, value), none_said=value == [])
        if value is None and not spare:
            value = field.default
        text = _text(field, value)
        if field.widget is Widget.CHOICE:
            blank = spare or value is None or not (field.required or field.default is not None)
            return replace(bound, value=text, options=_options(field.choices, [text] if text else []), blank=blank)
        return replace(bound, value=text, blank=not field.required and field.default is None)

    def _inner(self, field: Field, name: str, value: JsonValue, *, spare: bool) -> tuple[BoundField, ...]:
        values = value if isinstance(value, dict) else {}
        return tuple(self._bind(one, f"{name}.{one.name}", values.get(one.name), spare=spare) for one in field.inner)

    def _rows(self, field: Field, name: str, value: JsonValue) -> tuple[Row, ...]:
        if field.widget is Widget.FACTS:
            pairs = value.items() if isinstance(value, dict) else ()
            items: list[JsonValue] = [{"name": key, "value": inline(one)} for key, one in pairs]
        else:
            items = _items(value)
        wanted = max(
            field.least - len(items), self._spare.get(name, 0 if field.widget is Widget.PARTS and field.least <= len(items) else 1)
        )
        most = min(field.most or MOST_ROWS, MOST_ROWS)
        spare = max(0, min(wanted, most - len(items)))
        rows = [*((one, False) for one in items), *((None, True) for _ in range(spare))]
        return tuple(self._row(field, named((name, index)), one, index + 1, spare=empty) for index, (one, empty) in enumerate(rows))

    def _row(self, field: Field, name: str, value: JsonValue, number: int, *, spare: bool) -> Row:
        if field.widget is Widget.LIST:
            return Row(name, number, (self._bind(field.inner[0], name, value, spare=spare),), spare)
        return Row(name, number, self._inner(field, name, value, spare=spare), spare)


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _options(choices: Sequence[Choice], chosen: Sequence[str]) -> tuple[Option, ...]:
    """Offer the choices; of several chosen, those come first, for their order is part of what the record states."""
    labels = {choice.value: choice.label for choice in choices}
    if len(chosen) == 1 and chosen[0] in labels:
        return tuple(Option(value, label, value == chosen[0]) for value, label in labels.items())
    first = tuple(Option(value, labels.get(value, value), chosen=True) for value in chosen)
    return (*first, *(Option(value, label, chosen=False) for value, label in labels.items() if value not in chosen))


def _text(field: Field, value: JsonValue) -> str:
    """Write a value as its input holds it."""
    if isinstance(value, str):
        found = _IN_DAYS.fullmatch(value) if field.widget is Widget.DAYS else None
        return found[1] if found else value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < _SAFE:
        return str(int(value))
    return inline(value)
