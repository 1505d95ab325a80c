"""Read formulas out of YAML and check them: every fact is there, of the type that is asked, and every conclusion is drawn."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from kybern.base import Problem
from kybern.catalog.applicability._formula import COMPARISONS, Either, Every, Named, Negation, names, parse_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kybern.base import Place
    from kybern.base.suggest import Suggester
    from kybern.base.yaml import YamlDocument
    from kybern.catalog.applicability._formula import Atom, Formula
    from kybern.catalog.applicability._models import Fact
    from kybern.catalog.applicability._rules import Path

_OPERATORS: Final = {
    "bool": {"is"},
    "enum": {"is"},
    "set": {"has"},
    "countries": {"has"},
    "number": set(COMPARISONS),
    "date": set(COMPARISONS),
}
_FORMS: Final = {
    "bool": "`NAME` or `not NAME`",
    "enum": "`NAME is VALUE`",
    "set": "`NAME has VALUE`",
    "countries": "`NAME has EU`",
    "number": "`NAME > 10`",
    "date": "`NAME < 2026-08-02`",
}


class FormulaReader:
    """Reads formulas over facts; what is wrong joins `problems`, with its place."""

    def __init__(self, facts: Mapping[str, Fact], problems: list[Problem], suggester: Suggester) -> None:
        """Take the facts that may be asked; facts that join them later may be asked too."""
        self.facts = facts
        self.problems = problems
        self.suggester = suggester

    def knows(self, name: str, known: Collection[str], place: Place) -> bool:
        """Tell whether a conclusion is among those known; one that is not is told."""
        if name not in known:
            self._add("unknown-conclusion", f"There is no conclusion {name}.", place, self.suggester.hint(name, known))
        return name in known

    def read(self, value: object, document: YamlDocument, path: Path, known: Collection[str]) -> Formula | None:
        """Read a formula; None where something in it is wrong, which is then told."""
        if isinstance(value, str):
            return self._line(value, document.place(path), known)
        if isinstance(value, dict) and len(value) == 1:
            [(key, inner)] = value.items()
            if key == "not":
                part = self.read(inner, document, (*path, key), known)
                return None if part is None else Negation(part)
            if key in {"all", "any"} and isinstance(inner, list) and inner:
                parts = [self.read(item, document, (*path, key, index), known) for index, item in enumerate(inner)]
                whole = tuple(part for part in parts if part is not None)
                node: Formula = Every(whole) if key == "all" else Either(whole)
                return node if len(whole) == len(parts) else None
        hint = "Write one line of text, or a mapping with the one key all, any (a list that is not empty) or not."
        self._add("wrong-formula", "This is no formula.", document.place(path), hint)
        return None

    def _line(self, text: str, place: Place, known: Collection[str]) -> Formula | None:
        found = parse_line(text)
        if found is None:
            hint = "Write like `profiling`, `not profiling`, `company is large`, `uses has any of 4a, 4b`, `staff >= 50`."
            self._add("wrong-formula", f"{text[:80]!r} is no formula.", place, hint)
            return None
        [leaf] = names(found)
        fits = self.knows(leaf.conclusion, known, place) if isinstance(leaf, Named) else self._fits(leaf, place)
        return found if fits else None

    def _fits(self, atom: Atom, place: Place) -> bool:
        """Check an atom against the type of its fact."""
        fact = self.facts.get(atom.fact)
        if fact is None:
            self._add("unknown-fact", f"There is no fact {atom.fact}.", place, self.suggester.hint(atom.fact, self.facts))
            return False
        if atom.operator not in _OPERATORS[fact.type] or not _operands_fit(atom, fact):
            message = f"{atom.fact} is of type {fact.type}: {atom.text!r} does not fit it."
            self._add("type-clash", message, place, f"Write like {_FORMS[fact.type]}.")
            return False
        for value in atom.operands:
            if fact.values and value not in fact.values:
                hint = self.suggester.hint(str(value), fact.values, f"It can be {', '.join(fact.values)}.")
                self._add("unknown-value", f"{atom.fact} cannot be {value}.", place, hint)
                return False
        return True

    def _add(self, rule: str, message: str, place: Place, hint: str = "") -> None:
        self.problems.append(Problem(rule, message, place, hint))


def _operands_fit(atom: Atom, fact: Fact) -> bool:
    """Tell whether an atom's operands are of its fact's kind: truths, words, numbers or days."""
    kinds = {"bool": bool, "number": float, "date": date}
    return all(isinstance(value, kinds.get(fact.type, str)) for value in atom.operands)
