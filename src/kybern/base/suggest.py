"""Did you mean: the one name that is clearly closest to the one written."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_CLOSE: Final = 0.6
_APART: Final = 0.04
_BUDGET: Final = 200_000


@dataclass
class Suggester:
    """Suggests names, within a budget of comparisons: a workspace full of broken references still lints fast."""

    budget: int = _BUDGET

    def closest(self, word: str, names: Collection[str]) -> str | None:
        """Give the name closest to `word`, or None if none is close or two are equally so."""
        if word in names:
            return word
        if len(names) > self.budget or len(word) > 200:  # noqa: PLR2004 - no name is so long
            return None
        self.budget -= len(names)
        found = get_close_matches(word, names, n=2, cutoff=_CLOSE)
        if len(found) > 1 and _ratio(word, found[0]) - _ratio(word, found[1]) < _APART:
            return None
        return found[0] if found else None

    def hint(self, word: str, names: Collection[str], otherwise: str = "") -> str:
        """Write the suggestion as a hint, or give `otherwise`."""
        found = self.closest(word, names)
        return f"Did you mean {found}?" if found else otherwise


def _ratio(word: str, other: str) -> float:
    return SequenceMatcher(None, other, word).ratio()
