"""What is wrong, where, and what would be right: the one shape of every complaint Kybern makes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    """How much a problem matters: an error stops the command, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file: line and column count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0
    pointer: str = ""

    def __str__(self) -> str:
        """Write `file:line:column`, the form editors and terminals make clickable."""
        if self.line:
            return f"{self.file}:{self.line}:{self.column}"
        return f"{self.file}#{self.pointer}" if self.pointer else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `rule` is a stable slug (`unknown-field`), `message` says what is wrong, `hint` what would be right.
    """

    rule: str
    message: str
    place: Place
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """Write the problem on one line, with its place first."""
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.place}: {self.severity}: {self.message}{hint} [{self.rule}]"


class InputError(Exception):
    """Input that cannot be used. Carries every problem found, never only the first; exit code 2."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in the order of their places."""
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda p: (p.place, p.rule)))
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def one(cls, rule: str, message: str, place: Place, hint: str = "") -> InputError:
        """Build the error for a single problem."""
        return cls([Problem(rule, message, place, hint)])
