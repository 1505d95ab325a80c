"""Deadlines ahead: days on which law begins or ceases to bind, evidence and reviews that fall due, and the organisation's own days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from kybern.assessment._owners import named_owner
from kybern.assessment._schedule import ahead
from kybern.catalog import days

if TYPE_CHECKING:
    from kybern.assessment._assessment import Assessment
    from kybern.assessment._obligations import Binding, Register


class DeadlineKind(StrEnum):
    """What happens on a day."""

    LAW = "law begins to bind"
    ENDS = "law ceases to bind"
    OWN = "own obligation begins"
    EVIDENCE = "evidence falls due"
    REVIEW = "review falls due"


@dataclass(frozen=True)
class DayAhead:
    """A day with what is due: `about` a subject or record, `names` the requirements or the check, `why` in words, what to `do`, by whom."""

    on: date
    kind: DeadlineKind
    about: str
    title: str
    names: tuple[str, ...]
    why: str
    do: str
    owner: str | None
    category: str

    @property
    def key(self) -> str:
        """A name that stays the same as long as the same thing is due for the same reason, whatever the day."""
        head = self.names[0] if self.names else ""
        return f"{self.kind.name.lower()}--{self.about}--{head}"


def deadlines(register: Register, assessment: Assessment, within: timedelta) -> tuple[DayAhead, ...]:
    """List what lies after the day asked about and within a time from it, the first first."""
    last = register.as_of + min(within, date.max - register.as_of)
    found = [*_of_law(register), *_of_own(register), *_of_evidence(assessment, within), *_of_reviews(assessment)]
    return tuple(sorted((one for one in found if register.as_of < one.on <= last), key=lambda one: (one.on, one.kind.name, one.key)))


def _of_law(register: Register) -> Iterator[DayAhead]:
    """Fold the requirements of an article that begin or cease to bind a subject on one day."""
    for kind in (DeadlineKind.LAW, DeadlineKind.ENDS):
        groups: dict[tuple[date, str, str], list[Binding]] = {}
        for one in register.bindings:
            day = one.duty.since if kind is DeadlineKind.LAW else one.duty.until
            if day is not None:
                groups.setdefault((day, one.subject, one.article), []).append(one)
        for (day, subject, article), ones in groups.items():
            yield _law_day(kind, day, subject, article, ones)


def _law_day(kind: DeadlineKind, day: date, subject: str, article: str, ones: list[Binding]) -> DayAhead:
    first = ones[0]
    before = f" It was to bind from {first.before}." if first.before and kind is DeadlineKind.LAW else ""
    basis = f" ({first.duty.basis})" if first.duty.basis else ""
    points = f"{len(ones)} points" if len(ones) > 1 else "one point"
    why = f"{article} {'binds from this day' if kind is DeadlineKind.LAW else 'binds until this day'}{basis}: {points}.{before}"
    unmet = [one for one in ones if not one.is_met]
    asks = list(dict.fromkeys(ask.title for one in unmet for ask in one.asks))[:6]
    do = f"Show: {'; '.join(asks)}." if asks else "No control answers it yet: decide how to show it."
    head = next((one for one in ones if one.requirement == article), first)
    title = f"{article}: {head.duty.title or first.requirement}"
    owner = next((one.owner for one in ones if one.owner), None)
    names = tuple(one.requirement for one in ones)
    return DayAhead(day, kind, subject, title, names, why, do if unmet else "Met today: keep the evidence fresh.", owner, first.duty.regime)


def _of_own(register: Register) -> Iterator[DayAhead]:
    for one in register.owned:
        record = one.record
        if record.binds_from is not None:
            why = f"{record.source} ({record.origin}) binds from this day."
            do = record.description or "See what it asks, and who does it."
            about = ", ".join(one.subjects)
            yield DayAhead(record.binds_from, DeadlineKind.OWN, about, record.title, (record.ref,), why, do, one.owner, record.origin)


def _of_evidence(assessment: Assessment, within: timedelta) -> Iterator[DayAhead]:
    for one in ahead(assessment, within):
        if one.due is not None:
            why = f"{one.name} rests on evidence that is good until this day ({one.ground.replace('_', ' ')})."
            do = f"Bring new evidence: {one.check.title}."
            yield DayAhead(one.due.date(), DeadlineKind.EVIDENCE, one.about, one.check.title, (one.name,), why, do, one.owner, "evidence")


def _of_reviews(assessment: Assessment) -> Iterator[DayAhead]:
    for record in assessment.records:
        if record.reviewed_on is not None and record.review_every is not None:
            rhythm = timedelta(days=days(record.review_every))
            if rhythm > date.max - record.reviewed_on:
                continue
            owner = None if record.owner is None else named_owner(assessment.plan, record.owner)
            why = f"Last reviewed on {record.reviewed_on}, and reviewed every {rhythm.days} days."
            do = "Review it, and set reviewed_on."
            yield DayAhead(
                record.reviewed_on + rhythm, DeadlineKind.REVIEW, record.ref, f"Review: {record.title}", (), why, do, owner, "review"
            )
