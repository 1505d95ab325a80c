"""The board: every check, control and requirement on every subject, worked out in columns and kept current piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from datetime import UTC
from functools import cached_property
from typing import Any, Self, TypeVar, cast

import numpy as np

from kybern.assessment._cells import Cells, Links, gather, stack
from kybern.assessment._judge import Judged, Targets, decide, judge_pieces
from kybern.assessment._plan import AI_SYSTEM, ORGANIZATION, Plan, rhythm_of, shortfall, system_kinds, target_kind
from kybern.assessment._status import Codes, Ints, Status
from kybern.assessment._table import EvidenceTable, Pieces
from kybern.catalog import Check, Condition, Control, EvidenceCheck, Operator, PredicateType
from kybern.evidence import Evidence
from kybern.records import Record
from kybern.records.risk import SoaEntry, Waiver

T = TypeVar("T")

CheckKey = tuple[str, str, str]
"""Control id, check id, kind of the record looked at."""

CellKey = tuple[str, str, str]
"""Control id, check id, kind of the subject."""

ControlKey = tuple[str, str]
"""Control id, kind of the subject."""

CLAUSE = "clause"
"""The kind of requirement that no statement of applicability can leave out."""

APPROVED: tuple[str, ...] = ("approved",)

APPROVAL = EvidenceCheck(
    type="evidence",
    id="approval",
    title="An approval of exactly this version is signed and in time",
    predicate=PredicateType.APPROVAL,
    require=(Condition(field="decision", operator=Operator.IN, value=list(APPROVED)),),
    pinned=True,
)
"""What lifts an exclusion or a waiver from a statement to something that counts."""


class Board:
    """All columns. Made once by `Board.filled`; `plus` gives the board with one more piece and shares what it does not touch."""

    def __init__(self, plan: Plan, table: EvidenceTable) -> None:
        """Start empty; use `filled`."""
        self.plan, self.table = plan, table
        self.targets: dict[CheckKey, Targets] = {}
        self.checks: dict[CellKey, Cells] = {}
        self.controls: dict[ControlKey, Cells] = {}
        self.rows: dict[str, Cells] = {}
        self.leaves: dict[str, Cells] = {}
        self.exclusions: Mapping[str, tuple[bool | None, Codes]] = {}
        self.waived: Mapping[str, tuple[bool, Codes]] = {}
        self.moved: set[str] | None = None
        """The controls that the last piece could change; None for a board that was worked out whole."""
        self._made: dict[str, dict[Hashable, Any]] = {}

    def once(self, control: str, key: Hashable, make: Callable[[], T]) -> T:
        """Give what was made of one control's columns, and make it the first time; it is kept until a piece can change that control."""
        made = self._made.setdefault(control, {})
        if key not in made:
            made[key] = make()
        found: T = made[key]
        return found

    @classmethod
    def filled(cls, plan: Plan, table: EvidenceTable) -> Self:
        """Work everything out."""
        board = cls(plan, table)
        board._judge_everything()
        board._settle_exclusions()
        for control in plan.catalog.controls.values():
            for kind in control.applies_to:
                for check in control.checks:
                    board.checks[control.id, check.id, kind] = board._check(control, check, kind)
                board.controls[control.id, kind] = board._control(control, kind)
            if system_kinds(control):
                board.rows[control.id] = board._row(control)
        for requirement in plan.counting:
            board._leaf(requirement)
        return board

    # --- evidence and records on their targets ---------------------------------------------------------------------------------

    def _judge_everything(self) -> None:
        """Fill `targets`; pieces of a group are put into columns once for all checks that look at it."""
        pieces: dict[tuple[object, str], Pieces] = {}
        for control in self.plan.catalog.controls.values():
            for check in control.checks:
                for kind in dict.fromkeys(target_kind(check, subject) for subject in control.applies_to):
                    self.targets[control.id, check.id, kind] = (
                        self._judged(control, check, kind, pieces) if isinstance(check, EvidenceCheck) else self.plan.stated(check)
                    )

    def _judged(self, control: Control, check: EvidenceCheck, kind: str, known: dict[tuple[object, str], Pieces]) -> Targets:
        """Judge all evidence about records of a kind for one check."""
        key = ((check.predicate, check.topic), kind)
        if key not in known:
            known[key] = self._pieces(check, kind)
        pieces = known[key]
        count = len(self.plan.records.of_kind(kind))
        if not pieces.items:
            return Targets.silent(count)
        judged = judge_pieces(pieces, check, self.plan.as_of, self._digests(check, kind), self.plan.bounds(kind), self.plan.approvers(kind))
        return decide(pieces, judged, self.plan.as_of, count, self.plan.rhythms(control, kind))[0]

    def _digests(self, check: EvidenceCheck, kind: str) -> tuple[str, ...] | list[str]:
        """Give the digests of a kind; an unpinned check needs only their number."""
        return list(self.plan.digests(kind)) if check.pinned else [""] * len(self.plan.records.of_kind(kind))

    def _pieces(self, check: EvidenceCheck, kind: str) -> Pieces:
        """Collect what the check's groups hold about the records of a kind."""
        positions = self.plan.index.get(kind, {})
        found = [
            (mentions, positions[ref])
            for group in self.table.groups(check.predicate, check.topic)
            for ref, mentions in self.table.about(group).items()
            if ref in positions
        ]
        return Pieces.of([mentions for mentions, _ in found], [at for _, at in found])

    def pieces_about(self, check: EvidenceCheck, ref: str) -> Pieces:
        """Collect what the check's groups hold about one record, as record 0."""
        abouts = (self.table.about(group) for group in self.table.groups(check.predicate, check.topic))
        found = [about[ref] for about in abouts if ref in about]
        return Pieces.of(found, [0] * len(found))

    def target(self, check: EvidenceCheck, record: Record, rhythm: int | None = None) -> Targets:
        """Judge all evidence about one record for one check, of which a piece is owed in a rhythm, if one is given."""
        rhythms = None if rhythm is None else np.array([rhythm], np.int64)
        return decide(*self.judged_about(check, record), self.plan.as_of, 1, rhythms)[0]

    def judged_about(self, check: EvidenceCheck, record: Record) -> tuple[Pieces, Judged]:
        """Collect what the check's groups hold about one record, as record 0, and tell what each piece comes to."""
        pieces = self.pieces_about(check, record.ref)
        bounds = [(getattr(record, "minimum", None), getattr(record, "maximum", None))]
        approvers = [getattr(record, "approved_by", None)]
        return pieces, judge_pieces(pieces, check, self.plan.as_of, [record.digest if check.pinned else ""], bounds, approvers)

    # --- exclusions and waivers ------------------------------------------------------------------------------------------------

    def approved(self, record: SoaEntry | Waiver) -> bool:
        """Tell whether an approval of exactly this record, by the approver it names, is signed and in time."""
        check = APPROVAL
        if record.approved_by:
            by = Condition(field="by", operator=Operator.EQ, value=record.approved_by)
            check = APPROVAL.model_copy(update={"match": (by,)})
        return bool(self.target(check, record).status[0] == Status.MET)

    def left_out(self, entry: SoaEntry) -> bool:
        """Tell whether an exclusion counts: its approval is signed, and what it leaves out is no clause, which nobody can leave out."""
        return not self.is_clause(entry.requirement) and self.approved(entry)

    def is_clause(self, requirement: str) -> bool:
        """Tell whether a requirement is a clause of a management system standard."""
        entry = self.plan.catalog.requirements.get(requirement)
        return entry is not None and entry.kind == CLAUSE

    def _settle_exclusions(self) -> None:
        """Read the statement of applicability and the waivers."""
        self.exclusions, self.waived = self._exclusions(), self._waivers()

    def _exclusions(self) -> dict[str, tuple[bool | None, Codes]]:
        """For each excluded requirement: is it excluded as a whole (None: not as a whole), and what is so of each AI system.

        The column holds `MET` where the entry says nothing, `NOT_APPLICABLE` where the exclusion counts, `UNKNOWN` where it is contested.
        """
        found: dict[str, tuple[bool | None, Codes]] = {}
        for entry in cast("tuple[SoaEntry, ...]", self.plan.records.of_kind("soa_entry")):
            if entry.necessary:
                continue
            whole, systems = found.get(entry.requirement, (None, np.full(len(self.plan.systems), Status.MET, np.int8)))
            everywhere, at = self.plan.scoped(entry.systems)
            counts = self.left_out(entry)
            if everywhere:
                whole = counts if whole is None else whole and counts
            systems[at] = np.where(systems[at] == Status.UNKNOWN, systems[at], Status.NOT_APPLICABLE if counts else Status.UNKNOWN)
            found[entry.requirement] = (whole, systems)
        return found

    def _waivers(self) -> dict[str, tuple[bool, Codes]]:
        """For each waived control: does the waiver speak for the organisation, and the floor it gives each system."""
        found: dict[str, tuple[bool, Codes]] = {}
        for waiver in self.valid_waivers:
            everywhere, at = self.plan.scoped(waiver.systems)
            for control in waiver.controls:
                whole, floor = found.get(control, (False, np.zeros(len(self.plan.systems), np.int8)))
                floor[at] = Status.PARTLY_MET
                found[control] = (whole or everywhere, floor)
        return found

    @cached_property
    def valid_waivers(self) -> tuple[Waiver, ...]:
        """Give the waivers in force: within their dates and approved."""
        today = self.plan.as_of.astimezone(UTC).date()
        waivers = cast("tuple[Waiver, ...]", self.plan.records.of_kind("exception"))
        return tuple(one for one in waivers if one.valid_from <= today <= one.expires_on and self.approved(one))

    # --- checks, controls, requirements ----------------------------------------------------------------------------------------

    def _check(self, control: Control, check: Check, kind: str, only: Ints | None = None) -> Cells:
        """Combine a check's targets for the subjects of a kind, or for some of them."""
        links = self.plan.check_links(check, kind)
        if only is not None:
            links = links.of_owners(only)
        targets = self.targets[control.id, check.id, target_kind(check, kind)]
        met = (targets.status == Status.MET).astype(np.float64)
        evidenced = met if isinstance(check, EvidenceCheck) else np.zeros(len(met))
        found = gather(Cells(targets.status, met, targets.strength, targets.freshness, evidenced), links)
        return found.overruled(shortfall(check, found.status, np.diff(links.start)))

    def _control(self, control: Control, kind: str, only: Ints | None = None) -> Cells:
        """Combine a control's checks for the subjects of a kind, or for some of them."""
        evidenced: list[Cells] = []
        stated: list[Cells] = []
        for check in control.checks:
            layer = self.checks[control.id, check.id, kind]
            (evidenced if isinstance(check, EvidenceCheck) else stated).append(layer if only is None else layer.take(only))
        found = _gated(evidenced, stated)
        return self._at_organization(control, found) if kind == ORGANIZATION else found

    def _at_organization(self, control: Control, found: Cells) -> Cells:
        if not self.plan.applies(control)[0]:
            return found.overruled(np.full(1, Status.NOT_APPLICABLE, np.int8))
        if self.waived.get(control.id, (False,))[0]:
            return _raised(found, np.full(1, Status.PARTLY_MET, np.int8))
        return found

    def _row(self, control: Control, only: Ints | None = None) -> Cells:
        """Combine a control's subjects for each AI system, or for some of them."""
        systems = np.arange(len(self.plan.systems)) if only is None else only
        parts = [(kind, self.plan.subject_links(kind).of_owners(systems)) for kind in system_kinds(control)]
        found = gather(*_joined([(self.controls[control.id, kind], links) for kind, links in parts], len(systems)))
        if control.absent == "not_applicable":
            empty = sum(np.diff(links.start) for _, links in parts) == 0
            found = found.overruled(np.where(empty, Status.NOT_APPLICABLE, found.status).astype(np.int8))
        applies = self.plan.applies(control)[1][systems]
        found = found.overruled(np.where(applies, found.status, Status.NOT_APPLICABLE).astype(np.int8))
        return _raised(found, self.waived[control.id][1][systems]) if control.id in self.waived else found

    def _leaf(self, requirement: str, only: Ints | None = None) -> None:
        """Combine the controls that count for a requirement on each AI system, or on some of them; keep the result in `leaves`."""
        counting = [(control, weight) for control, weight in self.plan.counting[requirement] if system_kinds(control)]
        if not counting:
            return
        rows = [self.rows[control.id] if only is None else self.rows[control.id].take(only) for control, _ in counting]
        found = stack(rows, [weight for _, weight in counting])
        if requirement in self.exclusions:
            decided = self.exclusions[requirement][1][slice(None) if only is None else only]
            found = found.overruled(np.where(decided == Status.MET, found.status, decided).astype(np.int8))
        self.leaves[requirement] = found if only is None else self.leaves[requirement].replaced(only, found)

    # --- what if ---------------------------------------------------------------------------------------------------------------

    def supposing(self, met: Collection[str]) -> Self:
        """Give the board as it would be if some controls were met wherever they apply. No status: nothing shows that they are.

        Only controls and what rests on them are worked out anew: the checks below stay what they are, so nothing is to be explained by it.
        """
        board = type(self)(self.plan, self.table)
        board.targets, board.checks, board.exclusions, board.waived = self.targets, self.checks, self.exclusions, self.waived
        board.controls = {key: _supposed(cells) if key[0] in met else cells for key, cells in self.controls.items()}
        board.rows = {name: _supposed(cells) if name in met else cells for name, cells in self.rows.items()}
        for requirement in self.plan.counting:
            board._leaf(requirement)  # noqa: SLF001  (its own class)
        return board

    # --- one more piece --------------------------------------------------------------------------------------------------------

    def plus(self, item: Evidence) -> Self:
        """Give the board with one more piece of evidence: only what it can touch is worked out anew."""
        table = self.table.plus(item)
        if table is self.table:
            return self
        board = type(self)(self.plan, table)
        if bears_on_all(item):
            return type(self).filled(self.plan, table)
        board.targets, board.checks, board.controls = dict(self.targets), dict(self.checks), dict(self.controls)
        board.rows, board.leaves = dict(self.rows), dict(self.leaves)
        board.exclusions, board.waived, board.moved = self.exclusions, self.waived, set()
        for subject in item.subjects:
            record = self.plan.records.get(subject.ref)
            if record is not None:
                board._touch(item, record)  # noqa: SLF001  (its own class)
        board._made = {  # noqa: SLF001  (its own class)
            name: made.copy() for name, made in self._made.copy().items() if name not in board.moved
        }
        return board

    def _touch(self, item: Evidence, record: Record) -> None:
        """Work out anew what a piece about one record can change."""
        at = cast("int", self.plan.position(record.ref))
        changed: dict[str, Ints] = {}
        for control in self._looking_at(item):
            touched: list[Ints] = []
            for check in control.checks:
                if isinstance(check, EvidenceCheck) and _looks_at(check, item):
                    touched += self._touch_check(control, check, record, at)
            if touched:
                changed[control.id] = np.unique(np.concatenate(touched))
        self._spread(changed)

    def _looking_at(self, item: Evidence) -> Iterable[Control]:
        """Find the controls with a check that looks at a piece."""
        controls = self.plan.catalog.controls.values()
        return (one for one in controls if any(isinstance(check, EvidenceCheck) and _looks_at(check, item) for check in one.checks))

    def _touch_check(self, control: Control, check: EvidenceCheck, record: Record, at: int) -> list[Ints]:
        """Judge one target anew and carry it up to the control; returns the AI systems this can change."""
        systems: list[Ints] = []
        new = None
        for kind in control.applies_to:
            if target_kind(check, kind) != record.kind:
                continue
            owners = self.plan.check_links(check, kind).owners_of(at)
            if not len(owners):
                continue
            if self.moved is not None:
                self.moved.add(control.id)
            if new is None:
                new = self.target(check, record, rhythm_of(control, record))
                key = (control.id, check.id, record.kind)
                self.targets[key] = self.targets[key].replaced(np.array([at]), new)
            cell = (control.id, check.id, kind)
            self.checks[cell] = self.checks[cell].replaced(owners, self._check(control, check, kind, owners))
            self.controls[control.id, kind] = self.controls[control.id, kind].replaced(owners, self._control(control, kind, owners))
            if kind != ORGANIZATION:
                systems += [owners] if kind == AI_SYSTEM else [self.plan.subject_links(kind).owners_of(one) for one in owners.tolist()]
        return systems

    def _spread(self, changed: Mapping[str, Ints]) -> None:
        """Carry changed controls on to rows and requirements."""
        requirements: dict[str, list[Ints]] = {}
        for identity, systems in changed.items():
            control = self.plan.catalog.controls[identity]
            if len(systems):
                self.rows[identity] = self.rows[identity].replaced(systems, self._row(control, systems))
                for mapping in control.satisfies:
                    requirements.setdefault(mapping.requirement, []).append(systems)
        for requirement, parts in requirements.items():
            if requirement in self.leaves:
                self._leaf(requirement, np.unique(np.concatenate(parts)))


def _gated(evidenced: list[Cells], stated: list[Cells]) -> Cells:
    """Let what is stated hold back what is evidenced, never lift it: status is computed from evidence, not typed.

    Where a record check does not hold, evidence that is met counts as partly met; where a record breaks what is asked and there is no
    evidence at all, the control is not met. Records add to coverage only where some evidence check is covered.
    """
    found = stack(evidenced)
    if not stated:
        return found
    records = stack(stated)
    in_order = (records.status == Status.NOT_APPLICABLE) | (records.status == Status.MET)
    broken = np.any([layer.status == Status.NOT_MET for layer in stated], axis=0)
    status = np.where(in_order, found.status, np.minimum(found.status, Status.PARTLY_MET))
    status = np.where(broken & (found.status == Status.UNKNOWN), Status.NOT_MET, status).astype(np.int8)
    speaking = np.sum([layer.status != Status.NOT_APPLICABLE for layer in stated], axis=0)
    share = (found.coverage * len(evidenced) + records.coverage * speaking) / (len(evidenced) + speaking)
    return Cells(status, np.where(found.coverage > 0, share, 0.0), found.strength, found.freshness, found.count)


def bears_on_all(item: Evidence) -> bool:
    """Tell whether a piece may change what is asked at all: it approves what is left out or waived, so everything is worked out anew."""
    kinds = {subject.ref.split(":", 1)[0] for subject in item.subjects}
    return item.predicate is PredicateType.APPROVAL and not kinds.isdisjoint(("soa_entry", "exception"))


def _looks_at(check: EvidenceCheck, item: Evidence) -> bool:
    return check.predicate is item.predicate and check.topic in (None, item.topic)


def _raised(cells: Cells, floor: Codes) -> Cells:
    """Lift the status to a floor, leaving the numbers as they are."""
    return Cells(np.maximum(cells.status, floor).astype(np.int8), cells.coverage, cells.strength, cells.freshness, cells.count)


def _supposed(cells: Cells) -> Cells:
    """Make everything met that applies; what rests on evidence keeps its numbers."""
    applies = cells.status != Status.NOT_APPLICABLE
    status = np.where(applies, Status.MET, Status.NOT_APPLICABLE).astype(np.int8)
    return Cells(status, np.where(applies, 1.0, 0.0), cells.strength, cells.freshness, cells.count)


def _joined(parts: list[tuple[Cells, Links]], owners: int) -> tuple[Cells, Links]:
    """Put the subjects of several kinds behind each other, with links into the whole."""
    shifts = np.cumsum([0, *(len(cells) for cells, _ in parts)])
    columns = [np.concatenate(column) for column in zip(*(_columns(cells) for cells, _ in parts), strict=True)]
    owner = np.concatenate([links.owner for _, links in parts])
    member = np.concatenate([links.member + shift for (_, links), shift in zip(parts, shifts[:-1].tolist(), strict=True)])
    return Cells(*columns), Links.of(owner, member, owners)


def _columns(cells: Cells) -> tuple[Codes, ...]:
    return (cells.status, cells.coverage, cells.strength, cells.freshness, cells.count)  # type: ignore[return-value]
