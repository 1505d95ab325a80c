"""Patterns of Python as HTML's `pattern` attribute has them: whole by nature, and read with the flag `v`."""

from __future__ import annotations

from typing import Final

_RESERVED: Final = frozenset("()[{}/|")
"""What the flag `v` wants escaped within a class, beside the dash."""


def html_pattern(pattern: str) -> str:
    """Write a pattern for the browser: the anchors go, and what `v` reserves within a class is escaped."""
    body = pattern.removeprefix("^").removesuffix("$")
    out: list[str] = []
    inside = escaped = False
    for index, char in enumerate(body):
        if escaped or char == "\\":
            escaped = not escaped
            out.append(char)
        elif inside and (char in _RESERVED or (char == "-" and not _is_range(body, index))):
            out.append("\\" + char)
        else:
            inside = char == "[" or (inside and char != "]")
            out.append(char)
    return "".join(out)


def _is_range(body: str, at: int) -> bool:
    return body[at - 1].isalnum() and body[at + 1].isalnum()
