"""The typed tree of a condition: what the checker makes, and every back end reads (closures, solver, words, exports)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from kybern.policy._types import BOOL, DURATION, INT, TIMESTAMP, Type

Scalar: TypeAlias = str | int | float | bool | datetime | timedelta
Comparison: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]
TextTestName: TypeAlias = Literal["startsWith", "endsWith", "contains"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of the request."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Item:
    """The item of a list that a quantifier speaks of."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Lit:
    """A value that is written out, in the unit of what it is compared with."""

    value: Scalar
    type: Type


@dataclass(frozen=True, slots=True)
class Size:
    """How many items a list has."""

    of: Fact
    type: Type = INT


@dataclass(frozen=True, slots=True)
class Shifted:
    """A moment, moved by a timespan."""

    moment: Term
    sign: Literal["+", "-"]
    span: Term
    type: Type = TIMESTAMP


@dataclass(frozen=True, slots=True)
class Gap:
    """The timespan from one moment to a later one."""

    later: Term
    earlier: Term
    type: Type = DURATION


Term: TypeAlias = Fact | Item | Lit | Size | Shifted | Gap


@dataclass(frozen=True, slots=True)
class Truth:
    """A fact or item that is itself true or false."""

    term: Fact | Item


@dataclass(frozen=True, slots=True)
class Not:
    """What it holds does not."""

    inner: Expr


@dataclass(frozen=True, slots=True)
class All:
    """Every one of these holds."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these holds."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Two terms of one type, compared."""

    operator: Comparison
    left: Term
    right: Term


@dataclass(frozen=True, slots=True)
class In:
    """A term is among values written out, or among the items of a list."""

    item: Term
    among: tuple[Lit, ...] | Fact


@dataclass(frozen=True, slots=True)
class Has:
    """An optional fact is there."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class TextTest:
    """A text begins with, ends with or contains another."""

    test: TextTestName
    term: Fact | Item
    text: str


@dataclass(frozen=True, slots=True)
class Matches:
    """A text as a whole fits a pattern of RE2, anchored at both ends."""

    term: Fact | Item
    pattern: str


@dataclass(frozen=True, slots=True)
class Quantified:
    """An item of a list fits (`exists`), or every item does (`all`, of a list that is not empty)."""

    kind: Literal["exists", "all"]
    of: Fact
    item: Item
    body: Expr


@dataclass(frozen=True, slots=True)
class Opaque:
    """A predicate in Python, named and versioned: nothing is proved of it."""

    name: str
    terms: tuple[Fact, ...]


Expr: TypeAlias = Truth | Not | All | AnyOf | Compare | In | Has | TextTest | Matches | Quantified | Opaque


def parts(node: Expr) -> tuple[Expr, ...]:
    """Give the expressions directly within an expression."""
    if isinstance(node, Not):
        return (node.inner,)
    if isinstance(node, All | AnyOf):
        return node.items
    return (node.body,) if isinstance(node, Quantified) else ()


def terms(node: Expr) -> tuple[Term, ...]:
    """Give the terms an expression speaks of itself."""
    if isinstance(node, Compare):
        return node.left, node.right
    if isinstance(node, In):
        return (node.item, *node.among) if isinstance(node.among, tuple) else (node.item, node.among)
    if isinstance(node, Truth | TextTest | Matches):
        return (node.term,)
    if isinstance(node, Has):
        return (node.fact,)
    if isinstance(node, Quantified):
        return (node.of,)
    return node.terms if isinstance(node, Opaque) else ()


def within(term: Term) -> Iterator[Term]:
    """Go through a term and the terms it is made of."""
    yield term
    if isinstance(term, Size):
        yield term.of
    elif isinstance(term, Shifted):
        yield from within(term.moment)
        yield from within(term.span)
    elif isinstance(term, Gap):
        yield from within(term.later)
        yield from within(term.earlier)


def walk(node: Expr) -> Iterator[Expr]:
    """Go through an expression and everything within it, the outer first."""
    yield node
    for part in parts(node):
        yield from walk(part)


def facts_of(node: Expr) -> Iterator[Fact]:
    """Go through every mention of a fact."""
    for one in walk(node):
        for term in terms(one):
            yield from (inner for inner in within(term) if isinstance(inner, Fact))


def conjuncts(node: Expr) -> tuple[Expr, ...]:
    """Give what has to hold, each by itself."""
    return node.items if isinstance(node, All) else (node,)


def is_bool(term: Term) -> bool:
    """Tell whether a term is itself a truth."""
    return term.type == BOOL
