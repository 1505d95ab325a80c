"""The reader's own work: what they own, what waits for them, what they owe, what falls due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django.db.models import Count

from kybern.catalog import PredicateType
from kybern.server.access.permissions import Permission
from kybern.server.pages import _waiting as inbox
from kybern.server.pages._days import EVIDENCE, LAW, Pick, days_between, grouped, in_one_line, note_reading, seen_by
from kybern.server.pages.gaps import system_gaps
from kybern.server.pages.readiness import gaps_of
from kybern.server.store.evidence import pieces_after
from kybern.server.store.models import EvidenceRow, RecordRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import visible_evidence, visible_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from kybern.assessment import Gap
    from kybern.evidence import Evidence
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._days import Day
    from kybern.server.pages._waiting import Waiting

SOON: Final = timedelta(days=30)
_SHOWN: Final = 5
_MANY_SIGNED: Final = 100


@dataclass(frozen=True)
class Mine:
    """What is the reader's: lists are cut to what a page shows, counts are of everything."""

    person: str
    roles: tuple[tuple[str, str], ...]
    owned: tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...]
    """As whom they own records (name, title), and of which kinds how many."""
    waiting: tuple[Waiting, ...]
    waiting_count: int
    gaps: tuple[Gap, ...]
    gap_count: int
    lapsing: tuple[Day, ...]
    lapsing_count: int
    due: tuple[Day, ...]
    due_count: int
    signed: tuple[EvidenceRow, ...]
    """Their own signatures that end soon."""

    @property
    def owners(self) -> tuple[str, ...]:
        """The names under which something is theirs."""
        return (self.person, *(ref for ref, _title in self.roles))

    @property
    def gaps_href(self) -> str:
        """Where all gaps of theirs are listed."""
        return "/gaps?" + urlencode([("owner", one) for one in self.owners])

    @property
    def owned_count(self) -> int:
        """How many records they own."""
        return sum(count for _ref, _title, kinds in self.owned for _kind, count in kinds)

    @property
    def nothing(self) -> bool:
        """Whether there is nothing that they would have to do."""
        return not (self.waiting_count or self.gap_count or self.lapsing_count or self.due_count or self.signed)


def mine_of(who: Actor, standing: Standing | None, now: datetime) -> Mine:
    """Gather what is the reader's; of the standing, what their permissions show."""
    person = str(who.person)
    roles = tuple(inbox.roles_of(person))
    owners = (person, *(ref for ref, _title in roles))
    waiting = inbox.waiting(who, standing.catalog, now) if standing is not None and who.may(Permission.RECORDS_READ) else []
    gaps = [] if standing is None else own_gaps(who, standing, owners)
    days = [] if standing is None else own_days(who, standing, owners, now)
    note_reading(who, (one.ref for one in days), "home: own days")
    lapsing = grouped(one for one in days if one.kind == EVIDENCE)
    due = grouped(one for one in days if one.kind != EVIDENCE)
    ends = visible_evidence(who).filter(id__in=_signatures_that_end(standing, person, now), expires_at__gte=now)
    return Mine(
        person, roles, owned_by(who, {person: "", **dict(roles)}), tuple(waiting[:_SHOWN]), len(waiting), tuple(gaps[:_SHOWN]), len(gaps),
        tuple(map(in_one_line, lapsing[:_SHOWN])), len(lapsing), tuple(map(in_one_line, due[:_SHOWN])), len(due),
        tuple(ends.order_by("expires_at", "id")[:_SHOWN]),
    )  # fmt: skip


def _signatures_that_end(standing: Standing | None, person: str, now: datetime) -> list[str]:
    """Name the approvals of somebody that end soon; with a standing they are looked for once, for it means to read every approval.

    Of what comes later only that is looked at.
    """

    def make() -> list[str]:
        rows = EvidenceRow.objects.filter(
            predicate=PredicateType.APPROVAL.value, body__by=person, expires_at__gte=now, expires_at__lte=now + SOON
        )
        return list(rows.order_by("expires_at", "id").values_list("id", flat=True)[:_MANY_SIGNED])

    if standing is None:
        return make()
    kept: dict[tuple[str, date], tuple[int, list[str]]] = standing.assessment.plan.once("signatures that end", dict)
    seen, found = kept.get((person, now.date()), (None, []))
    if seen is None or standing.entries - seen > _MANY_SIGNED:
        found = make()
    elif standing.entries > seen:
        later = pieces_after(seen - 1, standing.entries, _MANY_SIGNED)
        found = [*found, *(one.id for one in later if _ends_soon(one, person, now))]
    kept[person, now.date()] = standing.entries, found
    return found


def _ends_soon(piece: Evidence, person: str, now: datetime) -> bool:
    own = piece.predicate is PredicateType.APPROVAL and piece.body.get("by") == person
    return own and piece.expires_at is not None and now <= piece.expires_at <= now + SOON


def owned_by(who: Actor, owners: Mapping[str, str]) -> tuple[tuple[str, str, tuple[tuple[str, int], ...]], ...]:
    """Count the records that somebody owns under each of their names, by kind, most first."""
    kinds: dict[str, list[tuple[str, int]]] = {}
    rows = visible_records(who).filter(owner__in=list(owners)).order_by().values("owner", "kind").annotate(count=Count("ref"))
    for one in rows:
        kinds.setdefault(one["owner"], []).append((one["kind"], one["count"]))
    return tuple(
        (ref, title, tuple(sorted(kinds[ref], key=lambda one: (-one[1], one[0])))) for ref, title in owners.items() if ref in kinds
    )


def own_gaps(who: Actor, standing: Standing, owners: Sequence[str]) -> list[Gap]:
    """Give the gaps that somebody owes: of the whole organisation, or else of the systems whose standing they may see."""
    if who.may(Permission.ASSESSMENT_READ, root_unit()):
        return [one for one in gaps_of(standing) if not set(owners).isdisjoint(one.owed.refs)]
    found: dict[str, Gap] = {}
    for row in systems_seen(who, standing)[:50]:
        for one in system_gaps(standing, row.ref):
            if not set(owners).isdisjoint(one.owed.refs):
                found.setdefault(one.control.id, one)
    return list(found.values())


def own_days(who: Actor, standing: Standing, owners: Sequence[str], now: datetime) -> list[Day]:
    """Give what is somebody's and falls due within thirty days, or is late."""
    today = now.date()
    owed = days_between(standing, Pick(owners=frozenset(owners)), None, today + SOON + timedelta(days=1))
    return seen_by(who, [one for one in owed if one.kind != LAW and one.owner_ref in owners and one.open])


def systems_seen(who: Actor, standing: Standing) -> list[RecordRow]:
    """Give the AI systems in scope whose standing the reader may see, by title."""
    rows = visible_records(who).filter(kind="ai_system", unit__in=who.where(Permission.ASSESSMENT_READ)).order_by("title", "ref")
    return [row for row in rows[:2000] if row.ref in standing.assessment.plan.system_index]
