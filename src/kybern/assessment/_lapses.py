"""When what checks rest on lapses, in columns: the dates of the schedule for organisations too large to list every duty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from kybern.assessment._judge import UNDATED
from kybern.assessment._plan import AI_SYSTEM, ORGANIZATION, system_kinds, target_kind
from kybern.assessment._status import Status
from kybern.catalog import EvidenceCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kybern.assessment._assessment import Assessment
    from kybern.assessment._status import Bools, Ints
    from kybern.catalog import Control

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

Owed = tuple["Control", EvidenceCheck, str, "Ints"]
"""A check of a control, a kind of record, and which of that kind it looks at for somebody the control is owed for."""


@dataclass(frozen=True, slots=True)
class Lapses:
    """The dated duties of a check about records of one kind: which records (n,), and when each is due (n,) in microseconds."""

    control: Control
    check: EvidenceCheck
    kind: str
    members: Ints
    due: Ints

    @property
    def name(self) -> str:
        """The check's name: `GOV-01/policy-approved`."""
        return f"{self.control.id}/{self.check.id}"


def lapses(assessment: Assessment, chosen: Callable[[Control], bool], since: datetime, before: datetime) -> Iterator[Lapses]:
    """Give, for the controls that are chosen, what falls due from a moment on and before another: the duties that have such a date."""
    first, last = ((moment - _EPOCH) // timedelta(microseconds=1) for moment in (since, before))
    for control, check, kind, members in assessment.once("owed", lambda: tuple(_owed(assessment))):
        if chosen(control):
            due = assessment.board.targets[control.id, check.id, kind].due[members]
            due = np.where(due == UNDATED, UNDATED, np.minimum(due, _LAST))
            inside = (due != UNDATED) & (due >= first) & (due < last)
            if inside.any():
                yield Lapses(control, check, kind, members[inside], due[inside])


def _owed(assessment: Assessment) -> Iterator[Owed]:
    for control in assessment.catalog.controls.values():
        subjects = dict(_subjects(assessment, control))
        for check in control.checks:
            if not isinstance(check, EvidenceCheck):
                continue
            looked_at: dict[str, Bools] = {}
            for kind, marked in subjects.items():
                links, target = assessment.plan.check_links(check, kind), target_kind(check, kind)
                if target not in looked_at:
                    looked_at[target] = np.zeros(len(assessment.plan.records.of_kind(target)), np.bool_)
                looked_at[target][links.member[marked[links.owner]]] = True
            for kind, taken in looked_at.items():
                members = np.flatnonzero(taken)
                if len(members):
                    yield control, check, kind, members


def _subjects(assessment: Assessment, control: Control) -> Iterator[tuple[str, Bools]]:
    """Mark the subjects a control is owed for, in the pool of each kind: it applies, and some requirement asks for it there."""
    plan = assessment.plan
    own, systems = plan.applies(control)
    refs = _answers(assessment).get(control.id, ())
    if ORGANIZATION in control.applies_to and own and _asked_of_organization(assessment, refs):
        yield str(ORGANIZATION), np.ones(1, np.bool_)
    bearing = systems & _asked(assessment, refs)
    for kind in system_kinds(control):
        if kind == AI_SYSTEM:
            yield str(kind), bearing
            continue
        links, marked = plan.subject_links(kind), np.zeros(len(plan.pool(kind)), np.bool_)
        marked[links.member[bearing[links.owner]]] = True
        yield str(kind), marked


def _asked_of_organization(assessment: Assessment, refs: tuple[str, ...]) -> bool:
    scores = [assessment.requirement(ref) for ref in refs]
    return not scores or any(score is not None and score.status is not Status.NOT_APPLICABLE for score in scores)


def _asked(assessment: Assessment, refs: tuple[str, ...]) -> Bools:
    """Mark the AI systems of which some requirement is asked: not left out by an approved exclusion."""
    count = len(assessment.systems)
    if not refs:
        return np.ones(count, np.bool_)
    found = np.zeros(count, np.bool_)
    for ref in refs:
        status = assessment.statuses(ref)
        if status is not None:
            found |= status != Status.NOT_APPLICABLE
    return found


def _answers(assessment: Assessment) -> dict[str, tuple[str, ...]]:
    """Name the requirements each control counts for."""

    def make() -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for ref, pairs in assessment.plan.counting.items():
            for control, _ in pairs:
                found.setdefault(control.id, []).append(ref)
        return {identity: tuple(refs) for identity, refs in found.items()}

    return assessment.once("answers in columns", make)
