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
_KEY: Final = re.compile(r"(?!(?:true|false|null)$)[a-z][a-z0-9_]*")
_WORTH_A_BLOCK: Final = re.compile(r"(?=\S)(?:[^\n]*(?<! )\n)*[^\n]*\S\n?")
"""Text of several lines that a block gives back as it is: no space at the end of a line, none before the first."""
_FOLD: Final = 100
_WIDTH: Final = 118


def emit(about: str, records: Sequence[Mapping[str, Any]]) -> str:
    """Write one record file: what it is about as a comment, then a list of records.

    A record's `note` becomes the comment above it; its fields come in the order of its model. Values are JSON-shaped, dates too.
    """
    parts = [comment(about)]
    parts += ["\n" + comment(str(record.get("note", ""))) + "\n".join(_item(_ordered(record), 0)) + "\n" for record in records]
    return "".join(parts)


def emit_record(record: Mapping[str, Any]) -> str:
    """Write one record alone, as a mapping."""
    return "\n".join(_mapping(_ordered(record), 0)) + "\n"


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
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return text if _is_plain(text) else _quoted(text)


def inline(value: object) -> str:
    """Write any JSON-shaped value on one line: lists and mappings in brackets."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_in_brackets(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_in_brackets(key)}: {_in_brackets(one)}" for key, one in value.items()) + "}"
    return scalar(value)


def _in_brackets(value: object) -> str:
    return _quoted(value) if isinstance(value, str) and ("," in value or not _is_plain(value)) else inline(value)


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS and "  " not in text


def _quoted(text: str) -> str:
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
    return {name: record[name] for name in names if not _says_nothing(record.get(name), fields[name].default)}


def _says_nothing(value: object, default: object) -> bool:
    """Tell whether a value may be left out; an empty list says that there are none where leaving it out would leave that open."""
    return value is None or (value in ([], ()) and default is not None)


def _item(mapping: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Write a mapping as an item of a list."""
    lines = list(_mapping(mapping, indent + 2))
    yield " " * indent + "- " + lines[0].lstrip(" ")
    yield from lines[1:]


def _mapping(mapping: Mapping[str, Any], indent: int) -> Iterator[str]:
    pad = " " * indent
    for name, value in mapping.items():
        key = name if _KEY.fullmatch(name) else _quoted(name)
        if isinstance(value, list | tuple) and value:
            yield f"{pad}{key}:"
            for one in value:
                yield from _item(one, indent + 2) if isinstance(one, dict) and one else _text(f"{pad}  - ", one, indent + 4)
        elif isinstance(value, dict) and value:
            yield f"{pad}{key}:"
            yield from _mapping(value, indent + 2)
        else:
            yield from _text(f"{pad}{key}: ", value, indent + 2)


def _text(lead: str, value: object, indent: int) -> Iterator[str]:
    """Write a value after its key or dash; long prose is folded over several lines, and lines of its own are kept."""
    text = value if isinstance(value, str) else ""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > 1 and _WORTH_A_BLOCK.fullmatch(text) and all(line.isprintable() for line in lines):
        yield lead + ("|" if text.endswith("\n") else "|-")
        yield from (" " * indent + line if line else "" for line in lines)
        return
    if len(text) <= _FOLD or not text.isprintable() or "  " in text or text != text.strip():
        yield lead + inline(value)
        return
    yield f"{lead}>-"
    for line in textwrap.wrap(text, _WIDTH - indent, break_long_words=False, break_on_hyphens=False):
        yield " " * indent + line
