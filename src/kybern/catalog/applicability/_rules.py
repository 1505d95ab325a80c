"""Rules of applicability once they are read and checked: facts, contradictions, regimes, conclusions in an order to draw them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kybern.catalog.applicability._diagram import thresholds_of
from kybern.catalog.applicability._models import Conclusion, Contradiction, Fact, Regime, Validity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from kybern.base import Place
    from kybern.base.yaml import YamlDocument
    from kybern.catalog.applicability._diagram import Thresholds
    from kybern.catalog.applicability._formula import Formula

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Ruled:
    """A conclusion with its formulas, one for each row of its dates, or the one without dates."""

    conclusion: Conclusion
    regime: str
    formulas: tuple[tuple[Validity | None, Formula], ...]
    document: YamlDocument
    path: Path

    def place(self, *path: str | int) -> Place:
        """Find where a part of it stands."""
        return self.document.place((*self.path, *path))

    def law(self, day: date) -> tuple[Validity | None, Formula] | None:
        """Give the row that is law on a day: of the latest enactment, the one in effect or the next; None before any and after all."""
        known = [pair for pair in self.formulas if pair[0] is None or pair[0].enacted is None or pair[0].enacted <= day]
        latest = max((_enacted(row) for row, _ in known), default=0)
        rows = [pair for pair in known if _enacted(pair[0]) == latest]
        return next((pair for pair in rows if pair[0] is None or pair[0].until is None or day <= pair[0].until), None)


def _enacted(row: Validity | None) -> int:
    return 0 if row is None or row.enacted is None else row.enacted.toordinal()


@dataclass(frozen=True)
class FactSchema:
    """The facts that can be stated, by name, and the regions that places lie in."""

    version: date
    facts: Mapping[str, Fact]
    regions: Mapping[str, frozenset[str]]
    contradictions: tuple[tuple[Contradiction, Formula], ...]


@dataclass(frozen=True)
class Rules:
    """Everything that says when law applies. `conclusions` stand so that each comes after those it rests on."""

    schema: FactSchema
    regimes: Mapping[str, Regime]
    conclusions: Mapping[str, Ruled]

    @cached_property
    def thresholds(self) -> Thresholds:
        """The numbers and days that formulas compare each fact with."""
        return thresholds_of(formula for ruled in self.conclusions.values() for _, formula in ruled.formulas)
