"""The obligations register: what binds the organisation and each AI system, from when, why, what shows it, and who owes it.

What binds everybody in the house is told once, for the organisation; what binds an AI system by its own facts is told for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from kybern.assessment._assessment import Assessment, Score
from kybern.assessment._carry import CarriedOver, carry_over
from kybern.assessment._owners import named_owner, owner_of
from kybern.assessment._plan import ORGANIZATION, system_kinds
from kybern.assessment._status import Status
from kybern.catalog import Catalog, crosswalk
from kybern.catalog.applicability import Classification, Duty, classify, duties

if TYPE_CHECKING:
    from kybern.catalog import Control
    from kybern.records.leadership import Obligation

SOURCE: Final = "ISO42001"
"""The framework whose evidence is looked at for what carries over."""


@dataclass(frozen=True)
class Ask:
    """A piece of evidence, or a record, that a check of a control asks for, in words."""

    control: str
    check: str
    title: str
    evidence: bool


@dataclass(frozen=True)
class Binding:
    """A requirement that binds a subject. `article` is the entry it stands in, at the top of its framework.

    `before` is the day it was to bind before the law was last amended, where that is another. `chain` names the provisions that lead to
    it. `asks` is the evidence that would show it. `score` is how it stands here, None where no control answers it for the subject.
    `carried` tells what comes over from another framework. `stated` names the organisation's own records of it.
    """

    subject: str
    duty: Duty
    article: str
    statement: str
    before: date | None
    chain: tuple[str, ...]
    asks: tuple[Ask, ...]
    documented: str | None
    score: Score | None
    carried: CarriedOver | None
    owner: str | None
    owner_ref: str | None
    stated: tuple[str, ...]

    @property
    def requirement(self) -> str:
        """The requirement's name."""
        return self.duty.requirement

    def in_effect(self, day: date) -> bool:
        """Tell whether it binds on a day."""
        return self.duty.in_effect(day)

    @property
    def is_met(self) -> bool:
        """Tell whether the evidence in this workspace shows it."""
        return self.score is not None and self.score.status is Status.MET


@dataclass(frozen=True)
class Unsettled:
    """Requirements of a regime that may bind a subject, and the facts that would settle them, the most decisive first."""

    subject: str
    regime: str
    requirements: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Owned:
    """A duty that the organisation registered itself: from law, contract, standard or promise."""

    record: Obligation
    subjects: tuple[str, ...]
    owner: str | None
    bindings: int
    """How many of the requirements that bind here it is the record of."""


@dataclass(frozen=True)
class Register:
    """Everything that binds, what may, what does not reach whom (regimes by subject), and what the organisation registered itself."""

    as_of: date
    bindings: tuple[Binding, ...]
    unsettled: tuple[Unsettled, ...]
    free: Mapping[str, tuple[str, ...]]
    owned: tuple[Owned, ...]


def obligations(classifications: Mapping[str, Classification], assessment: Assessment, regimes: Sequence[str] | None = None) -> Register:
    """Make the register from what law makes of each subject: the organisation, where its facts are known, and AI systems in scope.

    A pure function. The law is that of the classifications' day, which is one for all of them; `regimes` chooses some.
    """
    maker = _Maker(classifications, assessment, regimes)
    bindings = tuple(maker.bindings())
    as_of = next((found.as_of for found in classifications.values()), assessment.as_of.date())
    return Register(as_of, bindings, tuple(maker.unsettled()), maker.free(), tuple(_owned(assessment, bindings)))


class _Maker:
    def __init__(self, classifications: Mapping[str, Classification], assessment: Assessment, regimes: Sequence[str] | None) -> None:
        self.classifications, self.assessment, self.regimes = classifications, assessment, regimes
        self.stated = cast("tuple[Obligation, ...]", assessment.records.of_kind("obligation"))
        self._carried: dict[tuple[str, str], Mapping[str, CarriedOver]] = {}

    @cached_property
    def duties(self) -> Mapping[str, tuple[Duty, ...]]:
        """The duties of each subject; what binds the organisation as it does a system is left to the organisation."""
        found = {name: duties(self.assessment.catalog, one, self.regimes) for name, one in self.classifications.items()}
        of_all = {(duty.requirement, duty.truth, duty.since) for duty in found.get(self.assessment.organization, ()) if duty.truth is True}
        return {
            name: tuple(
                duty for duty in listed if name == self.assessment.organization or (duty.requirement, duty.truth, duty.since) not in of_all
            )
            for name, listed in found.items()
        }

    def bindings(self) -> Iterator[Binding]:
        for subject, listed in self.duties.items():
            before = self._before(self.classifications[subject], {duty.regime for duty in listed if duty.truth is True})
            for duty in listed:
                if duty.truth is True:
                    yield self._binding(subject, duty, before.get(duty.requirement))

    def _before(self, found: Classification, regimes: set[str]) -> Mapping[str, date | None]:
        """Say from when each requirement was to bind before the law that made it was amended: by the first law that made it bind."""
        days: dict[str, date | None] = {}
        for day in _amendments(self.assessment.catalog, found, regimes):
            earlier = classify(found.rules, found.known, day - timedelta(days=1))
            for duty in duties(self.assessment.catalog, earlier, regimes):
                if duty.truth is True and self._was_dated(duty.requirement, earlier.as_of):
                    days.setdefault(duty.requirement, duty.since)
        return days

    def _was_dated(self, ref: str, day: date) -> bool:
        """Tell whether the days of an entry stood on a day: before its law was made, there was none to bind from."""
        entry = self.assessment.catalog.requirements.get(ref)
        return entry is None or not entry.dates or bool(entry.dates_as_known(day))

    def _binding(self, subject: str, duty: Duty, before: date | None) -> Binding:
        catalog, ref = self.assessment.catalog, duty.requirement
        entry = catalog.requirements.get(ref)
        known = None if entry is None else (entry.as_known(self.classifications[subject].as_of) or entry)
        controls = self._controls(ref, subject)
        owner, owner_ref, stated = self._owner(ref, subject, controls)
        return Binding(
            subject,
            duty,
            (ref, *_upwards(catalog, ref))[-1],
            known.statement if known is not None else "",
            before if before != duty.since else None,
            self._chain(subject, duty),
            tuple(_asks(controls)),
            known.documented_information if known is not None else None,
            self._score(ref, subject) if controls else None,
            self._carry(ref, subject),
            owner,
            owner_ref,
            stated,
        )

    def _controls(self, ref: str, subject: str) -> tuple[Control, ...]:
        """Name the controls that answer a requirement for a subject: those of systems for a system, all of them for the organisation."""
        if ref not in self.assessment.catalog.requirements:
            return ()
        found = [control for control, _ in self.assessment.plan.counting.get(ref, ())]
        if subject == self.assessment.organization:
            return tuple(found)
        own = [control for control in found if system_kinds(control)]
        return tuple(own or [control for control in found if ORGANIZATION in control.applies_to])

    def _score(self, ref: str, subject: str) -> Score | None:
        """Give how it stands for the subject; for a system what the organisation does, where only that answers it."""
        whom = subject if subject in self.assessment.systems else None
        return self.assessment.requirement(ref, whom) or self.assessment.requirement(ref)

    def _chain(self, subject: str, duty: Duty) -> tuple[str, ...]:
        found = self.classifications[subject]
        return tuple(dict.fromkeys(ref for name in duty.because for ref in found.chain(name)))

    def _carry(self, ref: str, subject: str) -> CarriedOver | None:
        framework = ref.partition(":")[0]
        catalog = self.assessment.catalog
        if framework == SOURCE or not {framework, SOURCE} <= catalog.frameworks.keys():
            return None
        if (framework, subject) not in self._carried:
            whom = subject if subject in self.assessment.systems else None
            found = carry_over(self.assessment, crosswalk(catalog, SOURCE, framework), whom, with_organization=True)
            self._carried[framework, subject] = {one.covered.ref: one for one in found}
        return self._carried[framework, subject].get(ref)

    def _owner(self, ref: str, subject: str, controls: Sequence[Control]) -> tuple[str | None, str | None, tuple[str, ...]]:
        """Say who owes it: whom the nearest record of the obligation names, else a control's owner, else who owns the system."""
        mine = [one for above in _upwards(self.assessment.catalog, ref) for one in self.stated if one.requirement == above]
        mine = [one for one in mine if _is_about(one, subject, self.assessment.organization)]
        owner = next((one.owner for one in mine if one.owner), None)
        stated = tuple(one.ref for one in mine)
        held = [owner_of(self.assessment.plan, control) for control in controls]
        owner = owner or next((one.ref for one in held if one.ref is not None), None)
        if owner is None and (record := self.assessment.records.get(subject)) is not None:
            owner = record.owner
        if owner is not None:
            return named_owner(self.assessment.plan, owner), owner, stated
        return (held[0].words if held else None), None, stated

    def unsettled(self) -> Iterator[Unsettled]:
        """Group what may bind by subject and regime, with what would settle it.

        What facts of the organisation alone would settle is told for it, once, as long as a system is left that the regime may reach.
        """
        organization = self.assessment.organization
        for subject, found in self.classifications.items():
            for regime in found.rules.regimes:
                may = [duty for duty in self.duties[subject] if duty.regime == regime and duty.truth is None]
                facts = self._settling(found, may, regime)
                own = tuple(name for name in facts if found.rules.schema.facts[name].about == "organization")
                if subject == organization:
                    facts = own if self._may_reach(regime) else ()
                elif organization in self.classifications and len(own) == len(facts):
                    facts = ()
                if may and facts:
                    yield Unsettled(subject, regime, tuple(duty.requirement for duty in may), facts)

    def _may_reach(self, regime: str) -> bool:
        """Tell whether a regime may reach one of the systems, or there is none that could tell."""
        systems = [found for name, found in self.classifications.items() if name != self.assessment.organization]
        return not systems or any(found.truth(found.rules.regimes[regime].applies) is not False for found in systems)

    @staticmethod
    def _settling(found: Classification, may: Sequence[Duty], regime: str) -> tuple[str, ...]:
        applies = found.rules.regimes[regime].applies
        if found.truth(applies) is None:
            return found.open_facts([applies])
        return found.open_facts(dict.fromkeys(name for duty in may for name in duty.because if found.truth(name) is None))

    def free(self) -> Mapping[str, tuple[str, ...]]:
        """Name the regimes that do not reach each subject."""
        return {
            subject: tuple(
                name
                for name, regime in found.rules.regimes.items()
                if (self.regimes is None or name in self.regimes) and found.truth(regime.applies) is False
            )
            for subject, found in self.classifications.items()
        }


def _amendments(catalog: Catalog, found: Classification, regimes: set[str]) -> tuple[date, ...]:
    """Name the days up to the one asked about on which a date in these regimes took the place of another, the first first."""
    rules = found.rules
    rows: list[Sequence[date | None]] = [
        [row.enacted for row in ruled.conclusion.dates] for ruled in rules.conclusions.values() if ruled.regime in regimes
    ]
    frameworks = {name for regime in regimes for name in rules.regimes[regime].frameworks} & catalog.frameworks.keys()
    for entry in (entry for name in frameworks for entry in catalog.frameworks[name].requirements):
        routes = {row.route for row in entry.dates}
        rows += [[row.enacted for row in entry.dates if row.route == route] for route in routes]
    later = (day for enacted in rows for day in sorted({day or date.min for day in enacted})[1:])
    return tuple(sorted({day for day in later if day <= found.as_of}))


def _asks(controls: Sequence[Control]) -> Iterator[Ask]:
    for control in controls:
        yield from (Ask(control.id, check.id, check.title, check.type == "evidence") for check in control.checks)


def _upwards(catalog: Catalog, ref: str) -> Iterator[str]:
    """Go from an entry up through those it lies in."""
    framework, _, _ = ref.partition(":")
    above: str | None = ref
    while above is not None and above in catalog.requirements:
        yield above
        parent = catalog.requirements[above].parent
        above = None if parent is None else f"{framework}:{parent}"


def _is_about(record: Obligation, subject: str, organization: str) -> bool:
    """Tell whether a record is about a subject: about everybody where it names none, and about the organisation always."""
    systems = [ref for ref in record.applies_to if ref.startswith("ai_system:")]
    return subject == organization or not systems or subject in systems


def _owned(assessment: Assessment, bindings: Sequence[Binding]) -> Iterator[Owned]:
    for record in cast("tuple[Obligation, ...]", assessment.records.of_kind("obligation")):
        systems = tuple(ref for ref in record.applies_to if ref in assessment.systems)
        owner = None if record.owner is None else named_owner(assessment.plan, record.owner)
        count = sum(record.ref in one.stated for one in bindings)
        yield Owned(record, systems or (assessment.organization,), owner, count)
