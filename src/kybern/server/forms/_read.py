"""From what a browser posts to the content of a record: JSON-shaped, without what was left empty."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from kybern.base import InputError, Problem
from kybern.base.validation import shown
from kybern.base.yaml import JsonValue, read_yaml
from kybern.server.forms._fields import Field, Form, Widget
from kybern.server.forms._names import MOST_ROWS, Node, is_number, named, problem_at, tree_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kybern.base.validation import Path
    from kybern.server.forms._names import Posted

_T = TypeVar("_T")

_LONGEST: Final = 100_000
"""Characters of one text; what a field allows is less, and the model's to say."""
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a YAML file could not hold either."""
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,400}")
_NUMERAL: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_DIGITS: Final = re.compile(r"[0-9]+")
NONE_SAID: Final = "_none"
"""The last step of a box that says of a list: there are none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form held when it was posted, good or bad: enough to show it again.

    `problems` are by the field's form name. `spare` counts the rows of each list that were left empty.
    """

    content: dict[str, JsonValue]
    problems: Mapping[str, tuple[Problem, ...]]
    spare: Mapping[str, int]


def read_posted(form: Form, posted: Posted) -> dict[str, JsonValue]:
    """Read the content of a record from what was posted; empty fields and rows are left out, rows stand in the order of their numbers.

    Names that begin with an underscore and names that are no field of the record are the page's own, and passed over. Of several
    values for a field that takes one the last counts. Raises `InputError` for what no record can hold, each problem with a pointer.
    """
    reader = _Reader()
    content = reader.record(form, tree_of(posted))
    if reader.problems:
        raise InputError(reader.problems)
    return content


def draft_of(form: Form, posted: Posted) -> Draft:
    """Read what was posted and lose nothing of it, so that the form can be shown again; never raises."""
    reader = _Reader()
    try:
        content = reader.record(form, tree_of(posted))
    except InputError as error:
        return Draft({"kind": form.kind}, {"": error.problems}, {})
    return Draft(content, by_name(reader.problems), reader.spare)


def by_name(problems: list[Problem]) -> dict[str, tuple[Problem, ...]]:
    """Sort problems by the form names of their fields."""
    found: dict[str, tuple[Problem, ...]] = {}
    for one in problems:
        steps = one.place.pointer.split("/")[1:]
        name = ".".join(step.replace("~1", "/").replace("~0", "~") for step in steps)
        found[name] = (*found.get(name, ()), one)
    return found


@dataclass(slots=True)
class _Reader:
    """Reads the tree of names by the form; an empty value is None."""

    problems: list[Problem] = field(default_factory=list)
    spare: dict[str, int] = field(default_factory=dict)

    def record(self, form: Form, root: Node) -> dict[str, JsonValue]:
        return {"kind": form.kind, **self._mapping(form.fields, root, ())}

    def _mapping(self, fields: Iterable[Field], node: Node, path: Path) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        for one in fields:
            if one.name in node.below:
                value = self._value(one, node.below[one.name], (*path, one.name))
                if value is not None:
                    found[one.name] = value
        return found

    def _value(self, one: Field, node: Node, path: Path) -> JsonValue:
        if one.widget is Widget.PART:
            self._only(node, path, {inner.name for inner in one.inner})
            return self._mapping(one.inner, node, path) or None
        if one.widget is Widget.CHOICES:
            return self._chosen(one, node, path)
        if one.widget is Widget.FACTS:
            return self._facts(one, node, path)
        if one.is_rows:
            return self._rows(one, node, path)
        self._only(node, path)
        return self._leaf(one, node.value, path)

    def _only(self, node: Node, path: Path, known: set[str] | frozenset[str] = frozenset(), *, rows: bool = False) -> None:
        """Tell of names below a field that lead nowhere."""
        for name in node.below:
            strange = name not in known and not name.startswith("_") and not (rows and is_number(name))
            if strange:
                self.problems.append(problem_at(path, "unknown-field", f"{named(path)} has no field {shown(name)}."))

    def _chosen(self, one: Field, node: Node, path: Path) -> JsonValue:
        self._only(node, path)
        found: list[JsonValue] = [text for value in self._cut(node.values, path) if (text := self._text(value, path).strip())]
        return found or self._none(one, node)

    def _none(self, one: Field, node: Node) -> JsonValue:
        return [] if one.none_is_said and NONE_SAID in node.below else None

    def _rows(self, one: Field, node: Node, path: Path) -> JsonValue:
        self._only(node, path, rows=True)
        found: list[JsonValue] = []
        rows = self._cut([*(row for _, row in node.rows), *(Node([value]) for value in node.values)], path)
        for row in rows:
            value = self._row(one, row, (*path, len(found)))
            if value is not None:
                found.append(value)
        self._count_spare(path, len(rows) - len(found))
        return found or self._none(one, node)

    def _row(self, one: Field, row: Node, path: Path) -> JsonValue:
        if one.widget is Widget.LIST:
            return self._value(one.inner[0], row, path)
        self._only(row, path, {inner.name for inner in one.inner})
        return self._mapping(one.inner, row, path) or None

    def _facts(self, one: Field, node: Node, path: Path) -> JsonValue:
        self._only(node, path, rows=True)
        found: dict[str, JsonValue] = {}
        rows = self._cut([row for _, row in node.rows], path)
        for row in rows:
            at = (*path, len(found))
            self._only(row, at, {"name", "value"})
            name = self._text(row.below.get("name", Node()).value, (*at, "name"))
            text = row.below.get("value", Node()).value
            if name.strip() or text.strip():
                found[self._free(name, found, at)] = self._leaf(one.inner[1], text, (*at, "value"))
        self._count_spare(path, len(rows) - len(found))
        return found or None

    def _free(self, name: str, taken: Mapping[str, JsonValue], at: Path) -> str:
        """Tell of a fact without a name or with another's; it is kept under a name that is free."""
        if not name.strip():
            self.problems.append(
                problem_at((*at, "name"), "missing-field", "A fact has a value and no name.", "Name it, or empty its value.")
            )
        if name not in taken:
            return name
        message = f"The key {shown(name)} stands twice in one mapping."
        self.problems.append(problem_at((*at, "name"), "duplicate-key", message, "Keep one."))
        return next(free for number in range(2, MOST_ROWS + 3) if (free := f"{name} ({number})") not in taken)

    def _cut(self, rows: list[_T], path: Path) -> list[_T]:
        if len(rows) > MOST_ROWS:
            self.problems.append(problem_at(path, "wrong-length", f"{named(path)} needs at most {MOST_ROWS:,} items."))
        return rows[:MOST_ROWS]

    def _count_spare(self, path: Path, spare: int) -> None:
        if spare:
            self.spare[named(path)] = spare

    def _text(self, value: str, path: Path) -> str:
        """Take a text as it is, line breaks as everywhere."""
        text = value.replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > _LONGEST:
            self.problems.append(problem_at(path, "wrong-length", f"{named(path)} needs at most {_LONGEST:,} characters."))
        if found := _CONTROL.search(text):
            name = "NUL" if found[0] == "\0" else "control"
            self.problems.append(problem_at(path, "binary", f"The text holds a {name} character.", f"Remove it: {ascii(found[0])[1:-1]}."))
            return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
        return text

    def _leaf(self, one: Field, value: str, path: Path) -> JsonValue:
        text = self._text(value, path)
        if not text.strip():
            return None
        if one.widget in {Widget.LINE, Widget.PROSE} and "pattern" not in one.attributes:
            return text
        read = _READERS.get(one.widget)
        if read is None:
            return text.strip()
        try:
            return read(text.strip())
        except InputError as error:
            self.problems += [problem_at(path, found.rule, found.message, found.hint) for found in error.problems]
            return text


def _integer(text: str) -> JsonValue:
    return _yaml(text) if _INTEGER.fullmatch(text) else text


def _number(text: str) -> JsonValue:
    return _yaml(text) if _NUMERAL.fullmatch(text) else text


def _days(text: str) -> JsonValue:
    return f"P{text}D" if _DIGITS.fullmatch(text) else text


def _truth(text: str) -> JsonValue:
    return {"true": True, "false": False}.get(text, text)


def _yaml(text: str) -> JsonValue:
    """Read a value as a YAML file would."""
    return read_yaml(text.encode(), "form")[0].value


def _free_value(text: str) -> JsonValue:
    """Read a value of any type; what is no whole value of YAML is a text, with all that stands in it."""
    try:
        documents = read_yaml(text.encode(), "form")
    except InputError as error:
        if {one.rule for one in error.problems} <= {"yaml-syntax", "empty-file"}:
            return text
        raise
    value = documents[0].value
    bare = text[0] not in "\"'[{"
    return text if len(documents) > 1 or (bare and (isinstance(value, str) or "#" in text)) else value


_READERS: Final[Mapping[Widget, Callable[[str], JsonValue]]] = {
    Widget.INTEGER: _integer,
    Widget.NUMBER: _number,
    Widget.DAYS: _days,
    Widget.TRUTH: _truth,
    Widget.VALUE: _free_value,
}
