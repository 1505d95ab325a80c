"""Comparing two versions of a record, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kybern.base.yaml import pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.base.yaml import JsonValue


@dataclass(frozen=True)
class FieldChange:
    """A field that differs, by its JSON pointer; None where a version does not have it."""

    path: str
    old: JsonValue
    new: JsonValue


def fields_of(content: Mapping[str, Any] | None) -> dict[str, JsonValue]:
    """Take a record's content apart into its fields, by JSON pointer. A list is taken apart where its items are mappings."""
    return {} if content is None else dict(_flat((), dict(content)))


def compare(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> tuple[FieldChange, ...]:
    """Say which fields differ, in the order of their pointers."""
    before, after = fields_of(old), fields_of(new)
    names = sorted(before.keys() | after.keys())
    return tuple(FieldChange(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name))


def _flat(path: tuple[str | int, ...], value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat((*path, name), inner)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for index, inner in enumerate(value):
            yield from _flat((*path, index), inner)
    else:
        yield pointer(path), value
