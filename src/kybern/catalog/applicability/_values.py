"""Values of facts as people state them, into values that formulas can be asked about; what does not fit is told."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import TYPE_CHECKING, Final

from kybern.base import Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import shown
from kybern.catalog.applicability._evaluate import truth_of
from kybern.catalog.applicability._formula import Atom, names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kybern.base import Place
    from kybern.catalog.applicability._formula import FactValue
    from kybern.catalog.applicability._models import Fact
    from kybern.catalog.applicability._rules import FactSchema

_COUNTRY: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_WANTS: Final = {
    "bool": "Write true or false, or null where it is not known.",
    "number": "Write a number of zero or more.",
    "date": "Write a day, 2026-08-02.",
    "countries": "Write a list of countries by their ISO 3166 codes, [DE, US-CA]; EU is the whole Union.",
}


def read_value(fact: Fact, value: object, suggester: Suggester | None = None) -> tuple[FactValue | None, str, str]:
    """Read what is stated of a fact: (value, "", ""), or (None, what is wrong, what would be right)."""
    found = _READERS[fact.type](fact, value)
    if found is not None:
        return found, "", ""
    wrong = _wrong_word(fact, value)
    if wrong is None:
        return None, f"{fact.name} cannot be {shown(value)}.", _wants(fact)
    return None, f"{fact.name} cannot be {shown(wrong)}.", (suggester or Suggester()).hint(wrong, fact.values, _wants(fact))


def read_facts(
    schema: FactSchema,
    stated: Mapping[str, object],
    place: Callable[[str], Place],
    lists: str = "`kybern classify --schema` lists the facts.",
) -> tuple[dict[str, FactValue], list[Problem]]:
    """Read stated facts; `place` says where a fact stands, `lists` what lists them all. A null says that it is not known."""
    known: dict[str, FactValue] = {}
    problems: list[Problem] = []
    suggester = Suggester()
    for name, value in stated.items():
        fact = schema.facts.get(name)
        if fact is None:
            hint = suggester.hint(name, schema.facts, lists)
            problems.append(Problem("unknown-fact", f"There is no fact {shown(name)}.", place(name), hint))
        elif value is not None:
            read, wrong, right = read_value(fact, value, suggester)
            if read is None:
                problems.append(Problem("wrong-fact", wrong, place(name), right))
            else:
                known[name] = read
    return known, problems


def contradictions(schema: FactSchema, known: Mapping[str, FactValue], place: Callable[[tuple[str, ...]], Place]) -> Iterator[Problem]:
    """Tell which facts cannot stand together; `place` finds the place for the names of the facts involved."""
    for one, formula in schema.contradictions:
        if truth_of(formula, known, {}, schema.regions) is True:
            about = tuple(dict.fromkeys(leaf.fact for leaf in names(formula) if isinstance(leaf, Atom)))
            yield Problem("contradictory-facts", one.says, place(about), one.hint)


def written(value: FactValue) -> bool | str | float | list[str]:
    """Write a value as JSON and YAML carry it."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _bool(_: Fact, value: object) -> FactValue | None:
    return value if isinstance(value, bool) else None


def _enum(fact: Fact, value: object) -> FactValue | None:
    return value if isinstance(value, str) and value in fact.values else None


def _set(fact: Fact, value: object) -> FactValue | None:
    items = _texts(value)
    return None if items is None or not items <= fact.values.keys() else items


def _countries(_: Fact, value: object) -> FactValue | None:
    items = _texts(value)
    return None if items is None or not all(_COUNTRY.fullmatch(item) for item in items) else items


def _number(_: Fact, value: object) -> FactValue | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(_: Fact, value: object) -> FactValue | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) else None
    except ValueError:
        return None


_READERS: Final[Mapping[str, Callable[[Fact, object], FactValue | None]]] = {
    "bool": _bool,
    "enum": _enum,
    "set": _set,
    "countries": _countries,
    "number": _number,
    "date": _date,
}


def _texts(value: object) -> frozenset[str] | None:
    """Read a list of words; the letters of a law may be written as bare numbers."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str | int) and not isinstance(item, bool) for item in value):
        return None
    return frozenset(str(item) for item in value)


def _wrong_word(fact: Fact, value: object) -> str | None:
    """Find the word that is none of the fact's values."""
    if not fact.values:
        return None
    if isinstance(value, list | tuple):
        return next((item for item in value if isinstance(item, str) and item not in fact.values), None) if fact.type == "set" else None
    return value if isinstance(value, str) and fact.type == "enum" else None


def _wants(fact: Fact) -> str:
    if not fact.values:
        return _WANTS[fact.type]
    kind = "one of" if fact.type == "enum" else "a list of some of"
    return f"Write {kind} {', '.join(fact.values)}{', or [] for none' if fact.type == 'set' else ''}."
