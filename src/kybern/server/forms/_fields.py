"""A form as data: what can be filled in for a kind of record, in which order, within which limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from kybern.records import Edge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.base.yaml import JsonValue


class Widget(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    PROSE = "prose"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    """A date and time with its offset, as text."""
    DAYS = "days"
    """A number of days, which the record states as `P30D`."""
    TRUTH = "truth"
    CHOICE = "choice"
    CHOICES = "choices"
    REFERENCE = "reference"
    CATALOG = "catalog"
    LIST = "list"
    """Rows of one field each."""
    PARTS = "parts"
    """Rows of several fields each."""
    PART = "part"
    FACTS = "facts"
    """Rows of a name and a value."""
    VALUE = "value"
    """Whatever YAML writes on one line: true, 12, a text, [a, list]."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a field may have."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form, or with `inner` a group of them.

    `path` names the fields from the record down to this one, rows left out. `attributes` are HTML's own constraints. `inner` holds the
    field of each row of a list, the fields of a part, or name and value of a fact.
    """

    path: tuple[str, ...]
    label: str
    widget: Widget
    help: str = ""
    hint: str = ""
    """How a value of this form is written."""
    required: bool = False
    default: JsonValue = None
    attributes: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    choices: tuple[Choice, ...] = ()
    kinds: tuple[str, ...] = ()
    """Kinds of record that a reference may name; none means any."""
    edge: Edge = Edge.ABOUT
    entry: str = ""
    """What a name from the catalog names: a control or a requirement."""
    inner: tuple[Field, ...] = ()
    least: int = 0
    most: int | None = None
    none_is_said: bool = False
    """An empty list is a statement of its own here: there are none."""

    @property
    def name(self) -> str:
        """The field's own name, the last of its path."""
        return self.path[-1]

    @property
    def is_rows(self) -> bool:
        """Tell whether the field is a list that grows by rows."""
        return self.widget in {Widget.LIST, Widget.PARTS, Widget.FACTS}


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together under a heading."""

    title: str
    fields: tuple[Field, ...]
    help: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What can be filled in for a kind of record."""

    kind: str
    label: str
    help: str
    groups: tuple[Group, ...]
    many: str
    """What a register of them is called."""

    @property
    def fields(self) -> Iterator[Field]:
        """The fields of all groups, in order."""
        return (found for group in self.groups for found in group.fields)

    def field(self, name: str) -> Field | None:
        """Look a field of the record up by its name."""
        return next((found for found in self.fields if found.name == name), None)
