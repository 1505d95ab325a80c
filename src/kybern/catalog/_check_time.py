"""Entries through time against themselves: dates and earlier states say one thing for each day."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from kybern.base import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.catalog._models import Framework, Requirement
    from kybern.catalog._read import Located


def check_time(found: Located[Framework]) -> Iterator[Problem]:
    """Yield every entry of a framework whose dates, earlier states or repeal contradict themselves or its parent's."""
    there = {entry.id: _there_from(entry) for entry in found.item.requirements}
    for index, entry in enumerate(found.item.requirements):
        yield from _dates(found, index, entry)
        yield from _earlier(found, index, entry)
        yield from _beside_parent(found, index, entry, there)


def _dates(found: Located[Framework], index: int, entry: Requirement) -> Iterator[Problem]:
    """Check that law said one thing at a time: one row for a route and the day it was enacted."""
    first: dict[tuple[str | None, date | None], int] = {}
    for at, row in enumerate(entry.dates):
        if first.setdefault((row.route, row.enacted), at) != at:
            route = f"the route {row.route}" if row.route else "all routes"
            message = f"{entry.id} has two dates for {route}, enacted on the same day."
            hint = f"The first is at {found.place('requirements', index, 'dates', first[row.route, row.enacted])}; keep one."
            yield Problem("contradictory-dates", message, found.place("requirements", index, "dates", at), hint)


def _earlier(found: Located[Framework], index: int, entry: Requirement) -> Iterator[Problem]:
    """Check that earlier states come oldest first, and that a state in which there was no entry says nothing of it."""
    for at, (before, after) in enumerate(pairwise(entry.earlier), start=1):
        if after.until <= before.until:
            message = f"{entry.id} stood earlier until {after.until}, which is not after {before.until} above it."
            hint = "Put the oldest state first, each day in one state."
            yield Problem("earlier-out-of-order", message, found.place("requirements", index, "earlier", at, "until"), hint)
    for at, row in enumerate(entry.earlier):
        if row.absent and row.was:
            message = f"{entry.id} was not there until {row.until}, and yet has a {' and a '.join(row.was)} of that time."
            place = found.place("requirements", index, "earlier", at, next(iter(row.was)))
            yield Problem("absent-with-content", message, place, "Leave out absent, or the field.")


def _beside_parent(found: Located[Framework], index: int, entry: Requirement, there: Mapping[str, date]) -> Iterator[Problem]:
    """Check that no entry was there before its parent, and that one that is repealed asks nothing."""
    if entry.parent is not None and there.get(entry.parent, date.min) > there[entry.id]:
        message = f"{entry.id} was there before {entry.parent}, the entry above it."
        hint = f"Say with earlier and absent that {entry.id} is new too."
        yield Problem("before-parent", message, found.place("requirements", index, "id"), hint)
    if entry.repealed is not None and entry.normative:
        message, hint = f"{entry.id} is repealed, so it asks nothing any more.", "Set normative: false, and normative: true in earlier."
        yield Problem("repealed-normative", message, found.place("requirements", index, "repealed"), hint)


def _there_from(entry: Requirement) -> date:
    """Name the last day on which an entry was not there; `date.min` where it always was."""
    return max((row.until for row in entry.earlier if row.absent), default=date.min)
