"""Every gap: what is missing, by control, with who owes it; chosen by filters in the address, and as a file for a spreadsheet."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from kybern.assessment import Status, gaps
from kybern.catalog import Layer
from kybern.report import to_csv
from kybern.report._words import sentence, short_name
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages._asked import asked
from kybern.server.pages._query import query_with
from kybern.server.pages.door import page, render
from kybern.server.pages.readiness import gaps_of
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import visible_records
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from kybern.assessment import Gap
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing

ADDRESS: Final = "/gaps"
_AT_ONCE: Final = 25
_OWERS: Final = 10
"""Owners that are shown at once; the filter has them all."""
_TOLD: Final = 5
"""Checks that a row of the file names; the control's page has them all."""


def owers(gap: Gap) -> dict[str, str]:
    """Name who owes a gap as filters do, each with its words: the record, or the role where nobody holds it."""
    return dict(gap.owed.owners) or {gap.owner: gap.owner}


@page(Permission.ASSESSMENT_READ)
def listing(request: HttpRequest) -> HttpResponse:
    """List the gaps that the address asks for."""
    who, standing = actor(request), current()
    every = _every(request, who, standing)
    found = [gap for gap in every if _fits(gap, request)]
    start = int(request.GET["start"]) if request.GET.get("start", "")[:9].isdecimal() else 0
    start = min(start, max(len(found) - 1, 0)) // _AT_ONCE * _AT_ONCE
    query = request.META.get("QUERY_STRING", "")
    return render(
        request,
        "gaps.html.j2",
        gaps=found[start : start + _AT_ONCE],
        first_rank=start,
        total=len(found),
        any_gap=bool(every),
        previous=query_with(query, start=start - _AT_ONCE or None) if start else None,
        following=query_with(query, start=start + _AT_ONCE) if start + _AT_ONCE < len(found) else None,
        selects=_selects(who, standing, every),
        owed=[] if asked(request, "owner") else _owed(found),
    )


@page(Permission.ASSESSMENT_READ)
def as_csv(request: HttpRequest) -> HttpResponse:
    """Give the gaps that the address asks for as rows for a spreadsheet."""
    who, standing = actor(request), current()
    found = [gap for gap in _every(request, who, standing) if _fits(gap, request)]
    names = (
        "control", "title", "layer", "status", "owed_by", "owner", "planned_on", "short_on", "effort", "closes_alone", "bears_on", "missing"
    )  # fmt: skip
    answer = HttpResponse(to_csv(names, map(_row, found)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="gaps-{standing.as_of:%Y-%m-%d}.csv"'
    return answer


def _row(gap: Gap) -> Sequence[object]:
    missing = "; ".join(f"{one.title}: {one.text}" for one, _subjects in gap.told(_TOLD))
    return (
        gap.control.id, gap.control.title, gap.control.layer.value, gap.status.slug, gap.owner, " ".join(gap.owed.refs),
        gap.planned_on or "", gap.short, gap.effort, " ".join(gap.closes), " ".join(gap.requirements), missing,
    )  # fmt: skip


def _every(request: HttpRequest, who: Actor, standing: Standing) -> tuple[Gap, ...]:
    """Give the gaps of the whole organisation, or on one AI system, to who may see how that stands."""
    system = asked(request, "system")
    names = (asked(request, "framework"),) if asked(request, "framework") in standing.catalog.frameworks else None
    if not system:
        require(who, Permission.ASSESSMENT_READ, root_unit(), subject=request.path)
        return gaps_of(standing, names[0] if names else None)
    unit = RecordRow.objects.filter(pk=system).values_list("unit", flat=True).first()
    if unit is None or system not in standing.assessment.systems:
        raise Http404
    require(who, Permission.ASSESSMENT_READ, unit, subject=system)
    return system_gaps(standing, system, names)


def system_gaps(standing: Standing, system: str, names: tuple[str, ...] | None = None) -> tuple[Gap, ...]:
    """Give the gaps on one AI system, of the frameworks that are asked about or of some."""
    chosen = names or standing.frameworks
    return standing.assessment.once(("gaps", chosen, system), lambda: gaps(standing.assessment, chosen, system, first=chosen[0]))


def _fits(gap: Gap, request: HttpRequest) -> bool:
    wanted = {name: set(filter(None, request.GET.getlist(name))) for name in ("owner", "status", "layer")}
    has = {"owner": set(owers(gap)), "status": {gap.status.slug}, "layer": {gap.control.layer.value}}
    text = f"{gap.control.id} {gap.control.title} {say(gap.control.title)} {gap.control.statement} {gap.owner}".lower()
    return all(not chosen or has[name] & chosen for name, chosen in wanted.items()) and all(
        word in text for word in asked(request, "q").lower().split()
    )


def _owed(found: Sequence[Gap]) -> list[tuple[str, str, int]]:
    """Count gaps by who owes them, most first: owner as filters name it, words, how many."""
    words = {key: sentence(say(said)) for gap in found for key, said in owers(gap).items()}
    counted = Counter(key for gap in found for key in owers(gap))
    return [(one, words[one], count) for one, count in sorted(counted.items(), key=lambda one: (-one[1], words[one[0]]))][:_OWERS]


def _selects(who: Actor, standing: Standing, every: Sequence[Gap]) -> list[dict[str, Any]]:
    owners = sorted({key: say(said) for gap in every for key, said in owers(gap).items()}.items(), key=lambda one: one[1].lower())
    statuses = [(one.slug, say(one.label)) for one in Status if any(gap.status is one for gap in every)]
    visible = visible_records(who).filter(kind="ai_system", unit__in=who.where(Permission.ASSESSMENT_READ)).order_by("title", "ref")
    inside = standing.assessment.plan.system_index
    systems = [(ref, title) for ref, title in visible.values_list("ref", "title")[:200] if ref in inside]
    return [
        {"name": "framework", "label": _("Framework"), "options": [(name, short_name(name)) for name in standing.catalog.frameworks]},
        {"name": "owner", "label": _("Owed by"), "options": owners},
        {"name": "status", "label": _("Status"), "options": statuses},
        {"name": "layer", "label": _("Layer"), "options": [(one.value, f"{one.value} {say(one.label)}") for one in Layer]},
        {"name": "system", "label": _("On"), "options": systems},
    ]


ROUTES: Final = (path("gaps", listing, name="gaps"), path("gaps.csv", as_csv, name="gaps-csv"))
