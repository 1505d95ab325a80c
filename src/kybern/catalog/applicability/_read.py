"""Read the rules of applicability, check them against themselves, and hand them out whole or not at all."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.base.validation import validate
from kybern.catalog._documents import one_document
from kybern.catalog.applicability._formula import Atom, Named, names
from kybern.catalog.applicability._formula_reader import FormulaReader
from kybern.catalog.applicability._models import FactFile, Regime
from kybern.catalog.applicability._rules import FactSchema, Ruled, Rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from kybern.base.yaml import YamlDocument
    from kybern.catalog.applicability._formula import Formula
    from kybern.catalog.applicability._models import Conclusion, Contradiction, Fact, Validity
    from kybern.catalog.applicability._rules import Path

M = TypeVar("M", bound=BaseModel)
FACTS: Final = "facts.yaml"


@cache
def load_rules() -> Rules:
    """Load the rules that are shipped with Kybern; read once a process."""
    return read_rules(files("kybern.catalog.applicability"))


@cache
def load_fact_schema() -> FactSchema:
    """Load only the facts that can be stated, as shipped."""
    reader = _Reader()
    reader.read_facts(files("kybern.catalog.applicability"))
    return reader.schema()


def read_rules(folder: Traversable) -> Rules:
    """Read a folder of rules, `facts.yaml` and one file a regime. Raises `InputError` with every problem, each at its place."""
    reader = _Reader()
    reader.read_facts(folder)
    for file in sorted((file for file in folder.iterdir() if file.name.endswith(".yaml") and file.name != FACTS), key=lambda f: f.name):
        reader.read_regime(file)
    return reader.rules()


class _Reader:
    """Collects facts, regimes and problems file by file."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.regimes: list[tuple[Regime, YamlDocument]] = []
        self.file: FactFile | None = None
        self.facts: dict[str, Fact] = {}
        self.suggester = Suggester()
        self.formulas = FormulaReader(self.facts, self.problems, self.suggester)

    def read_facts(self, folder: Traversable) -> None:
        document = one_document(folder.joinpath(FACTS))
        found = self._shape(FactFile, document, "The file of facts")
        if found is not None:
            self.file, self.facts_document = found, document
            for index, fact in enumerate(found.facts):
                self._after(fact, index, document)
                if self.facts.setdefault(fact.name, fact) is not fact:
                    self._add("duplicate-fact", f"The fact {fact.name} is defined twice.", document.place(("facts", index, "name")))

    def _after(self, fact: Fact, index: int, document: YamlDocument) -> None:
        """Check that a fact builds on facts that stand before it, so that none builds on itself."""
        for number, name in enumerate(fact.after):
            if name not in self.facts:
                place = document.place(("facts", index, "after", number))
                hint = self.suggester.hint(name, self.facts, "A fact builds on facts that stand before it.")
                self._add("unknown-fact", f"There is no fact {name} before {fact.name}.", place, hint)

    def read_regime(self, file: Traversable) -> None:
        document = one_document(file)
        found = self._shape(Regime, document, "A file of rules")
        if found is not None:
            self.regimes.append((found, document))

    def _shape(self, model: type[M], document: YamlDocument, whole: str) -> M | None:
        found, problems = validate(model, document, whole=whole)
        self.problems += problems
        return found

    def _add(self, rule: str, message: str, place: Place, hint: str = "") -> None:
        self.problems.append(Problem(rule, message, place, hint))

    def _stop(self) -> None:
        if self.problems:
            raise InputError(self.problems)

    def schema(self) -> FactSchema:
        """Give the fact schema, or raise with what is wrong."""
        self._stop()
        file = self.file
        if file is None:  # pragma: no cover - without a file there is a problem
            raise InputError([])
        regions = {region: frozenset(members) for region, members in file.regions.items()}
        against = tuple(self._contradictions(file))
        self._stop()
        return FactSchema(file.version, self.facts, regions, against)

    def _contradictions(self, file: FactFile) -> Iterator[tuple[Contradiction, Formula]]:
        for index, one in enumerate(file.contradictions):
            formula = self.formulas.read(one.when, self.facts_document, ("contradictions", index, "when"), ())
            if formula is not None:
                yield one, formula

    def rules(self) -> Rules:
        """Give the rules, or raise with everything that is wrong."""
        schema = self.schema()
        every = [conclusion.id for regime, _ in self.regimes for conclusion in regime.conclusions]
        found: dict[str, Ruled] = {}
        for regime, document in self.regimes:
            for index, conclusion in enumerate(regime.conclusions):
                path = ("conclusions", index)
                if conclusion.id in found:
                    hint = f"It is first at {found[conclusion.id].place('id')}."
                    self._add("duplicate-conclusion", f"{conclusion.id} is concluded twice.", document.place((*path, "id")), hint)
                    continue
                formulas = tuple(self._formulas(conclusion, document, path, every))
                found[conclusion.id] = Ruled(conclusion, regime.regime, formulas, document, path)
            self._translations(regime, document, every)
        self._stop()
        ordered = self._in_order(found)
        self._reachable(found)
        self._stop()
        regimes = sorted((regime for regime, _ in self.regimes), key=lambda regime: (regime.order, regime.regime))
        return Rules(schema, {regime.regime: regime for regime in regimes}, ordered)

    def _formulas(
        self, conclusion: Conclusion, document: YamlDocument, path: Path, known: Collection[str]
    ) -> Iterator[tuple[Validity | None, Formula]]:
        """Read the formula of each row of dates, or the one without."""
        if not conclusion.dates:
            formula = self.formulas.read(conclusion.when, document, (*path, "when"), known)
            if formula is not None:
                yield None, formula
        for index, row in enumerate(conclusion.dates):
            own = row.when is not None
            where = (*path, "dates", index, "when") if own else (*path, "when")
            formula = self.formulas.read(row.when if own else conclusion.when, document, where, known)
            if formula is not None:
                yield row, formula

    def _translations(self, regime: Regime, document: YamlDocument, known: Collection[str]) -> None:
        """Check that what a regime names are conclusions."""
        named: dict[Path, str] = {("applies",): regime.applies}
        for group in ("roles", "classes", "routes"):
            named |= {(group, slug): name for slug, name in getattr(regime, group).items()}
        for path, name in named.items():
            self.formulas.knows(name, known, document.place(path))

    def _in_order(self, found: Mapping[str, Ruled]) -> dict[str, Ruled]:
        """Put each conclusion after those it rests on; a circle is a problem."""
        ordered: dict[str, Ruled] = {}
        for name in found:
            self._visit(name, found, ordered, {})
        return ordered

    def _visit(self, name: str, found: Mapping[str, Ruled], ordered: dict[str, Ruled], above: dict[str, None]) -> None:
        if name in ordered:
            return
        if name in above:
            around = " -> ".join([*list(above)[list(above).index(name) :], name])
            self._add("cycle", f"{name} rests on itself: {around}.", found[name].place("id"), "Leave out one of these.")
            ordered[name] = found[name]
            return
        for below in rests_on(found[name]):
            self._visit(below, found, ordered, {**above, name: None})
        ordered.setdefault(name, found[name])

    def _reachable(self, found: Mapping[str, Ruled]) -> None:
        """Tell facts that no formula asks, and steps that nothing rests on."""
        leaves = [leaf for ruled in found.values() for _, formula in ruled.formulas for leaf in names(formula)]
        against = [leaf for _, formula in self._contradictions(self.file) for leaf in names(formula)] if self.file else []
        asked = {leaf.fact for leaf in (*leaves, *against) if isinstance(leaf, Atom)}
        named = {leaf.conclusion for leaf in leaves if isinstance(leaf, Named)}
        for regime, _ in self.regimes:
            named |= {regime.applies, *regime.roles.values(), *regime.classes.values(), *regime.routes.values()}
        for index, name in enumerate(self.facts):
            if name not in asked:
                place = self.facts_document.place(("facts", index, "name"))
                self._add("unreachable", f"No formula asks the fact {name}.", place, "Use it, or leave it out.")
        for name, ruled in found.items():
            if ruled.conclusion.kind in {"step", "exclusion"} and name not in named:
                self._add("unreachable", f"Nothing rests on {name}.", ruled.place("id"), "Use it, or leave it out.")


def rests_on(ruled: Ruled) -> Iterator[str]:
    """Name the conclusions that a conclusion rests on, in any of its rows."""
    for _, formula in ruled.formulas:
        yield from (leaf.conclusion for leaf in names(formula) if isinstance(leaf, Named))
