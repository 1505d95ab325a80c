"""Duties: which requirements of a catalog bind whom a classification is about, from which day, and why."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kybern.catalog.applicability._formula import join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

    from kybern.catalog._catalog import Catalog
    from kybern.catalog._models import Applies, Requirement
    from kybern.catalog.applicability._engine import Classification
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


def duties(catalog: Catalog, found: Classification, regimes: Collection[str] | None = None) -> tuple[Duty, ...]:
    """Say of every requirement of the laws ruled on, or of some regimes, whether it binds.

    What binds it is its own `applies_when`; else what the rules say of it, or of the entry above it; else who is bound and of which
    class it speaks, within a framework that applies. What the rules name and no framework holds yet is listed too.
    """
    every = found.rules.regimes.values()
    return tuple(_Duties(catalog, found).all(regime for regime in every if regimes is None or regime.regime in regimes))


class _Duties:
    def __init__(self, catalog: Catalog, found: Classification) -> None:
        self.catalog = catalog
        self.found = found
        self.binders: defaultdict[str, list[str]] = defaultdict(list)
        for name, ruled in found.rules.conclusions.items():
            for ref in ruled.conclusion.binds:
                self.binders[ref].append(name)

    def all(self, regimes: Iterable[Regime]) -> Iterator[Duty]:
        for regime in regimes:
            for framework in regime.frameworks:
                yield from self._of_framework(regime, framework)

    def _of_framework(self, regime: Regime, framework: str) -> Iterator[Duty]:
        held = self.catalog.frameworks.get(framework)
        if held is None:
            named = [ref for ref in self.binders if ref.partition(":")[0] == framework]
            yield from (self._duty(regime, ref, None, self._named(ref)) for ref in named if self._is_of(regime, ref))
            return
        for entry in held.requirements:
            ref = f"{framework}:{entry.id}"
            if entry.normative and (because := self._because(regime, ref, entry)) is not None:
                yield self._duty(regime, ref, entry, *because)

    def _is_of(self, regime: Regime, ref: str) -> bool:
        """Tell whether it is this regime that speaks of an entry: a framework may be home to several."""
        return any(self.found.rules.conclusions[name].regime == regime.regime for name in self.binders[ref])

    def _duty(self, regime: Regime, ref: str, entry: Requirement | None, because: tuple[tuple[str, ...], ...]) -> Duty:
        truths = [join((self.found.truth(name) for name in group), every=False) for group in because]
        truth = join(truths, every=True)
        since, until, basis = self._dates(regime, entry, because) if truth is True else (None, None, None)
        names = tuple(dict.fromkeys(name for group in because for name in group if self.found.truth(name) is truth))
        title, penalty = (entry.title, entry.penalty) if entry is not None else (None, None)
        return Duty(ref, regime.regime, truth, since, until, basis, names, title, penalty)

    def _named(self, ref: str) -> tuple[tuple[str, ...], ...]:
        return (tuple(self.binders[ref]),)

    def _because(self, regime: Regime, ref: str, entry: Requirement) -> tuple[tuple[tuple[str, ...], ...]] | None:
        """Give what must hold: of each group one. None where the rules say nothing of the entry, or another regime does."""
        known = self.found.rules.conclusions
        if entry.applies_when is not None:
            mine = known.get(entry.applies_when)
            return None if mine is None or mine.regime != regime.regime else (((entry.applies_when,),),)
        binder = next((above for above in self._upwards(ref) if above in self.binders), None)
        if binder is not None:
            return (self._named(binder),) if self._is_of(regime, binder) else None
        groups = self._by_slugs(regime, entry)
        return None if groups is None else (((regime.applies,), *groups),)

    def _by_slugs(self, regime: Regime, entry: Requirement) -> Iterable[tuple[str, ...]] | None:
        """Translate who is bound and of which class an entry speaks; None where that is not the user, or nobody knows."""
        if not regime.roles and not regime.classes:
            return None
        roles = tuple(regime.roles[slug] for slug in entry.bound if slug in regime.roles)
        classes = tuple(regime.classes[slug] for slug in entry.classes if slug in regime.classes)
        if not roles or (entry.classes and not classes):
            return None
        return (roles, classes) if classes else (roles,)

    def _upwards(self, ref: str) -> Iterator[str]:
        framework = ref.partition(":")[0]
        above: str | None = ref
        while above is not None:
            yield above
            parent = self.catalog.requirements[above].parent
            above = None if parent is None else f"{framework}:{parent}"

    def _dates(
        self, regime: Regime, entry: Requirement | None, because: tuple[tuple[str, ...], ...]
    ) -> tuple[date | None, date | None, str | None]:
        """Find from when it binds: when all that it rests on has effect, and not before the entry's own date."""
        firsts = [self._first(group) for group in because]
        start = max((day for day in firsts if day is not None), default=None)
        until: date | None = None
        basis = next((self.found.answer(name).basis for group in because for name in group if self.found.truth(name)), None)
        row = None if entry is None else self._row(regime, entry.dates)
        if row is not None and (start is None or row.since >= start):
            start, basis = row.since, row.basis
        return start, until if row is None else row.until, basis

    def _first(self, group: tuple[str, ...]) -> date | None:
        days = [self.found.answer(name).since for name in group if self.found.truth(name) is True]
        return None if None in days else min((day for day in days if day is not None), default=None)

    def _row(self, regime: Regime, rows: tuple[Applies, ...]) -> Applies | None:
        """Choose the row that is law on the day asked about, of the route that is the user's; of several routes the first to bind."""
        fitting = [row for row in rows if row.enacted is None or row.enacted <= self.found.as_of]
        latest: dict[str | None, date | None] = {}
        for row in fitting:
            before = latest.get(row.route)
            latest[row.route] = row.enacted if before is None or (row.enacted is not None and row.enacted > before) else before
        standing = [row for row in fitting if row.enacted == latest[row.route]]
        mine = [row for row in standing if row.route is None or self._on_route(regime, row.route)]
        return min(mine, key=lambda row: row.since, default=None)

    def _on_route(self, regime: Regime, route: str) -> bool:
        return route in regime.routes and self.found.truth(regime.routes[route]) is True
