"""Two texts compared word by word: what stayed, what went, what came."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

_WORD: Final = re.compile(r"\s+|[\w'’-]+|[^\w\s]")
_MOST: Final = 4000
"""Words up to which texts are compared; longer ones are shown whole, one after the other."""

Piece = tuple[str, str]
"""`same`, `del` or `ins`, and the text."""


def word_diff(old: str, new: str) -> list[Piece]:
    """Give the pieces of both texts, in order."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    if not before or not after or len(before) + len(after) > _MOST:
        return _whole(old, new)
    found: list[Piece] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.quick_ratio() < 0.3 or matcher.ratio() < 0.3:  # noqa: PLR2004 - hardly a word in common: a rewriting, read better whole
        return _whole(old, new)
    for what, i, j, k, m in matcher.get_opcodes():
        if what == "equal":
            found.append(("same", "".join(before[i:j])))
        if what in {"delete", "replace"}:
            found.append(("del", "".join(before[i:j])))
        if what in {"insert", "replace"}:
            found.append(("ins", "".join(after[k:m])))
    return found


def _whole(old: str, new: str) -> list[Piece]:
    return [piece for piece in (("del", old), ("ins", new)) if piece[1]]
