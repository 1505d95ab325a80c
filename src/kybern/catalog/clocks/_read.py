"""Read the clocks, check them against themselves and the rules of applicability, and hand them out whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import validate
from kybern.catalog._documents import one_document
from kybern.catalog.applicability import FactSchema, load_rules
from kybern.catalog.applicability._formula import Atom, names
from kybern.catalog.applicability._formula_reader import FormulaReader
from kybern.catalog.clocks._models import Clock, IncidentFile, RegimeClocks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from importlib.resources.abc import Traversable

    from kybern.base.yaml import YamlDocument
    from kybern.catalog._catalog import Catalog
    from kybern.catalog.applicability import Rules
    from kybern.catalog.applicability._formula import Formula
    from kybern.catalog.clocks._models import Moment

M = TypeVar("M", bound=BaseModel)
FACTS: Final = "facts.yaml"
_SHOWN: Final = "`kybern catalog show FRAMEWORK` lists what there is."


@dataclass(frozen=True)
class Timed:
    """A clock with its formula, its regime and the place it was read from."""

    clock: Clock
    regime: RegimeClocks
    when: Formula
    place: Place


@dataclass(frozen=True)
class Clocks:
    """Everything that says which report is due when: moments and facts of incidents, zones, and clocks in the order they are shown."""

    schema: FactSchema
    moments: Mapping[str, Moment]
    zones: Mapping[str, str]
    clocks: Mapping[str, Timed]


@cache
def load_clocks() -> Clocks:
    """Load the clocks that are shipped with Kybern; read once a process."""
    return read_clocks(files("kybern.catalog.clocks"), load_rules())


def read_clocks(folder: Traversable, rules: Rules) -> Clocks:
    """Read a folder of clocks, `facts.yaml` and one file a regime. Raises `InputError` with every problem, each at its place."""
    return _Reader(rules).read(folder)


def check_clocks(clocks: Clocks, catalog: Catalog) -> tuple[Problem, ...]:
    """Tell provisions that clocks name and the catalog does not have."""
    suggester = Suggester()
    named = ((timed.clock.requirement, timed.place) for timed in clocks.clocks.values())
    return tuple(
        Problem("unknown-requirement", f"There is no requirement {ref}.", place, suggester.hint(ref, catalog.requirements, _SHOWN))
        for ref, place in named
        if ref.partition(":")[0] in catalog.frameworks and ref not in catalog.requirements
    )


class _Reader:
    """Collects what can be known of incidents, then clocks, and problems on the way."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.problems: list[Problem] = []
        self.suggester = Suggester()

    def read(self, folder: Traversable) -> Clocks:
        document = one_document(folder.joinpath(FACTS))
        file = self._shape(IncidentFile, document)
        others = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml") and one.name != FACTS), key=lambda one: one.name)
        found = [
            (regime, document) for document in map(one_document, others) if (regime := self._shape(RegimeClocks, document)) is not None
        ]
        self._stop()
        if file is None:  # pragma: no cover - without it there is a problem
            raise InputError([])
        self._facts(file, document)
        moments = {one.name: one for one in file.moments}
        facts = {one.name: one for one in file.facts}
        clocks = self._clocks(sorted(found, key=lambda pair: (pair[0].order, pair[0].regime)), facts, moments)
        self._asked(clocks, file, document)
        self._stop()
        return Clocks(FactSchema(file.version, facts, self.rules.schema.regions, ()), moments, file.zones, clocks)

    def _facts(self, file: IncidentFile, document: YamlDocument) -> None:
        """Check that no name stands twice, also not among the facts of systems, and that zones are there."""
        seen = set(self.rules.schema.facts)
        for part in ("moments", "facts"):
            for index, one in enumerate(getattr(file, part)):
                if one.name in seen:
                    self._add("duplicate-fact", f"{one.name} is defined twice.", document.place((part, index, "name")))
                seen.add(one.name)
        for country, zone in file.zones.items():
            self._zone(zone, document.place(("zones", country)))

    def _zone(self, zone: str, place: Place) -> None:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            self._add("unknown-zone", f"There is no time zone {zone}.", place, "Name one of the IANA time zone database, Europe/Berlin.")

    def _clocks(
        self, found: list[tuple[RegimeClocks, YamlDocument]], facts: Mapping[str, object], moments: Collection[str]
    ) -> dict[str, Timed]:
        every = {**self.rules.schema.facts, **facts}
        reader = FormulaReader(every, self.problems, self.suggester)  # type: ignore[arg-type]  # both are facts
        names_of = {clock.id for regime, _ in found for clock in regime.clocks}
        timed: dict[str, Timed] = {}
        for regime, document in found:
            if regime.zone is not None:
                self._zone(regime.zone, document.place(("zone",)))
            for index, clock in enumerate(regime.clocks):
                path = ("clocks", index)
                place = document.place((*path, "id"))
                if clock.id in timed:
                    self._add("duplicate-clock", f"The clock {clock.id} is there twice.", place, f"It is first at {timed[clock.id].place}.")
                self._names(clock, document, path, moments, names_of - {clock.id})
                formula = reader.read(clock.when, document, (*path, "when"), ())
                if formula is not None:
                    timed.setdefault(clock.id, Timed(clock, regime, formula, place))
        return timed

    def _names(
        self, clock: Clock, document: YamlDocument, path: tuple[str | int, ...], moments: Collection[str], others: Collection[str]
    ) -> None:
        """Check that moments, conclusions and other clocks that a clock names are there."""
        named: list[tuple[str, str, Collection[str], tuple[str | int, ...]]] = [
            ("moment", name, moments, (field,)) for field in ("start", "at_once_from") if (name := getattr(clock, field)) is not None
        ]
        named += [("conclusion", name, self.rules.conclusions, ("bound", at)) for at, name in enumerate(clock.bound)]
        named += [("other clock", name, others, ("after", at)) for at, name in enumerate(clock.after)]
        for what, name, known, where in named:
            if name not in known:
                hint = self.suggester.hint(name, known)
                self._add(f"unknown-{what.rpartition(' ')[2]}", f"There is no {what} {name}.", document.place((*path, *where)), hint)

    def _asked(self, clocks: Mapping[str, Timed], file: IncidentFile, document: YamlDocument) -> None:
        """Tell facts that no clock asks."""
        asked = {leaf.fact for timed in clocks.values() for leaf in names(timed.when) if isinstance(leaf, Atom)}
        for index, fact in enumerate(file.facts):
            if not self.problems and fact.name not in asked:
                place = document.place(("facts", index, "name"))
                self._add("unreachable", f"No clock asks the fact {fact.name}.", place, "Use it, or leave it out.")

    def _shape(self, model: type[M], document: YamlDocument) -> M | None:
        found, problems = validate(model, document, whole="A file of clocks")
        self.problems += problems
        return found

    def _add(self, rule: str, message: str, place: Place, hint: str = "") -> None:
        self.problems.append(Problem(rule, message, place, hint))

    def _stop(self) -> None:
        if self.problems:
            raise InputError(self.problems)
