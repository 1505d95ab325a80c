"""The control library, and a control with its checks, what it answers, and the evidence under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.urls import path

from kybern.assessment import Score, Status, explain, owed_by
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages._query import query_with
from kybern.server.pages.door import page, render
from kybern.server.store.projection import root_unit
from kybern.server.wording import say

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from kybern.catalog import Control
    from kybern.server.live import Standing

_AT_ONCE: Final = 60
SYSTEMS_SHOWN: Final = 20
"""AI systems under a control that are unfolded; of more, those that stand worst."""


@dataclass(frozen=True)
class Row:
    """A control as the library lists it."""

    control: Control
    score: Score
    owner: str
    frameworks: tuple[str, ...]


_SORTS: Final = {
    "id": lambda row: row.control.id,
    "title": lambda row: row.control.title.lower(),
    "status": lambda row: (row.score.status, row.score.coverage),
    "coverage": lambda row: row.score.coverage,
    "owner": lambda row: row.owner.lower(),
}


def rows_of(standing: Standing) -> tuple[Row, ...]:
    """Give every control with how it stands for the organisation."""
    return standing.assessment.once("control rows", lambda: tuple(_row(standing, one) for one in standing.catalog.controls.values()))


def _row(standing: Standing, control: Control) -> Row:
    score = standing.assessment.control(control.id)
    if score is None:  # the organisation has a score for every control
        raise KeyError(control.id)
    frameworks = dict.fromkeys(one.requirement.partition(":")[0] for one in control.satisfies)
    return Row(control, score, owed_by(standing.assessment, control).words, tuple(frameworks))


@page(Permission.ASSESSMENT_READ)
def library(request: HttpRequest) -> HttpResponse:
    """List the controls, by filters in the address."""
    require(actor(request), Permission.ASSESSMENT_READ, root_unit(), subject=request.path)
    standing = current()
    every = rows_of(standing)
    found = [row for row in every if _fits(row, request)]
    sort = request.GET.get("sort", "id")
    found.sort(key=_SORTS.get(sort.lstrip("-"), _SORTS["id"]), reverse=sort.startswith("-"))
    start = int(request.GET["start"]) if request.GET.get("start", "").isdecimal() else 0
    start = min(start, max(len(found) - 1, 0)) // _AT_ONCE * _AT_ONCE
    query = request.META.get("QUERY_STRING", "")
    return render(
        request,
        "controls.html.j2",
        rows=found[start : start + _AT_ONCE],
        total=len(found),
        previous=query_with(query, start=start - _AT_ONCE or None) if start else None,
        following=query_with(query, start=start + _AT_ONCE) if start + _AT_ONCE < len(found) else None,
        layers=[(one.value, f"{one.value} {say(one.label)}") for one in dict.fromkeys(row.control.layer for row in every)],
        statuses=[(one.slug, say(one.label)) for one in Status],
        owners=sorted({(row.owner, say(row.owner)) for row in every}),
        known=[(name, say(standing.catalog.frameworks[name].title)) for name in standing.catalog.frameworks],
        asked=standing.frameworks,
    )


def _fits(row: Row, request: HttpRequest) -> bool:
    words = request.GET.get("q", "").lower().split()
    text = f"{row.control.id} {row.control.title} {row.control.statement} {say(row.control.title)}".lower()
    wanted = {name: set(filter(None, request.GET.getlist(name))) for name in ("layer", "status", "owner", "framework")}
    has = {
        "layer": {row.control.layer.value},
        "status": {row.score.status.slug},
        "owner": {row.owner},
        "framework": set(row.frameworks),
    }
    return all(word in text for word in words) and all(not values or values & has[name] for name, values in wanted.items())


@page(Permission.ASSESSMENT_READ)
def control(request: HttpRequest, identity: str) -> HttpResponse:
    """Show a control: what it asks, how it stands and why, what it answers, who carries it out."""
    standing = current()
    require(actor(request), Permission.ASSESSMENT_READ, root_unit(), subject=request.path)
    found = standing.catalog.controls.get(identity)
    if found is None:
        raise Http404
    assessment = standing.assessment
    carried_out = [one for one in assessment.records.of_kind("control_implementation") if one.content.get("control") == identity]
    answers = [
        (one, standing.catalog.requirements[one.requirement], assessment.requirement(one.requirement))
        for one in found.satisfies
        if one.requirement in standing.catalog.requirements
    ]
    answers.sort(key=lambda one: one[0].requirement.partition(":")[0] not in standing.frameworks)
    return render(
        request,
        "control.html.j2",
        control=found,
        score=assessment.control(identity),
        reasons=explain(assessment, identity, most=SYSTEMS_SHOWN),
        owed=owed_by(assessment, found),
        carried_out=carried_out,
        answers=answers,
        asked=standing.frameworks,
    )


ROUTES: Final = (path("controls", library, name="controls"), path("controls/<str:identity>", control, name="control"))
