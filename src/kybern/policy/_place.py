"""Where a character of a text stands in the file: conditions are long, and people want the column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.base import Place
    from kybern.base.yaml import YamlDocument


def place_in_text(document: YamlDocument, path: Sequence[str | int], text: str, at: int) -> Place:
    """Find where character `at` of the text at `path` stands. Where the file writes the text otherwise (escapes), where it begins."""
    start = document.place(path)
    line = document.line_text(start.line)
    opening = line[start.column - 1 : start.column]
    if opening in {"|", ">"}:
        return _in_block(document, start, text, at)
    offset = 1 if opening in {'"', "'"} else 0
    if line[start.column - 1 + offset :].startswith(text):
        return replace(start, column=start.column + offset + at)
    return start


def _in_block(document: YamlDocument, start: Place, text: str, at: int) -> Place:
    """Follow the lines of a block text: each of them is written as it stands, after the indentation."""
    done = 0
    number = start.line + 1
    while done <= at and number < start.line + 1 + len(text):
        line = document.line_text(number)
        content = line.strip()
        found = text.find(content, done) if content else -1
        if content and found >= 0 and not text[done:found].strip():
            if at < found + len(content) + 1:
                return replace(start, line=number, column=len(line) - len(line.lstrip()) + 1 + max(0, at - found))
            done = found + len(content)
        elif content:
            break
        number += 1
    return start
