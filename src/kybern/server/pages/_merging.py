"""Two who changed one record: what each changed since the version both began from, put together field by field. Pure.

A field that one of them changed is taken from that one. A list without repeats takes the additions and removals of both. What both
changed otherwise is a clash, and a person chooses; until then what they wrote stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MINE, THEIRS, BOTH = "mine", "theirs", "both"
_ABSENT: Final = None


@dataclass(frozen=True)
class Clash:
    """A field that both changed, each in another way; None where it is not there."""

    field: str
    base: Any
    theirs: Any
    mine: Any

    @property
    def joins(self) -> bool:
        """Tell whether both texts may stand one after the other."""
        return isinstance(self.theirs, str) and isinstance(self.mine, str) and (" " in self.theirs or " " in self.mine)


@dataclass(frozen=True)
class Merged:
    """What comes of it: the content with every choice made, the fields each changed, and what clashes."""

    content: dict[str, Any]
    clashes: tuple[Clash, ...]
    theirs: tuple[str, ...]
    mine: tuple[str, ...]


def merge(base: Mapping[str, Any], theirs: Mapping[str, Any], mine: Mapping[str, Any], chosen: Mapping[str, str] | None = None) -> Merged:
    """Put the changes of both together; `chosen` says of a clash which side to take (`mine`, `theirs`, `both`), mine if nothing."""
    choices = chosen or {}
    found: dict[str, Any] = {}
    clashes: list[Clash] = []
    for name in dict.fromkeys((*mine, *theirs, *base)):
        was, them, me = _said(base, name), _said(theirs, name), _said(mine, name)
        value = me if them in (was, me) else them if me == was else _lists(was, them, me)
        if value is _ABSENT and not (them in (was, me) or me == was):
            clash = Clash(name, was, them, me)
            clashes.append(clash)
            value = _choice(clash, choices.get(name, MINE))
        if value is not _ABSENT:
            found[name] = value
    return Merged(found, tuple(clashes), _changed(base, theirs), _changed(base, mine))


def _choice(clash: Clash, side: str) -> Any:
    if side == BOTH and clash.joins:
        return f"{clash.theirs}\n\n{clash.mine}"
    return clash.theirs if side == THEIRS else clash.mine


def _lists(was: Any, theirs: Any, mine: Any) -> list[Any] | None:
    """Put two changed lists of plain values together; None where their order or repeats may matter."""
    before = [] if was is None else was
    sides = (before, theirs, mine)
    if not all(isinstance(one, list) and all(isinstance(item, str) for item in one) and len(set(one)) == len(one) for one in sides):
        return None
    taken = [item for item in theirs if item in mine or item not in before]
    added = [item for item in mine if item not in before and item not in taken]
    return taken + added


def _changed(base: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys((*base, *other)) if _said(base, name) != _said(other, name))


def _said(content: Mapping[str, Any], name: str) -> Any:
    """Give what a field says: an empty list, map or text says as little as none, and forms leave them out."""
    value = content.get(name)
    return _ABSENT if value in ([], {}, "") else value
