"""Two people changed one record: their changes brought together field by field, and what clashes is listed, so that no word is lost."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel

from kybern.base.yaml import JsonValue, pointer
from kybern.records._base import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

    _Path = tuple[str | int, ...]


class Absent(Enum):
    """What stands where nothing stands; null is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
_Found: TypeAlias = JsonValue | Literal[Absent.ABSENT]

Op = Literal["equal", "delete", "insert"]

_IDENTITIES: Final = ("id", "name", "gate")
"""Fields that tell a part of a list from the others, before the first that its model requires."""
_WORD: Final = re.compile(r"\S+\s*|\s+")
_MOST_WORDS: Final = 5_000
"""Words compared one by one; longer texts are compared line by line."""
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value that both changed, each in another way.

    `pointer` leads to it in the merged content, or to its list if mine removed it there. `number` is the same at each merge of the same
    three contents.
    """

    number: int
    pointer: str
    base: _Found
    theirs: _Found
    mine: _Found


@dataclass(frozen=True, slots=True)
class Merged:
    """Contents brought together. Where there is a conflict the content has mine."""

    content: dict[str, JsonValue]
    conflicts: tuple[Conflict, ...]


def merge(
    base: Mapping[str, JsonValue],
    theirs: Mapping[str, JsonValue],
    mine: Mapping[str, JsonValue],
    take_theirs: Collection[int] = (),
) -> Merged:
    """Bring two changed contents of a record together; `base` is what both began with, empty if both made the record.

    Fields go one by one. Lists of texts go as sets in order; parts of a list are told apart by `id`, `name`, `gate` or the first field
    that their model requires, and where these are not there or not unique by their whole value. The conflicts numbered in `take_theirs` are
    resolved for theirs and not listed.
    """
    merger = _Merger(Record.registry.get(str(mine.get("kind"))), frozenset(take_theirs))
    content = merger.mapping((), dict(base), dict(theirs), dict(mine))
    return Merged(content, tuple(merger.conflicts))


def diff_words(old: str, new: str) -> list[tuple[Op, str]]:
    """Tell two texts apart word by word: the runs of words that both have, that only the old has, that only the new has."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    if max(len(before), len(after)) > _MOST_WORDS:
        before, after = _LINE.findall(old), _LINE.findall(new)
    found: list[tuple[Op, str]] = []
    for tag, start, end, begin, stop in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if tag == "equal":
            found.append(("equal", "".join(before[start:end])))
            continue
        if end > start:
            found.append(("delete", "".join(before[start:end])))
        if stop > begin:
            found.append(("insert", "".join(after[begin:stop])))
    return found


@dataclass(slots=True)
class _Merger:
    """Walks three contents at once, and keeps the conflicts it meets."""

    model: type[Record] | None
    take: frozenset[int]
    conflicts: list[Conflict] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def mapping(
        self, path: _Path, base: Mapping[str, JsonValue], theirs: Mapping[str, JsonValue], mine: Mapping[str, JsonValue]
    ) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        for name in dict.fromkeys((*mine, *theirs)):
            value = self._value((*path, name), base.get(name, ABSENT), theirs.get(name, ABSENT), mine.get(name, ABSENT))
            if value is not ABSENT:
                found[name] = value
        return found

    def _value(self, path: _Path, base: _Found, theirs: _Found, mine: _Found) -> _Found:
        if _same(theirs, mine) or _same(base, theirs):
            return mine
        if _same(base, mine):
            return theirs
        if isinstance(theirs, dict) and isinstance(mine, dict):
            return self.mapping(path, base if isinstance(base, dict) else {}, theirs, mine)
        if isinstance(theirs, list) and isinstance(mine, list):
            return self._list(path, base if isinstance(base, list) else [], theirs, mine)
        return self._clash(path, base, theirs, mine)

    def _list(self, path: _Path, base: list[JsonValue], theirs: list[JsonValue], mine: list[JsonValue]) -> JsonValue:
        identity = self._identity(path, (base, theirs, mine))
        before, other, own = (_keyed(items, identity) for items in (base, theirs, mine))
        found: list[JsonValue] = []
        for key in _order(list(before), list(other), list(own)):
            value = self._value((*path, len(found)), before.get(key, ABSENT), other.get(key, ABSENT), own.get(key, ABSENT))
            if value is not ABSENT:
                found.append(value)
        return found

    def _identity(self, path: _Path, lists: tuple[list[JsonValue], ...]) -> str | None:
        """Find the field that tells the parts of all three lists apart, if there is one."""
        if not all(isinstance(one, dict) for items in lists for one in items):
            return None
        candidates = (*_IDENTITIES, *_first_required(self.model, path))
        return next((name for name in candidates if all(_tells_apart(items, name) for items in lists)), None)

    def _clash(self, path: _Path, base: _Found, theirs: _Found, mine: _Found) -> _Found:
        number = next(self.numbers)
        if number in self.take:
            return theirs
        at = path[:-1] if mine is ABSENT and isinstance(path[-1], int) else path
        self.conflicts.append(Conflict(number, pointer(at), base, theirs, mine))
        return mine


def _same(one: _Found, other: _Found) -> bool:
    """Tell whether two values state the same, types included: true is not 1."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return _written(one) == _written(other)


def _written(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


def _tells_apart(items: list[JsonValue], name: str) -> bool:
    values = [one.get(name) for one in items if isinstance(one, dict)]
    return all(isinstance(value, str | int) for value in values) and len({_written(value) for value in values}) == len(values)


def _keyed(items: list[JsonValue], identity: str | None) -> dict[Hashable, JsonValue]:
    """Give each item a key; items alike are counted, so that none falls away."""
    found: dict[Hashable, JsonValue] = {}
    seen: dict[str, int] = {}
    for one in items:
        text = _written(one[identity] if identity is not None and isinstance(one, dict) else one)
        seen[text] = seen.get(text, 0) + 1
        found[text, seen[text]] = one
    return found


def _order(base: Sequence[Hashable], theirs: Sequence[Hashable], mine: Sequence[Hashable]) -> list[Hashable]:
    """Order the items of all: as mine if mine were moved, or else as theirs; those of the other come after what they came after there."""
    kept, own = set(base) & set(mine), [key for key in mine if key in set(base)]
    moved = own != [key for key in base if key in kept]
    first, second = (mine, theirs) if moved else (theirs, mine)
    found = list(first)
    there = set(found)
    at = 0
    for key in second:
        if key in there:
            at = found.index(key) + 1
        else:
            found.insert(at, key)
            there.add(key)
            at += 1
    return found


def _first_required(model: type[BaseModel] | None, path: _Path) -> tuple[str, ...]:
    """Give the first field that the parts at a path require, if the model knows them."""
    for step in path:
        if model is None or not isinstance(step, str):
            continue
        model.model_rebuild()  # a part may stand below the record that has it
        model = _part_of(model.model_fields[step].annotation) if step in model.model_fields else None
    names = () if model is None else tuple(name for name, info in model.model_fields.items() if info.is_required())
    return names[:1]


def _part_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _part_of(inner)) is not None), None)
