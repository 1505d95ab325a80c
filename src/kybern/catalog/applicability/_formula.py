"""Formulas over facts and conclusions: their shape, how they are written in YAML, and their three-valued value.

An item is a mapping `all:`, `any:` or `not:`, or one line of text:

    profiling                          a truth, or a conclusion (its name has a dot)
    not profiling
    company is large                   an enum
    uses has 4a                        a set; also `has any of 4a, 4b` and `has none of 4a, 4b`
    markets has EU                     countries: a country, its parts, and the regions it lies in
    training_compute > 1e25            a number: > >= < <=, also a fraction like 1/3
    eu_market_since < 2026-08-02       a day
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Truth: TypeAlias = bool | None
"""Yes, no, or not known."""

FactValue: TypeAlias = bool | str | float | date | frozenset[str]


@dataclass(frozen=True, slots=True)
class Atom:
    """One question to one fact."""

    fact: str
    operator: str
    operands: tuple[bool | str | float | date, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """That another conclusion holds."""

    conclusion: str


@dataclass(frozen=True, slots=True)
class Every:
    """That all parts hold."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """That one part or more holds."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """That a part does not hold."""

    part: Formula


Formula: TypeAlias = Atom | Named | Every | Either | Negation

_LINE: Final = re.compile(
    r"(?P<no>not )?(?P<name>[a-z][a-z0-9_.]*)"
    r"(?: (?P<operator>is not|is|has any of|has none of|has|>=|<=|>|<) (?P<operand>[A-Za-z0-9][A-Za-z0-9.,/+ -]*))?"
)
_FRACTION: Final = re.compile(r"(\d{1,9})/([1-9]\d{0,8})")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
COMPARISONS: Final[Mapping[str, Callable[[float | date, float | date], bool]]] = {
    ">": lambda left, right: left > right,  # type: ignore[operator]  # the reader lets numbers meet numbers, and days days, only
    ">=": lambda left, right: left >= right,  # type: ignore[operator]  # the same
    "<": lambda left, right: left < right,  # type: ignore[operator]  # the same
    "<=": lambda left, right: left <= right,  # type: ignore[operator]  # the same
}


def parse_line(text: str) -> Formula | None:
    """Read one line; None where it is not of the form."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    name, operator, operand = found["name"], found["operator"], found["operand"]
    if "." in name:
        plain: Formula | None = Named(name) if operator is None else None
    elif operator is None:
        plain = Atom(name, "is", (True,), name)
    else:
        plain = _asked(name, operator, operand)
    return Negation(plain) if found["no"] and plain is not None else plain


def _asked(name: str, operator: str, operand: str) -> Formula | None:
    text = f"{name} {operator} {operand}"
    if operator in COMPARISONS:
        bound = _bound(operand)
        return None if bound is None else Atom(name, operator, (bound,), text)
    values = tuple(part.strip() for part in operand.split(",")) if " of" in operator else (operand,)
    if not all(re.fullmatch(r"[A-Za-z0-9-]+", value) for value in values):
        return None
    if operator in {"is", "is not"}:
        found = Atom(name, "is", values, f"{name} is {operand}")
        return Negation(found) if operator == "is not" else found
    found = Atom(name, "has", values, text.replace("has none of", "has any of"))
    return Negation(found) if operator == "has none of" else found


def _bound(operand: str) -> float | date | None:
    fraction = _FRACTION.fullmatch(operand)
    if fraction is not None:
        return int(fraction[1]) / int(fraction[2])
    try:
        found = date.fromisoformat(operand) if _DAY.fullmatch(operand) else float(operand)
    except ValueError:
        return None
    return found if isinstance(found, date) or math.isfinite(found) else None


def names(formula: Formula) -> Iterator[Atom | Named]:
    """Go through the questions and conclusions in a formula."""
    match formula:
        case Every(parts) | Either(parts):
            for part in parts:
                yield from names(part)
        case Negation(part):
            yield from names(part)
        case _:
            yield formula


def holds(atom: Atom, value: FactValue, regions: Mapping[str, frozenset[str]]) -> bool:
    """Answer an atom with the fact's value."""
    if atom.operator == "is":
        return value == atom.operands[0]
    if atom.operator == "has":
        held = value if isinstance(value, frozenset) else frozenset()
        return any(_meets(one, str(wanted), regions) for one in held for wanted in atom.operands)
    return COMPARISONS[atom.operator](value, atom.operands[0])  # type: ignore[arg-type]  # the reader has checked the types


def _meets(one: str, wanted: str, regions: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether a stated value is the one wanted; of places, whether one lies in the other."""
    return one == wanted or _lies_in(one, wanted, regions) or _lies_in(wanted, one, regions)


def _lies_in(part: str, whole: str, regions: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether a place lies in another: `US-CA` in `US`, `DE-BY` in `EU`. What is no place lies in nothing."""
    country, _, subdivision = part.partition("-")
    return country.isupper() and ((bool(subdivision) and country == whole) or country in regions.get(whole, ()))


def both(left: Truth, right: Truth) -> Truth:
    """Kleene's and."""
    return False if left is False or right is False else None if left is None or right is None else True


def either(left: Truth, right: Truth) -> Truth:
    """Kleene's or."""
    return True if left is True or right is True else None if left is None or right is None else False


def negated(truth: Truth) -> Truth:
    """Kleene's not."""
    return None if truth is None else not truth


def join(truths: Iterable[Truth], *, every: bool) -> Truth:
    """Join truths with and, or with or."""
    found: Truth = every
    for truth in truths:
        found = both(found, truth) if every else either(found, truth)
    return found
