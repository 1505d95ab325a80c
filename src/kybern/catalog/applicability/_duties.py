"""Duties: which requirements of a catalog bind whom a classification is about, from which day, and why."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kybern.catalog._catalog import Catalog
from kybern.catalog.applicability._formula import join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from kybern.catalog._models import Applies, Framework, Requirement
    from kybern.catalog.applicability._engine import Answer, Classification
    from kybern.catalog.applicability._formula import Truth
    from kybern.catalog.applicability._models import Regime


@dataclass(frozen=True)
class Duty:
    """A requirement that binds, does not, or may: `since` is the day, `basis` what sets it, `because` the conclusions it rests on."""

    requirement: str
    regime: str
    truth: Truth
    since: date | None
    until: date | None
    basis: str | None
    because: tuple[str, ...]
    title: str | None = None
    penalty: str | None = None

    def in_effect(self, day: date) -> bool:
        """Tell whether it binds on a day."""
        return self.truth is True and (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


_Groups = tuple[tuple[str, ...], ...]
"""What must hold for an entry to bind: of each group one conclusion."""


def duties(catalog: Catalog, found: Classification, regimes: Collection[str] | None = None) -> tuple[Duty, ...]:
    """Say of every requirement that law may make binding, of all regimes or some, whether it binds.

    What binds it is its own `applies_when`; else what the rules say of it, or of the entry above it; else who is bound and of which
    class it speaks, within a law that applies; else, where it says nothing of these, what makes its framework reach anybody.
    A group binds through the entries under it. What the rules name and no framework holds yet is listed too. The law is that of the
    day asked about: what was repealed by then, or did not stand yet, binds nobody.
    """
    law = Catalog({name: framework.as_known(found.as_of) for name, framework in catalog.frameworks.items()}, {})
    every = (*_held(law, found), *_named(law, found))
    return tuple(duty for duty in every if regimes is None or duty.regime in regimes)


def _held(catalog: Catalog, found: Classification) -> Iterator[Duty]:
    """Go through the duties that stand in the catalog."""
    binding = _Binding(catalog, found)
    for framework in catalog.frameworks.values():
        for entry in framework.requirements:
            ref = f"{framework.id}:{entry.id}"
            groups = binding.groups(framework, entry) if catalog.is_leaf(ref) else None
            if groups is not None:
                yield _duty(found, ref, entry, groups)


def _named(catalog: Catalog, found: Classification) -> Iterator[Duty]:
    """Go through the duties that the rules name in frameworks which are not there."""
    for ref, names in _binders(found).items():
        if ref.partition(":")[0] not in catalog.frameworks:
            yield _duty(found, ref, None, (names,))


def _binders(found: Classification) -> Mapping[str, tuple[str, ...]]:
    """Name the conclusions that bind each requirement."""
    binders: defaultdict[str, list[str]] = defaultdict(list)
    for name, ruled in found.rules.conclusions.items():
        for ref in ruled.conclusion.binds:
            binders[ref].append(name)
    return {ref: tuple(names) for ref, names in binders.items()}


class _Binding:
    """Finds what must hold for an entry of the catalog to bind."""

    def __init__(self, catalog: Catalog, found: Classification) -> None:
        self.catalog = catalog
        self.conclusions = found.rules.conclusions
        self.regimes = found.rules.regimes.values()
        self.binders = _binders(found)

    def groups(self, framework: Framework, entry: Requirement) -> _Groups | None:
        """Give the groups of conclusions; None where nobody says when the entry binds, or it binds others than the user."""
        if entry.applies_when is not None:
            return ((entry.applies_when,),) if entry.applies_when in self.conclusions else None
        above = next((ref for ref in self._upwards(f"{framework.id}:{entry.id}") if ref in self.binders), None)
        if above is not None:
            return (self.binders[above],)
        if not entry.bound and not entry.classes:
            reaches = framework.applies_when
            return ((reaches,),) if reaches is not None and reaches in self.conclusions else None
        return next((groups for regime in self.regimes if framework.id in regime.frameworks and (groups := _by_slugs(regime, entry))), None)

    def _upwards(self, ref: str) -> Iterator[str]:
        framework = ref.partition(":")[0]
        above: str | None = ref
        while above is not None:
            yield above
            parent = self.catalog.requirements[above].parent
            above = None if parent is None else f"{framework}:{parent}"


def _by_slugs(regime: Regime, entry: Requirement) -> _Groups | None:
    """Translate who is bound and of which class an entry speaks; None where that is not the user, or nobody can tell."""
    roles = tuple(regime.roles[slug] for slug in entry.bound if slug in regime.roles)
    classes = tuple(regime.classes[slug] for slug in entry.classes if slug in regime.classes)
    if (entry.bound and not roles) or (entry.classes and not classes):
        return None
    return ((regime.applies,), *(group for group in (roles, classes) if group))


def _duty(found: Classification, ref: str, entry: Requirement | None, groups: _Groups) -> Duty:
    truth = join((join((found.truth(name) for name in group), every=False) for group in groups), every=True)
    regime = found.rules.regimes[found.rules.conclusions[groups[0][0]].regime]
    since, until, basis = _dates(found, regime, entry, groups) if truth is True else (None, None, None)
    because = tuple(dict.fromkeys(name for group in groups for name in group if found.truth(name) is truth))
    title, penalty = (entry.title, entry.penalty) if entry is not None else (None, None)
    return Duty(ref, regime.regime, truth, since, until, basis, because, title, penalty)


def _dates(
    found: Classification, regime: Regime, entry: Requirement | None, groups: _Groups
) -> tuple[date | None, date | None, str | None]:
    """Find from when it binds: when all that it rests on has effect, and not before the entry's own date."""
    starts = [_first([found.answer(name) for name in group if found.truth(name) is True]) for group in groups]
    start, basis = max((one for one in starts if one is not None), default=(None, None))
    row = None if entry is None else _row(found, regime, entry.dates)
    if row is None:
        return start, None, basis
    later = start is None or row.since >= start
    return (row.since if later else start), row.until, (row.basis if later else basis)


def _first(answers: Sequence[Answer]) -> tuple[date, str] | None:
    """Give the first day on which one of several has effect; None where one always had."""
    starts = [None if answer.since is None else (answer.since, answer.basis or "") for answer in answers]
    return None if None in starts else min((one for one in starts if one is not None), default=None)


def _row(found: Classification, regime: Regime, rows: tuple[Applies, ...]) -> Applies | None:
    """Choose the row that is law on the day asked about, of the route that is the user's; of several routes the first to bind."""
    known = [row for row in rows if row.enacted is None or row.enacted <= found.as_of]
    latest = {row.route: max(_enacted(other) for other in known if other.route == row.route) for row in known}
    standing = [row for row in known if _enacted(row) == latest[row.route] and (row.route is None or _on_route(found, regime, row.route))]
    return min(standing, key=lambda row: row.since, default=None)


def _enacted(row: Applies) -> int:
    return 0 if row.enacted is None else row.enacted.toordinal()


def _on_route(found: Classification, regime: Regime, route: str) -> bool:
    return route in regime.routes and found.truth(regime.routes[route]) is True
