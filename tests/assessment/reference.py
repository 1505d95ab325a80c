"""A second assessor, written from docs/handbook/how-status-is-computed.md alone: plain loops, no tables, no sharing of work.

It is slow and short on purpose, and shares no code with `kybern.assessment`. Where the two disagree, the document decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kybern.catalog import Control, EvidenceCheck, Operator, PredicateType, Relation, SubjectKind
from kybern.records import Edge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kybern.catalog import Catalog, Condition, RecordCheck, Satisfies
    from kybern.evidence import Evidence
    from kybern.records import Record, RecordSet

ORGANIZATION = "organization:"
"""The organisation's row where no organisation is stated."""

LOW_TO_HIGH = ["unknown", "not_met", "expired", "partly_met", "met"]
COUNTING = {Relation.EQUAL, Relation.SUPERSET, Relation.SUBSET}

Numbers = tuple[str, float, float | None, float | None]
"""Status name, coverage, strength, freshness."""


@dataclass(frozen=True)
class Value:
    """A status with its coverage, and strength and freshness of each deciding piece, once for each check and target it carries."""

    status: str
    coverage: float = 0.0
    deciding: tuple[tuple[int, float], ...] = ()

    def numbers(self) -> Numbers:
        if not self.deciding:
            return self.status, self.coverage, None, None
        count = len(self.deciding)
        return self.status, self.coverage, sum(s for s, _ in self.deciding) / count, sum(f for _, f in self.deciding) / count


NOT_APPLICABLE = Value("not_applicable")
UNKNOWN = Value("unknown")


@dataclass
class Reference:
    """Every value: of a requirement on a subject, and of a control on a subject (the organisation or None: as a whole)."""

    organization: str
    systems: list[str]
    requirements: dict[tuple[str, str], Numbers] = field(default_factory=dict)
    controls: dict[tuple[str, str | None], Numbers] = field(default_factory=dict)


def reference(catalog: Catalog, records: RecordSet, evidence: Iterable[Evidence], as_of: datetime) -> Reference:
    """Assess by the document, one question after the other."""
    return _Assessor(catalog, records, [piece for piece in evidence if piece.observed_at <= as_of], as_of).answer()


def refutes(catalog: Catalog, records: RecordSet, piece: Evidence, as_of: datetime) -> bool:
    """Tell whether a piece may speak against anything: fail some check, or reject an exclusion or a waiver."""
    assessor = _Assessor(catalog, records, [piece], as_of)
    named = [record for subject in piece.subjects if (record := records.get(subject.ref))]
    if piece.predicate is PredicateType.APPROVAL and piece.body.get("decision") not in (None, "approved"):
        return True
    checks = [check for control in catalog.controls.values() for check in control.checks if isinstance(check, EvidenceCheck)]
    return any(
        check.predicate is piece.predicate and assessor.verdicts(check.require, piece.body, record) & {"broken", "gone by"}
        for check in checks
        for record in named
    )


def combine(statuses: Iterable[str]) -> str:
    """The one way several values combine."""
    every = list(statuses)
    live = [status for status in every if status != "not_applicable"]
    if not live:
        return "not_applicable" if every else "unknown"
    if all(status == "met" for status in live):
        return "met"
    return min(max(live, key=LOW_TO_HIGH.index), "partly_met", key=LOW_TO_HIGH.index)


def mean(pairs: Iterable[tuple[float, float]]) -> float:
    """Weighted mean of (number, weight); 0 of nothing."""
    every = list(pairs)
    total = sum(weight for _, weight in every)
    return sum(number * weight for number, weight in every) / total if total else 0.0


def deciding(values: Iterable[Value]) -> tuple[tuple[int, float], ...]:
    return tuple(pair for value in values if value.status != "not_applicable" for pair in value.deciding)


def over(values: Sequence[Value]) -> Value:
    """Combine values whose coverages count alike."""
    coverage = mean((value.coverage, 1.0) for value in values if value.status != "not_applicable")
    return Value(combine(value.status for value in values), coverage, deciding(values))


# Conditions: "holds", "broken", "gone by" (a date), or "missing" (nothing to say).


def at(content: Any, path: list[str]) -> Any:
    """Follow a path; through a list it gathers what the items have there."""
    if not path:
        return content
    if isinstance(content, list):
        found = [at(item, path) for item in content if isinstance(item, dict)]
        return [item for item in found if item is not None] or None
    if isinstance(content, dict):
        return at(content.get(path[0]), path[1:])
    return None


def moments(value: Any) -> tuple[datetime, datetime] | None:
    """First and last moment a text may mean: a day is all of that day in UTC."""
    try:
        if isinstance(value, str) and len(value) == 10:
            day = date.fromisoformat(value)
            return datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC)
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment, moment


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def same(left: Any, right: Any) -> bool:
    if is_number(left) and is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def says(condition: Condition, content: Mapping[str, Any], bounds: Mapping[str, Any], as_of: datetime) -> str:
    """What a condition says of content; `bounds` is the target record's content."""
    value, wanted, operator = at(dict(content), condition.field.split(".")), condition.value, condition.operator
    if operator in (Operator.PRESENT, Operator.ABSENT):
        there = value is not None and value not in ("", [], {})
        return "holds" if there == (operator is Operator.PRESENT) else "broken"
    if value is None:
        return "missing"
    if operator in (Operator.MAX_AGE, Operator.NOT_PAST):
        return _of_a_date(operator, moments(value), wanted, as_of)
    held = _holds(operator, value, wanted, bounds)
    return "missing" if held is None else "holds" if held else "broken"


def _of_a_date(operator: Operator, when: tuple[datetime, datetime] | None, wanted: Any, as_of: datetime) -> str:
    if when is None:
        return "missing"
    first, last = when
    if operator is Operator.NOT_PAST:
        return "holds" if last >= as_of else "gone by"
    if first > as_of:
        return "missing"
    return "holds" if last + timedelta(days=int(wanted[1:-1])) >= as_of else "gone by"


def _holds(operator: Operator, value: Any, wanted: Any, bounds: Mapping[str, Any]) -> bool | None:
    """Tell whether a value fits, or None where the two cannot be compared."""
    if operator is Operator.WITHIN:
        return _within(value, bounds.get("minimum"), bounds.get("maximum"))
    if operator is Operator.CONTAINS:
        if isinstance(value, list):
            return any(same(item, wanted) for item in value)
        return wanted in value if isinstance(value, str) and isinstance(wanted, str) else None
    if operator in (Operator.EQ, Operator.NE, Operator.IN):
        return any(same(value, item) for item in (wanted if operator is Operator.IN else [wanted])) is not (operator is Operator.NE)
    if (is_number(value) and is_number(wanted)) or (isinstance(value, str) and isinstance(wanted, str)):
        less, more = value < wanted, value > wanted
        return {Operator.LT: less, Operator.LE: not more, Operator.GT: more, Operator.GE: not less}[operator]
    return None


def _within(value: Any, low: float | None, high: float | None) -> bool | None:
    if not is_number(value) or (low is None and high is None):
        return None
    return (low is None or low <= value) and (high is None or value <= high)


@dataclass
class _Assessor:
    catalog: Catalog
    records: RecordSet
    evidence: list[Evidence]
    as_of: datetime

    def answer(self) -> Reference:
        stated = self.records.of_kind("organization")
        organization = stated[0].ref if len(stated) == 1 else ORGANIZATION
        answer = Reference(organization, self.systems())
        for ref, entry in self.catalog.requirements.items():
            if entry.normative:
                for subject in (None, *self.systems()):
                    value = self.requirement(ref, subject)
                    if value is not None:
                        answer.requirements[ref, subject or organization] = value.numbers()
        for control in self.catalog.controls.values():
            answer.controls[control.id, None] = answer.controls[control.id, organization] = self.whole(control).numbers()
            if self.beyond(control):
                for system in self.systems():
                    answer.controls[control.id, system] = self.row(control, system).numbers()
        return answer

    # Subjects and what belongs to them.

    def systems(self) -> list[str]:
        named = {ref for scope in self.records.of_kind("scope") for ref in scope.systems}  # type: ignore[attr-defined]
        return [system.ref for system in self.records.of_kind("ai_system") if not named or system.ref in named]

    @cached_property
    def below(self) -> set[tuple[str, str]]:
        """Each (owner, owned): what is part of something belongs to it, and what something has belongs to it."""
        named = [(record.ref, link) for record in self.records for link in record.links()]
        owned = {(link.target, ref) for ref, link in named if link.edge is Edge.PART_OF}
        owned |= {(ref, link.target) for ref, link in named if link.edge is Edge.HAS}
        return {(owner, ref) for owner, ref in owned if self.records.get(owner) and self.records.get(ref)}

    def belonging(self, ref: str) -> set[str]:
        """Everything below a record, down to any depth: repeated until nothing is new."""
        found: set[str] = set()
        while True:
            more = found | {owned for owner, owned in self.below if owner == ref or owner in found}
            if more == found:
                return found - {ref}
            found = more

    def of_subject(self, kind: str, subject: str | None, where: Sequence[Condition]) -> list[Record]:
        """Records of a kind for a subject (None: the organisation), narrowed by `where`."""
        if subject is None:
            found = list(self.records.of_kind(kind))
        elif subject.partition(":")[0] == kind:
            found = [record for record in self.records if record.ref == subject]
        else:
            below = self.belonging(subject)
            found = [record for record in self.records.of_kind(kind) if record.ref in below]
        return [record for record in found if self.fits(where, record.content)]

    def verdicts(self, conditions: Sequence[Condition], content: Mapping[str, Any], target: Record | None = None) -> set[str]:
        """What conditions say of content: of evidence about a target, whose bounds `within` reads, or of a record, which has no target."""
        return {says(condition, content, target.content if target else {}, self.as_of) for condition in conditions}

    def fits(self, conditions: Sequence[Condition], content: Mapping[str, Any], target: Record | None = None) -> bool:
        return self.verdicts(conditions, content, target) <= {"holds"}

    # Checks.

    def evidence_check(self, check: EvidenceCheck, subject: str | None) -> Value:
        targets: list[Record | None]
        if check.on is not None:
            targets = list(self.of_subject(check.on, subject, check.where))
        elif subject is None:
            stated = self.records.of_kind("organization")
            targets = [stated[0] if len(stated) == 1 else None]
        else:
            targets = [self.records.get(subject)]
        if not targets:
            return UNKNOWN
        values = [self.target(check, target) for target in targets]
        share = sum(value.status == "met" for value in values) / len(values)
        return Value(combine(value.status for value in values), share, deciding(values))

    def target(self, check: EvidenceCheck, target: Record | None) -> Value:
        if target is None:
            return UNKNOWN
        fails, passes = [], []
        for piece in self.evidence:
            named = [subject for subject in piece.subjects if subject.ref == target.ref]
            if not named or piece.predicate != check.predicate or check.topic not in (None, piece.topic):
                continue
            if not self.fits(check.match, piece.body, target):
                continue
            found = self.verdicts(check.require, piece.body, target)
            if found & {"broken", "gone by"}:
                fails.append(piece)
            elif found <= {"holds"} and piece.strength >= check.min_strength and self.may_approve(piece, target):
                passes.append((piece, self.stands(check, piece, target.digest in [subject.digest for subject in named])))
        last_fail = max((piece.observed_at for piece in fails), default=None)
        later = [(piece, stands) for piece, stands in passes if last_fail is None or piece.observed_at > last_fail]
        standing = [piece for piece, stands in later if stands]
        if standing:
            best = max(standing, key=lambda piece: (piece.observed_at, piece.strength, int(piece.id[:16], 16)))
            return Value("met", 1.0, ((int(best.strength), self.freshness(check, best)),))
        return Value("expired" if later else "not_met" if fails else "unknown")

    def may_approve(self, piece: Evidence, target: Record) -> bool:
        """An approval of a record that names its approver passes only if that person gave it."""
        named = target.content.get("approved_by")
        return piece.predicate is not PredicateType.APPROVAL or named is None or piece.body.get("by") == named

    def end(self, check: EvidenceCheck, piece: Evidence) -> datetime | None:
        ends = [piece.expires_at] if piece.expires_at else []
        if check.max_age:
            ends.append(piece.observed_at + timedelta(days=int(check.max_age[1:-1])))
        return min(ends, default=None)

    def stands(self, check: EvidenceCheck, piece: Evidence, same_version: bool) -> bool:  # noqa: FBT001
        end = self.end(check, piece)
        return (end is None or self.as_of <= end) and (same_version or not check.pinned)

    def freshness(self, check: EvidenceCheck, piece: Evidence) -> float:
        end = self.end(check, piece)
        return 1.0 if end is None else (end - self.as_of) / (end - piece.observed_at)

    def record_check(self, check: RecordCheck, subject: str | None) -> Value | None:
        """One record check on one subject; None where it stands aside."""
        found = self.of_subject(check.kind, subject, check.where)
        if len(found) < check.minimum or not found:
            return Value("not_met" if found else "unknown") if check.minimum else None
        statuses = [self.record(check, record) for record in found]
        return Value(combine(statuses), statuses.count("met") / len(statuses))

    def record(self, check: RecordCheck, record: Record) -> str:
        found = self.verdicts(check.require, record.content)
        if "broken" in found:
            return "not_met"
        return "expired" if "gone by" in found else "unknown" if "missing" in found else "met"

    # Controls.

    def beyond(self, control: Control) -> bool:
        return any(kind is not SubjectKind.ORGANIZATION for kind in control.applies_to)

    def on_subject(self, control: Control, subject: str | None) -> Value:
        """Combine the evidence checks; record checks only hold back what comes of that."""
        seen = over([self.evidence_check(check, subject) for check in control.checks if isinstance(check, EvidenceCheck)])
        found = [self.record_check(check, subject) for check in control.checks if not isinstance(check, EvidenceCheck)]
        stated = [value for value in found if value is not None]
        if not stated:
            return seen
        status = seen.status
        if status == "met" and combine(value.status for value in stated) != "met":
            status = "partly_met"
        if status == "unknown" and "not_met" in [value.status for value in stated]:
            status = "not_met"
        looked_at = len([check for check in control.checks if isinstance(check, EvidenceCheck)])
        holding = seen.coverage * looked_at + sum(value.coverage for value in stated)
        return Value(status, holding / (looked_at + len(stated)) if seen.coverage else 0.0, seen.deciding)

    def refuted(self, control: Control, record: Record | None) -> bool:
        return record is not None and "broken" in self.verdicts(control.applies_when, record.content)

    def own_cell(self, control: Control) -> Value:
        stated = self.records.of_kind("organization")
        if self.refuted(control, stated[0] if len(stated) == 1 else None):
            return NOT_APPLICABLE
        return self.lifted(control, self.on_subject(control, None), None)

    def row(self, control: Control, system: str) -> Value:
        if self.refuted(control, self.records.get(system)):
            return NOT_APPLICABLE
        kinds = {kind.value for kind in control.applies_to} - {"organization"}
        below = self.belonging(system) | {system}
        there = [record.ref for record in self.records if record.kind in kinds and record.ref in below]
        if there:
            return self.lifted(control, over([self.on_subject(control, ref) for ref in there]), system)
        return self.lifted(control, Value(control.absent), system)

    def whole(self, control: Control) -> Value:
        cells = [self.own_cell(control)] if SubjectKind.ORGANIZATION in control.applies_to else []
        if self.beyond(control):
            cells += [self.row(control, system) for system in self.systems()] or [UNKNOWN]
        return over(cells)

    # Waivers and the statement of applicability.

    def approved(self, record: Record, by: str | None) -> bool:
        """Tell whether an approval stands; read as the evidence check it is, so a rejection after it takes it back."""
        said = [
            (piece, any(subject.digest == record.digest for subject in piece.subjects if subject.ref == record.ref))
            for piece in self.evidence
            if piece.predicate is PredicateType.APPROVAL
            and record.ref in [subject.ref for subject in piece.subjects]
            and (by is None or piece.body.get("by") == by)
        ]
        refused = [piece.observed_at for piece, _ in said if piece.body.get("decision") not in (None, "approved")]
        return any(
            exact
            and piece.body.get("decision") == "approved"
            and (not refused or piece.observed_at > max(refused))
            and (piece.expires_at is None or self.as_of <= piece.expires_at)
            for piece, exact in said
        )

    def lifted(self, control: Control, value: Value, system: str | None) -> Value:
        if value.status in ("not_applicable", "partly_met", "met"):
            return value
        today = self.as_of.astimezone(UTC).date()
        for waiver in self.records.of_kind("exception"):
            content = waiver.content
            speaks = system in content["systems"] if content.get("systems") else True
            in_time = content["valid_from"] <= today.isoformat() <= content["expires_on"]
            if control.id in content["controls"] and speaks and in_time and self.approved(waiver, content.get("approved_by")):
                return Value("partly_met", value.coverage, value.deciding)
        return value

    def excluded(self, ref: str, system: str | None) -> Value | None:
        """What exclusions make of a requirement on a subject; None where none speaks."""
        speaking = [
            entry
            for entry in self.records.of_kind("soa_entry")
            if entry.content["requirement"] == ref
            and entry.content["necessary"] is False
            and (not entry.content.get("systems") or system in entry.content["systems"])
        ]
        if not speaking:
            return None
        if self.catalog.requirements[ref].kind == "clause":
            return UNKNOWN
        return NOT_APPLICABLE if all(self.approved(entry, entry.content.get("approved_by")) for entry in speaking) else UNKNOWN

    # Requirements.

    def children(self, ref: str) -> list[str]:
        framework, _, identity = ref.partition(":")
        entries = self.catalog.frameworks[framework].requirements
        return [f"{framework}:{entry.id}" for entry in entries if entry.parent == identity and entry.normative]

    def leaves(self, ref: str) -> list[str]:
        children = self.children(ref)
        return [leaf for child in children for leaf in self.leaves(child)] if children else [ref]

    def counting(self, ref: str) -> list[tuple[Control, Satisfies]]:
        return [
            (control, mapping)
            for control in self.catalog.controls.values()
            for mapping in control.satisfies
            if mapping.requirement == ref and mapping.relation in COUNTING
        ]

    def requirement(self, ref: str, system: str | None) -> Value | None:
        children = self.children(ref)
        if children:
            return self.group(ref, children, system)
        value = self.at_organization(ref) if system is None else self.at_system(ref, system)
        excluded = self.excluded(ref, system)
        return value if value is None or excluded is None else excluded

    def group(self, ref: str, children: list[str], system: str | None) -> Value | None:
        values = [value for child in children if (value := self.requirement(child, system)) is not None]
        if not values:
            return None
        leaves = over([value for leaf in self.leaves(ref) if (value := self.requirement(leaf, system)) is not None])
        return Value(combine(value.status for value in values), leaves.coverage, leaves.deciding)

    def at_system(self, ref: str, system: str) -> Value | None:
        rows = [(self.row(control, system), mapping.weight) for control, mapping in self.counting(ref) if self.beyond(control)]
        return weighed(rows) if rows else None

    def at_organization(self, ref: str) -> Value:
        counting = self.counting(ref)
        own = [(control, mapping.weight) for control, mapping in counting if SubjectKind.ORGANIZATION in control.applies_to]
        wider = [mapping.weight for control, mapping in counting if self.beyond(control)]
        parts: list[tuple[Value, float]] = []
        statuses: list[str] = []
        if own:
            part = weighed([(self.own_cell(control), weight) for control, weight in own])
            parts.append((part, sum(weight for _, weight in own)))
            statuses.append(part.status)
        if wider:
            values = [value for system in self.systems() if (value := self.requirement(ref, system)) is not None] or [UNKNOWN]
            parts.append((over(values), sum(wider)))
            statuses += [value.status for value in values]
        return Value(combine(statuses), weighed(parts).coverage, weighed(parts).deciding)


def weighed(parts: Sequence[tuple[Value, float]]) -> Value:
    """Combine values whose coverages are weighted."""
    values = [value for value, _ in parts]
    coverage = mean((value.coverage, weight) for value, weight in parts if value.status != "not_applicable")
    return Value(combine(value.status for value in values), coverage, deciding(values))
