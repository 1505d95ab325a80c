"""How much a control is short of, counted in columns: the number and the cost of its checks that do not hold.

It is what `explain` would find, counted without making a reason for each; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kybern.assessment._board import Board
from kybern.assessment._plan import ORGANIZATION, system_kinds
from kybern.assessment._status import Bools, Ints, Status
from kybern.catalog import Control, EvidenceCheck

_DONE = (Status.MET, Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Short:
    """Checks that do not hold, over all subjects: how many, and what meeting them costs."""

    count: int = 0
    cost: int = 0

    def __add__(self, other: Short) -> Short:
        """Put two counts together."""
        return Short(self.count + other.count, self.cost + other.cost)


def costs_of(control: Control) -> Mapping[str, int]:
    """Say what each check costs to meet: a record 1, evidence the strength it needs, 1 to 5."""
    return {check.id: int(check.min_strength) if isinstance(check, EvidenceCheck) else 1 for check in control.checks}


def short_of(board: Board, control: Control, system: str | None) -> Short:
    """Count what a control is short of on an AI system, or on the organisation and all its systems."""
    if system is not None:
        return _on_systems(board, control, np.array([board.plan.system_index[system]]))
    return board.once(control.id, "short", lambda: _short_everywhere(board, control))


def _short_everywhere(board: Board, control: Control) -> Short:
    plan, found = board.plan, Short()
    if ORGANIZATION in control.applies_to and plan.applies(control)[0]:
        found += _cells(board, control, ORGANIZATION, np.zeros(1, np.int64))
    if system_kinds(control):
        everything = sum(costs_of(control).values())
        found += _on_systems(board, control, np.arange(len(plan.systems))) if plan.systems else Short(1, everything)
    return found


def _on_systems(board: Board, control: Control, systems: Ints) -> Short:
    """Count over AI systems, by their places; a system without a subject is short of the whole control, unless that is as it should be."""
    plan = board.plan
    systems = systems[plan.applies(control)[1][systems]]
    found, subjects = Short(), np.zeros(len(systems), np.int64)
    for kind in system_kinds(control):
        links = plan.subject_links(kind).of_owners(systems)
        subjects += np.diff(links.start)
        found += _cells(board, control, kind, links.member)
    empty = int((subjects == 0).sum()) if control.absent != "not_applicable" else 0
    return found + Short(empty, empty * sum(costs_of(control).values()))


def _cells(board: Board, control: Control, kind: str, places: Ints) -> Short:
    """Count over subjects of a kind, by their places; one that belongs to two systems counts for each."""
    costs = costs_of(control)
    found = Short()
    for check in control.checks:
        missing = int(_open(board.checks[control.id, check.id, kind].status[places]).sum())
        found += Short(missing, missing * costs[check.id])
    return found


def short_systems(board: Board, control: Control) -> tuple[str, ...]:
    """Name the AI systems on which a control is neither met nor not applicable."""

    def make() -> tuple[str, ...]:
        cells = board.rows.get(control.id)
        return () if cells is None else tuple(board.plan.systems[at] for at in np.flatnonzero(_open(cells.status)).tolist())

    return board.once(control.id, "short systems", make)


def _open(status: Ints | np.typing.NDArray[np.int8]) -> Bools:
    return ~np.isin(status, _DONE)
