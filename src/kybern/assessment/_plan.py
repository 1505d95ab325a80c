"""The plan: catalog and records made ready for columns. It knows no evidence; it holds for one moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np

from kybern.assessment._cells import Links
from kybern.assessment._conditions import NO_BOUNDS, Bounds, Content, Verdict, compile_test, judge_column, look_up
from kybern.assessment._judge import UNDATED, Targets
from kybern.assessment._status import Bools, Codes, Ints, Status
from kybern.catalog import Catalog, Check, Condition, Control, EvidenceCheck, Operator, RecordCheck, Relation, SubjectKind, days
from kybern.records import Record, RecordSet
from kybern.records.monitoring import Indicator
from kybern.records.risk import SoaEntry

T = TypeVar("T")

ORGANIZATION = SubjectKind.ORGANIZATION
AI_SYSTEM = SubjectKind.AI_SYSTEM

_DAY = 86_400_000_000
"""Microseconds."""

_OF_VERDICT: Codes = np.zeros(len(Verdict), np.int8)
_OF_VERDICT[[Verdict.PASS, Verdict.SILENT, Verdict.LAPSED, Verdict.FAIL]] = [Status.MET, Status.UNKNOWN, Status.EXPIRED, Status.NOT_MET]


class Plan:
    """Who the subjects are, what belongs to them, and what records alone already say."""

    def __init__(self, catalog: Catalog, records: RecordSet, as_of: datetime) -> None:
        """Index the records by kind."""
        self.catalog, self.records, self.as_of = catalog, records, as_of
        self._links: dict[tuple[str, str], Links] = {}
        self._fits: dict[tuple[Condition, ...], dict[str, Bools]] = {}
        self._content: dict[str, Sequence[Content]] = {}
        self._columns: dict[tuple[str, str], Sequence[object]] = {}
        self._digests: dict[str, Sequence[str]] = {}
        self._subject_links: dict[str, Links] = {}
        self._check_links: dict[tuple[str, tuple[Condition, ...], str], Links] = {}
        self._applies: dict[str, tuple[bool, Bools]] = {}
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what was made under a key, and make it the first time: what follows from catalog and records, whatever evidence comes."""
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    # --- records by kind -------------------------------------------------------------------------------------------------------

    @cached_property
    def index(self) -> Mapping[str, Mapping[str, int]]:
        """For each kind, the position of each record's name among the records of that kind."""
        return {kind: {record.ref: at for at, record in enumerate(self.records.of_kind(kind))} for kind in self.records.kinds}

    def position(self, ref: str) -> int | None:
        """Find where a record stands among those of its kind."""
        return self.index.get(ref.split(":", 1)[0], {}).get(ref)

    def digests(self, kind: str) -> Sequence[str]:
        """Present digests of the records of a kind."""
        if kind not in self._digests:
            self._digests[kind] = [record.digest for record in self.records.of_kind(kind)]
        return self._digests[kind]

    def bounds(self, kind: str) -> Sequence[Bounds]:
        """Minimum and maximum that the records of a kind state."""
        found = self.records.of_kind(kind)
        if not found or "minimum" not in type(found[0]).model_fields:
            return [NO_BOUNDS] * len(found)
        return [(record.minimum, record.maximum) for record in cast("tuple[Indicator, ...]", found)]

    def approvers(self, kind: str) -> Sequence[str | None]:
        """Give the person each record of a kind names to approve it."""
        found = self.records.of_kind(kind)
        if not found or "approved_by" not in type(found[0]).model_fields:
            return [None] * len(found)
        return [cast("SoaEntry", record).approved_by for record in found]

    def rhythms(self, control: Control, kind: str) -> Ints:
        """Give the longest time between two pieces about each record of a kind, in microseconds."""
        found = self.records.of_kind(kind)
        if not found or "measure_every" not in type(found[0]).model_fields:
            return np.full(len(found), days(control.cadence) * _DAY, np.int64)
        return np.array([rhythm_of(control, record) for record in found], np.int64)

    def _contents(self, kind: str) -> Sequence[Content]:
        if kind not in self._content:
            self._content[kind] = [record.content for record in self.records.of_kind(kind)]
        return self._content[kind]

    def _verdicts(self, kind: str, condition: Condition) -> Ints:
        """Hold every record of a kind against one condition: a `Verdict` each (n,). Records have no bounds to be within."""
        contents = self._contents(kind)
        if condition.operator is Operator.WITHIN:
            return np.full(len(contents), Verdict.SILENT, np.int64)
        key = (kind, condition.field)
        if key not in self._columns:
            path = tuple(condition.field.split("."))
            self._columns[key] = [look_up(content, path) for content in contents]
        return judge_column(compile_test(condition, self.as_of), self._columns[key])

    def _worst(self, kind: str, conditions: Sequence[Condition]) -> Ints:
        """Hold every record of a kind against all conditions: the worst verdict each (n,); no condition is a pass."""
        worst = np.full(len(self._contents(kind)), Verdict.PASS, np.int64)
        for condition in conditions:
            worst = np.maximum(worst, self._verdicts(kind, condition))
        return worst

    def fits(self, kind: str, where: tuple[Condition, ...]) -> Bools:
        """Mark the records of a kind that fit every condition."""
        known = self._fits.setdefault(where, {})
        if kind not in known:
            known[kind] = self._worst(kind, where) == Verdict.PASS
        return known[kind]

    def stated(self, check: RecordCheck) -> Targets:
        """Hold each record of the check's kind against what it requires."""
        status = _OF_VERDICT[self._worst(check.kind, check.require)]
        return Targets(status, np.zeros(len(status)), np.zeros(len(status)), np.full(len(status), UNDATED, np.int64))

    # --- subjects --------------------------------------------------------------------------------------------------------------

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """Names of the AI systems in scope: the rows below the organisation's."""
        return tuple(system.ref for system in self.records.systems_in_scope)

    @cached_property
    def system_index(self) -> Mapping[str, int]:
        """Position of each AI system in scope."""
        return {ref: at for at, ref in enumerate(self.systems)}

    @cached_property
    def organization(self) -> str:
        """Name of the organisation's row; a workspace that does not state exactly one still has the row."""
        found = self.records.organization
        return found.ref if found else "organization:unstated"

    @cached_property
    def _belonging(self) -> tuple[Mapping[str, int], ...]:
        return tuple(dict.fromkeys(self.records.belonging_to(system), 0) for system in self.systems)

    @cached_property
    def _pools(self) -> dict[str, tuple[str, ...]]:
        return {ORGANIZATION: (self.organization,), AI_SYSTEM: self.systems}

    def pool(self, kind: str) -> tuple[str, ...]:
        """Names of the subjects of a kind: the organisation, systems in scope, or what belongs to a system in scope."""
        if kind not in self._pools:
            self._pools[kind] = tuple(dict.fromkeys(ref for below in self._belonging for ref in below if ref.split(":", 1)[0] == kind))
        return self._pools[kind]

    def links(self, subject_kind: str, target_kind: str) -> Links:
        """Link the subjects of a kind with the records of a kind that belong to them; a subject of the kind itself is its own target."""
        key = (subject_kind, target_kind)
        if key not in self._links:
            self._links[key] = self._find_links(subject_kind, target_kind)
        return self._links[key]

    def _find_links(self, subject_kind: str, target_kind: str) -> Links:
        subjects, positions = self.pool(subject_kind), self.index.get(target_kind, {})
        if subject_kind == ORGANIZATION:
            return Links.of([0] * len(positions), range(len(positions)), 1)
        if subject_kind == target_kind:
            return Links.of(range(len(subjects)), [positions[ref] for ref in subjects], len(subjects))
        owner, member = [], []
        for at, ref in enumerate(subjects):
            below = self._belonging[at] if subject_kind == AI_SYSTEM else self.records.belonging_to(ref)
            for one in below:
                if one in positions:
                    owner.append(at)
                    member.append(positions[one])
        return Links.of(owner, member, len(subjects))

    def subject_links(self, kind: str) -> Links:
        """Link AI systems in scope with the subjects of a kind, by their place in its pool."""
        if kind not in self._subject_links:
            self._subject_links[kind] = self._find_subject_links(kind)
        return self._subject_links[kind]

    def _find_subject_links(self, kind: str) -> Links:
        if kind == AI_SYSTEM:
            return Links.of(range(len(self.systems)), range(len(self.systems)), len(self.systems))
        place = {ref: at for at, ref in enumerate(self.pool(kind))}
        pairs = [(at, place[ref]) for at, below in enumerate(self._belonging) for ref in below if ref in place]
        return Links.of([owner for owner, _ in pairs], [member for _, member in pairs], len(self.systems))

    def check_links(self, check: Check, subject_kind: str) -> Links:
        """Link subjects with the targets a check looks at."""
        kind = target_kind(check, subject_kind)
        links = self.links(subject_kind, kind)
        if not check.where:
            return links
        key = (subject_kind, check.where, kind)
        if key not in self._check_links:
            self._check_links[key] = links.only(self.fits(kind, check.where))
        return self._check_links[key]

    # --- who a control applies to ----------------------------------------------------------------------------------------------

    def applies(self, control: Control) -> tuple[bool, Bools]:
        """Tell whether a control applies to the organisation, and mark the AI systems it applies to: no condition is refuted."""
        if control.id not in self._applies:
            self._applies[control.id] = self._find_applies(control)
        return self._applies[control.id]

    def _find_applies(self, control: Control) -> tuple[bool, Bools]:
        def unrefuted(kind: str) -> Bools:
            found = [self._verdicts(kind, one) == Verdict.FAIL for one in control.applies_when]
            return ~np.any(found, axis=0) if found else np.ones(len(self.records.of_kind(kind)), np.bool_)

        positions = self.index.get(AI_SYSTEM, {})
        systems = np.array([positions[ref] for ref in self.systems], np.int64)
        return self.records.organization is None or bool(unrefuted(ORGANIZATION)[0]), unrefuted(AI_SYSTEM)[systems]

    def scoped(self, refs: Sequence[str]) -> tuple[bool, Ints]:
        """Read the `systems` of an entry: (does it speak for the organisation and all systems, positions of the systems it speaks of)."""
        if not refs:
            return True, np.arange(len(self.systems))
        return False, np.array([self.system_index[ref] for ref in refs if ref in self.system_index], np.int64)

    # --- what counts for a requirement -----------------------------------------------------------------------------------------

    @cached_property
    def counting(self) -> Mapping[str, Sequence[tuple[Control, float]]]:
        """For each requirement, the controls that count towards it with their weights."""
        found: dict[str, list[tuple[Control, float]]] = {}
        for control in self.catalog.controls.values():
            for mapping in control.satisfies:
                if mapping.relation is not Relation.INTERSECTS:
                    found.setdefault(mapping.requirement, []).append((control, mapping.weight))
        return found


def rhythm_of(control: Control, record: Record) -> int:
    """Give the longest time between two pieces, in microseconds: the control's cadence, or the record's `measure_every` if shorter."""
    stated = getattr(record, "measure_every", None)
    return min(days(control.cadence), days(stated) if stated else days(control.cadence)) * _DAY


def target_kind(check: Check, subject_kind: str) -> str:
    """Name the kind of record a check looks at, for subjects of a kind."""
    if isinstance(check, EvidenceCheck):
        return check.on or subject_kind
    return check.kind


def system_kinds(control: Control) -> tuple[SubjectKind, ...]:
    """Kinds of subject through which a control bears on AI systems."""
    return tuple(kind for kind in control.applies_to if kind is not ORGANIZATION)


def shortfall(check: Check, status: Codes, totals: Ints) -> Codes:
    """Mind how many targets there were: none is unknown (or stands aside), too few is not met."""
    if isinstance(check, EvidenceCheck):
        return status
    few = (totals < check.minimum) & (totals > 0)
    status = np.where(few, Status.NOT_MET, status)
    if check.minimum == 0:
        status = np.where(totals == 0, Status.NOT_APPLICABLE, status)
    return status.astype(np.int8)
