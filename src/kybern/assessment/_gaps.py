"""Gaps: what is missing, by control, with who owes it: what is planned for the month, then what closes most for the least work."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Final, cast

from kybern.assessment._assessment import Assessment
from kybern.assessment._explain import Reason, checks_of, explain
from kybern.assessment._owners import Owed, owed_by, owner_of
from kybern.assessment._plan import Plan
from kybern.assessment._shortcount import Short, short_of, short_systems
from kybern.assessment._status import Status
from kybern.catalog import Control
from kybern.records.risk import ControlImplementation


@dataclass(frozen=True, slots=True)
class Gap:
    """A control that is not met, and what doing it would bring.

    `requirements` are those it bears on that are not met; `closes` those of them that nothing else keeps from being met; `gain` is the
    coverage each framework would win, 0 to 1. `effort` adds up what is missing: a record 1, evidence the strength it needs, 1 to 5;
    `short` is on how many subjects and checks. `planned_on` is the day the organisation set itself for the control.
    """

    control: Control
    status: Status
    owed: Owed
    subjects: tuple[str, ...]
    requirements: tuple[str, ...]
    closes: tuple[str, ...]
    gain: dict[str, float]
    effort: int
    short: int
    planned_on: date | None
    assessment: Assessment = field(repr=False, compare=False)
    system: str | None = None
    """The AI system that was asked about; None: the organisation with all of them."""

    @property
    def owner(self) -> str:
        """Who owes it, in words for people."""
        return self.owed.words

    @property
    def owner_ref(self) -> str | None:
        """The owner's record, where there is one owner."""
        return self.owed.ref

    @property
    def systems(self) -> tuple[str, ...]:
        """The AI systems among the subjects; the organisation, if it is one, comes before them."""
        return self.subjects[1:] if self.subjects[:1] == (self.assessment.organization,) else self.subjects

    @property
    def missing(self) -> tuple[Reason, ...]:
        """The checks that do not hold, on every subject; `first` gives some where there are very many."""
        return tuple(_missing(explain(self.assessment, self.control.id, self.system)))

    def first(self, most: int) -> tuple[Reason, ...]:
        """Give the first checks that do not hold, at most so many: the reasons on other subjects, and under the checks, are not made."""
        return tuple(one for _subject, one in islice(self._each(), most))

    def told(self, most: int) -> tuple[tuple[Reason, tuple[str, ...]], ...]:
        """Give the first checks that do not hold, at most so many, each with the subjects on which it reads so.

        What reads alike is told once. On a large organisation only the first few subjects are looked at.
        """

        def make() -> tuple[tuple[Reason, tuple[str, ...]], ...]:
            found: dict[tuple[str, str], tuple[Reason, list[str]]] = {}
            for subject, one in islice(self._each(), _ALIKE * most):
                found.setdefault((one.ref, one.text), (one, []))[1].append(subject)
            return tuple((one, tuple(subjects)) for one, subjects in found.values())[:most]

        return self.assessment.once(("missing, told", self.control.id, self.system, most), make)

    def _each(self) -> Iterator[tuple[str, Reason]]:
        asked = (self.system,) if self.system is not None else self.subjects or (None,)
        return ((subject or self.assessment.organization, one) for subject in asked for one in self._on(subject))

    def _on(self, subject: str | None) -> Iterator[Reason]:
        for reason in checks_of(self.assessment, self.control, subject):
            yield from _missing(reason)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A control that is not met on a subject: the checks that do not hold, who owes it, and whether an exception covers it."""

    control: Control
    subject: str
    status: Status
    owner: str
    missing: tuple[Reason, ...]
    waived: bool


def shortfall_of(assessment: Assessment, control: Control, subject: str, reasons: Reason) -> Shortfall:
    """Say what a control is short of on a subject, out of its tree of reasons."""
    covering = (one for one in assessment.board.valid_waivers if control.id in one.controls)
    waived = any(not one.systems or subject in one.systems for one in covering)
    status = reasons.status if reasons.status is not None else Status.UNKNOWN
    return Shortfall(control, subject, status, owner_of(assessment.plan, control, (subject,)).words, tuple(_missing(reasons)), waived)


PLANNED_AHEAD: Final = timedelta(days=31)
"""What is planned within this time, or overdue, comes before everything else."""

_ALIKE: Final = 2
"""Checks that are looked at for one that is told: they may read alike."""

_DONE = (Status.MET, Status.NOT_APPLICABLE)


def gaps(
    assessment: Assessment, frameworks: Collection[str] | None = None, system: str | None = None, *, first: str | None = None
) -> tuple[Gap, ...]:
    """List the controls that fall short of what some frameworks ask (of all of them, if none is named); on one AI system, if named.

    First what the organisation planned for the next 31 days or is late with, by day. Then what closes most requirements alone, those of
    the framework `first` before all others; of those the least effort, of those the most coverage won.

    Raises `KeyError` for an AI system that is not in scope.
    """
    names = assessment.catalog.frameworks if frameworks is None else frameworks
    found = [gap for control in assessment.catalog.controls.values() if (gap := _gap(assessment, control, names, system)) is not None]
    today = assessment.as_of.date()
    ahead = today + min(PLANNED_AHEAD, date.max - today)

    def order(gap: Gap) -> tuple[date, int, int, int, float, str]:
        leading = sum(assessment.catalog.framework_of(ref).id == first for ref in gap.closes)
        return (_soon(gap, ahead), -leading, -len(gap.closes), gap.effort, -sum(gap.gain.values()), gap.control.id)

    return tuple(sorted(found, key=order))


def _soon(gap: Gap, ahead: date) -> date:
    return gap.planned_on if gap.planned_on is not None and gap.planned_on <= ahead else date.max


def _gap(assessment: Assessment, control: Control, frameworks: Collection[str], system: str | None) -> Gap | None:
    score = assessment.control(control.id, system)
    if score is None or score.status in _DONE:
        return None
    open_ones = tuple(_open(assessment, control, frameworks, system))
    if not open_ones:
        return None
    short: Short = short_of(assessment.board, control, system)
    return Gap(
        control,
        score.status,
        owed_by(assessment, control, system),
        _short(assessment, control, system),
        open_ones,
        tuple(ref for ref in open_ones if _alone(assessment, control, ref, system)),
        _gain(assessment, control, open_ones, system),
        short.cost,
        short.count,
        planned_on(assessment.plan, control),
        assessment,
        system,
    )


def planned_on(plan: Plan, control: Control) -> date | None:
    """Find the earliest day that an implementation of the control is due."""
    stated = cast("tuple[ControlImplementation, ...]", plan.records.of_kind("control_implementation"))
    return min((one.due_on for one in stated if one.control == control.id and one.due_on is not None), default=None)


def _open(assessment: Assessment, control: Control, frameworks: Collection[str], system: str | None) -> Iterator[str]:
    """Name the requirements of the frameworks the control counts for that are not met."""
    for ref in _counted_by(assessment).get(control.id, ()):
        if assessment.catalog.framework_of(ref).id in frameworks:
            score = assessment.requirement(ref, system)
            if score is not None and score.status not in _DONE:
                yield ref


def _counted_by(assessment: Assessment) -> dict[str, tuple[str, ...]]:
    """Name the requirements that each control counts for, in catalog order."""

    def make() -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for ref, pairs in assessment.plan.counting.items():
            for control, _ in pairs:
                found.setdefault(control.id, {})[ref] = None
        return {identity: tuple(refs) for identity, refs in found.items()}

    return assessment.once("requirements counted by control", make)


def _alone(assessment: Assessment, control: Control, ref: str, system: str | None) -> bool:
    """Tell whether every other control that counts for the requirement is met."""
    others = [one for one, _ in assessment.plan.counting[ref] if one.id != control.id]
    scores = [assessment.control(one.id, system) for one in others]
    return all(score is None or score.status in _DONE for score in scores)


def _gain(assessment: Assessment, control: Control, refs: tuple[str, ...], system: str | None) -> dict[str, float]:
    """Estimate the coverage won by meeting the control: its share of each requirement, over the framework's applicable requirements."""
    won: dict[str, float] = {}
    score = assessment.control(control.id, system)
    short = 1.0 - (score.coverage if score else 0.0)
    for ref in refs:
        pairs = assessment.plan.counting[ref]
        weight = sum(one for control_, one in pairs if control_.id == control.id) / sum(one for _, one in pairs)
        name = assessment.catalog.framework_of(ref).id
        won[name] = won.get(name, 0.0) + weight * short / max(_applicable(assessment, name, system), 1)
    return won


def _applicable(assessment: Assessment, framework: str, system: str | None) -> int:
    return assessment.once(("applicable", framework, system), lambda: assessment.readiness(framework, system).applicable)


def _short(assessment: Assessment, control: Control, system: str | None) -> tuple[str, ...]:
    """Name the subjects on which the control falls short."""
    if system is not None:
        return (system,)
    systems = short_systems(assessment.board, control)
    own = (assessment.organization,) if "organization" in control.applies_to else ()
    return (*own, *systems)


def _missing(reason: Reason) -> Iterator[Reason]:
    """Find the checks that do not hold, and the notes that stand for want of a subject."""
    wanting = reason.kind == "check" or (reason.kind == "note" and reason.status in (Status.UNKNOWN, Status.NOT_MET))
    if wanting and reason.status not in _DONE:
        yield reason
    elif reason.kind != "check":
        for child in reason.children:
            yield from _missing(child)
