"""Values that are written out in a condition, read as what they are compared with: with its unit, out of its values, spelt its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

from kybern.base.suggest import Suggester
from kybern.policy import _syntax as syntax
from kybern.policy._core import Fact, Item, Lit, Term
from kybern.policy._durations import read_duration
from kybern.policy._schema import in_a_century, in_calendar, read_timestamp
from kybern.policy._spelling import why_not_text
from kybern.policy._syntax import Fault
from kybern.policy._types import BOOL, DURATION, STRING, TIMESTAMP, Base, Type
from kybern.policy._units import DIMENSIONS, convert, units_like

if TYPE_CHECKING:
    from kybern.policy._here import Here
    from kybern.policy._schema import FactSpec


def is_written(node: syntax.Node) -> bool:
    if isinstance(node, syntax.Unary):
        return node.operator == "-" and is_written(ungrouped(node.operand))
    return isinstance(node, syntax.Literal) or (isinstance(node, syntax.Call) and node.target is None and node.name in WRITERS)


def ungrouped(node: syntax.Node) -> syntax.Node:
    while isinstance(node, syntax.Grouped):
        node = node.inner
    return node


def written(node: syntax.Node, wanted: Type, here: Here, other: Term | None = None) -> Lit:
    """Read a value that is written out as one of the type wanted."""
    if isinstance(node, syntax.Call):
        found = WRITERS[node.name](node)
        if node.name == "quantity":
            return _quantity(node, found, wanted)
        if found.type.base is not wanted.base:
            raise clash(node.at, wanted, found.type)
        return found
    value, at = plain(node)
    if wanted.base is Base.STRING and isinstance(value, str):
        return text_of(value, at, wanted, here, other)
    if wanted.base in {Base.INT, Base.NUMBER} and not isinstance(value, str | bool):
        return _number(value, at, wanted)
    if wanted.base is Base.BOOL and isinstance(value, bool):
        return Lit(value, BOOL)
    raise Fault(at, "wrong-type", f"{cap(the(wanted))} is compared with {value!r}.", _right_way(wanted))


def plain(node: syntax.Node) -> tuple[str | int | float | bool, int]:
    if isinstance(node, syntax.Unary):
        value, _ = plain(ungrouped(node.operand))
        if isinstance(value, str | bool):
            raise Fault(node.at, "wrong-type", "Only a number has a minus before it.")
        return -value, node.at
    return cast("syntax.Literal", node).value, node.at


def _right_way(wanted: Type) -> str:
    return {
        Base.TIMESTAMP: 'Write timestamp("2026-11-23T00:00:00Z").',
        Base.DURATION: 'Write duration("24h").',
        Base.STRING: "Write a text in quotes.",
        Base.BOOL: "Write true or false.",
        Base.INT: "Write a whole number without quotes.",
        Base.NUMBER: "Write a number without quotes.",
    }.get(wanted.base, "")


def _number(value: float, at: int, wanted: Type) -> Lit:
    if wanted.unit is not None:
        hint = f'Write quantity({value}, "{wanted.unit}"), or in {", ".join(units_like(wanted.unit))}.'
        raise Fault(at, "missing-unit", f"The fact is measured in {wanted.unit}, and {value} has no unit.", hint)
    if wanted.base is Base.INT and not isinstance(value, int):
        raise Fault(at, "wrong-type", f"A whole number is compared with {value}.", "Write a whole number.")
    return Lit(value if wanted.base is Base.INT else float(value), replace(wanted, values=()))


def _quantity(node: syntax.Call, found: Lit, wanted: Type) -> Lit:
    unit = cast("str", found.type.unit)
    if wanted.unit is None:
        raise Fault(node.at, "wrong-type", f"{cap(the(wanted))} has no unit.", "Write the bare value, or give the fact a unit.")
    if DIMENSIONS[unit] != DIMENSIONS[wanted.unit]:
        hint = f"Use one of {', '.join(units_like(wanted.unit))}."
        raise Fault(node.at, "wrong-unit", f"The fact is measured in {wanted.unit}; {unit} measures {DIMENSIONS[unit]}.", hint)
    try:
        value = convert(cast("float", found.value), unit, wanted.unit)
    except OverflowError:
        raise Fault(node.at, "bad-number", f"In {wanted.unit} the number is too large.") from None
    if wanted.base is Base.INT:
        if not value.is_integer():
            message = f"This is {value:g} {wanted.unit}, and the fact is a whole number of them."
            raise Fault(node.at, "wrong-type", message, "Choose a value that comes out whole.")
        return Lit(int(value), replace(wanted, values=()))
    return Lit(value, replace(wanted, values=()))


def text_of(value: str, at: int, wanted: Type, here: Here, other: Term | None) -> Lit:
    if wanted.values and value not in wanted.values:
        near = next((one for one in wanted.values if one.casefold() == value.casefold()), None)
        otherwise = f"It is one of {', '.join(wanted.values)}."
        hint = f"Did you mean {near}?" if near else Suggester().hint(value, wanted.values, otherwise)
        raise Fault(at, "unknown-value", f"{value!r} is never a value of this fact.", hint)
    if not wanted.values and (wrong := why_not_text(value)) is not None:
        raise Fault(at, "unclear-text", *wrong)
    spec = here.schema.by_name.get(other.name) if isinstance(other, Fact) else None
    case = case_of(spec, other, here)
    if (case == "lower" and value != value.lower()) or (case == "upper" and value != value.upper()):
        right = value.lower() if case == "lower" else value.upper()
        raise Fault(at, "unknown-value", f"The fact is always in {case} case, so it is never {value!r}.", f"Write {right!r}.")
    return Lit(value, STRING)


def case_of(spec: FactSpec | None, other: Term | None, here: Here) -> str | None:
    if spec is None and isinstance(other, Fact | Item):
        spec = here.schema.by_name.get(fact_of(other))
    return None if spec is None else spec.case


def _moment(node: syntax.Call) -> Lit:
    text = one_text(node)
    try:
        moment = read_timestamp(text)
    except ValueError as error:
        raise Fault(node.arguments[0].at, "bad-moment", f"{error}.", "Z means UTC; +01:00 is an hour ahead.") from None
    try:
        return Lit(in_calendar(moment), TIMESTAMP)
    except ValueError as error:
        raise Fault(node.arguments[0].at, "bad-moment", f"{error}.", "No fact lies there, so leave it out.") from None


def _span(node: syntax.Call) -> Lit:
    try:
        return Lit(in_a_century(read_duration(one_text(node))), DURATION)
    except ValueError as error:
        hint = "d, h, m, s, ms and us follow the number; m stands beside h or s: months are days (180d), minutes 0h6m."
        raise Fault(node.arguments[0].at, "bad-timespan", f"{error}.", hint) from None


def _measured(node: syntax.Call) -> Lit:
    if len(node.arguments) != 2:  # noqa: PLR2004 - number and unit
        raise Fault(node.at, "wrong-arguments", "quantity has a number and a unit.", 'Write quantity(5, "EUR").')
    number, unit = map(ungrouped, node.arguments)
    value = plain(number)[0] if is_written(number) and not isinstance(number, syntax.Call) else None
    if isinstance(value, str | bool) or value is None or not isinstance(unit, syntax.Literal) or not isinstance(unit.value, str):
        raise Fault(node.at, "wrong-arguments", "quantity has a number and a unit in quotes.", 'Write quantity(5, "EUR").')
    if unit.value not in DIMENSIONS:
        raise Fault(
            unit.at,
            "unknown-unit",
            f"There is no unit {unit.value!r}.",
            Suggester().hint(unit.value, DIMENSIONS, f"There are {', '.join(DIMENSIONS)}."),
        )
    return Lit(float(value), Type(Base.NUMBER, unit.value))


def one_text(node: syntax.Call) -> str:
    one = ungrouped(node.arguments[0]) if len(node.arguments) == 1 else None
    if not isinstance(one, syntax.Literal) or not isinstance(one.value, str):
        raise Fault(node.at, "wrong-arguments", f"{node.name} has one text in quotes.")
    return one.value


WRITERS: Final[Mapping[str, Callable[[syntax.Call], Lit]]] = {"timestamp": _moment, "duration": _span, "quantity": _measured}


def the(kind: Type) -> str:
    if kind.item is not None:
        return "a list"
    if kind.values:
        return f"a text out of {', '.join(kind.values[:6])}{', …' if len(kind.values) > 6 else ''}"  # noqa: PLR2004 - as many as help
    word = {
        Base.BOOL: "true or false", Base.INT: "a whole number", Base.NUMBER: "a number", Base.STRING: "a text",
        Base.TIMESTAMP: "a moment", Base.DURATION: "a timespan",
    }[kind.base]  # fmt: skip
    return f"{word} of {kind.unit}" if kind.unit else word


def cap(text: str) -> str:
    """Begin a sentence, its other letters as they are."""
    return text[:1].upper() + text[1:]


def clash(at: int, one: Type, two: Type) -> Fault:
    hint = ""
    if one.unit != two.unit and one.base is two.base:
        hint = "Give both facts one unit in the schema."
    return Fault(at, "wrong-type", f"{cap(the(one))} is compared with {the(two)}.", hint)


def is_exact(at: int, value: Lit) -> None:
    """Refuse to ask whether a number is exactly 0.3: none is in binary, so what is reckoned meets it by chance (0.1 + 0.2 does not)."""
    number = value.value
    if isinstance(number, float) and Fraction(repr(number)) != Fraction(number):
        raise Fault(at, "inexact", f"Whether a number is exactly {number} is chance: it is rounded.", "Write a bound, with < or >, or two.")


def fact_of(term: Fact | Item) -> str:
    """Name the fact that a fact or an item of a list belongs to."""
    return term.name.partition("@")[2] or term.name
