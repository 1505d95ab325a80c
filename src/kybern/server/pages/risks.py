"""The register of risks: matrices before and after treatment, the list, its table to take away, and what a year may cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _risk_list as register
from kybern.server.pages._asked import asked
from kybern.server.pages._csv import csv_answer
from kybern.server.pages._losses import MOST_RISKS, LossView, honest, losses_of
from kybern.server.pages._query import query_with
from kybern.server.pages._risks import LEVELS, STATES, acceptable_of, level_of, matrices
from kybern.server.pages.door import page, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from django.http import HttpRequest, HttpResponse

    from kybern.server.pages._risk_list import RiskRow

_HEAD: Final = (
    "risk", "title", "category", "systems", "owner", "assessed_on", "likelihood", "consequence", "score_before", "level_before",
    "likelihood_after", "consequence_after", "score_after", "level_after", "treatment", "treatment_state", "treatment_due", "accepted_on",
    "above_appetite", "review_due", "overdue",
)  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """A matrix as a table: for each likelihood, the highest first, the counts by consequence with where they lead."""

    label: str
    rows: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]


@page(Permission.RECORDS_READ)
def risks(request: HttpRequest) -> HttpResponse:
    """Show the risks that the address asks for."""
    who, standing = actor(request), current()
    everything = register.readable(who, standing)
    rows = register.chosen(who, request, everything)
    if request.GET.get("format") == "csv":
        return csv_answer(f"risks-{timezone.now():%Y-%m-%d}", _HEAD, _cells(rows))
    query = request.GET.urlencode()

    def cell(name: str, likelihood: int, consequence: int) -> str:
        return f"/risks{query_with(query, {name: f'{likelihood}x{consequence}', 'sort': None})}#register"

    views = [row.view for row in rows]
    before, after = matrices(views, _("Before treatment"), _("After treatment"), cell, lambda one: f"/records/risk/{one.risk.id}")
    narrowed = any(asked(request, name) for name in register.FILTERS)
    return render(
        request,
        "risks.html.j2",
        tabs_shown=tabs(request, "register"),
        rows=rows,
        found=register.page_of_risks(rows, request.GET),
        selects=register.selects(who, request, everything),
        pictures=[
            (_("Before treatment"), before, _grid("inherent", rows, cell)),
            (_("After treatment"), after, _grid("residual", rows, cell)),
        ],
        acceptable=acceptable_of(views),
        counts=_counts(rows),
        levels=LEVELS,
        states=STATES,
        level_of=level_of,
        unknown=None if narrowed else register.not_known(who, standing, everything),
        empty=not everything,
        writable=who.where(Permission.RECORDS_WRITE),
        may_write=who.may(Permission.RECORDS_WRITE),
        criteria_there=bool(standing.records.of_kind("risk_criteria")),
        day_now=standing.as_of.date(),
    )


def _counts(rows: Sequence[RiskRow]) -> dict[str, int]:
    return {
        "open": sum(row.view.open for row in rows),
        "untreated": sum(row.view.state == "untreated" for row in rows),
        "late": sum(row.treatment_late for row in rows),
        "stale": sum(row.review_late for row in rows),
    }


def _grid(name: str, rows: Sequence[RiskRow], cell: Callable[[str, int, int], str]) -> Grid:
    places = Counter((row.view.risk.likelihood, row.view.consequence) if name == "inherent" else row.view.place_after for row in rows)
    steps = range(1, 6)
    lines = ((high, tuple((places[high, wide], cell(name, high, wide)) for wide in steps)) for high in reversed(steps))
    return Grid(name, tuple(lines))


def _cells(rows: Sequence[RiskRow]) -> Iterator[list[str]]:
    for row in rows:
        view, risk = row.view, row.view.risk
        likelihood, consequence = view.place_after
        treated = view.treatment if row.treatment_shown else None
        yield [
            risk.ref, risk.title, risk.type, "; ".join(ref for ref, _title in row.systems), risk.owner or "", str(risk.assessed_on),
            str(risk.likelihood), str(view.consequence), str(view.inherent), level_of(view.inherent),
            str(likelihood), str(consequence), str(row.after), level_of(row.after),
            "" if treated is None else treated.title, view.state, str(row.treatment_due or ""),
            "" if treated is None else str(treated.accepted_on or ""),
            "unknown" if view.acceptable is None else "yes" if view.open else "no", str(row.review_due or ""),
            " ".join(name for name, late in (("treatment", row.treatment_late), ("review", row.review_late)) if late),
        ]  # fmt: skip


@page(Permission.RECORDS_READ)
def losses(request: HttpRequest) -> HttpResponse:
    """Show what the risks that the address asks for may cost in a year."""
    who, standing = actor(request), current()
    everything = register.readable(who, standing)
    rows = register.chosen(who, request, everything)
    found = losses_of(standing, rows) if rows else None
    return render(
        request,
        "risks_losses.html.j2",
        tabs_shown=tabs(request, "losses"),
        rows=rows,
        selects=register.selects(who, request, everything),
        losses=found if isinstance(found, LossView) else None,
        why=None if found is None or isinstance(found, LossView) else found.why,
        too_many=len(rows) > MOST_RISKS,
        left_out=() if found is None else found.curve.left_out if isinstance(found, LossView) else found.left_out,
        sentence=honest(acceptable_of([row.view for row in rows])),
        empty=not everything,
        may_write=who.may(Permission.RECORDS_WRITE),
    )


def tabs(request: HttpRequest, now: str) -> list[dict[str, object]]:
    """Give the two parts of the page; what is asked for stays."""
    query = query_with(request.GET.urlencode(), sort=None)
    query = "" if query == "?" else query
    labels = (("register", _("Register"), "/risks"), ("losses", _("Losses in a year"), "/risks/losses"))
    return [{"label": label, "href": f"{href}{query}", "current": name == now} for name, label, href in labels]


ROUTES: Final = (
    path("risks", risks, name="risks"),
    path("risks/losses", losses, name="risks-losses"),
)
