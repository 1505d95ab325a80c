"""Applying every lint rule to a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kybern.workspace import _rules_facts, _rules_governance, _rules_references
from kybern.workspace._rules import RULES, CatalogIds, Context

if TYPE_CHECKING:
    from datetime import date

    from kybern.base import Problem
    from kybern.workspace._load import Workspace

RULE_MODULES = (_rules_references, _rules_facts, _rules_governance)
"""The modules whose rules are in the table; importing them registers their rules."""


def lint(workspace: Workspace, catalog: CatalogIds, as_of: date) -> tuple[Problem, ...]:
    """Check a workspace against every rule as of a day, in the order of the places."""
    context = Context(workspace, catalog, as_of)
    found = (problem for rule in RULES.values() for problem in rule.problems(context))
    return tuple(sorted(found, key=lambda problem: (problem.place, problem.rule)))
