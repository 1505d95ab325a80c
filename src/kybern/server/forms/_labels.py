"""Names of fields, kinds and choices as people read them: `assessed_on` is "Assessed on"."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = {
    "ai": "AI",
    "dpia": "DPIA",
    "fria": "FRIA",
    "id": "ID",
    "raci": "RACI",
    "sha256": "SHA-256",
    "sme": "SME",
    "soa": "SoA",
    "uri": "URI",
    "url": "URL",
}
"""Words that are not written in small letters."""

_PLURALS: Final = {"person": "people", "criteria": "criteria", "raci": "raci", "communication": "communication", "training": "training"}
"""Names of kinds whose plural is not made by the rule, or that name a register as they stand."""

_PREPOSITIONS: Final = frozenset(("about", "at", "by", "for", "from", "of", "on", "to"))
"""Names that say nothing alone: `on` of a gate passed is "Gate passed on"."""

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN: Final = re.compile(r"[\s_-]+")


def label_of(name: str) -> str:
    """Write a field's, kind's or choice's name in sentence case."""
    words = [_WORDS.get(word.lower(), word) for word in _BETWEEN.split(name) if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def label_of_many(kind: str) -> str:
    """Write the name of a register: that of its kind, in the plural."""
    *before, last = [word for word in _BETWEEN.split(kind) if word]
    return label_of("_".join([*before, _plural(last)]))


def _plural(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def field_label(name: str, model: str) -> str:
    """Write a field's name; a bare preposition is read with the class that has it."""
    if name not in _PREPOSITIONS:
        return label_of(name)
    return f"{label_of(_CAPITAL.sub(' ', model).lower())} {name}"
