"""Rules against a catalog: every provision they name is there, and every conclusion the catalog names is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kybern.base import Place, Problem
from kybern.base.suggest import Suggester

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kybern.catalog._catalog import Catalog
    from kybern.catalog.applicability._rules import Ruled, Rules


def check_catalog(rules: Rules, catalog: Catalog) -> tuple[Problem, ...]:
    """Give what does not hold together. Provisions of a framework that the catalog does not hold are not looked at."""
    suggester = Suggester()
    found = [problem for ruled in rules.conclusions.values() for problem in _provisions(ruled, catalog, suggester)]
    return (*found, *_conclusions(rules, catalog, suggester))


def _provisions(ruled: Ruled, catalog: Catalog, suggester: Suggester) -> Iterator[Problem]:
    """Tell provisions that are not in their framework."""
    for name in ("basis", "binds"):
        for index, ref in enumerate(getattr(ruled.conclusion, name)):
            if ref.partition(":")[0] in catalog.frameworks and ref not in catalog.requirements:
                hint = suggester.hint(ref, catalog.requirements)
                yield Problem("unknown-requirement", f"There is no requirement {ref}.", ruled.place(name, index), hint)


def _conclusions(rules: Rules, catalog: Catalog, suggester: Suggester) -> Iterator[Problem]:
    """Tell conclusions that the catalog's entries name and no rule draws."""
    named = {f"frameworks/{one.id}": one.applies_when for one in catalog.frameworks.values()}
    named |= {ref: entry.applies_when for ref, entry in catalog.requirements.items()}
    for where, conclusion in named.items():
        if conclusion is not None and conclusion not in rules.conclusions:
            hint = suggester.hint(conclusion, rules.conclusions)
            yield Problem("unknown-conclusion", f"There is no conclusion {conclusion}.", Place(where), hint)
