"""How texts and patterns are spelt in a rule: what looks like one thing and is another, or can never match, is refused.

`why_not_text` and `why_not_pattern` give what is wrong and what would be right, or None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, Literal

_HIDDEN: Final = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_LINES: Final = frozenset("\n\r\t")
_LAST: Final = 0x2FFFF
"""The last character the solver knows."""
_SCRIPTS: Final = frozenset(("LATIN", "CYRILLIC", "GREEK"))
_CHANGES_ANCHORS: Final = re.compile(r"\(\?[a-zA-Z]*m")
_SAYS_DOT: Final = re.compile(r"\(\?[a-zA-Z-]*s")
_NO_CASE: Final = re.compile(r"\(\?[a-zA-Z]*i")
_HEADS: Final = re.compile(r"\(\?(?:P?<\w*>|[a-zA-Z-]*[:)])")

Wrong = tuple[str, str]
Place = Literal["out", "class", "escape"]


def why_not_text(text: str) -> Wrong | None:
    """Say why a text that is written out cannot be what it looks like."""
    if text.isascii() and text.isprintable():
        return None
    for sign in text:
        kind = unicodedata.category(sign)
        if sign not in _LINES and (kind in _HIDDEN or (kind == "Zs" and sign != " ") or ord(sign) > _LAST):
            return f"The text holds U+{ord(sign):04X}, which nobody sees or can type.", "Take it out."
    if unicodedata.normalize("NFC", text) != text:
        return "The text has a letter in two signs, and facts have it in one.", f"Write it composed (NFC): {text!r} as typed on a keyboard."
    mixed = next((word for word in re.findall(r"[^\W\d_]+", text) if len(_scripts(word)) > 1), None)
    if mixed is not None:
        return f"{mixed!r} mixes letters of {' and '.join(sorted(_scripts(mixed))).title()} that look alike.", "Type the word anew."
    return None


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(sign, "").partition(" ")[0] for sign in word} & _SCRIPTS


def why_not_pattern(pattern: str, case: str | None) -> Wrong | None:
    """Say why a pattern that begins with ^ and ends with $ does not mean what it seems to; `case` is how the fact is spelt."""
    if _CHANGES_ANCHORS.search(pattern):
        return "Flags that change what ^ and $ mean are not used.", "Leave m out of (?…)."
    signs = list(_signs(pattern[1:-1]))
    if ("Q", "escape") in signs:
        return r"\Q hides what is a sign and what is a letter.", "Write a backslash before each sign."
    if ("^", "out") in signs or ("$", "out") in signs or ("A", "escape") in signs or ("z", "escape") in signs:
        return "^ and $ stand at the ends only: between them nothing would match.", "Write several patterns, joined with && or ||."
    return None if case not in {"lower", "upper"} or _NO_CASE.search(pattern) else _other_case(pattern, case)


def _other_case(pattern: str, case: str) -> Wrong | None:
    signs = _signs(_HEADS.sub("(", pattern)[1:-1])
    strange = next(
        (sign for sign, place in signs if place != "escape" and sign != (sign.lower() if case == "lower" else sign.upper())), None
    )
    if strange is None:
        return None
    return f"The fact is always in {case} case, so {strange!r} never matches.", f"Write the pattern in {case} case."


def splits(pattern: str) -> bool:
    """Tell whether a pattern has | outside all brackets."""
    depth = 0
    for sign, place in _signs(pattern):
        if place == "out" and sign in "()":
            depth += 1 if sign == "(" else -1
        elif place == "out" and sign == "|" and depth == 0:
            return True
    return False


def with_dot(pattern: str) -> str:
    """Let the dot stand for any character, line breaks too, unless the pattern says itself what it stands for."""
    if (".", "out") not in _signs(pattern) or _SAYS_DOT.search(pattern):
        return pattern
    return f"^(?s){pattern[1:]}"


def _signs(pattern: str) -> Iterator[tuple[str, Place]]:
    """Go through a pattern as RE2 reads it: each sign, and whether it stands outside classes, in one, or after a backslash."""
    at, in_class = 0, False
    while at < len(pattern):
        sign, start = pattern[at], at
        if sign == "\\":
            at = _after_escape(pattern, at)
            yield pattern[start + 1 : start + 2], "escape"
        elif in_class and pattern.startswith("[:", at) and ":]" in pattern[at:]:
            at = pattern.index(":]", at) + 2
        elif in_class:
            in_class, at = sign != "]", at + 1
            yield sign, "class"
        elif sign == "[":
            in_class = True
            at += 2 if pattern.startswith("[^", at) else 1
            at += 1 if pattern.startswith("]", at) else 0  # the first of a class is a letter of it
        else:
            at += 1
            yield sign, "out"


def _after_escape(pattern: str, at: int) -> int:
    match = re.compile(r"\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[^}]*\}|..)|.?)", re.DOTALL).match(pattern, at)
    return at + 1 if match is None else match.end()
