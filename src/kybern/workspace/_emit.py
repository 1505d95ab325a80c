"""Writing records as YAML, in the form `kybern fmt` gives: whatever a text holds, it is read back as the same text."""

from __future__ import annotations

import re
import textwrap
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from kybern.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9 _.,()/'%+&;=\-\u2013\u2019]|:(?=[A-Za-z0-9]))*[A-Za-z0-9.)%]|[A-Za-z]{3,}")
_WORDS: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off"))
_FOLD: Final = 100
_WIDTH: Final = 118


def emit(about: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Write one record file: what it is about as a comment, then a list of records.

    A record's `note` becomes the comment above it; its fields come in the order of its model. Values are JSON-shaped, dates too.
    """
    parts = [comment(about)]
    parts += ["\n" + comment(str(record.get("note", ""))) + "\n".join(_item(_ordered(record), 0)) + "\n" for record in records]
    return "".join(parts)


def comment(text: str) -> str:
    """Write prose as comment lines; nothing for no text."""
    lines = (
        [line for paragraph in text.strip().split("\n") for line in (textwrap.wrap(paragraph, _WIDTH - 2, break_on_hyphens=False) or [""])]
        if text.strip()
        else []
    )
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def scalar(value: object) -> str:
    """Write a value on one line, quoted unless no reader of YAML could take it for anything but this text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and "  " not in text:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - byte widths


def _ordered(record: Mapping[str, Any]) -> dict[str, Any]:
    fields = Record.registry[record["kind"]].model_fields
    names = dict.fromkeys(("kind", "id", "title", *fields))
    return {name: record[name] for name in names if record.get(name) not in (None, [], ())}


def _item(mapping: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Write a mapping as an item of a list."""
    lines = list(_mapping(mapping, indent + 2))
    yield " " * indent + "- " + lines[0].lstrip(" ")
    yield from lines[1:]


def _mapping(mapping: Mapping[str, Any], indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, value in mapping.items():
        if isinstance(value, list | tuple):
            yield f"{pad}{key}:"
            for one in value:
                yield from _item(one, indent + 2) if isinstance(one, dict) else _text(f"{pad}  - ", one, indent + 4)
        elif isinstance(value, dict):
            yield f"{pad}{key}:"
            yield from _mapping(value, indent + 2)
        else:
            yield from _text(f"{pad}{key}: ", value, indent + 2)


def _text(lead: str, value: object, indent: int) -> Iterator[str]:
    """Write a value after its key or dash; long prose is folded over several lines."""
    text = value if isinstance(value, str) else ""
    if len(text) <= _FOLD or not text.isprintable() or "  " in text or text != text.strip():
        yield lead + scalar(value)
        return
    yield f"{lead}>-"
    for line in textwrap.wrap(text, _WIDTH - indent, break_long_words=False, break_on_hyphens=False):
        yield " " * indent + line
