"""The schedule: for every evidence check and record it looks at, when the next piece is due, and on what ground."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from kybern.assessment._judge import FAILS, SILENT, UNDATED, Judged
from kybern.assessment._owners import owner_of
from kybern.assessment._plan import ORGANIZATION, rhythm_of, system_kinds, target_kind
from kybern.assessment._status import Status
from kybern.assessment._table import Pieces
from kybern.catalog import Control, EvidenceCheck, age_limit, days
from kybern.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection

    from kybern.assessment._assessment import Assessment
    from kybern.evidence import Evidence

Ground = Literal["expires_at", "max_age", "cadence", "measure_every", "version", "nothing"]
"""What a due date follows from; `version`: the record was changed and what counts must name its present version."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """What a check asks for about one record, and when it is due.

    `due` is None where nothing ever came, and where the record was changed since: nobody knows from when that is so. `last` is the
    piece the date follows from; `failed` tells that it speaks against what is asked. Without a target, a record for the
    check to look at, `about` is the subject. `subjects` are those the control bears on through this record.
    """

    control: Control
    check: EvidenceCheck
    about: str
    subjects: tuple[str, ...]
    due: datetime | None
    ground: Ground
    last: Evidence | None
    failed: bool
    owner: str
    owner_ref: str | None
    has_target: bool = True

    @property
    def name(self) -> str:
        """The check's name: `GOV-01/policy-approved`."""
        return f"{self.control.id}/{self.check.id}"


def duties(assessment: Assessment, frameworks: Collection[str] | None = None) -> tuple[Duty, ...]:
    """List what every evidence check of every control that applies is owed, in the order of the catalog.

    With frameworks, only of the controls that answer something of theirs: nobody owes what nobody asked about.
    """
    every = assessment.once("duties", lambda: tuple(_duties(assessment)))
    if frameworks is None:
        return every
    asked = assessment.catalog.answering(frameworks)
    return tuple(one for one in every if one.control.id in asked)


def _duties(assessment: Assessment) -> Iterator[Duty]:
    for control in assessment.catalog.controls.values():
        owed = _subjects(assessment, control)
        for check in control.checks:
            if isinstance(check, EvidenceCheck):
                for (about, is_target), subjects in _targets(assessment, check, owed).items():
                    yield _duty(assessment, (control, check), about, subjects, is_target=is_target)


def _subjects(assessment: Assessment, control: Control) -> list[tuple[str, int]]:
    """Find the subjects a control is owed for, as (kind, place in its pool): it applies, and some requirement asks for it there."""
    plan, found = assessment.plan, []
    own, systems = plan.applies(control)
    if ORGANIZATION in control.applies_to and own and _asked(assessment, control, assessment.organization):
        found.append((str(ORGANIZATION), 0))
    bearing = [at for at, name in enumerate(plan.systems) if systems[at] and _asked(assessment, control, name)]
    for kind in system_kinds(control):
        members = plan.subject_links(kind).of_owners(np.array(bearing, np.int64)).member.tolist() if bearing else []
        found += [(str(kind), place) for place in dict.fromkeys(members)]
    return found


def _asked(assessment: Assessment, control: Control, subject: str) -> bool:
    """Tell whether a requirement the control counts for is asked of the subject: not left out by an approved exclusion."""
    scores = [assessment.requirement(ref, subject) for ref in _answers(assessment).get(control.id, ())]
    return not scores or any(score is not None and score.status is not Status.NOT_APPLICABLE for score in scores)


def _answers(assessment: Assessment) -> dict[str, list[str]]:
    """Name the requirements each control counts for."""

    def make() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for ref, pairs in assessment.plan.counting.items():
            for control, _ in pairs:
                found.setdefault(control.id, []).append(ref)
        return found

    return assessment.once("answers", make)


def _targets(assessment: Assessment, check: EvidenceCheck, owed: list[tuple[str, int]]) -> dict[tuple[str, bool], tuple[str, ...]]:
    """Name the records a check looks at, each with the subjects it is looked at for; a subject without one stands for itself."""
    plan = assessment.plan
    found: dict[tuple[str, bool], dict[str, None]] = {}
    for kind, place in owed:
        subject, records = plan.pool(kind)[place], plan.records.of_kind(target_kind(check, kind))
        members = plan.check_links(check, kind).of_owners(np.array([place])).member.tolist()
        for target in [(records[at].ref, True) for at in members] or [(subject, False)]:
            found.setdefault(target, {})[subject] = None
    return {target: tuple(subjects) for target, subjects in found.items()}


def _duty(assessment: Assessment, asked: tuple[Control, EvidenceCheck], about: str, subjects: tuple[str, ...], *, is_target: bool) -> Duty:
    control, check = asked
    owed = owner_of(assessment.plan, control, subjects)
    nothing = Duty(control, check, about, subjects, None, "nothing", None, failed=False, owner=owed.words, owner_ref=owed.ref)
    record = assessment.records.get(about) if is_target else None
    if record is None:
        return replace(nothing, has_target=False)
    pieces, judged = assessment.board.judged_about(check, record)
    due, last = _latest(pieces, judged, rhythm_of(control, record))
    if last < 0:
        return nothing
    ground = _ground(control, check, record, pieces.items[last], changed=int(judged.until[last]) == UNDATED)
    moment = None if ground == "version" else _EPOCH + timedelta(microseconds=min(due, _LAST))
    return replace(nothing, due=moment, ground=ground, last=pieces.items[last], failed=int(judged.standing[last]) == FAILS)


def _latest(pieces: Pieces, judged: Judged, rhythm: int) -> tuple[int, int]:
    """Find the piece that carries furthest, and until when: of those that speak, the latest end of standing and of the rhythm."""
    speaking = np.flatnonzero(judged.standing != SILENT)
    if not len(speaking):
        return 0, -1
    due = np.minimum(judged.until[speaking], pieces.observed[speaking] + rhythm)
    best = int(np.lexsort((pieces.order[speaking], pieces.observed[speaking], due))[-1])
    return int(due[best]), int(speaking[best])


def _ground(control: Control, check: EvidenceCheck, record: Record, item: Evidence, *, changed: bool) -> Ground:
    """Say what the date follows from: of the ends there are, the first."""
    if changed:
        return "version"
    limit, stated = age_limit(check), getattr(record, "measure_every", None)
    ends: list[tuple[timedelta, Ground]] = [(timedelta(days=days(control.cadence)), "cadence")]
    ends += [(timedelta(days=days(stated)), "measure_every")] if stated else []
    ends += [(limit, "max_age")] if limit is not None else []
    ends += [(item.expires_at - item.observed_at, "expires_at")] if item.expires_at is not None else []
    return min(reversed(ends), key=lambda end: end[0])[1]


def ahead(assessment: Assessment, within: timedelta, frameworks: Collection[str] | None = None) -> tuple[Duty, ...]:
    """List what falls due after the moment asked about and within a time from it, the first first; of some frameworks, if named."""
    limit = assessment.as_of + min(within, datetime.max.replace(tzinfo=UTC) - assessment.as_of)
    coming = [(one.due, one) for one in duties(assessment, frameworks) if one.due is not None and assessment.as_of <= one.due <= limit]
    return tuple(one for _, one in sorted(coming, key=lambda pair: (pair[0], pair[1].name, pair[1].about)))
