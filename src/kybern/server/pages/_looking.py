"""What of the home page a reader likes to see, by what is granted to them; and the parts of it that are not their own work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from allauth.usersessions.models import UserSession
from django.utils.translation import gettext as _

from kybern.gate import because, held_by
from kybern.report import heat_map
from kybern.server.access.models import AccessEvent, Grant
from kybern.server.access.permissions import SHIPPED_ROLES, Permission
from kybern.server.pages._days import note_reading
from kybern.server.pages._decisions import judged, next_gate
from kybern.server.pages._mine import systems_seen
from kybern.server.pages._pictured import told_heat
from kybern.server.pages._risks import risk_views
from kybern.server.pages._system_list import statuses
from kybern.server.pages.gaps import system_gaps
from kybern.server.pages.readiness import gaps_of, trend_of
from kybern.server.store.models import EvidenceRow, LogCheckpoint, LogHead, RecordRow, TrustedKeyRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import visible_evidence, visible_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.http import HttpRequest

    from kybern.assessment import Gap, Readiness, Status
    from kybern.catalog import Framework
    from kybern.records.lifecycle import AISystem
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._risks import RiskView

LEAD, ENGINEER, AUDITOR = "lead", "engineer", "auditor"
_BY_ROLE: Final = {
    "administrator": LEAD,
    "governance-lead": LEAD,
    "executive": LEAD,
    "risk-owner": LEAD,
    "viewer": LEAD,
    "system-owner": ENGINEER,
    "engineer": ENGINEER,
    "internal-auditor": AUDITOR,
    "external-auditor": AUDITOR,
}
_SHIPPED: Final = frozenset(one.slug for one in SHIPPED_ROLES)
_SHOWN: Final = 6
_SAMPLED: Final = 5
_LATELY: Final = timedelta(days=7)


def looks_of(who: Actor) -> tuple[str, ...]:
    """Name the parts that a reader's roles like: those that ship by their slug, others by what they allow. Whole figures need the whole."""
    slugs = set(Grant.objects.filter(user=who.user).values_list("role__slug", flat=True))
    wanted = {_BY_ROLE[slug] for slug in slugs if slug in _BY_ROLE}
    if slugs - _SHIPPED:
        wanted |= {
            part
            for part, permission in (
                (AUDITOR, Permission.AUDIT_READ),
                (LEAD, Permission.EVIDENCE_APPROVE),
                (ENGINEER, Permission.RECORDS_WRITE),
            )
            if who.may(permission)
        }
    if LEAD in wanted and not who.may(Permission.ASSESSMENT_READ, root_unit()):
        wanted = (wanted - {LEAD}) | {ENGINEER}
    if not who.may(Permission.ASSESSMENT_READ):
        wanted -= {LEAD, ENGINEER}
    return tuple(part for part in (AUDITOR, ENGINEER, LEAD) if part in wanted)


# --- who leads ---------------------------------------------------------------------------------------------------------------------


def for_leads(who: Actor, standing: Standing) -> dict[str, Any]:
    """Give readiness with its course, the layers by clauses, the gravest risks, decisions that wait, and what is missing."""
    name = standing.frameworks[0]
    picture = told_heat(standing.assessment.once(("heat map", name), lambda: heat_map(standing.assessment, name)))
    return {
        "frameworks": [
            (standing.catalog.frameworks[one], standing.assessment.readiness(one), len(gaps_of(standing, one)))
            for one in standing.frameworks
        ],
        "trend": trend_of(standing),
        "heat_name": name,
        "heat": picture,
        "heat_svg": picture.draw(lambda cell: f"/readiness/{name}?layer={cell.layer.value}&under={cell.column.ref}#requirements"),
        "risks": top_risks(who, standing),
        "decisions": decisions_pending(who),
        "whole_gaps": gaps_of(standing)[:_SHOWN],
        "whole_gap_count": len(gaps_of(standing)),
    }


def top_risks(who: Actor, standing: Standing) -> list[RiskView]:
    """Give the gravest open risks that the reader may see."""
    found = [one for one in risk_views(standing).values() if one.open][: _SHOWN * 8]
    seen = set(visible_records(who).filter(ref__in=[one.risk.ref for one in found]).values_list("ref", flat=True))
    return [one for one in found if one.risk.ref in seen][:_SHOWN]


def decisions_pending(who: Actor) -> list[RecordRow]:
    """Give the changes and impact assessments that nobody decided on yet, whoever has to: the longest waiting first."""
    rows = visible_records(who)
    changes = rows.filter(kind="change").exclude(content__decision__in=["approved", "rejected"])
    impacts = rows.filter(kind="impact_assessment", content__decision="undecided")
    return sorted([*changes.order_by("changed_at")[:_SHOWN], *impacts.order_by("changed_at")[:_SHOWN]], key=lambda one: one.changed_at)[
        :_SHOWN
    ]


# --- who builds --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SystemCard:
    """An AI system with how it stands, what its next gate says, and what it lacks."""

    row: RecordRow
    mine: bool
    status: Status | None
    readiness: tuple[tuple[Framework, Readiness], ...]
    stage: str
    gate: str
    allowed: bool | None
    """What the gate says; None where the reader may not see rules."""
    held: tuple[tuple[str, tuple[str, ...]], ...]
    """What holds it back: each with why."""
    held_count: int
    gaps: tuple[Gap, ...]
    gap_count: int


def for_engineers(who: Actor, standing: Standing, owners: Sequence[str]) -> dict[str, Any]:
    """Give the reader's AI systems; where they own none, those they may see."""
    rows = systems_seen(who, standing)
    own = [row for row in rows if row.owner in owners]
    chosen = own or rows
    return {
        "systems": [_card(who, standing, row, mine=bool(own)) for row in chosen[:_SHOWN]],
        "system_count": len(chosen),
        "own_systems": bool(own),
    }


def _card(who: Actor, standing: Standing, row: RecordRow, *, mine: bool) -> SystemCard:
    system = cast("AISystem", standing.records.get(row.ref))
    gate = next_gate(system.stage)
    outcome = judged(standing, system, gate) if who.may(Permission.RULES_READ, row.unit) else None
    held = () if outcome is None else tuple((text, tuple(because(outcome, name))) for name, text in held_by(outcome))
    gaps = system_gaps(standing, row.ref)
    readiness = tuple((standing.catalog.frameworks[name], standing.assessment.readiness(name, row.ref)) for name in standing.frameworks)
    allowed = None if outcome is None else outcome.allowed
    status = statuses(standing).get(row.ref)
    return SystemCard(row, mine, status, readiness, system.stage, gate, allowed, held[:3], len(held), gaps[:3], len(gaps))


# --- who audits --------------------------------------------------------------------------------------------------------------------


def for_auditors(request: HttpRequest, who: Actor, now: datetime) -> dict[str, Any]:
    """Give what changed since the reader was here last, the latest checkpoint, and a sample of evidence that anybody can draw again."""
    since, how = _since(request, who, now)
    records = visible_records(who).filter(changed_at__gte=since)
    evidence = visible_evidence(who).filter(received_at__gte=since)
    checkpoint = LogCheckpoint.objects.order_by("-size").first()
    changed = list(records.order_by("-changed_at", "ref")[:_SHOWN])
    note_reading(who, (row.ref for row in changed), "home: what changed")
    return {
        "since": since,
        "since_how": how,
        "changed": changed,
        "changed_count": records.count(),
        "received": list(evidence.order_by("-received_at", "id")[:_SHOWN]),
        "received_count": evidence.count(),
        "log_size": LogHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0,
        "checkpoint": checkpoint,
        "checkpoint_at": None if checkpoint is None else datetime.fromisoformat(checkpoint.at),
        "checkpoint_root": None if checkpoint is None else bytes(checkpoint.root).hex(),
        "sampled": list(sample_of(who, checkpoint)),
    }


def _since(request: HttpRequest, who: Actor, now: datetime) -> tuple[datetime, str]:
    """Tell from when on changes are shown: the day that the address says, the sign-in before this one, or the last week."""
    try:
        asked = datetime.combine(date.fromisoformat(request.GET.get("since", "")), datetime.min.time(), UTC)
    except ValueError:
        asked = None
    if asked is not None and asked <= now:
        return asked, "asked"
    signed = AccessEvent.objects.filter(kind=AccessEvent.Kind.SIGNED_IN, actor=who.name).order_by("-at").values_list("at", flat=True)[1:2]
    other = UserSession.objects.filter(user=who.user).exclude(session_key=request.session.session_key or "")
    last = max([*signed, *other.order_by("-created_at").values_list("created_at", flat=True)[:1]], default=None)
    return (now - _LATELY, "week") if last is None else (last, "sign-in")


def sample_of(who: Actor, checkpoint: LogCheckpoint | None) -> Iterator[EvidenceRow]:
    """Draw pieces of evidence by the checkpoint's root: nobody can choose them, and whoever has the checkpoint draws the same."""
    if checkpoint is None or not checkpoint.size:
        return
    seen: set[str] = set()
    rows = visible_evidence(who).filter(entry__lt=checkpoint.size).order_by("entry")
    for number in range(_SAMPLED * 4):
        drawn = int.from_bytes(hashlib.sha256(bytes(checkpoint.root) + number.to_bytes(4, "big")).digest()[:8], "big") % checkpoint.size
        found = rows.filter(entry__gte=drawn).first() or rows.first()
        if found is not None and found.id not in seen:
            seen.add(found.id)
            yield found
        if len(seen) == _SAMPLED:
            return


# --- first steps -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FirstStep:
    """Something to begin with: where it is done, why, and whether it is."""

    title: str
    why: str
    href: str
    done: bool
    may: bool


def first_steps(who: Actor) -> list[FirstStep]:
    """Give the five steps that an organisation begins with."""
    kinds = set(
        RecordRow.objects.filter(kind__in=["organization", "scope", "role", "ai_system"])
        .order_by()
        .values_list("kind", flat=True)
        .distinct()
    )
    write = who.may(Permission.RECORDS_WRITE)
    key = TrustedKeyRow.objects.filter(kind="pipeline").exists()
    said = (
        (
            "organization",
            _("Say who you are"),
            _("Name, sector, countries. Which law reaches you follows from what you state, not from a questionnaire."),
        ),
        (
            "scope",
            _("Draw the line around the management system"),
            _("What is inside, what is not, and why. Everything else is measured within this scope."),
        ),
        ("role", _("Give roles to people"), _("Controls are owed by roles. Once somebody holds them, every gap has a name.")),
        (
            "ai_system",
            _("Record the first AI system"),
            _("What it is for, on whom it acts, how freely. Its class, duties and gates follow."),
        ),
    )
    words = _("Then its tests and measurements come in signed, and status moves without anybody typing it.")
    last = FirstStep(_("Trust the key of a pipeline"), words, "/settings/keys", key, who.may(Permission.KEYS_MANAGE))
    return [*(FirstStep(title, why, f"/records/{kind}/new", kind in kinds, write) for kind, title, why in said), last]
