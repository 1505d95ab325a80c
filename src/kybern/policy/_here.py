"""What may be spoken of at a point of a condition, and what is known there: optional facts that are there, lists that have items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from kybern.policy._core import All, AnyOf, Compare, Comparison, Expr, Fact, Has, In, Item, Lit, Not, Quantified, Size

if TYPE_CHECKING:
    from kybern.policy._predicates import Predicate
    from kybern.policy._schema import FactSchema

NEGATED: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
NOT_EMPTY: Final = "#"
"""Stands before a list's name among what is known: that it has items."""

Known = frozenset[str]


@dataclass(frozen=True)
class Here:
    """What may be spoken of at a point: the schema, the actions, the items of quantifiers, the optional facts known to be there."""

    schema: FactSchema
    actions: tuple[str, ...]
    predicates: Mapping[str, Predicate]
    items: Mapping[str, Item]
    known: Known


def implied(node: Expr, *, holds: bool) -> Known:  # noqa: PLR0911 - one line a form
    """Say which optional facts are surely there, and which lists surely have items, if an expression holds, or does not."""
    if isinstance(node, Not):
        return implied(node.inner, holds=not holds)
    if isinstance(node, All | AnyOf):
        found = [implied(item, holds=holds) for item in node.items]
        whole = isinstance(node, All) == holds
        return frozenset().union(*found) if whole else found[0].intersection(*found[1:])
    if not holds:
        return _few(node)
    if isinstance(node, Has):
        return frozenset((node.fact.name,))
    if isinstance(node, Quantified):
        return frozenset((NOT_EMPTY + node.of.name,))
    if isinstance(node, In) and isinstance(node.among, Fact):
        return frozenset((NOT_EMPTY + node.among.name,))
    return _some(node)


def _some(node: Expr) -> Known:
    """Read `size(x) > 0` and its like as: the list has items."""
    if isinstance(node, Compare) and isinstance(node.left, Size) and isinstance(node.right, Lit):
        least = {">": 0, ">=": 1, "==": 1}.get(node.operator)
        if (least is not None and cast("int", node.right.value) >= least) or (node.operator == "!=" and node.right.value == 0):
            return frozenset((NOT_EMPTY + node.left.of.name,))
    return frozenset()


def _few(node: Expr) -> Known:
    """Read the denial of `size(x) == 0` and its like as: the list has items."""
    if isinstance(node, Compare) and isinstance(node.left, Size):
        return _some(Compare(cast("Comparison", NEGATED[node.operator]), node.left, node.right))
    return frozenset()
