"""A value made from something else than YAML, that knows where each part came from; and the framework it is checked into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kybern.base import InputError, Place
from kybern.base.validation import validate
from kybern.catalog._check import cross_check
from kybern.catalog._models import Framework
from kybern.catalog._read import Located, Sources

LONGEST: Final = 20_000
"""Characters of one text."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mapped:
    """A JSON-shaped value, with where its parts stand in the file: `Requirements!B7`, `/catalog/groups/0`."""

    file: str
    value: Any
    where: Mapping[Path, str]

    def place(self, path: Sequence[str | int] = (), *, key: bool = False) -> Place:  # noqa: ARG002 - a name stands where its value does
        """Find where the value at `path` comes from, or its nearest ancestor."""
        steps = tuple(path)
        while steps and steps not in self.where:
            steps = steps[:-1]
        return Place(self.file, pointer=self.where.get(steps, ""))


def checked(found: Mapped) -> Framework:
    """Make a framework of the value; `InputError` with everything that is wrong, in form or in itself, each with its place."""
    framework, problems = validate(Framework, found, whole="A framework")
    if framework is None:
        raise InputError(problems)
    problems = list(cross_check(Sources(frameworks=[Located(framework, found)]), None))
    cites = {("unknown-requirement", ref) for entry in framework.requirements for ref in entry.cites}
    own = f"{framework.id}:"
    foreign = {f"There is no requirement {ref}." for _, ref in cites if not ref.startswith(own)}
    problems = [one for one in problems if one.message not in foreign]
    if problems:
        raise InputError(problems)
    return framework


def clean(text: str) -> str:
    """Keep what a person can read: line breaks, no other control characters, no space at the end of a line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    shown = ("".join(char if char.isprintable() else " " for char in line).rstrip() for line in lines)
    return "\n".join(shown).strip()
