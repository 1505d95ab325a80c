"""Patterns as regular languages of z3: the constructs that are regular and mean the same; whatever else is said to be beyond."""

from __future__ import annotations

import re
import warnings
from re import _constants as sre  # type: ignore[attr-defined]  # the standard library's own parser; it has no other door
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

import z3  # type: ignore[import-untyped]  # z3-solver has no types

_ANY: Final = z3.AllChar(z3.ReSort(z3.StringSort()))
_IN_LINE: Final = z3.Intersect(_ANY, z3.Complement(z3.Re("\n")))
_MOST: Final = 200
_CLASSES: Final = {
    sre.CATEGORY_DIGIT: (("0", "9"),),
    sre.CATEGORY_WORD: (("0", "9"), ("A", "Z"), ("a", "z"), ("_", "_")),
    sre.CATEGORY_SPACE: (("\t", "\n"), ("\f", "\r"), (" ", " ")),
}
"""What RE2 means by \\d, \\w and \\s: ASCII only."""


class NotTranslated(Exception):  # noqa: N818 - a finding, which makes a formula weaker and not wrong
    """A construct that is not translated; the words say which."""

    def __init__(self, construct: str) -> None:
        """Keep the words."""
        super().__init__(construct)


def to_z3(pattern: str) -> Any:
    """Write a pattern that is anchored at both ends as a language; `NotTranslated` for what has no counterpart.

    Python's parser reads the pattern: what it reads otherwise than RE2 (classes by name, `{,3}`, case folding) is not translated.
    """
    inner = pattern[1:-1]
    if "[:" in inner:
        raise NotTranslated(construct="a class by name")
    if "{," in inner:
        raise NotTranslated(construct="a repetition without its least number")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of signs in classes that may mean something some day
            tree = parser.parse(inner)
    except (re.error, RecursionError, OverflowError) as error:
        raise NotTranslated(construct=str(error)) from None
    if tree.state.flags & ~(sre.SRE_FLAG_UNICODE | sre.SRE_FLAG_DOTALL):
        raise NotTranslated(construct="flags")
    return _sequence(tree, _ANY if tree.state.flags & sre.SRE_FLAG_DOTALL else _IN_LINE)


def _sequence(items: Any, dot: Any) -> Any:
    found = [_one(kind, value, dot) for kind, value in items]
    if not found:
        return z3.Re("")
    return found[0] if len(found) == 1 else z3.Concat(*found)


def _one(kind: Any, value: Any, dot: Any) -> Any:  # noqa: PLR0911 - one line a construct
    if kind is sre.LITERAL:
        return z3.Re(z3.Unit(z3.CharVal(value)) if value > 127 else chr(value))  # noqa: PLR2004 - beyond ASCII
    if kind is sre.ANY:
        return dot
    if kind is sre.NOT_LITERAL:
        return z3.Intersect(_ANY, z3.Complement(z3.Re(chr(value))))
    if kind is sre.IN:
        return _class(value)
    if kind is sre.BRANCH:
        return _union([_sequence(branch, dot) for branch in value[1]])
    if kind is sre.SUBPATTERN and not value[1] and not value[2]:
        return _sequence(value[3], dot)
    if kind in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
        low, high, inner = value
        return _repeated(low, high, inner, dot)
    raise NotTranslated(construct=str(kind).lower())


def _union(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else z3.Union(*parts)


def _class(items: Any) -> Any:
    negated = bool(items) and items[0][0] is sre.NEGATE
    parts = [part for kind, value in items[1 if negated else 0 :] for part in _ranges(kind, value)]
    found = _union([z3.Range(low, high) for low, high in parts])
    return z3.Intersect(_ANY, z3.Complement(found)) if negated else found


def _ranges(kind: Any, value: Any) -> tuple[tuple[str, str], ...]:
    if kind is sre.LITERAL:
        return ((chr(value), chr(value)),)
    if kind is sre.RANGE:
        return ((chr(value[0]), chr(value[1])),)
    if kind is sre.CATEGORY and value in _CLASSES:
        return _CLASSES[value]
    raise NotTranslated(construct=str(value).lower())


def _repeated(low: int, high: Any, items: Any, dot: Any) -> Any:
    inner = _sequence(items, dot)
    if high == 0:
        return z3.Re("")  # z3 reads an upper bound of 0 as none
    unbounded = high is sre.MAXREPEAT
    if low > _MOST or (not unbounded and high > _MOST):
        raise NotTranslated(construct="a repetition of great length")
    if unbounded:
        if low == 0:
            return z3.Star(inner)
        return z3.Plus(inner) if low == 1 else z3.Concat(z3.Loop(inner, low, low), z3.Star(inner))
    return z3.Loop(inner, low, high)
