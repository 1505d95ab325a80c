"""What law makes of an AI system by the facts in its records: its class, the reasons, what is open, and what binds it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from kybern.assessment import Register, Status, obligations
from kybern.base import Place
from kybern.base.yaml import pointer
from kybern.catalog.applicability import classify, load_rules
from kybern.records import facts_of, facts_of_organization

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from kybern.assessment import Binding
    from kybern.base import Problem
    from kybern.catalog.applicability import Answer, Classification, Fact, FactValue, Reason, Regime, Rules
    from kybern.records import RecordSet
    from kybern.records.lifecycle import AISystem
    from kybern.server.live import Standing

ACT: Final = "eu_ai_act"
_CLASSES: Final = (("prohibited", "prohibited"), ("high-risk", "high"), ("transparency", "limited"), ("minimal", "minimal"))
"""What the Act makes of a system, the gravest first, and the word that records have for it."""

_SHOWN: Final = ("class", "role", "case", "relief")
_QUESTIONS: Final = 6


@dataclass(frozen=True)
class LawClass:
    """The class that the EU AI Act gives a system: `reach` False where the Act does not reach it, None where that is open."""

    reach: bool | None
    word: str
    """As records write it; empty while it cannot be told."""
    may_be: tuple[str, ...] = ()
    """Classes that open facts may still make of it."""

    def differs(self, stated: str) -> bool:
        """Tell whether the record states another class than the law gives."""
        return bool(self.reach and self.word and stated not in {self.word, "unclassified"})


@dataclass(frozen=True)
class Line:
    """A line of a tree of reasons: how deep, whether it holds, what it says, and the point of law."""

    depth: int
    truth: bool | None
    says: str
    point: str


@dataclass(frozen=True)
class Held:
    """A class, role, case or relief that holds, with the provisions that lead to it."""

    answer: Answer
    chain: tuple[str, ...]
    reasons: tuple[Line, ...]


@dataclass(frozen=True)
class Reach:
    """A regime as it reaches a system: whether it applies and by which provisions, what it makes of it, and what is open."""

    name: str
    regime: Regime
    answer: Answer
    chain: tuple[str, ...]
    reasons: tuple[Line, ...]
    held: tuple[Held, ...]
    questions: tuple[Fact, ...]
    open_count: int


def known_facts(system: AISystem, records: RecordSet) -> tuple[Mapping[str, FactValue], tuple[Problem, ...]]:
    """Give the facts that the records state of a system, and what is wrong with them."""
    found = facts_of(system, records, _at)
    return found.values, found.problems


def _at(ref: str, path: tuple[str | int, ...]) -> Place:
    return Place(ref, pointer=pointer(path))


@lru_cache(maxsize=20_000)
def _classified(facts: frozenset[tuple[str, FactValue]], day: date) -> Classification:
    return classify(load_rules(), dict(facts), day)


def classification(system: AISystem, standing: Standing) -> Classification:
    """Conclude what law makes of a system, as of the day of the standing. The same facts are concluded from once."""
    values, _problems = known_facts(system, standing.records)
    return _classified(frozenset(values.items()), standing.as_of.date())


def law_class(found: Classification) -> LawClass:
    """Give the class of the EU AI Act, in the words of records."""
    regime = found.rules.regimes[ACT]
    reach = found.truth(regime.applies)
    if reach is False:
        return LawClass(reach=False, word="")
    may_be: list[str] = []
    for slug, word in _CLASSES:
        truth = found.truth(regime.classes[slug])
        if truth is True:
            return LawClass(reach, "" if may_be else word, (*may_be, word) if may_be else ())
        if truth is None:
            may_be.append(word)
    return LawClass(reach, "", tuple(may_be))


def reaches(found: Classification) -> list[Reach]:
    """Go through the regimes: those that apply first, then those that may, then those that do not."""
    listed = [_reach(found, name) for name in found.rules.regimes]
    rank = {True: 0, None: 1, False: 2}
    return sorted(listed, key=lambda one: rank[one.answer.truth])


def _reach(found: Classification, name: str) -> Reach:
    regime: Regime = found.rules.regimes[name]
    applies = found.answer(regime.applies)
    answers = [found.answer(one.id) for one in regime.conclusions if one.kind in _SHOWN] if applies.truth else []
    held = sorted((one for one in answers if one.truth is True), key=lambda one: _SHOWN.index(one.conclusion.kind))
    questions = () if applies.truth is False else _open(found, regime)
    return Reach(
        name,
        regime,
        applies,
        found.chain(regime.applies),
        reasons_of(found, regime.applies),
        tuple(Held(one, found.chain(one.conclusion.id), reasons_of(found, one.conclusion.id)) for one in held),
        tuple(found.rules.schema.facts[one] for one in questions[:_QUESTIONS]),
        len(questions),
    )


def reasons_of(found: Classification, name: str) -> tuple[Line, ...]:
    """Give the lines of the tree of reasons under a conclusion; each conclusion in it is opened once."""
    return tuple(_lines(found, found.answer(name).reason, {name}, 0))


def _lines(found: Classification, reason: Reason, seen: set[str], depth: int) -> Iterator[Line]:
    if reason.kind == "conclusion":
        said = found.answer(reason.name).conclusion
        yield Line(depth, reason.truth, said.says, said.point or ", ".join(one.partition(":")[2] for one in said.basis))
        if reason.name not in seen:
            seen.add(reason.name)
            yield from _lines(found, found.answer(reason.name).reason, seen, depth + 1)
    elif reason.kind in {"fact", "law"}:
        yield Line(depth, reason.truth, reason.name, "")
    else:
        for child in reason.children:
            yield from _lines(found, child, seen, depth)


def _open(found: Classification, regime: Regime) -> tuple[str, ...]:
    """Name the facts that would settle a regime, the most decisive first: whether it applies at all, then what it makes of the system."""
    if found.truth(regime.applies) is None:
        return found.open_facts([regime.applies])
    return found.open_facts(one.id for one in regime.conclusions if one.kind in _SHOWN and found.truth(one.id) is None)


@dataclass(frozen=True)
class Article:
    """Duties of one article that bind from one day."""

    ref: str
    title: str
    since: date | None
    in_effect: bool
    bindings: tuple[Binding, ...]

    @property
    def counts(self) -> dict[Status, int]:
        """How many of its requirements have which status here; those that no control answers are left out."""
        return Counter(Status(one.score.status) for one in self.bindings if one.score is not None)

    @property
    def unanswered(self) -> int:
        """How many of its requirements no control answers."""
        return sum(one.score is None for one in self.bindings)


def register_of(system: AISystem, standing: Standing) -> Register:
    """Make the register of what binds a system, and the organisation with it."""

    def make() -> Register:
        day, organization = standing.as_of.date(), standing.records.organization
        known = {}
        if organization is not None:
            known[organization.ref] = _classified(frozenset(facts_of_organization(organization, _at).values.items()), day)
        known[system.ref] = classification(system, standing)
        return obligations(known, standing.assessment)

    return standing.assessment.once(("register of a system", system.ref), make)


def articles(register: Register, subject: str, standing: Standing) -> list[tuple[str, list[Article]]]:
    """Fold what binds a subject by regime and article, in the order of the law; what binds from an earlier day first."""
    groups: dict[tuple[str, str, date | None], list[Binding]] = {}
    for one in register.bindings:
        if one.subject == subject:
            groups.setdefault((one.duty.regime, one.article, one.duty.since), []).append(one)
    found: dict[str, list[Article]] = {}
    for (regime, ref, since), bindings in groups.items():
        entry = standing.catalog.requirements.get(ref)
        title = entry.title if entry is not None else bindings[0].duty.title or ref
        found.setdefault(regime, []).append(Article(ref, title, since, bindings[0].in_effect(register.as_of), tuple(bindings)))
    rules: Rules = load_rules()
    return [(rules.regimes[name].title, listed) for name, listed in found.items()]


def systems_typed(records: RecordSet, refs: Iterable[str]) -> list[AISystem]:
    """Give AI systems by name, those that the standing knows."""
    return [cast("AISystem", one) for ref in refs if (one := records.get(ref)) is not None and one.kind == "ai_system"]
