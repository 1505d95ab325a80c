"""The three-valued value of a formula: unknown is neither yes nor no (Kleene's strong logic)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kybern.catalog.applicability._formula import Atom, Either, Every, Named, holds, join, negated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.catalog.applicability._formula import FactValue, Formula, Truth


def truth_of(formula: Formula, known: Mapping[str, FactValue], drawn: Mapping[str, Truth], regions: Mapping[str, frozenset[str]]) -> Truth:
    """Evaluate a formula on known facts and conclusions drawn already."""
    match formula:
        case Atom():
            return holds(formula, known[formula.fact], regions) if formula.fact in known else None
        case Named(name):
            return drawn[name]
        case Every(parts):
            return join((truth_of(part, known, drawn, regions) for part in parts), every=True)
        case Either(parts):
            return join((truth_of(part, known, drawn, regions) for part in parts), every=False)
        case _:
            return negated(truth_of(formula.part, known, drawn, regions))
