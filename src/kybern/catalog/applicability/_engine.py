"""Drawing conclusions: the rules on stated facts as of a day, each answer with its reasons, its date, and what would settle it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from kybern.catalog.applicability._diagram import NO, YES, Diagrams
from kybern.catalog.applicability._evaluate import truth_of
from kybern.catalog.applicability._formula import Atom, Either, Every, Named, Negation, negated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date

    from kybern.catalog.applicability._formula import FactValue, Formula, Truth
    from kybern.catalog.applicability._models import Conclusion
    from kybern.catalog.applicability._rules import Rules


@dataclass(frozen=True)
class Reason:
    """A node of the tree of reasons: a fact or conclusion with its truth, or how several of them join. Only what decides is kept."""

    kind: Literal["fact", "conclusion", "all", "any", "not", "law"]
    name: str
    truth: Truth
    children: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A conclusion as of a day: yes, no or not known; from when it has effect; and why."""

    conclusion: Conclusion
    regime: str
    truth: Truth
    since: date | None
    until: date | None
    reason: Reason
    basis: str | None = None
    """The provision that sets the date."""

    def in_effect(self, day: date) -> bool:
        """Tell whether it holds and has effect on a day."""
        return self.truth is True and (self.since is None or self.since <= day)


_T = TypeVar("_T")
_Start: TypeAlias = "tuple[date, str] | None"
"""A day from which something has effect, and the provision that sets it."""
_EASE: Final = {"number": 0.5, "date": 0.5}
"""How readily a question is answered: a number or a day has to be looked up, so it comes after a question that decides as much."""


class _OnDemand(dict[str, _T]):
    """Values that are made when they are first asked for."""

    def __init__(self, make: Callable[[str], _T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> _T:
        value = self._make(name)
        self[name] = value
        return value


class Classification:
    """What the rules conclude from known facts as of a day. Pure: the same facts in any order give the same answers.

    A conclusion is drawn when it is asked for, with those it rests on.
    """

    def __init__(self, rules: Rules, known: Mapping[str, FactValue], as_of: date) -> None:
        """Take the facts; an unknown name raises `KeyError` when it is asked for."""
        self.rules = rules
        self.known = dict(known)
        self.as_of = as_of
        self._drawn: _OnDemand[Answer] = _OnDemand(self._draw)
        self._truths: _OnDemand[Truth] = _OnDemand(lambda name: self._drawn[name].truth)
        self._diagram_of: _OnDemand[int] = _OnDemand(self._diagram)
        self._begun: dict[str, _Start] = {}

    def answer(self, name: str) -> Answer:
        """Give the answer to one conclusion."""
        return self._drawn[name]

    @property
    def answers(self) -> Mapping[str, Answer]:
        """The answers to all conclusions, in the order of the rules."""
        return {name: self._drawn[name] for name in self.rules.conclusions}

    def truth(self, name: str) -> Truth:
        """Tell whether a conclusion holds."""
        return self._truths[name]

    def begins(self, name: str) -> date | None:
        """Give the first day on which a conclusion has effect, or would have where it is open; None where it always had."""
        self.answer(name)
        start = self._begun.get(name)
        return None if start is None else start[0]

    def _draw(self, name: str) -> Answer:
        ruled = self.rules.conclusions[name]
        chosen = ruled.law(self.as_of)
        if chosen is None:
            reason = Reason("law", "this is not law on that day", truth=False)
            return Answer(ruled.conclusion, ruled.regime, truth=False, since=None, until=None, reason=reason)
        row, formula = chosen
        truth = self._value(formula)
        if truth is None:
            truth = self._either_way(name)
        starts = (self._begins(formula), (row.since, row.basis) if row is not None else None)
        start = self._begun[name] = max((one for one in starts if one is not None), default=None)
        since, basis = start if start is not None and truth is True else (None, None)
        return Answer(ruled.conclusion, ruled.regime, truth, since, row.until if row else None, self._reason(formula, truth), basis)

    def _either_way(self, name: str) -> Truth:
        """Tell what holds whichever way the open facts turn out."""
        return {NO: False, YES: True}.get(self._diagram_of[name])

    def _begins(self, formula: Formula) -> _Start:
        """Find from when a formula has effect, and by what: all of it, or the first part that holds; where none is sure, that may."""
        match formula:
            case Named(name):
                self.answer(name)
                return self._begun.get(name)
            case Every(parts):
                return max((start for part in parts if (start := self._begins(part)) is not None), default=None)
            case Either(parts):
                values = [(part, self._value(part)) for part in parts]
                sure = True if any(value is True for _, value in values) else None
                starts = [self._begins(part) for part, value in values if value is sure]
                return None if None in starts else min((start for start in starts if start is not None), default=None)
            case _:
                return None

    def _value(self, formula: Formula) -> Truth:
        return truth_of(formula, self.known, self._truths, self.rules.schema.regions)

    def _reason(self, formula: Formula, truth: Truth) -> Reason:
        """Make the tree of what decides a formula."""
        match formula:
            case Atom(text=text):
                return Reason("fact", text, truth)
            case Named(name):
                return Reason("conclusion", name, truth)
            case Negation(part):
                return Reason("not", "", truth, (self._reason(part, negated(truth)),))
            case Every(parts) | Either(parts):
                kind: Literal["all", "any"] = "all" if isinstance(formula, Every) else "any"
                return Reason(kind, "", truth, tuple(self._deciding(parts, truth, every=kind == "all")))

    def _deciding(self, parts: tuple[Formula, ...], truth: Truth, *, every: bool) -> Iterator[Reason]:
        """Keep what decides: of an `all` that fails what fails, of an `any` that holds what holds, of what is open what is open."""
        values = [self._value(part) for part in parts]
        settles = truth is not None and truth is not every
        for part, value in zip(parts, values, strict=True):
            if (value is truth) if settles or truth is None else value is not None:
                yield self._reason(part, value)

    @cached_property
    def diagrams(self) -> Diagrams:
        """The decision diagrams of this day and these facts."""
        schema = self.rules.schema
        return Diagrams(schema.facts, schema.regions, self.rules.thresholds, self.known)

    def _diagram(self, name: str) -> int:
        chosen = self.rules.conclusions[name].law(self.as_of)
        return NO if chosen is None else self.diagrams.build(chosen[1], self._diagram_of)

    def open_facts(self, goals: Iterable[str]) -> tuple[str, ...]:
        """Name the facts that can still change one of these conclusions, the most decisive first, each after those it builds on."""
        weight: dict[str, float] = {}
        for node in {self._diagram_of[goal]: None for goal in goals}:
            for fact, share in self.diagrams.influence(node).items():
                weight[fact] = weight.get(fact, 0.0) + share
        facts = self.rules.schema.facts
        place = {name: index for index, name in enumerate(facts)}
        ranked = sorted(weight, key=lambda name: (-round(weight[name] * _EASE.get(facts[name].type, 1.0), 9), place[name]))
        return tuple(dict.fromkeys(one for name in ranked for one in self._before(name, weight)))

    def _before(self, name: str, among: Collection[str]) -> Iterator[str]:
        """Go through the facts that a fact builds on, as far as they are open, and then itself."""
        for earlier in self.rules.schema.facts[name].after:
            if earlier in among:
                yield from self._before(earlier, among)
        yield name

    def chain(self, name: str) -> tuple[str, ...]:
        """Name the provisions that lead to an answer, from its own down to the last it rests on."""
        found: dict[str, None] = {}
        self._walk(name, found, {})
        return tuple(found)

    def _walk(self, name: str, found: dict[str, None], seen: dict[str, None]) -> None:
        if name not in seen:
            seen[name] = None
            found |= dict.fromkeys(self.answer(name).conclusion.basis)
            for below in _conclusions_in(self.answer(name).reason):
                self._walk(below, found, seen)


def _conclusions_in(reason: Reason) -> Iterator[str]:
    if reason.kind == "conclusion":
        yield reason.name
    for child in reason.children:
        yield from _conclusions_in(child)


def classify(rules: Rules, known: Mapping[str, FactValue], as_of: date) -> Classification:
    """Conclude from known facts, as of a day, which law applies, to whom, and what it makes of the system."""
    return Classification(rules, known, as_of)


def truths(rules: Rules, known: Mapping[str, FactValue], as_of: date) -> Mapping[str, Truth]:
    """Draw every conclusion by three-valued logic alone: quick, and open where only a closer look would settle it."""
    found: dict[str, Truth] = {}
    for name, ruled in rules.conclusions.items():
        formula = ruled.law(as_of)
        found[name] = False if formula is None else truth_of(formula[1], known, found, rules.schema.regions)
    return found
