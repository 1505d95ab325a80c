"""The flat names of a form's fields, `gates.0.gate`, as the tree that they spell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kybern.base import InputError, Place, Problem
from kybern.base.yaml import pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kybern.base.validation import Path

    Posted = Mapping[str, Sequence[str]]

MOST_ROWS: Final = 500
"""Rows of one list."""
_MOST_FIELDS: Final = 10_000
_MOST_TEXT: Final = 4_000_000
_DEEPEST: Final = 8
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,5}")


@dataclass(slots=True)
class Node:
    """What was posted under a name: its own values, and what stands below it."""

    values: list[str] = field(default_factory=list)
    below: dict[str, Node] = field(default_factory=dict)

    @property
    def value(self) -> str:
        """The one value of a field that takes one; the last, if there are several."""
        return self.values[-1] if self.values else ""

    @property
    def rows(self) -> list[tuple[str, Node]]:
        """What stands below under numbers, in their order."""
        return sorted(((name, node) for name, node in self.below.items() if is_number(name)), key=lambda pair: int(pair[0]))


def is_number(name: str) -> bool:
    """Tell whether a step of a name numbers a row."""
    return _NUMBER.fullmatch(name) is not None


def problem_at(path: Path, rule: str, message: str, hint: str = "") -> Problem:
    """Say what is wrong with a field: its place is a pointer."""
    return Problem(rule, message, Place("form", pointer=pointer(path)), hint)


def named(path: Path) -> str:
    """Write a path as a form does."""
    return ".".join(map(str, path))


def tree_of(posted: Posted) -> Node:
    """Build the tree; `InputError` if more was posted than anybody fills in."""
    if len(posted) > _MOST_FIELDS:
        message = f"The form has {len(posted):,} fields."
        raise InputError([problem_at((), "too-large", message, f"At most {_MOST_FIELDS:,} are read.")])
    if sum(len(value) for values in posted.values() for value in values) > _MOST_TEXT:
        message = "The form holds too much text."
        raise InputError([problem_at((), "too-large", message, f"At most {_MOST_TEXT:,} characters are read.")])
    root = Node()
    for name, values in posted.items():
        node = root
        for step in name.split(".", _DEEPEST):
            node = node.below.setdefault(step, Node())
        node.values += values
    return root
