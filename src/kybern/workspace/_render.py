"""Problems as text for a terminal: place, message, the line itself with a caret, and what would be right."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kybern.base import InputError
from kybern.base.yaml import split_lines
from kybern.workspace._files import inside, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from kybern.base import Problem

_WIDTH: Final = 100


@dataclass
class SourceLines:
    """Looks up lines of the files of a workspace, to show them under a problem. What cannot be read is shown as nothing."""

    root: Path
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, file: str, line: int) -> str:
        """Give a line, counted from 1."""
        if file not in self._lines:
            self._lines[file] = self._read(file)
        lines = self._lines[file]
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _read(self, file: str) -> list[str]:
        if not inside(self.root, file):
            return []
        try:
            return split_lines(read_file(self.root, file).decode("utf-8", "replace").removeprefix("\ufeff"))
        except InputError:
            return []


def render(problems: Iterable[Problem], line_text: Callable[[str, int], str]) -> str:
    """Write problems one after the other; `line_text(file, line)` gives the source line. Ends with a line break unless empty."""
    return "".join(f"{_one(problem, line_text)}\n" for problem in problems)


def _one(problem: Problem, line_text: Callable[[str, int], str]) -> str:
    lines = [_visible(f"{problem.place}: {problem.severity}: {problem.message} [{problem.rule}]")]
    source = line_text(problem.place.file, problem.place.line) if problem.place.line else ""
    if source.strip():
        lines += _excerpt(source, problem.place.column)
    if problem.hint:
        lines.append(f"  hint: {_visible(problem.hint)}")
    return "\n".join(lines)


def _excerpt(source: str, column: int) -> list[str]:
    """Show a line with a caret under `column`; of a long line only the part around it."""
    start = max(0, column - 1 - _WIDTH // 2) if len(source) > _WIDTH else 0
    before = _visible(source[start : column - 1])
    shown = before + _visible(source[column - 1 : start + _WIDTH])
    return [f"    {shown.rstrip()}", f"    {' ' * _cells(before)}^"]


def _visible(text: str) -> str:
    """Replace what would move the cursor or change the terminal; tabs become a space."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def _cells(text: str) -> int:
    """Count the columns a text takes on a terminal."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
