"""What in a condition can never matter: parts that never hold together, and parts of which one always holds.

`risk != "high" || risk != "limited"` always holds, whatever its writer had in mind; beside something else no example shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kybern.policy import _syntax as syntax
from kybern.policy._box import Box
from kybern.policy._core import All, AnyOf, Expr, Not, Quantified
from kybern.policy._syntax import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def refuse_idle(node: syntax.Node, expr: Expr, given: Sequence[Expr] = ()) -> None:
    """Raise `Fault` at the part that settles the others; `given` is what is known wherever this part counts."""
    while isinstance(node, syntax.Grouped):
        node = node.inner
    if isinstance(node, syntax.Unary) and isinstance(expr, Not):
        refuse_idle(node.operand, expr.inner, given)
    elif isinstance(node, syntax.Call) and isinstance(expr, Quantified):
        refuse_idle(node.arguments[1], expr.body, given)
    elif isinstance(node, syntax.Chain) and isinstance(expr, All | AnyOf):
        _chain(node, expr, given)


def _chain(node: syntax.Chain, expr: All | AnyOf, given: Sequence[Expr]) -> None:
    both = isinstance(expr, All)
    said = list(given)
    for side, item in zip(node.items, expr.items, strict=True):
        if _never(_said(item, holds=True)) or _never(_said(item, holds=False)):
            refuse_idle(side, item, given)  # by itself: it knows better where
        if not both and _never([*given, *_said(item, holds=True)]):
            raise Fault(side.at, "constant", "This never holds here: what it stands with rules it out.", "Correct it, or leave it out.")
        said += _said(item, holds=both)
        if _never(said):
            message = "This never holds together with what stands before it." if both else "With what stands before it, one always holds."
            raise Fault(side.at, "constant", message, "Correct the values; join with || what need not hold together, with && what has to.")
    for at, (side, item) in enumerate(zip(node.items, expr.items, strict=True)):
        others = [one for place, other in enumerate(expr.items) if place != at for one in _said(other, holds=both)]
        refuse_idle(side, item, [*given, *others])


def _never(said: Iterable[Expr]) -> bool:
    box = Box.of(All(tuple(said)))
    return box.apart(box)


def _said(expr: Expr, *, holds: bool) -> tuple[Expr, ...]:
    """Give what surely holds, part by part, if an expression does, or does not."""
    if isinstance(expr, Not):
        return _said(expr.inner, holds=not holds)
    if isinstance(expr, All | AnyOf):
        return tuple(one for item in expr.items for one in _said(item, holds=holds)) if isinstance(expr, All) == holds else ()
    return (expr if holds else Not(expr),)
