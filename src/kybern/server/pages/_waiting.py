"""What waits for somebody's approval: records that name them and that no standing signature of theirs covers in this version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from django.utils.translation import gettext as _

from kybern import __version__
from kybern.assessment._conditions import NO_BOUNDS, Verdict, judge_all
from kybern.catalog import EvidenceCheck, PredicateType
from kybern.evidence import Approval, Subject, parse_predicate, sign, standing, statement
from kybern.evidence.applied import compare, fields_of
from kybern.server.access.permissions import Permission
from kybern.server.store.evidence import read_pieces, take_evidence
from kybern.server.store.history import content_at
from kybern.server.store.journal import DatabaseJournal
from kybern.server.store.keys import held_key
from kybern.server.store.models import EvidenceRow, EvidenceSubject, RecordLink, RecordRow
from kybern.server.store.visible import visible_evidence, visible_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from kybern.catalog import Catalog
    from kybern.evidence import Evidence
    from kybern.evidence.applied import FieldChange
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.store.evidence import Taken

FIELDS: Final = ("/approved_by", "/accepted_by", "/decided_by", "/approver")
"""The fields by which a record names who has to approve it."""

DECISIONS: Final = ("approved", "approved-with-conditions", "rejected")
_LATEST: Final = 5_000
"""Approvals of everybody among which the reader's latest are looked for."""
_MANY: Final = 500
_QUIET: Final = frozenset(("/kind", "/id"))


@dataclass(frozen=True)
class Waiting:
    """A record that waits: in which version, on which topics the decision may be signed, what came before."""

    row: RecordRow
    topics: tuple[str, ...]
    last: Evidence | None
    """The reader's last decision on an earlier version, or one that does not stand any more."""
    changes: tuple[FieldChange, ...] | None
    """What changed since the last decision; None where there was none, or its version cannot be had."""
    may: bool
    """Whether the reader may approve in the record's unit."""

    @property
    def says(self) -> list[tuple[str, Any]]:
        """What the record states, field by field."""
        return [(name, value) for name, value in fields_of(self.row.content).items() if name not in _QUIET]

    @property
    def chosen(self) -> str:
        """The value of its box: the record in exactly this version."""
        return f"{self.row.ref}@{self.row.digest}"


def named(who: Actor) -> dict[str, RecordRow]:
    """Give the records that name the reader to approve them, by name."""
    refs = list(RecordLink.objects.filter(target=who.person or "", path__in=FIELDS).order_by("source").values_list("source", flat=True))
    found: dict[str, RecordRow] = {}
    for start in range(0, len(refs), _MANY):
        found |= {row.ref: row for row in visible_records(who).filter(ref__in=refs[start : start + _MANY])}
    return found


def waiting(who: Actor, catalog: Catalog, now: datetime) -> list[Waiting]:
    """Give what waits for the reader, what changed last first."""
    rows = named(who)
    decided = decisions(who, rows)
    found = []
    for row in rows.values():
        pieces = decided.get(row.ref, [])
        if any(digest == row.digest and standing(piece, now) == "valid" for piece, digest in pieces):
            continue
        last = pieces[0] if pieces else None
        before = None if last is None else content_at(row.ref, last[1])
        changes = None if before is None else compare(before, row.content)
        may = who.may(Permission.EVIDENCE_APPROVE, row.unit)
        found.append(Waiting(row, topics_of(catalog, row, now), None if last is None else last[0], changes, may))
    return sorted(found, key=lambda one: (one.row.changed_at, one.row.ref), reverse=True)


def decisions(who: Actor, refs: Iterable[str]) -> dict[str, list[tuple[Evidence, str]]]:
    """Give the reader's signed decisions on records, the latest first, each with the version it names."""
    wanted = set(refs)
    found: dict[str, list[tuple[Evidence, str]]] = {}
    for piece in _by(who, wanted):
        for subject in piece.subjects:
            if subject.ref in wanted:
                found.setdefault(subject.ref, []).append((piece, subject.digest))
    return {ref: sorted(pieces, key=lambda one: (one[0].observed_at, one[0].id), reverse=True) for ref, pieces in found.items()}


def _by(who: Actor, refs: set[str]) -> Iterator[Evidence]:
    """Go through the approvals that the reader signed about some records. Who signed may know of it, whatever else they may read."""
    listed, seen = sorted(refs), set()
    for start in range(0, len(listed), _MANY):
        about = EvidenceSubject.objects.filter(ref__in=listed[start : start + _MANY]).values("evidence")
        rows = EvidenceRow.objects.filter(id__in=about, predicate=PredicateType.APPROVAL.value, body__by=who.person)
        for piece in read_pieces(rows):
            if piece.id not in seen:
                seen.add(piece.id)
                yield piece


def recent(who: Actor, most: int, current: Standing) -> list[Evidence]:
    """Give the reader's latest decisions: those among the latest of everybody, which are found without reading them all."""

    def make() -> list[str]:
        latest = EvidenceRow.objects.filter(predicate=PredicateType.APPROVAL.value).order_by("-observed_at", "id").values("id")[:_LATEST]
        rows = EvidenceRow.objects.filter(id__in=latest, body__by=who.person).order_by("-observed_at", "id")
        return list(rows.values_list("id", flat=True))

    # Which are theirs hangs on the log alone, and is looked for once until it grows; what they may see of them is asked each time.
    own = current.assessment.once(("decisions of", who.person, DatabaseJournal().size), make)
    found: list[EvidenceRow] = []
    for start in range(0, len(own), _MANY):
        part = own[start : start + _MANY]
        found += visible_evidence(who).filter(id__in=part).order_by("-observed_at", "id")[: most - len(found)]
        if len(found) >= most:
            break
    return read_pieces(found)


def topics_of(catalog: Catalog, row: RecordRow, now: datetime) -> tuple[str, ...]:
    """Name the topics on which the catalog's checks ask for an approval of such a record; its own where none does."""
    kind, content = row.kind, row.content
    if kind == "approval":  # what counts for is the approval of what it is of
        kind = str(content.get("of", "")).partition(":")[0]
        content = {}
    found: dict[str, bool] = {}
    for control in catalog.controls.values():
        for check in control.checks:
            if not isinstance(check, EvidenceCheck) or check.predicate is not PredicateType.APPROVAL or check.topic is None:
                continue
            kinds = {str(check.on)} if check.on else {one.value for one in control.applies_to}
            if kind in kinds and judge_all(check.where, now)(content, NO_BOUNDS) is Verdict.PASS:
                found[check.topic] = found.get(check.topic, False) or check.pinned
    return tuple(sorted(found, key=lambda name: (not found[name], name))) or (f"{kind.replace('_', '-')}-approval",)


def about(row: RecordRow) -> list[Subject]:
    """Give what a decision on a record is about: the record, and what an approval, or the treatment of a risk, speaks of."""
    other = {"approval": "of", "treatment": "risk"}.get(row.kind)
    found = [Subject(row.ref, row.digest)]
    ref = row.content.get(other) if other else None
    digest = RecordRow.objects.filter(pk=ref).values_list("digest", flat=True).first() if ref else None
    return [*found, Subject(str(ref), digest)] if digest else found


@dataclass(frozen=True)
class Decided:
    """A decision to be signed: on which record, on which topic, what, in which role, with what note."""

    row: RecordRow
    topic: str
    decision: str
    role: str
    note: str


def sign_decisions(who: Actor, decided: Sequence[Decided], clock: Any) -> list[Taken]:
    """Sign decisions with the reader's own key and take them in. `clock` gives the moment, after the key is there."""
    person = str(who.person)
    key = held_key(person, clock())
    now: datetime = clock()
    return take_evidence([sign(statement(_approval(person, one, now), about(one.row)), key) for one in decided], now)


def _approval(person: str, one: Decided, now: datetime) -> Approval:
    body = {
        "topic": one.topic,
        "observed_at": now.isoformat().replace("+00:00", "Z"),
        "collector": {"name": "kybern server", "version": __version__},
        "by": person,
        "decision": one.decision,
        **({"role": one.role} if one.role else {}),
        **({"conditions": one.note} if one.note and one.decision == "approved-with-conditions" else {}),
        **({"note": one.note} if one.note and one.decision != "approved-with-conditions" else {}),
    }
    return cast("Approval", parse_predicate(Approval, body))


def roles_of(person: str | None) -> list[tuple[str, str]]:
    """Give the roles that somebody holds, by name and title."""
    refs = RecordLink.objects.filter(target=person or "", source__startswith="role:", path__startswith="/holders").values("source")
    return list(RecordRow.objects.filter(ref__in=refs).order_by("title").values_list("ref", "title"))


def why_not(row: RecordRow | None) -> str:
    """Say why something that was chosen is not signed."""
    return _("It is not there any more.") if row is None else _("It was changed meanwhile: look at it again.")
