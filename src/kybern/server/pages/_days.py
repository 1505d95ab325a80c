"""Every day that matters: law, evidence that lapses, reviews, audits, actions. One list for home and calendar."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from kybern.assessment import Status, duties, named_owner
from kybern.catalog import days as length_of
from kybern.report._words import short_name
from kybern.server.access.check import note
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.live import register_of
from kybern.server.pages._lapsing import is_large, lapsing
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import visible_records
from kybern.server.wording import day, say

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from kybern.records import Record
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._lapsing import Lapse, Owing

LAW, OBLIGATION, EVIDENCE, REVIEW, AUDIT, ACTION = "law", "obligation", "evidence", "review", "audit", "action"
KINDS: Final = {
    LAW: gettext_lazy("Law"),
    OBLIGATION: gettext_lazy("Obligation"),
    EVIDENCE: gettext_lazy("Evidence lapses"),
    REVIEW: gettext_lazy("Review"),
    AUDIT: gettext_lazy("Audit"),
    ACTION: gettext_lazy("Action due"),
}
SIGNS: Final = {
    LAW: "scale",
    OBLIGATION: "scroll-text",
    EVIDENCE: "file-clock",
    REVIEW: "rotate-cw",
    AUDIT: "clipboard-check",
    ACTION: "wrench",
}

_AIMS: Final = "ISO42001"
"""Every record kind serves the management system itself, whichever other framework it serves."""
_AT_ONCE: Final = 500
_PLACE: Final = {kind: place for place, kind in enumerate(KINDS)}
MOST_LINES: Final = 5_000
"""Lines of evidence of a large organisation that are made for a page or a file."""
_NEAR: Final = timedelta(days=62)
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Day:
    """Something that happens, or is due, on a day.

    `ref` is the record it is about; None for law, which is about everybody. `open` tells that it still has to be done: what is open
    and gone by is late. `group` is the same for what one line may say together, as the same evidence about several records.
    """

    on: date
    kind: str
    group: str
    title: str
    why: str
    href: str
    ref: str | None = None
    owner: str = ""
    owner_ref: str | None = None
    frameworks: tuple[str, ...] = ()
    open: bool = True
    assessed: bool = False
    """Whether it follows from the assessment, which has its own permission."""
    refs: tuple[str, ...] = ()
    """All records that a line which says several together is about."""

    @property
    def uid(self) -> str:
        """A name that stays the same as long as the same thing is due, whatever the day it moves to."""
        about = hashlib.sha256("\n".join(sorted(self.refs or (self.ref or "",))).encode()).hexdigest()[:16]
        day = f"--{self.on}" if self.kind == LAW else ""
        return f"{self.kind}--{_NOT_IN_NAMES.sub('-', self.group)}{day}--{about}"

    def late(self, today: date) -> bool:
        """Tell whether it should have been done."""
        return self.open and self.on < today


def days_of(standing: Standing) -> tuple[Day, ...]:
    """Give every day there is, the first first; without those of evidence in a large organisation, which `days_between` gives."""

    def make() -> tuple[Day, ...]:
        if is_large(standing):
            return tuple(sorted([*_settled(standing), *_of_plans(standing)], key=_order))
        return tuple(sorted([*_of_law(standing), *_of_evidence(standing), *_of_records(standing), *_of_plans(standing)], key=_order))

    # The words are in the language of who asks, so each language has its own list.
    return standing.assessment.once(("days", standing.frameworks, get_language()), make)


def _order(one: Day) -> tuple[date, int, str, str]:
    return (one.on, _PLACE[one.kind], one.title, one.ref or "")


def _settled(standing: Standing) -> tuple[Day, ...]:
    """Give what hangs on law and records only, so that one more piece of evidence does not make it anew."""
    key = ("settled days", standing.frameworks, get_language())
    return standing.assessment.plan.once(key, lambda: tuple(sorted([*_of_law(standing), *_of_records(standing)], key=_order)))


@dataclass(frozen=True)
class Pick:
    """Which days are asked for: kinds, owners, a framework; nothing of one kind takes all, and law is taken of what is `shown`."""

    kinds: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    framework: str = ""
    shown: frozenset[str] = frozenset()

    def takes(self, one: Day) -> bool:
        """Tell whether a day is asked for."""
        return (
            (not self.kinds or one.kind in self.kinds)
            and (not self.owners or one.owner_ref in self.owners or one.owner in self.owners)
            and (self.framework in one.frameworks if self.framework else one.kind != LAW or not self.shown.isdisjoint(one.frameworks))
        )

    @property
    def takes_all_owing(self) -> bool:
        """Whether the evidence of every control is asked for."""
        return not self.owners and not self.framework

    def takes_owing(self, one: Owing) -> bool:
        """Tell whether the evidence of a control is asked for."""
        return (not self.owners or one.owner_ref in self.owners or one.owner in self.owners) and (
            not self.framework or self.framework in one.frameworks
        )


def days_between(standing: Standing, pick: Pick, since: date | None, before: date, most: int = MOST_LINES) -> list[Day]:
    """Give the days that are asked for, from one on and before another, the first first.

    In a large organisation what lapses on one day for one check is one of them, with all its records, and there are at most so many.
    """
    every = days_of(standing)
    first = 0 if since is None else bisect_left(every, since, key=_when)
    found = [one for one in every[first : bisect_left(every, before, key=_when)] if pick.takes(one)]
    if is_large(standing) and (not pick.kinds or EVIDENCE in pick.kinds):
        found += _of_lapses(standing, pick, since, before, most)
        found.sort(key=_order)
    return found


def _of_lapses(standing: Standing, pick: Pick, since: date | None, before: date, most: int) -> list[Day]:
    """Give the lines of evidence. Around the day of the standing, which most ask for, all are made once and chosen from."""

    def made(takes: Callable[[Owing], bool]) -> list[Day]:
        return [_of_lapse(one) for one in lapsing(standing, since, before, takes, most)]

    today = standing.as_of.date()
    if most < MOST_LINES or (abs(before - today) <= _NEAR and (since is None or abs(since - today) <= _NEAR)):
        key = ("days of evidence", standing.frameworks, since, before, most, get_language())
        every = standing.assessment.once(key, lambda: made(lambda _one: True))
        if len(every) < most or pick.takes_all_owing:
            return [one for one in every if pick.takes(one)]
    return made(pick.takes_owing)


def _when(one: Day) -> date:
    return one.on


def _of_lapse(one: Lapse) -> Day:
    return Day(
        one.on, EVIDENCE, one.name, one.title, one.why, f"/controls/{one.owing.control.id}#reasons", one.refs[0], one.owing.owner,
        one.owing.owner_ref, one.owing.frameworks, assessed=True, refs=one.refs,
    )  # fmt: skip


def seen_by(who: Actor, found: Iterable[Day]) -> list[Day]:
    """Keep what a reader may know of: days of records they may read, status only where it is granted; law is for all who read status."""
    listed = _seen_of(who, found)
    refs = sorted({one.ref for one in listed if one.ref is not None and not one.refs})
    unit_of: dict[str, int] = {}
    for start in range(0, len(refs), _AT_ONCE):
        unit_of |= dict(visible_records(who).filter(ref__in=refs[start : start + _AT_ONCE]).values_list("ref", "unit"))
    rest = sorted(set(refs) - set(unit_of))
    there: set[str] = set()
    for start in range(0, len(rest), _AT_ONCE):
        there |= set(RecordRow.objects.filter(ref__in=rest[start : start + _AT_ONCE]).values_list("ref", flat=True))
    root = root_unit()

    def seen(one: Day) -> bool:
        if one.ref is None or one.refs:
            return True
        unit = unit_of.get(one.ref, None if one.ref in there else root)
        return unit is not None and who.may(Permission.ASSESSMENT_READ if one.assessed else Permission.RECORDS_READ, unit)

    return [one for one in listed if seen(one)]


def _seen_of(who: Actor, found: Iterable[Day]) -> list[Day]:
    """Cut the days that say several records together to the records that a reader may know of."""
    listed, root = list(found), root_unit()
    if not any(one.refs for one in listed):
        return listed
    if who.may(Permission.RECORDS_READ, root) and who.may(Permission.ASSESSMENT_READ, root):
        # All records of such a line are of one kind.
        sensitive = frozenset[str]() if who.may(Permission.RECORDS_SENSITIVE, root) else SENSITIVE_KINDS
        return [one for one in listed if not one.refs or one.refs[0].partition(":")[0] not in sensitive]
    seen = set(visible_records(who).filter(unit__in=who.where(Permission.ASSESSMENT_READ)).values_list("ref", flat=True))
    cut = []
    for one in listed:
        refs = tuple(ref for ref in one.refs if ref in seen)
        if refs:
            cut.append(replace(one, refs=refs, ref=refs[0]))
        elif not one.refs:
            cut.append(one)
    return cut


def note_reading(who: Actor, refs: Iterable[str | None], where: str) -> None:
    """Log that sensitive records were shown, once for the page."""
    kinds = {ref.partition(":")[0] for ref in refs if ref} & SENSITIVE_KINDS
    if kinds:
        note(who, AccessEvent.Kind.READ, Permission.RECORDS_SENSITIVE, f"{where}: {', '.join(sorted(kinds))}")


def together(found: Iterable[Day]) -> list[Day]:
    """Say in one line what is the same on one day about several records."""
    return [in_one_line(ones) for ones in grouped(found)]


def grouped(found: Iterable[Day]) -> list[list[Day]]:
    """Put together what one line says."""
    groups: defaultdict[tuple[date, str, str, str], list[Day]] = defaultdict(list)
    for one in found:
        groups[one.on, one.kind, one.group, one.owner].append(one)
    return list(groups.values())


def in_one_line(ones: Sequence[Day]) -> Day:
    """Say in a line what was put together."""
    refs = ones[0].refs if len(ones) == 1 and ones[0].refs else tuple(ref for one in ones for ref in one.refs or (one.ref,) if ref)
    count = max(len(ones), len(refs))
    several = ngettext("%(title)s (%(count)d record)", "%(title)s (%(count)d records)", count)
    title = ones[0].title if count == 1 else several % {"title": ones[0].title, "count": count}
    return replace(ones[0], title=title, refs=refs)


# --- law ---------------------------------------------------------------------------------------------------------------------------


def _of_law(standing: Standing) -> Iterator[Day]:
    """Give the days on which law begins to apply, by framework: those asked about, and those by which somebody here is bound."""
    counted: defaultdict[tuple[str, date], int] = defaultdict(int)
    for ref, entry in standing.catalog.requirements.items():
        for row in entry.dates:
            counted[ref.partition(":")[0], row.since] += 1
    bound = _bound(standing)
    for (name, since), count in counted.items():
        points, subjects = bound.get((name, since), (0, 0))
        named = short_name(name)
        title = ngettext("%(law)s: %(count)d point applies", "%(law)s: %(count)d points apply", count) % {"law": named, "count": count}
        why = _("From this day by the text of the law.")
        if points:
            binds = ngettext("%(points)d of them binds you", "%(points)d of them bind you", points) % {"points": points}
            on = ngettext("on %(count)d subject.", "on %(count)d subjects.", subjects) % {"count": subjects}
            why = f"{why} {binds}, {on}"
        yield Day(since, LAW, name, title, why, f"/readiness/{name}", frameworks=(name,), open=False)


def _bound(standing: Standing) -> dict[tuple[str, date], tuple[int, int]]:
    """Count what binds the organisation and its systems from which day: requirements and subjects."""
    if standing.records.organization is None or is_large(standing):
        return {}
    found: defaultdict[tuple[str, date], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for one in register_of(standing).bindings:
        if one.duty.since is not None:
            points, subjects = found[one.requirement.partition(":")[0], one.duty.since]
            points.add(one.requirement)
            subjects.add(one.subject)
    return {key: (len(points), len(subjects)) for key, (points, subjects) in found.items()}


def laws_shown(standing: Standing) -> frozenset[str]:
    """Name the frameworks whose days are shown unasked: what the organisation asks about, and what binds it."""
    return frozenset(standing.frameworks) | {name for name, _day in standing.assessment.once("law bound", lambda: _bound(standing))}


# --- evidence ----------------------------------------------------------------------------------------------------------------------


def _of_evidence(standing: Standing) -> Iterator[Day]:
    answers = {
        one.id: tuple(dict.fromkeys(each.requirement.partition(":")[0] for each in one.satisfies))
        for one in standing.catalog.controls.values()
    }
    for one in duties(standing.assessment, standing.frameworks):
        if one.due is None or one.due > datetime.max.replace(tzinfo=UTC) - timedelta(days=1):
            continue
        ground = _GROUNDS.get(one.ground, "")
        why = _("%(check)s rests on evidence that is good until this day (%(ground)s).") % {"check": one.name, "ground": ground}
        href = f"/controls/{one.control.id}#reasons"
        yield Day(
            one.due.astimezone(UTC).date(), EVIDENCE, one.name, say(one.check.title), why, href, one.about, one.owner, one.owner_ref,
            answers[one.control.id], assessed=True,
        )  # fmt: skip


_GROUNDS: Final = {
    "expires_at": gettext_lazy("it says so itself"),
    "max_age": gettext_lazy("older evidence is not taken"),
    "cadence": gettext_lazy("the control's rhythm"),
    "measure_every": gettext_lazy("the record's own rhythm"),
}


# --- records -----------------------------------------------------------------------------------------------------------------------

_DATED: Final = {
    "corrective_action": ("due_on", "done_on", ACTION, gettext_lazy("Corrective action due")),
    "treatment": ("due_on", "done_on", ACTION, gettext_lazy("Treatment of a risk due")),
    "improvement": ("due_on", "done_on", ACTION, gettext_lazy("Improvement due")),
    "objective": ("due_on", "", ACTION, gettext_lazy("Objective to be reached")),
    "exception": ("expires_on", "", ACTION, gettext_lazy("Waiver ends: the control counts again")),
    "approval": ("expires_on", "", REVIEW, gettext_lazy("Approval ends: decide anew")),
    "audit": ("planned_on", "held_on", AUDIT, gettext_lazy("Audit planned")),
    "obligation": ("binds_from", "", OBLIGATION, gettext_lazy("Obligation binds from this day")),
}
"""Kinds with a day of their own: where it stands, where the day stands on which it was done, what it is, in words."""


def _of_records(standing: Standing) -> Iterator[Day]:
    for record in standing.records:
        if record.kind in _DATED:
            yield from _dated(standing, record)
        elif record.kind == "management_review":
            yield _day(standing, record, _date(record, "held_on"), (AUDIT, _("Management review held")), is_open=False)
        elif record.kind == "training" and (held := _date(record, "last_held_on")) is not None:
            yield from _again(standing, record, (held, str(record.content["repeat_every"])), (ACTION, _("Training to be held again")))
        if record.reviewed_on is not None and record.review_every is not None:
            words = _("Review: last on %s") % day(record.reviewed_on)
            yield from _again(standing, record, (record.reviewed_on, record.review_every), (REVIEW, words))


def _of_plans(standing: Standing) -> Iterator[Day]:
    for record in standing.records.of_kind("control_implementation"):
        yield from _planned(standing, record)


def _dated(standing: Standing, record: Record) -> Iterator[Day]:
    due, done, kind, words = _DATED[record.kind]
    on, held = _date(record, due), _date(record, done) if done else None
    if record.kind == "audit" and held is not None:
        yield _day(standing, record, held, (AUDIT, _("Audit held")), is_open=False)
    elif on is not None:
        yield _day(standing, record, on, (kind, str(words)), is_open=bool(done) and held is None)


def _planned(standing: Standing, record: Record) -> Iterator[Day]:
    """Give the day that a control is planned for: open until the control holds."""
    on = _date(record, "due_on")
    if on is not None:
        score = (
            standing.assessment.control(str(record.content["control"])) if record.content["control"] in standing.catalog.controls else None
        )
        is_open = score is None or score.status not in (Status.MET, Status.NOT_APPLICABLE)
        yield _day(standing, record, on, (ACTION, _("Control planned for this day")), is_open=is_open)


def _again(standing: Standing, record: Record, rhythm: tuple[date, str], what: tuple[str, str]) -> Iterator[Day]:
    """Give the day on which something has to be done again: `rhythm` is when it was done last, and how often; `what` kind and words."""
    last, every = rhythm[0], timedelta(days=length_of(rhythm[1]))
    if every <= date.max - last:
        yield _day(standing, record, last + every, what, is_open=True)


def _day(standing: Standing, record: Record, on: date | None, what: tuple[str, str], *, is_open: bool) -> Day:
    owner_ref = record.owner or next((str(record.content[name]) for name in ("auditor", "approver") if record.content.get(name)), None)
    owner = "" if owner_ref is None else named_owner(standing.assessment.plan, owner_ref)
    names = dict.fromkeys((_AIMS, *_frameworks(standing, record)))
    href = f"/records/{record.kind}/{record.id}"
    return Day(on or date.min, what[0], record.ref, record.title, what[1], href, record.ref, owner, owner_ref, tuple(names), open=is_open)


def _frameworks(standing: Standing, record: Record) -> Iterator[str]:
    """Name the frameworks that a record serves by the controls and requirements that it names."""
    for _where, entry, name in record.catalog_links():
        if entry == "requirement":
            yield name.partition(":")[0]
        elif name in standing.catalog.controls:
            yield from (each.requirement.partition(":")[0] for each in standing.catalog.controls[name].satisfies)


def _date(record: Record, name: str) -> date | None:
    said = record.content.get(name)
    return None if said is None else date.fromisoformat(str(said))


def of_frameworks(found: Iterable[Day], names: Collection[str]) -> list[Day]:
    """Keep what serves one of some frameworks."""
    return [one for one in found if not set(one.frameworks).isdisjoint(names)]
