"""From the typed tree back to text: the one form a condition has, as Kybern reads it or as any CEL does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kybern.policy._core import (
    All,
    AnyOf,
    Compare,
    Expr,
    Fact,
    Gap,
    Has,
    In,
    Item,
    Lit,
    Matches,
    Not,
    Opaque,
    Quantified,
    Shifted,
    Size,
    Term,
    Truth,
)
from kybern.policy._durations import write_duration

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\t": r"\t", "\r": r"\r"})


def to_text(node: Expr, *, units: bool = True) -> str:
    """Write a condition. Without `units` quantities are bare numbers, in the unit of the fact, as CEL itself has them."""
    return _written(node, units, outer=True)


def _written(node: Expr, units: bool, *, outer: bool = False) -> str:  # noqa: FBT001 - handed down as it came
    if isinstance(node, All | AnyOf):
        joined = (" && " if isinstance(node, All) else " || ").join(_written(item, units) for item in node.items)
        return joined if outer else f"({joined})"
    if isinstance(node, Not):
        inner = _written(node.inner, units, outer=True)
        return f"!{inner}" if isinstance(node.inner, Truth | Has | Quantified | Matches | Not) else f"!({inner})"
    return _alone(node, units)


def _alone(node: Expr, units: bool) -> str:  # noqa: FBT001
    def term(one: Term) -> str:
        return _term(one, units)

    if isinstance(node, Truth):
        return term(node.term)
    if isinstance(node, Compare):
        return f"{term(node.left)} {node.operator} {term(node.right)}"
    if isinstance(node, In):
        among = f"[{', '.join(map(term, node.among))}]" if isinstance(node.among, tuple) else node.among.name
        return f"{term(node.item)} in {among}"
    if isinstance(node, Has):
        return f"has({node.fact.name})"
    return _called(node, units, term)


def _called(node: Expr, units: bool, term: Callable[[Term], str]) -> str:  # noqa: FBT001
    if isinstance(node, Matches):
        return f"{term(node.term)}.matches({_text(node.pattern)})"
    if isinstance(node, Quantified):
        return f"{node.of.name}.{node.kind}({_item(node.item)}, {_written(node.body, units, outer=True)})"
    if isinstance(node, Opaque):
        return f"predicate({', '.join((_text(node.name), *(one.name for one in node.terms)))})"
    return f"{term(node.term)}.{node.test}({_text(node.text)})"  # type: ignore[union-attr]  # a TextTest: every other form is done


def _term(term: Term, units: bool) -> str:  # noqa: FBT001
    if isinstance(term, Fact):
        return term.name
    if isinstance(term, Item):
        return _item(term)
    if isinstance(term, Lit):
        return _literal(term, units)
    if isinstance(term, Size):
        return f"size({term.of.name})"
    if isinstance(term, Shifted):
        return f"{_side(term.moment, units)} {term.sign} {_side(term.span, units)}"
    if isinstance(term, Gap):
        return f"{_side(term.later, units)} - {_side(term.earlier, units)}"
    msg = f"no such term: {term}"
    raise TypeError(msg)


def _side(term: Term, units: bool) -> str:  # noqa: FBT001
    text = _term(term, units)
    return f"({text})" if isinstance(term, Shifted | Gap) else text


def _item(item: Item) -> str:
    return item.name.partition("@")[0]


def _literal(lit: Lit, units: bool) -> str:  # noqa: FBT001
    value = lit.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, datetime):
        return f'timestamp("{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z")'
    if isinstance(value, timedelta):
        return f'duration("{write_duration(value)}")'
    number = repr(value)
    return f'quantity({number}, "{lit.type.unit}")' if units and lit.type.unit else number


def _text(value: str) -> str:
    return f'"{value.translate(_ESCAPED)}"'
