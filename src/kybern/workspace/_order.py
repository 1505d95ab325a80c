"""Putting the fields of records in order, on the lines of the text: what stands above a field goes with it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from kybern.base import InputError
from kybern.base.yaml import read_yaml, split_lines
from kybern.records import Record

if TYPE_CHECKING:
    from kybern.base.yaml import JsonValue, YamlDocument

_FIRST: Final = ("kind", "id", "title")
_Path = tuple[str | int, ...]


def in_order(text: str, file: str) -> str:
    """Put the fields of each record of a one-document text in order; a text that does not allow it comes back as it is.

    Raises `InputError` if the text cannot be read.
    """
    document = read_yaml(text.encode(), file)[0]
    lines = text.split("\n")
    if len(split_lines(text)) != len(lines):
        return text
    end = len(lines) - 1
    paths: list[_Path] = [(index,) for index in range(len(document.value))] if isinstance(document.value, list) else [()]
    for path in reversed(paths):
        end = _reorder(lines, document, path, end)
    changed = "\n".join(lines)
    return changed if _same(document, changed, file) else text


def _same(document: YamlDocument, changed: str, file: str) -> bool:
    """Tell whether the changed text still states the same; an anchor may have come after its alias."""
    try:
        return [same_form(found.value) for found in read_yaml(changed.encode(), file)] == [same_form(document.value)]
    except InputError:
        return False


def same_form(value: JsonValue) -> str:
    """Write a value so that two are equal exactly if they state the same, types included."""
    return json.dumps(value, sort_keys=True)


def _reorder(lines: list[str], document: YamlDocument, path: _Path, end: int) -> int:
    """Reorder the lines of the record at `path`, which ends before line `end` (from 0); gives the line it starts on."""
    record = document.value[path[0]] if path else document.value  # type: ignore[index]
    start = document.place(path)
    first = start.line - 1
    if not isinstance(record, dict) or not record:
        return first
    keys = list(record)
    places = [document.place((*path, key), key=True) for key in keys]
    starts = [place.line - 1 for place in places]
    column = start.column - 1
    aligned = (
        all(place.column - 1 == column for place in places)
        and places[0].line == start.line
        and all(before < after for before, after in pairwise(starts))
    )
    if not aligned or any(lines[line][:column].strip() for line in starts[1:]) or lines[first][:column].strip() not in {"", "-"}:
        return first
    fields = _fields(record.get("kind"))
    order = sorted(keys, key=lambda key: fields.get(key, len(fields)))
    if order != keys:
        _rewrite(lines, dict(zip(keys, starts, strict=True)), order, column, end)
    return first


def _rewrite(lines: list[str], starts: dict[str, int], order: list[str], column: int, end: int) -> None:
    """Cut the record's lines into one block a field, and put the blocks back in order."""
    at = list(starts.values())
    first, stop = at[0], _above(lines, end, at[-1] + 1, column)
    cuts = [first, *(_above(lines, line, before + 1, column) for before, line in pairwise(at)), stop]
    prefix, lines[first] = lines[first][:column], " " * column + lines[first][column:]
    blocks = {key: lines[cut:after] for key, (cut, after) in zip(starts, pairwise(cuts), strict=True)}
    for key in order[:1] + [key for key in order if key in _FIRST]:
        while not blocks[key][0].strip():  # no empty line within or above the name of a record
            del blocks[key][0]
    _start_item(blocks[order[0]], prefix)
    lines[first:stop] = [line for key in order for line in blocks[key]]


def _start_item(block: list[str], prefix: str) -> None:
    """Give the first field the dash of its list item, below the comments that stand above the field."""
    head = next(index for index, line in enumerate(block) if line.strip() and not line.lstrip().startswith("#"))
    margin = prefix.partition("-")[0]
    block[:head] = [margin + line.lstrip() for line in block[:head]]
    block[head] = prefix + block[head][len(prefix) :]


def _above(lines: list[str], line: int, lowest: int, column: int) -> int:
    """Go up from a line over blank lines and comments that are not deeper than `column`: they belong to what follows."""
    while line > lowest and _is_between(lines[line - 1], column):
        line -= 1
    return line


def _is_between(line: str, column: int) -> bool:
    bare = line.lstrip(" ")
    return not bare or (bare.startswith("#") and len(line) - len(bare) <= column)


def _fields(kind: object) -> dict[str, int]:
    """Give the place of each field of a kind, in its model's order, the common ones first; of an unknown kind only these."""
    model = Record.registry.get(kind) if isinstance(kind, str) else None
    names = dict.fromkeys((*_FIRST, *(model.model_fields if model else ())))
    return {name: index for index, name in enumerate(names)}
