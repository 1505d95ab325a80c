"""What reckoning with moments comes to, seen before any request: whether it can leave the calendar, whether it cancels itself."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from kybern.policy._core import Gap, Lit, Shifted, Term
from kybern.policy._schema import FIRST, LAST, LONGEST
from kybern.policy._types import DURATION, Base

_CALENDAR: Final = ((datetime.min.replace(tzinfo=UTC) - FIRST).days, (datetime.max.replace(tzinfo=UTC) - FIRST).days)


def may_leave_calendar(moment: Shifted) -> bool:
    """Tell whether a moment can lie where no calendar reaches: reckoning it would fail."""
    low, high = _reach(moment)
    return not _CALENDAR[0] < low <= high < _CALENDAR[1]


def _reach(term: Term) -> tuple[float, float]:
    """Say from when to when a moment can lie, or how long a timespan can be: in days, moments after the first there is."""
    if isinstance(term, Lit):
        span = cast("timedelta", term.value) if term.type == DURATION else cast("datetime", term.value) - FIRST
        return span / timedelta(days=1), span / timedelta(days=1)
    if isinstance(term, Shifted | Gap):
        one, two = (term.moment, term.span) if isinstance(term, Shifted) else (term.later, term.earlier)
        (low, high), (less, more) = _reach(one), _reach(two)
        return (low + less, high + more) if isinstance(term, Shifted) and term.sign == "+" else (low - more, high - less)
    return (-LONGEST.days, LONGEST.days) if term.type == DURATION else (0, (LAST - FIRST).days)


def cancels(left: Term, right: Term) -> bool:
    """Tell whether the same moments stand on both sides, so that only what is written out is compared."""
    counts: Counter[Term] = Counter()
    for sign, side in ((1, left), (-1, right)):
        _count(side, sign, counts)
    return left.type.base in {Base.TIMESTAMP, Base.DURATION} and not any(counts.values())


def _count(term: Term, sign: int, counts: Counter[Term]) -> None:
    """Count how often each fact is added or taken away."""
    if isinstance(term, Shifted):
        _count(term.moment, sign, counts)
        _count(term.span, sign if term.sign == "+" else -sign, counts)
    elif isinstance(term, Gap):
        _count(term.later, sign, counts)
        _count(term.earlier, -sign, counts)
    elif not isinstance(term, Lit):
        counts[term] += sign
