"""Absence: what was due and is not there. A missing number, a silent source, an overdue piece is a finding, not a blank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from kybern.assessment._schedule import Duty, Ground, duties
from kybern.assessment._words import describe, wanted
from kybern.base import digest
from kybern.catalog import PredicateType
from kybern.evidence import MAX_FINDINGS, Missing

if TYPE_CHECKING:
    from kybern.assessment._assessment import Assessment
    from kybern.assessment._table import EvidenceTable
    from kybern.evidence import Evidence

FEWEST: Final = 5
"""Intervals between deliveries from which a rhythm is told; with fewer it is unknown."""

_REMEMBERED: Final = 50
"""The latest intervals that a rhythm is told from: an old habit says little of the present one."""

_MACHINES: Final = ("pipeline:", "tool:")
_USUAL: Final = 0.9
"""The share of intervals that are usual: who works on weekdays is not silent on each Monday."""

_TO_DEVIATION: Final = 1.4826
"""Median absolute deviation times this estimates a standard deviation (of normal intervals)."""


class AbsenceKind(StrEnum):
    """In what way something is missing."""

    OVERDUE = "overdue"
    NEVER = "never"
    SILENT = "silent"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Absence:
    """Something that was due and did not come: about what, since when, who owes it, what would close it.

    `about` is a record, or a source of evidence; `check` names the check that asks. `since` is None where nobody can know. `rests_on`
    says how many observations a finding about a source is taken from.
    """

    kind: AbsenceKind
    about: str
    check: str | None
    subjects: tuple[str, ...]
    since: datetime | None
    ground: Ground | None
    last: str | None
    owner: str
    owner_ref: str | None
    text: str
    closes: str
    rests_on: int | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        """What is found, whenever it is asked: kind, check and record or source."""
        return (str(self.kind), self.check or "", self.about)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a machine's source delivers: the median of its latest intervals in days, None while there are too few to tell.

    `intervals` is how many it rests on; `patience` the days after `last` from which it counts as silent.
    """

    source: str
    last: date
    intervals: int
    every: float | None
    patience: int | None

    @property
    def silent_from(self) -> date | None:
        """The first day on which its silence is one; None where its rhythm is unknown, or beyond the calendar."""
        if self.patience is None or self.patience >= (date.max - self.last).days:
            return None
        return self.last + timedelta(days=self.patience + 1)


def absences(
    assessment: Assessment, logged: Mapping[str, Iterable[int]] | None = None, frameworks: Collection[str] | None = None
) -> tuple[Absence, ...]:
    """List what was due at the moment asked about and was not there, by kind and then the longest overdue first.

    `logged` gives the numbers that sources which count themselves have in the log. What is met by a later piece is no absence; what
    came and speaks against is one only once it is due again. With frameworks, what their controls ask for.
    """
    found = [one for duty in duties(assessment, frameworks) if (one := _of_duty(assessment, duty)) is not None]
    found += _silent(assessment)
    found += _missing(assessment, logged or {})
    order = list(AbsenceKind)
    end = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), one.since or end, one.check or "", one.about)))


# What checks ask for


def _of_duty(assessment: Assessment, duty: Duty) -> Absence | None:
    if duty.last is None:
        kind, since, text = AbsenceKind.NEVER, None, _never(duty)
    elif duty.due is None:
        kind, since = AbsenceKind.OVERDUE, None
        text = f"{duty.about} was changed since the {describe(duty.last)}."
    elif duty.due < assessment.as_of:
        kind, since, text = AbsenceKind.OVERDUE, duty.due, _overdue(duty)
    else:
        return None
    last = None if duty.last is None else duty.last.id
    return Absence(
        kind, duty.about, duty.name, duty.subjects, since, duty.ground, last, duty.owner, duty.owner_ref, text, f"{_closes(duty)}."
    )


def _never(duty: Duty) -> str:
    if duty.has_target:
        return f"No evidence ever came for: {duty.check.title}."
    return f"No {str(duty.check.on).replace('_', ' ')} belongs to {duty.about}, so nothing could come for: {duty.check.title}."


_GROUNDS: Final[Mapping[Ground, str]] = {
    "expires_at": "its own expiry",
    "max_age": "the age the check allows",
    "cadence": "the control's rhythm",
    "measure_every": "the rhythm the record states",
}


def _overdue(duty: Duty) -> str:
    spoke = "spoke against it" if duty.failed else "is the last"
    return f"The {describe(duty.last)} {spoke}; by {_GROUNDS[duty.ground]} the next was due." if duty.last else ""


def _closes(duty: Duty) -> str:
    record = "" if duty.has_target else f"a record of kind {duty.check.on} that belongs to {duty.about}, and "
    asked = wanted(duty.check)
    return f"{record}{'a' if not record else 'its'} {asked}" if record else asked[:1].upper() + asked[1:]


# Sources that fall silent


def rhythms(evidence: EvidenceTable | Iterable[Evidence], as_of: datetime) -> tuple[Rhythm, ...]:
    """Tell the rhythm of every pipeline and tool that signs evidence, from the days on which it delivered until the moment asked about.

    Robust: one long pause among many intervals changes a median little. A source is silent once it is quiet for longer than twice its
    median interval, longer than the median by four deviations, and longer than nine of ten of its latest intervals.
    """
    delivered: defaultdict[str, set[date]] = defaultdict(set)
    for item in evidence:
        if item.observed_at <= as_of and item.predicate is not PredicateType.ABSENCE:
            for source in item.signers:
                if source.startswith(_MACHINES):
                    delivered[source].add(item.observed_at.astimezone(UTC).date())
    return tuple(_rhythm(source, sorted(found)) for source, found in sorted(delivered.items()))


def _rhythm(source: str, on: list[date]) -> Rhythm:
    intervals = [(later - earlier).days for earlier, later in pairwise(on)][-_REMEMBERED:]
    if len(intervals) < FEWEST:
        return Rhythm(source, on[-1], len(intervals), None, None)
    every = float(median(intervals))
    spread = _TO_DEVIATION * float(median(abs(one - every) for one in intervals))
    usual = sorted(intervals)[ceil(_USUAL * len(intervals)) - 1]
    patience = int(max(2 * every, every + 4 * spread, usual))
    return Rhythm(source, on[-1], len(intervals), every, patience)


def _silent(assessment: Assessment) -> Iterator[Absence]:
    today = assessment.as_of.astimezone(UTC).date()
    for one in rhythms(assessment.evidence, assessment.as_of):
        start = one.silent_from
        if start is not None and start <= today:
            text = (
                f"{one.source} delivered about every {one.every:g} days (median of {one.intervals} intervals) and has been quiet since "
                f"{one.last}; up to {one.patience} days would not stand out."
            )
            yield Absence(
                AbsenceKind.SILENT,
                one.source,
                None,
                (),
                datetime(start.year, start.month, start.day, tzinfo=UTC),
                None,
                None,
                one.source,
                None,
                text,
                f"New evidence signed by {one.source}, or its key ended with the reason.",
                one.intervals,
            )


# Numbers that never came


def numbered(evidence: EvidenceTable | Iterable[Evidence], as_of: datetime) -> dict[str, dict[int, datetime]]:
    """Give the numbers by which sources count their own pieces, each with when it was observed; sources that do not count are left out."""
    found: defaultdict[str, dict[int, datetime]] = defaultdict(dict)
    for item in evidence:
        number = item.body.get("sequence")
        if isinstance(number, int) and item.signers and item.observed_at <= as_of:
            at = found[item.signers[0]].setdefault(number, item.observed_at)
            found[item.signers[0]][number] = min(at, item.observed_at)
    return dict(found)


def _missing(assessment: Assessment, logged: Mapping[str, Iterable[int]]) -> Iterator[Absence]:
    stated = numbered(assessment.evidence, assessment.as_of)
    for source in sorted({*stated, *logged}):
        seen, known = stated.get(source, {}), sorted({*stated.get(source, {}), *logged.get(source, ())})
        for before, after in pairwise(known):
            if after - before > 1:
                yield _gap(source, before, after, seen.get(after), len(known))


def _gap(source: str, before: int, after: int, noticed: datetime | None, known: int) -> Absence:
    first, last = before + 1, after - 1
    which = f"number {first}" if first == last else f"numbers {first} to {last}"
    return Absence(
        AbsenceKind.MISSING,
        f"{source}#{first}" if first == last else f"{source}#{first}-{last}",
        None,
        (),
        noticed,
        None,
        None,
        source,
        None,
        f"{source} counts its own pieces, and {which} never came, though {before} and {after} did.",
        f"The evidence with {which}, or a statement by its holder of what became of it.",
        known,
    )


# As a statement


def absence_json(one: Absence) -> dict[str, Any]:
    """Write a finding with all its fields, JSON-shaped."""
    return {
        "kind": str(one.kind),
        "about": one.about,
        "check": one.check,
        "subjects": list(one.subjects),
        "since": None if one.since is None else one.since.isoformat().replace("+00:00", "Z"),
        "ground": one.ground,
        "last": one.last,
        "owner": one.owner,
        "owner_ref": one.owner_ref,
        "text": one.text,
        "closes": one.closes,
        "rests_on": one.rests_on,
    }


def stated(assessment: Assessment, found: Iterable[Absence], collector: Mapping[str, str]) -> dict[str, Any]:
    """Write findings as the fields of an `absence` predicate: all counted, as many listed as one statement holds."""
    listed = [_listed(one) for one in found]
    counts = {str(kind): sum(one["kind"] == kind for one in listed) for kind in AbsenceKind}
    at = assessment.as_of.isoformat()
    inputs = {f"{name}_sha256": value for name, value in assessment.digests.items()}
    return {
        "topic": "absence",
        "observed_at": at,
        "collector": dict(collector),
        **counts,
        **inputs,
        "findings": listed[:MAX_FINDINGS],
        "findings_sha256": digest(listed),
    }


def _listed(one: Absence) -> dict[str, Any]:
    made = Missing(kind=str(one.kind), about=one.about, check=one.check, since=one.since, owner=one.owner[:2000], text=one.text[:2000])
    return made.model_dump(mode="json", exclude_none=True)
