"""Evidence checks: what pieces of evidence say about their targets at a moment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from kybern.assessment._conditions import Bounds, Verdict, compile_test, judge_column
from kybern.assessment._status import Bools, Codes, Floats, Ints, Status
from kybern.assessment._table import FOREVER, Pieces, microseconds
from kybern.catalog import Condition, EvidenceCheck, Operator, PredicateType, age_limit

_MICROSECONDS = 1_000_000
UNDATED = np.iinfo(np.int64).min
"""The moment of what has none."""

SILENT, FAILS, LAPSED, STANDS = 0, 1, 2, 3
"""What a piece comes to, ordered by what it lets its target be: nothing, not met, expired, met."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What a check finds on each record of a kind: status (n,), and for those met the deciding piece's strength and freshness (n,).

    `due` (n,) is when the next piece is owed, in microseconds: the latest end of standing and rhythm of the pieces that speak; `UNDATED`
    where none does, or where those that do are of another version.
    """

    status: Codes
    strength: Floats
    freshness: Floats
    due: Ints

    @classmethod
    def silent(cls, count: int) -> Targets:
        """Start with nothing known of `count` records."""
        return cls(np.zeros(count, np.int8), np.zeros(count), np.zeros(count), np.full(count, UNDATED, np.int64))

    def replaced(self, at: Ints, new: Targets) -> Targets:
        """Give a copy with the values at some indices replaced."""
        copy = Targets(self.status.copy(), self.strength.copy(), self.freshness.copy(), self.due.copy())
        copy.status[at], copy.strength[at], copy.freshness[at], copy.due[at] = new.status, new.strength, new.freshness, new.due
        return copy


@dataclass(frozen=True, slots=True)
class Judged:
    """What each piece comes to, parallel to the pieces: `standing` (n,) and `until` (n,) microseconds."""

    standing: Ints
    until: Ints


_NOTHING = Judged(np.zeros(0, np.int64), np.zeros(0, np.int64))


def judge_pieces(  # noqa: PLR0913, PLR0917  (what is known of the records a piece is about)
    pieces: Pieces,
    check: EvidenceCheck,
    as_of: datetime,
    digests: Sequence[str],
    bounds: Sequence[Bounds] | None = None,
    approvers: Sequence[str | None] | None = None,
) -> Judged:
    """Tell what each piece comes to for a check at a moment.

    `digests`, `bounds` and `approvers` belong to the records that `pieces.entity` indexes: their present digests, the minimum and
    maximum they state (only checks with `within` need these), and who is to approve them (only checks of approvals need these).
    """
    if not pieces.items:
        return _NOTHING
    now = microseconds(as_of)
    says = _says(pieces, check, as_of, bounds)
    visible = pieces.observed <= now
    fails = visible & (says == Verdict.FAIL)
    passes = visible & (says == Verdict.PASS) & (pieces.strength >= check.min_strength) & _by_approver(pieces, check, approvers)
    last_fail = np.full(len(digests), UNDATED, np.int64)
    np.maximum.at(last_fail, pieces.entity[fails], pieces.observed[fails])
    passes &= pieces.observed > last_fail[pieces.entity]
    until = _until(pieces, check, digests)
    standing = np.zeros(len(pieces.items), np.int64)
    standing[fails & (pieces.observed == last_fail[pieces.entity])] = FAILS
    standing[passes] = np.where(until[passes] >= now, STANDS, LAPSED)
    return Judged(standing, until)


def _by_approver(pieces: Pieces, check: EvidenceCheck, approvers: Sequence[str | None] | None) -> Bools:
    """Mark the pieces that nobody else than the approver their record names speaks in; a record that names none takes anybody's."""
    if check.predicate is not PredicateType.APPROVAL or approvers is None:
        return np.ones(len(pieces.items), np.bool_)
    said = zip(pieces.column("by"), pieces.entity.tolist(), strict=True)
    return np.fromiter((approvers[entity] in (None, by) for by, entity in said), np.bool_, len(pieces.items))


def _says(pieces: Pieces, check: EvidenceCheck, as_of: datetime, bounds: Sequence[Bounds] | None) -> Ints:
    """Hold each piece's body against `match` and `require`: `Verdict.PASS`, `FAIL` or `SILENT` (n,)."""
    worst = np.zeros(len(pieces.items), np.int64)
    for condition in check.require:
        worst = np.maximum(worst, _verdicts(pieces, condition, as_of, bounds))
    worst[worst == Verdict.LAPSED] = Verdict.FAIL
    for condition in check.match:
        worst[_verdicts(pieces, condition, as_of, bounds) != Verdict.PASS] = Verdict.SILENT
    return worst


_COMPARE = {Operator.LT: np.less, Operator.LE: np.less_equal, Operator.GT: np.greater, Operator.GE: np.greater_equal}


def _verdicts(pieces: Pieces, condition: Condition, as_of: datetime, bounds: Sequence[Bounds] | None) -> Ints:
    """Hold each piece against one condition; comparisons of numbers go by column, everything else by value."""
    if condition.operator is Operator.WITHIN:
        return _within(pieces, condition.field, bounds)
    compare = _COMPARE.get(condition.operator)
    if compare is not None and isinstance(condition.value, int | float) and not isinstance(condition.value, bool):
        numbers = pieces.numbers(condition.field)
        return np.where(np.isnan(numbers), Verdict.SILENT, np.where(compare(numbers, condition.value), Verdict.PASS, Verdict.FAIL))
    return judge_column(compile_test(condition, as_of), pieces.column(condition.field))


def _within(pieces: Pieces, path: str, bounds: Sequence[Bounds] | None) -> Ints:
    """Hold the numbers against the bounds of their targets; without a number or a bound there is nothing to say."""
    if bounds is None:
        return np.full(len(pieces.items), Verdict.SILENT, np.int64)
    low = np.array([math.nan if one is None else one for one, _ in bounds], np.float64)[pieces.entity]
    high = np.array([math.nan if one is None else one for _, one in bounds], np.float64)[pieces.entity]
    numbers = pieces.numbers(path)
    silent = np.isnan(numbers) | (np.isnan(low) & np.isnan(high))
    outside = (numbers < low) | (numbers > high)
    return np.where(silent, Verdict.SILENT, np.where(outside, Verdict.FAIL, Verdict.PASS))


def _until(pieces: Pieces, check: EvidenceCheck, digests: Sequence[str]) -> Ints:
    """Tell until when each piece stands, in microseconds; a pinned check's piece about another version never stands."""
    until = pieces.expires
    limit = age_limit(check)
    if limit is not None:
        until = np.minimum(until, pieces.observed + round(limit.total_seconds()) * _MICROSECONDS)
    if check.pinned:
        named = zip(pieces.digests, pieces.entity.tolist(), strict=True)
        same = np.fromiter((digest == digests[entity] for digest, entity in named), np.bool_, len(pieces.items))
        until = np.where(same, until, UNDATED)
    return until


def decide(pieces: Pieces, judged: Judged, as_of: datetime, count: int, rhythm: Ints | None = None) -> tuple[Targets, Ints]:
    """Let the pieces decide the status of the `count` records they are about.

    Returns the targets and, for each, the index of the deciding piece or -1: among the pieces that come to most, the latest; of two as
    late, the stronger, then the one with the greater id. `rhythm` (count,) is the longest time between two pieces, where there is one.
    """
    targets, deciding = Targets.silent(count), np.full(count, -1, np.int64)
    speaking = np.flatnonzero(judged.standing)
    order = np.lexsort(
        (
            pieces.order[speaking],
            pieces.strength[speaking],
            pieces.observed[speaking],
            judged.standing[speaking],
            pieces.entity[speaking],
        )
    )
    speaking = speaking[order]
    entity = pieces.entity[speaking]
    last = speaking[np.flatnonzero(np.append(entity[1:] != entity[:-1], True))] if len(speaking) else speaking
    deciding[pieces.entity[last]] = last
    until = judged.until[speaking] if rhythm is None else np.minimum(judged.until[speaking], pieces.observed[speaking] + rhythm[entity])
    np.maximum.at(targets.due, entity, until)
    targets.status[pieces.entity[last]] = _STATUS[judged.standing[last]]
    met = last[judged.standing[last] == STANDS]
    targets.strength[pieces.entity[met]] = pieces.strength[met]
    targets.freshness[pieces.entity[met]] = _freshness(pieces.observed[met], judged.until[met], microseconds(as_of))
    return targets, deciding


_STATUS = np.array([Status.UNKNOWN, Status.NOT_MET, Status.EXPIRED, Status.MET], np.int8)


def _freshness(observed: Ints, until: Ints, now: int) -> Floats:
    """Share of its life a piece still has: 1 when just observed or without an end, 0 when about to lapse."""
    life = np.maximum(until - observed, 1).astype(np.float64)
    left = (until - now).astype(np.float64)
    return np.where(until == FOREVER, 1.0, np.clip(left / life, 0.0, 1.0))
