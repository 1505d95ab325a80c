"""The assessment: what the evidence shows for every requirement, on every subject, at a moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from kybern.assessment._board import Board, bears_on_all
from kybern.assessment._cells import Cells, stack
from kybern.assessment._plan import ORGANIZATION, Plan, system_kinds
from kybern.assessment._status import Codes, Floats, Status, combine_values
from kybern.assessment._table import EvidenceTable, uncollected
from kybern.base import InputError, Place
from kybern.catalog import Catalog, Control, Layer
from kybern.evidence import Evidence
from kybern.records import RecordSet

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Score:
    """Status with its three numbers: coverage 0 to 1; strength 1 to 5 and freshness 0 to 1 of the evidence under it, None without any."""

    status: Status
    coverage: float
    strength: float | None
    freshness: float | None
    evidence: int
    """How many met evidence checks rest under it."""

    @classmethod
    def of(cls, cells: Cells, at: int = 0) -> Score:
        """Read one subject's cell."""
        count = float(cells.count[at])
        strength, freshness = (float(column[at]) / count if count else None for column in (cells.strength, cells.freshness))
        return cls(Status(int(cells.status[at])), float(cells.coverage[at]), strength, freshness, round(count))


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement on one subject."""

    framework: str
    id: str
    subject: str
    score: Score

    @property
    def ref(self) -> str:
        """The requirement's name: `ISO42001:A.7.4`."""
        return f"{self.framework}:{self.id}"


@dataclass(frozen=True, slots=True)
class Readiness:
    """A framework, layer or clause in numbers: three of them, kept apart, and how many requirements have which status."""

    coverage: float
    strength: float | None
    freshness: float | None
    counts: dict[Status, int]

    @property
    def applicable(self) -> int:
        """How many requirements the numbers are taken over."""
        return sum(count for status, count in self.counts.items() if status is not Status.NOT_APPLICABLE)


class Assessment:
    """The result of `assess`: read by requirement, control and subject. Immutable."""

    def __init__(self, board: Board) -> None:
        """Read from a filled board; use `assess`."""
        self._board = board
        self._organization: dict[str, Cells] = {}
        self._systems: dict[str, Cells | None] = {}
        self._controls: dict[str, Cells] = {}
        self._made: dict[Hashable, Any] = {}

    # --- what was assessed -----------------------------------------------------------------------------------------------------

    @property
    def board(self) -> Board:
        """The columns under the result, for those who explain them."""
        return self._board

    @property
    def plan(self) -> Plan:
        """Catalog and records as the assessment saw them."""
        return self._board.plan

    @property
    def catalog(self) -> Catalog:
        """The catalog that was used."""
        return self.plan.catalog

    @property
    def records(self) -> RecordSet:
        """The records that were used."""
        return self.plan.records

    @property
    def evidence(self) -> EvidenceTable:
        """The evidence that was used."""
        return self._board.table

    @property
    def as_of(self) -> datetime:
        """The moment asked about."""
        return self.plan.as_of

    @property
    def organization(self) -> str:
        """Name of the organisation's row."""
        return self.plan.organization

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the AI systems in scope."""
        return self.plan.systems

    @property
    def subjects(self) -> tuple[str, ...]:
        """The organisation, then the AI systems in scope."""
        return (self.organization, *self.systems)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each input: whoever has the same inputs gets the same answer."""
        return {"catalog": self.catalog.digest, "records": self.records.digest, "evidence": self.evidence.digest}

    # --- requirements ----------------------------------------------------------------------------------------------------------

    def requirement(self, ref: str, subject: str | None = None) -> Score | None:
        """Give a requirement's score for a subject (the organisation if none is named); None where it does not bear on the subject.

        Raises `KeyError` for a requirement the catalog does not have and for a subject that is not assessed.
        """
        self.catalog.requirements[ref]
        if subject is None or subject == self.organization:
            return Score.of(self._at_organization(ref))
        cells = self._at_systems(ref)
        at = self.plan.system_index[subject]
        return None if cells is None else Score.of(cells, at)

    def statuses(self, ref: str) -> Codes | None:
        """Give a requirement's status on every AI system (n,), in the order of `systems`; None where it bears on none of them."""
        self.catalog.requirements[ref]
        cells = self._at_systems(ref)
        return None if cells is None else cells.status

    def rows(self, framework: str | None = None, subject: str | None = None) -> Iterator[Row]:
        """Go through every normative requirement on every subject it bears on, groups included, in catalog order."""
        subjects = self.subjects if subject is None else (subject,)
        for ref, requirement in self.catalog.requirements.items():
            name = self.catalog.framework_of(ref).id
            if requirement.normative and framework in (None, name):
                for one in subjects:
                    score = self.requirement(ref, one)
                    if score is not None:
                        yield Row(name, requirement.id, one, score)

    def _parts(self, ref: str) -> tuple[str, ...]:
        return tuple(child for child in self.catalog.children(ref) if self.catalog.requirements[child].normative)

    def _leaves_under(self, ref: str) -> Iterator[str]:
        parts = self._parts(ref)
        if not parts:
            yield ref
        for part in parts:
            yield from self._leaves_under(part)

    def _at_systems(self, ref: str) -> Cells | None:
        """Give a requirement's cells over the AI systems, or None where it bears on none of them."""
        if ref not in self._systems:
            if not self._parts(ref):
                self._systems[ref] = self._board.leaves.get(ref)
            else:
                self._systems[ref] = _group(
                    [cells for part in self._parts(ref) if (cells := self._at_systems(part)) is not None],
                    [cells for leaf in self._leaves_under(ref) if (cells := self._at_systems(leaf)) is not None],
                )
        return self._systems[ref]

    def _at_organization(self, ref: str) -> Cells:
        """Give a requirement's cell for the organisation as a whole, all AI systems included."""
        if ref not in self._organization:
            if not self._parts(ref):
                self._organization[ref] = self._leaf_at_organization(ref)
            else:
                parts = [self._at_organization(part) for part in self._parts(ref)]
                leaves = [self._at_organization(leaf) for leaf in self._leaves_under(ref)]
                self._organization[ref] = _group(parts, leaves) or _nothing()
        return self._organization[ref]

    def _leaf_at_organization(self, ref: str) -> Cells:
        """Combine what the organisation does itself with the requirement's value on each AI system; weights follow the controls."""
        counting = self.plan.counting.get(ref, ())
        own = [
            (self._board.controls[control.id, ORGANIZATION], weight) for control, weight in counting if ORGANIZATION in control.applies_to
        ]
        parts = [stack([cells for cells, _ in own], [weight for _, weight in own])] if own else []
        weights = [sum(weight for _, weight in own)] if own else []
        if ref in self._board.leaves:
            parts.append(_over_all(_or_unknown(self._board.leaves[ref])))
            weights.append(sum(weight for control, weight in counting if system_kinds(control)))
        whole = self._board.exclusions.get(ref, (None,))[0]
        found = self._together(ref, parts, weights)
        if whole is None:
            return found
        return found.overruled(np.full(1, Status.NOT_APPLICABLE if whole else Status.UNKNOWN, np.int8))

    def _together(self, ref: str, parts: list[Cells], weights: list[float]) -> Cells:
        """Numbers are weighed part by part; the status is combined over every value under them, so that one system counts as one."""
        if not parts:
            return _nothing()
        found = stack(parts, weights)
        if ref not in self._board.leaves:
            return found
        systems = _or_unknown(self._board.leaves[ref]).status
        own = parts[0].status if len(parts) > 1 else np.empty(0, np.int8)
        values = np.concatenate([own, systems])
        return Cells(combine_values(values), found.coverage, found.strength, found.freshness, found.count)

    # --- controls --------------------------------------------------------------------------------------------------------------

    def control(self, identity: str, subject: str | None = None) -> Score | None:
        """Give a control's score for a subject, or as a whole if none is named; None where it does not bear on the subject."""
        control = self.catalog.controls[identity]
        if subject is None or subject == self.organization:
            return Score.of(self._control_at_organization(control))
        cells = self._board.rows.get(identity)
        return None if cells is None else Score.of(cells, self.plan.system_index[subject])

    def _control_at_organization(self, control: Control) -> Cells:
        if control.id not in self._controls:
            self._controls[control.id] = self._find_control_at_organization(control)
        return self._controls[control.id]

    def _find_control_at_organization(self, control: Control) -> Cells:
        parts = [self._board.controls[control.id, ORGANIZATION]] if ORGANIZATION in control.applies_to else []
        if control.id in self._board.rows:
            parts.append(_or_unknown(self._board.rows[control.id]))
        return _over_all(*parts)

    # --- readiness -------------------------------------------------------------------------------------------------------------

    def readiness(self, framework: str, subject: str | None = None, layer: Layer | None = None, under: str | None = None) -> Readiness:
        """Sum up the requirements of a framework that ask something by themselves: of a layer, or under a clause, if named."""
        refs = [ref for ref in self.catalog.leaves(framework) if layer in (None, self.catalog.requirements[ref].layer)]
        if under is not None:
            inside = set(self._leaves_under(under))
            refs = [ref for ref in refs if ref in inside]
        return _sum_up([score for ref in refs if (score := self.requirement(ref, subject)) is not None])

    # --- what follows from it --------------------------------------------------------------------------------------------------

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what was made under a key, and make it the first time: an assessment never changes, nor does what follows from it."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    # --- one more piece --------------------------------------------------------------------------------------------------------

    def plus(self, item: Evidence) -> Assessment:
        """Give the assessment with one more piece of evidence, at the same moment; equal to assessing everything again."""
        board = self._board.plus(item)
        if board is self._board:
            return self
        found = Assessment(board)
        if board.moved is not None:
            found._keep(self, board.moved)
        return found

    def plus_all(self, items: Sequence[Evidence]) -> Assessment:
        """Give the assessment with some more pieces, at the same moment; where one of them bears on all, that is worked out once."""
        if len(items) > 1 and any(map(bears_on_all, items)):
            table = self.evidence
            for one in items:
                table = table.plus(one)
            return self if table is self.evidence else Assessment(Board.filled(self.plan, table))
        found = self
        for one in items:
            found = found.plus(one)
        return found

    def _keep(self, before: Assessment, moved: Collection[str]) -> None:
        """Take over what was worked out of the assessment before one more piece, but for what hangs on the controls that it moved."""
        gone = {mapping.requirement for name in moved for mapping in self.catalog.controls[name].satisfies}
        above = set(gone)
        while above:
            above = {parent for ref in above if (parent := self._parent(ref)) is not None} - gone
            gone |= above
        self._organization = {ref: cells for ref, cells in before._organization.copy().items() if ref not in gone}
        self._systems = {ref: cells for ref, cells in before._systems.copy().items() if ref not in gone}
        self._controls = {name: cells for name, cells in before._controls.copy().items() if name not in moved}

    def _parent(self, ref: str) -> str | None:
        parent = self.catalog.requirements[ref].parent
        return None if parent is None else f"{self.catalog.framework_of(ref).id}:{parent}"


def assess(catalog: Catalog, records: RecordSet, evidence: Iterable[Evidence], as_of: datetime) -> Assessment:
    """Assess an AI management system at a moment: a pure function of its four inputs.

    `evidence` is verified evidence, or an `EvidenceTable` of it; pieces observed after `as_of` are not seen. Raises `InputError` if
    `as_of` has no time zone. How status is computed: docs/handbook/how-status-is-computed.md.
    """
    if as_of.tzinfo is None:
        raise InputError.one("naive-time", f"{as_of.isoformat()} has no time zone", Place("as_of"), "Add one, as in 2026-11-20T00:00:00Z.")
    table = evidence if isinstance(evidence, EvidenceTable) else EvidenceTable(evidence)
    with uncollected():
        return Assessment(Board.filled(Plan(catalog, records, as_of), table))


def _nothing() -> Cells:
    return Cells.of_status(np.zeros(1, np.int8))


def _or_unknown(systems: Cells) -> Cells:
    """Read no AI system in scope as one of which nothing is known: what asks for systems is not met without any."""
    return systems if len(systems) else _nothing()


def _over_all(*parts: Cells) -> Cells:
    """Combine all subjects into one cell."""
    status = np.concatenate([part.status for part in parts])
    live = status != Status.NOT_APPLICABLE

    def total(columns: Sequence[Floats]) -> Floats:
        return np.array([np.concatenate(columns) @ live])

    return Cells(
        combine_values(status),
        total([part.coverage for part in parts]) / max(int(live.sum()), 1),
        total([part.strength for part in parts]),
        total([part.freshness for part in parts]),
        total([part.count for part in parts]),
    )


def _group(parts: list[Cells], leaves: list[Cells]) -> Cells | None:
    """Combine a group's parts; its numbers are means and sums over the requirements under it that ask something by themselves."""
    if not parts:
        return None
    numbers = stack(leaves)
    return Cells(stack(parts).status, numbers.coverage, numbers.strength, numbers.freshness, numbers.count)


def _sum_up(scores: list[Score]) -> Readiness:
    counts = {status: sum(score.status is status for score in scores) for status in Status}
    live = [score for score in scores if score.status is not Status.NOT_APPLICABLE]
    evidence = sum(score.evidence for score in live)

    def mean(values: Iterable[tuple[float | None, int]]) -> float | None:
        return sum((value or 0.0) * weight for value, weight in values) / evidence if evidence else None

    return Readiness(
        sum(score.coverage for score in live) / len(live) if live else 0.0,
        mean((score.strength, score.evidence) for score in live),
        mean((score.freshness, score.evidence) for score in live),
        counts,
    )
