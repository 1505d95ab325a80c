"""Where a character of a text stands in the file: conditions are long, and people want the column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kybern.base import Place
    from kybern.base.yaml import YamlDocument

_QUOTES: Final = ('"', "'")


def place_in_text(document: YamlDocument, path: Sequence[str | int], text: str, at: int) -> Place:
    """Find where character `at` of the text at `path` stands; its end where `at` is beyond what is written.

    A text is written as it stands, line by line, but for the white space around its lines. Where the file writes it otherwise
    (escapes), the place is where the text begins.
    """
    start = document.place(path)
    line = document.line_text(start.line)
    offset = start.column if line[start.column - 1 : start.column] in _QUOTES else start.column - 1
    if line[offset:].startswith(text):
        return replace(start, column=offset + 1 + at)
    done = 0
    end = start
    for number, column, content in _lines(document, start, len(text) + 2):
        found = text.find(content, done)
        if found < 0 or text[done:found].strip():
            return start
        if at < found + len(content):
            return replace(start, line=number, column=column + max(0, at - found))
        done = found + len(content)
        end = replace(start, line=number, column=column + len(content))
        if not text[done:].strip():
            return end
    return start


def _lines(document: YamlDocument, start: Place, most: int) -> Iterator[tuple[int, int, str]]:
    """Go through the lines of a text, without the white space around them: number, column and content of each.

    A text has a sign for each of its line breaks, so `most` bounds how many lines it can have.
    """
    line = document.line_text(start.line)
    opening = line[start.column - 1 : start.column]
    number, skip = start.line, start.column - 1
    if opening in {"|", ">"}:
        number, skip = start.line + 1, 0
    quote = opening if opening in _QUOTES else ""
    skip += len(quote)
    while number < start.line + most:
        rest = document.line_text(number)[skip:]
        content = rest.strip()
        closes = bool(quote) and content.endswith(quote)
        if content:
            yield number, skip + len(rest) - len(rest.lstrip()) + 1, content.removesuffix(quote) if closes else content
        number, skip = number + 1, 0
