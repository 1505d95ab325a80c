"""Readiness: frameworks side by side, and one framework with its map, its course, its gaps and its requirements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404
from django.urls import path
from django.utils.translation import gettext as _

from kybern.assessment import Score, Status, gaps, owed_by
from kybern.catalog import Layer
from kybern.report import heat_map, trend_rows, trend_svg, trend_words
from kybern.report._words import percent
from kybern.server import wording
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import course_of, current, is_drawn
from kybern.server.pages._pictured import told_heat
from kybern.server.pages.door import page, render
from kybern.server.store.projection import root_unit
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from kybern.assessment import Gap
    from kybern.catalog import Requirement
    from kybern.report import TrendRow
    from kybern.server.live import Standing

_GAPS: Final = 8


@dataclass(frozen=True)
class Row:
    """A requirement in the list: how deep it stands, how it stands, who owes what is open."""

    ref: str
    entry: Requirement
    depth: int
    score: Score
    owners: tuple[str, ...]
    leaf: bool


def gaps_of(standing: Standing, framework: str | None = None) -> tuple[Gap, ...]:
    """Give the gaps of what the organisation asks about, or of one framework."""
    names = standing.frameworks if framework is None else (framework,)
    return standing.assessment.once(("gaps", names), lambda: gaps(standing.assessment, names, first=names[0]))


@page(Permission.ASSESSMENT_READ)
def overview(request: HttpRequest) -> HttpResponse:
    """Show the frameworks that the organisation asks about side by side, and their course."""
    _whole(request)
    standing = current()
    found = [
        (standing.catalog.frameworks[name], standing.assessment.readiness(name), len(gaps_of(standing, name)))
        for name in standing.frameworks
    ]
    others = [one for name, one in standing.catalog.frameworks.items() if name not in standing.frameworks]
    return render(request, "readiness.html.j2", frameworks=found, others=others, trend=trend_of(standing))


@page(Permission.ASSESSMENT_READ)
def framework(request: HttpRequest, name: str) -> HttpResponse:
    """Show one framework."""
    _whole(request)
    standing = current()
    if name not in standing.catalog.frameworks:
        raise Http404
    subject = request.GET.get("subject") or None
    if subject is not None and subject not in standing.assessment.subjects:
        raise Http404
    rows = [row for row in rows_of(standing, name, subject) if _fits(row, request)]
    picture = told_heat(standing.assessment.once(("heat map", name), lambda: heat_map(standing.assessment, name)))
    return render(
        request,
        "framework.html.j2",
        framework=standing.catalog.frameworks[name],
        readiness=standing.assessment.readiness(name, subject),
        heat=picture,
        svg=picture.draw(lambda cell: f"/readiness/{name}?layer={cell.layer.value}&under={cell.column.ref}#requirements"),
        gaps=gaps_of(standing, name)[:_GAPS],
        gap_count=len(gaps_of(standing, name)),
        rows=rows,
        statuses=[(one.slug, say(one.label)) for one in Status],
        layers=[(one.value, f"{one.value} {say(one.label)}") for one in Layer],
        chapters=[(column.ref, f"{column.id} {say(column.title)}") for column in picture.columns],
        subjects=[(ref, standing.records.get(ref).title) for ref in standing.assessment.systems[:500] if standing.records.get(ref)],  # type: ignore[union-attr]  # it is there
        owners=sorted({(owner, say(owner)) for row in rows_of(standing, name, subject) for owner in row.owners}),
        trend=trend_of(standing, name),
    )


def rows_of(standing: Standing, name: str, subject: str | None = None) -> tuple[Row, ...]:
    """Give the requirements of a framework in their order, each with how it stands on a subject."""
    return standing.assessment.once(("requirement rows", name, subject), lambda: tuple(_rows(standing, name, subject)))


def _rows(standing: Standing, name: str, subject: str | None) -> list[Row]:
    catalog, found = standing.catalog, []

    def walk(ref: str, depth: int) -> None:
        entry = catalog.requirements[ref]
        score = standing.assessment.requirement(ref, subject) if entry.normative else None
        parts = [child for child in catalog.children(ref) if catalog.requirements[child].normative]
        if score is not None:
            found.append(Row(ref, entry, depth, score, () if parts else _owners(standing, ref, score), not parts))
        for child in parts:
            walk(child, depth + 1)

    for root in catalog.roots(name):
        walk(root, 0)
    return found


def _owners(standing: Standing, ref: str, score: Score) -> tuple[str, ...]:
    """Name who owes what is open under a requirement."""
    if score.status in (Status.MET, Status.NOT_APPLICABLE):
        return ()
    assessment = standing.assessment
    open_ones = [
        control
        for control, _weight in assessment.plan.counting.get(ref, ())
        if (at := assessment.control(control.id)) is not None and at.status not in (Status.MET, Status.NOT_APPLICABLE)
    ]
    return tuple(dict.fromkeys(owed_by(assessment, control).words for control in open_ones))


def _fits(row: Row, request: HttpRequest) -> bool:
    asked = request.GET
    words, status, layer, owner, under = (asked.get(name, "") for name in ("q", "status", "layer", "owner", "under"))
    if (status or layer or owner or words) and not row.leaf:
        return False
    text = f"{row.entry.id} {row.entry.title} {row.entry.statement} {say(row.entry.title)} {say(row.entry.statement)}".lower()
    return (
        all(word in text for word in words.lower().split())
        and status in ("", row.score.status.slug)
        and (not layer or (row.entry.layer is not None and row.entry.layer.value == layer))
        and (not owner or owner in row.owners)
        and (not under or row.ref == under or _below(row, under))
    )


def _below(row: Row, under: str) -> bool:
    catalog = current().catalog
    parent, name = row.entry.parent, row.ref.partition(":")[0]
    while parent is not None:
        if f"{name}:{parent}" == under:
            return True
        parent = catalog.requirements[f"{name}:{parent}"].parent
    return False


def trend_of(standing: Standing, name: str | None = None) -> dict[str, Any]:
    """Give the course as picture, words and rows; `waits` while it is being made, `drawn` False where it is not made at all."""
    if not is_drawn(standing) or (name is not None and name not in standing.frameworks):
        return {"drawn": False, "waits": False}
    found = course_of(standing)
    if found is None:
        return {"drawn": True, "waits": True}
    rows = [row for row in trend_rows(found) if name in (None, row.framework)]
    svg = trend_svg(found, name, href=lambda framework, _point: f"/readiness/{framework}")
    drawn = {"svg": svg, "compact": trend_svg(found, name, compact=True)}
    return {"drawn": True, "waits": False, **drawn, "rows": rows, "words": trend_words(found), "forecast": forecasts(rows)}


def forecasts(rows: Sequence[TrendRow]) -> list[str]:
    """Say of each framework in a sentence where it goes: from now to the last day, if nothing new is done, and as it is planned."""
    said = []
    for name in dict.fromkeys(row.name for row in rows):
        own = [row for row in rows if row.name == name]
        now = max((row for row in own if row.says.startswith("shown")), key=lambda row: row.at, default=None)
        last = own[-1]
        if now is None or last.at <= now.at:
            continue
        words = {"name": name, "now": percent(now.coverage), "then": percent(last.coverage), "day": wording.day(last.at)}
        sentence = _("%(name)s: coverage %(now)s now, %(then)s by %(day)s if nothing new is done.") % words
        if last.planned_coverage is not None:
            sentence += " " + _("With everything planned done on its day: %s.") % percent(last.planned_coverage)
        said.append(sentence)
    return said


def _whole(request: HttpRequest) -> None:
    require(actor(request), Permission.ASSESSMENT_READ, root_unit(), subject=request.path)


@page(Permission.ASSESSMENT_READ)
def trend(request: HttpRequest) -> HttpResponse:
    """Show the course alone: what the pages ask for until it is made."""
    _whole(request)
    standing = current()
    name = request.GET.get("framework") or None
    if name is not None and name not in standing.frameworks:
        raise Http404
    return render(request, "trend.html.j2", trend=trend_of(standing, name), name=name)


ROUTES: Final = (
    path("readiness", overview, name="readiness"),
    path("readiness/trend", trend, name="readiness-trend"),
    path("readiness/<str:name>", framework, name="framework"),
)
