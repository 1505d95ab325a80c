"""The table of lint rules: one small function a rule, with its slug, how much it matters and one sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from kybern.base import Problem, Severity
from kybern.base.suggest import Suggester

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from kybern.base import Place
    from kybern.records import RecordSet
    from kybern.workspace._load import Workspace


@dataclass(frozen=True, slots=True)
class CatalogIds:
    """The names that records may give to catalog entries: controls (`GOV-01`) and requirements (`ISO42001:A.7.4`)."""

    controls: frozenset[str]
    requirements: frozenset[str]
    groups: frozenset[str] = frozenset()
    """Requirements whose status comes from their parts."""
    reference_controls: frozenset[str] = frozenset()
    """Requirements that a statement of applicability speaks about one by one: the controls of Annex A."""
    clauses: frozenset[str] = frozenset()
    """Requirements of a management system itself, which no statement of applicability can leave out."""


@dataclass(frozen=True)
class Context:
    """What a rule looks at: the workspace, the catalog's names, the day it is asked about."""

    workspace: Workspace
    catalog: CatalogIds
    as_of: date
    suggester: Suggester = field(default_factory=Suggester)

    @property
    def records(self) -> RecordSet:
        """The records of the workspace."""
        return self.workspace.records

    @cached_property
    def refs_of(self) -> dict[str, list[str]]:
        """The names of the records, by kind."""
        return {kind: [record.ref for record in self.records.of_kind(kind)] for kind in self.records.kinds}

    def at(self, ref: str, *path: str | int) -> Place:
        """Find where a record's field stands."""
        return self.workspace.places.of(ref, path)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: where, what is wrong, what would be right."""

    place: Place
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A lint rule: `sentence` says what a finding means."""

    slug: str
    severity: Severity
    sentence: str
    find: Callable[[Context], Iterator[Finding]]

    def problems(self, context: Context) -> Iterator[Problem]:
        """Apply the rule."""
        for found in self.find(context):
            yield Problem(self.slug, found.message, found.place, found.hint, self.severity)


RULES: dict[str, Rule] = {}
"""Every rule by its slug."""


def rule(slug: str, sentence: str, severity: Severity = Severity.WARNING) -> Callable[[Callable[[Context], Iterator[Finding]]], Rule]:
    """Register the function below as a rule; `ValueError` if the slug is taken."""

    def register(find: Callable[[Context], Iterator[Finding]]) -> Rule:
        found = Rule(slug, severity, sentence, find)
        if RULES.setdefault(slug, found) is not found:
            msg = f"two rules have the slug {slug!r}"
            raise ValueError(msg)
        return found

    return register


def listed(names: Sequence[str], most: int = 6) -> str:
    """Write names in a row, cut after `most`."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
