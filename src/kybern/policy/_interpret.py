"""What a condition means, said as plainly as can be: a slow interpreter that shares nothing with the closures.

It is the oracle of the tests, and replays what the solver finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kybern.policy._core import (
    All,
    AnyOf,
    Compare,
    Expr,
    Fact,
    Has,
    In,
    Item,
    Lit,
    Matches,
    Not,
    Quantified,
    Shifted,
    Size,
    Term,
    TextTest,
    Truth,
)
from kybern.policy._patterns import compile_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.policy._predicates import Predicate


def holds(node: Expr, values: Mapping[str, Any], predicates: Mapping[str, Predicate]) -> bool:  # noqa: C901, PLR0911 - one line a form
    """Tell whether a condition holds of these values; whatever fails in it is raised."""
    if isinstance(node, Truth):
        return bool(values[node.term.name])
    if isinstance(node, Not):
        return not holds(node.inner, values, predicates)
    if isinstance(node, All | AnyOf):
        return _joined(node, values, predicates)
    if isinstance(node, Has):
        return node.fact.name in values
    if isinstance(node, Compare):
        left, right = value_of(node.left, values), value_of(node.right, values)
        if node.operator in {"==", "!="}:
            return bool(left == right) == (node.operator == "==")
        if node.operator in {"<", ">="}:
            return bool(left < right) == (node.operator == "<")
        return bool(left > right) == (node.operator == ">")
    if isinstance(node, In):
        among = values[node.among.name] if isinstance(node.among, Fact) else [one.value for one in node.among]
        return any(value_of(node.item, values) == one for one in among)
    if isinstance(node, TextTest):
        text = values[node.term.name]
        return bool({"startsWith": text.startswith, "endsWith": text.endswith, "contains": text.__contains__}[node.test](node.text))
    if isinstance(node, Matches):
        return compile_pattern(node.pattern)(str(values[node.term.name]))
    if isinstance(node, Quantified):
        found = [holds(node.body, {**values, node.item.name: one}, predicates) for one in values[node.of.name]]
        return any(found) if node.kind == "exists" else all(found)
    return bool(predicates[node.name].function(*(values[term.name] for term in node.terms)))


def _joined(node: All | AnyOf, values: Mapping[str, Any], predicates: Mapping[str, Predicate]) -> bool:
    """Join as CEL does: one side that settles the answer settles it, though another fails."""
    settles = isinstance(node, AnyOf)
    failures: list[Exception] = []
    for item in node.items:
        try:
            if holds(item, values, predicates) is settles:
                return settles
        except Exception as error:  # noqa: BLE001 - raised below unless another side settles
            failures.append(error)
    if failures:
        raise failures[0]
    return not settles


def value_of(term: Term, values: Mapping[str, Any]) -> Any:
    """Work out a term."""
    if isinstance(term, Lit):
        return term.value
    if isinstance(term, Fact | Item):
        return values[term.name]
    if isinstance(term, Size):
        return len(values[term.of.name])
    if isinstance(term, Shifted):
        moment, span = value_of(term.moment, values), value_of(term.span, values)
        return moment + span if term.sign == "+" else moment - span
    return value_of(term.later, values) - value_of(term.earlier, values)
