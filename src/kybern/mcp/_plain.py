"""Texts and values as an assistant is given them: bounded, and without signs that no reader sees."""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeVar

from pydantic import BaseModel

MOST: Final = 20_000
"""Characters of JSON that one answer may have."""

CUT: Final = "… [cut by the MCP server: the page has all of it]"
"""Ends a text or a list that is longer than an answer gives."""

_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
"""Control characters, direction overrides, and the tags and zero-width signs in which a text can hide another."""

_LONGEST: Final = (4000, 1000, 300, 80)
"""Characters of one text, tried in turn until all of a record fits."""

_WIDEST: Final = (100, 40, 15, 5)
_DEEPEST: Final = 12
T = TypeVar("T", bound=BaseModel)


def clip(text: str, most: int = 300) -> str:
    """Write a text in so many characters."""
    seen = _UNSEEN.sub("", text)
    return seen if len(seen) <= most else seen[: max(0, most - len(CUT))].rstrip() + CUT


def clipped(text: str | None, most: int = 300) -> str | None:
    """Write a text, if there is one."""
    return None if text is None else clip(text, most)


def bounded(value: Any, most: int = MOST - 2000) -> tuple[Any, bool]:
    """Give a value of JSON in so many characters, by default nearly all that an answer may have, and whether something of it was cut."""
    for longest, widest in zip(_LONGEST, _WIDEST, strict=True):
        found = _cut(value, longest, widest, _DEEPEST)
        if len(json.dumps(found, ensure_ascii=False)) <= most:
            return found, is_cut(found)
    return CUT, True


def _cut(value: Any, longest: int, widest: int, depth: int) -> Any:
    if isinstance(value, str):
        return clip(value, longest)
    if isinstance(value, list | dict) and depth == 0:
        return CUT
    if isinstance(value, list):
        cut = [_cut(one, longest, widest, depth - 1) for one in value[:widest]]
        return cut if len(value) <= widest else [*cut, CUT]
    if isinstance(value, dict):
        return {clip(str(name), 80): _cut(one, longest, widest, depth - 1) for name, one in value.items()}
    return value


def is_cut(value: Any) -> bool:
    """Tell whether a value holds the end of what was cut: it would be written back as if it were all."""
    return CUT in json.dumps(value, ensure_ascii=False)


def fitted(said: T, name: str = "items") -> T:
    """Leave out the last items of an answer until it is small enough, and say in its `more` that there are."""
    while len(said.model_dump_json()) > MOST and (items := getattr(said, name)):
        said = said.model_copy(update={name: items[: len(items) * 3 // 4], "more": True})
    return said
