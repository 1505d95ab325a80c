"""The crosswalk: two frameworks side by side, and how far the evidence there is for the one reaches into what the other asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from markupsafe import Markup, escape

from kybern.assessment import Standing as Reached
from kybern.assessment import Status, carry_over
from kybern.catalog import Reach, Relation
from kybern.catalog import crosswalk as crossing_of
from kybern.report import to_csv
from kybern.report._areas import flows_of
from kybern.report._crossmatrix import STEPS, matrix
from kybern.report._sankey import sankey
from kybern.report._words import short_name
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages._asked import asked, number
from kybern.server.pages._pictured import told_flows
from kybern.server.pages._query import query_with
from kybern.server.pages.door import page, render
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import visible_records
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from kybern.assessment import CarriedOver, Score
    from kybern.catalog import Crossing
    from kybern.report._areas import Flow, Flows
    from kybern.server.live import Standing

_AT_ONCE: Final = 50
SOURCES_SHOWN: Final = 4
_VIEWS: Final = ("matrix", "sankey")
_DRAW: Final = {"matrix": matrix, "sankey": sankey}
_UNPROVEN: Final = "unproven"
"""In the place of a relation: related through something, and that is all."""

COMES_TO: Final = {
    Reached.CARRIED: (gettext_lazy("met by it"), "circle-check"),
    Reached.OPEN: (gettext_lazy("met by it, once that is met"), "circle-dot"),
    Reached.EVIDENCE: (gettext_lazy("its evidence may serve"), "file-check"),
    Reached.NO_EVIDENCE: (gettext_lazy("might serve: no evidence yet"), "file-clock"),
    Reached.UNPROVEN: (gettext_lazy("related, unproven"), "circle-question-mark"),
    Reached.UNCOVERED: (gettext_lazy("nothing reaches it"), "circle-minus"),
}
"""What the source comes to for an entry of the target, in words, with a sign."""

RELATIONS: Final = {
    Relation.EQUAL: (gettext_lazy("equal"), gettext_lazy("both ask the same")),
    Relation.SUPERSET: (gettext_lazy("superset"), gettext_lazy("the first asks all of it, and more")),
    Relation.SUBSET: (gettext_lazy("subset"), gettext_lazy("the first asks a part of it")),
    Relation.INTERSECTS: (gettext_lazy("intersects"), gettext_lazy("both ask something alike")),
    None: (gettext_lazy("related, unproven"), gettext_lazy("they are related through something, and nothing more is sure")),
}


class _Asked:
    """What the address asks for: two frameworks, a view of them, and which rows."""

    def __init__(self, request: HttpRequest, standing: Standing) -> None:
        known = standing.catalog.frameworks
        self.request, self.standing = request, standing
        self.source = asked(request, "source") or standing.frameworks[0]
        if self.source not in known:
            raise Http404
        self.target = asked(request, "target") or _partner(standing, self.source)
        self.subject = asked(request, "subject") or None
        if self.target not in known or (self.subject is not None and self.subject not in standing.assessment.subjects):
            raise Http404
        self.same = self.source == self.target
        self.view = "sankey" if asked(request, "view") == "sankey" else "matrix"

    @property
    def crossing(self) -> Crossing:
        key = ("crosswalk", self.source, self.target)
        return self.standing.assessment.once(key, lambda: crossing_of(self.standing.catalog, self.source, self.target))

    @property
    def flows(self) -> Flows:
        return self.standing.assessment.once(("flows", self.source, self.target), lambda: flows_of(self.crossing))

    @property
    def flow(self) -> Flow | None:
        at = number(asked(self.request, "flow"), range(len(self.flows.flows)))
        return None if at is None else self.flows.flows[at]

    @property
    def every(self) -> tuple[CarriedOver, ...]:
        key = ("carried over", self.source, self.target, self.subject)
        assessment = self.standing.assessment
        return assessment.once(key, lambda: carry_over(assessment, self.crossing, self.subject, with_organization=True))

    def score(self, ref: str) -> Score | None:
        """Give how an entry stands; None where it asks nothing itself, or does not bear on the subject."""
        assessment = self.standing.assessment
        return assessment.requirement(ref, self.subject) if assessment.catalog.requirements[ref].normative else None

    def rows(self) -> list[CarriedOver]:
        """Give the entries of the target that the filters ask for."""
        joined = None if self.flow is None else {(pair.source, pair.target) for pair in self.flow.pairs}
        return [one for one in self.every if self._fits(one) and (joined is None or _of_flow(one, joined))]

    def _fits(self, one: CarriedOver) -> bool:
        reached, relation, status, named, words = (asked(self.request, name) for name in ("reached", "relation", "status", "from", "q"))
        entry = self.standing.catalog.requirements[one.covered.ref]
        sources = " ".join(pair.source for pair in one.covered.pairs)
        text = f"{entry.id} {entry.title} {say(entry.title)} {entry.statement} {say(entry.statement)} {sources}".lower()
        said = {pair.relation.value if pair.relation else _UNPROVEN for pair in one.covered.pairs}
        return (
            reached in ("", one.standing.name.lower())
            and (not relation or relation in said)
            and (not status or (one.own is not None and one.own.status.slug == status))
            and (not named or any(pair.source == named for pair in one.covered.pairs))
            and all(word in text for word in words.lower().split())
        )


def _of_flow(one: CarriedOver, joined: set[tuple[str, str]]) -> bool:
    """Tell whether one of the pairs that reach an entry, itself or through its group or its parts, is among those of a flow."""
    return any((pair.source, end) in joined for pair in one.covered.pairs for end in (pair.target, *pair.via))


def _partner(standing: Standing, source: str) -> str:
    """Choose what to set beside a framework: another that is asked about, or one that a crosswalk joins with it."""
    joined = {
        other
        for walk in standing.catalog.crosswalks
        for one, other in ((walk.source_framework, walk.target_framework), (walk.target_framework, walk.source_framework))
        if one == source
    }
    wanted = (*standing.frameworks, *standing.catalog.frameworks)
    found = [name for name in wanted if name != source]
    return next((name for name in found if name in joined), found[0])


@page(Permission.ASSESSMENT_READ)
def explore(request: HttpRequest) -> HttpResponse:
    """Show two frameworks side by side."""
    require(actor(request), Permission.ASSESSMENT_READ, root_unit(), subject=request.path)
    standing = current()
    said = _Asked(request, standing)
    frameworks = [(name, f"{short_name(name)}: {say(one.title)}") for name, one in standing.catalog.frameworks.items()]
    shown: dict[str, Any] = {
        "frameworks": frameworks,
        "source": standing.catalog.frameworks[said.source],
        "target": standing.catalog.frameworks[said.target],
        "same": said.same,
        "view": said.view,
        "empty": said.same or not said.crossing.pairs,
    }
    if not shown["empty"]:
        shown |= _shown(request, said)
    return render(request, "crosswalk.html.j2", **shown)


def _shown(request: HttpRequest, said: _Asked) -> dict[str, Any]:
    rows, query = said.rows(), request.META.get("QUERY_STRING", "")
    start = int(request.GET["start"]) if re.fullmatch("[0-9]{1,8}", request.GET.get("start", "")) else 0
    start = min(start, max(len(rows) - 1, 0)) // _AT_ONCE * _AT_ONCE
    counts = {one: sum(each.standing is one for each in said.every) for one in Reached}
    flow, told = said.flow, told_flows(said.flows)
    return {
        "svg": _led(_DRAW[said.view](told, said.source, said.target), query),
        "views": [(name, query_with(query, view=name, start=None), name == said.view) for name in _VIEWS],
        "flows": told,
        "flow_query": query_with(query, flow=None, start=None),
        "flow_said": None if flow is None else told.label(flow),
        "flow_pairs": () if flow is None else [(pair, said.score(pair.source), said.score(pair.target)) for pair in flow.pairs],
        "steps": STEPS,
        "picture_shows": {one.reach for one in said.flows.flows},
        "Reach": Reach,
        "hubs": said.crossing.hubs,
        "pair_count": len(said.crossing.pairs),
        "counts": counts,
        "comes_to": COMES_TO,
        "relations": RELATIONS,
        "titles": said.standing.catalog.requirements,
        "rows": rows[start : start + _AT_ONCE],
        "total": len(rows),
        "most": SOURCES_SHOWN,
        "subject": said.subject,
        "from_said": asked(request, "from"),
        "previous": query_with(query, start=start - _AT_ONCE or None) + "#rows" if start else None,
        "following": query_with(query, start=start + _AT_ONCE) + "#rows" if start + _AT_ONCE < len(rows) else None,
        "selects": _selects(request, said),
    }


def _led(svg: Markup, query: str) -> Markup:
    """Let the links of a picture, which name a flow, lead to the rows of that flow."""

    def address(found: re.Match[str]) -> str:
        return f'href="{escape(query_with(query, flow=found[1], start=None))}#rows"'

    return Markup(re.sub(r'href="#flow-([0-9]+)"', address, str(svg)))  # noqa: S704 - our own picture, the address is escaped


def _selects(request: HttpRequest, said: _Asked) -> list[dict[str, Any]]:
    who, inside = actor(request), said.standing.assessment.plan.system_index
    systems = visible_records(who).filter(kind="ai_system").order_by("title", "ref").values_list("ref", "title")[:200]
    return [
        {"name": "reached", "label": _("Comes to"), "options": [(one.name.lower(), words) for one, (words, _sign) in COMES_TO.items()]},
        {
            "name": "relation",
            "label": _("Relation"),
            "options": [(one.value if one else _UNPROVEN, words) for one, (words, _why) in RELATIONS.items()],
        },
        {"name": "status", "label": _("Status of its own"), "options": [(one.slug, say(one.label)) for one in Status]},
        {"name": "subject", "label": _("On"), "options": [(ref, title) for ref, title in systems if ref in inside]},
    ]


@page(Permission.ASSESSMENT_READ)
def as_csv(request: HttpRequest) -> HttpResponse:
    """Give the rows that the address asks for to a spreadsheet: one for each pair, and one for each entry that nothing reaches."""
    require(actor(request), Permission.ASSESSMENT_READ, root_unit(), subject=request.path)
    said = _Asked(request, current())
    rows = [] if said.same else [line for one in said.rows() for line in _lines(one)]
    names = ("target", "target_status", "comes_to", "source", "source_status", "relation", "confidence", "via", "basis")
    answer = HttpResponse(to_csv(names, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="crosswalk-{said.source}-{said.target}.csv"'
    return answer


def _lines(one: CarriedOver) -> list[Sequence[object]]:
    own = one.own.status.slug if one.own else ""
    head = (one.covered.ref, own, one.standing.value)
    if not one.sources:
        return [(*head, "", "", "", "", "", "")]
    return [
        (
            *head, each.pair.source, each.score.status.slug if each.score else "", each.pair.words, each.pair.confidence.value,
            " ".join(each.pair.via), each.pair.basis,
        )
        for each in one.sources
    ]  # fmt: skip


ROUTES: Final = (path("crosswalk", explore, name="crosswalk"), path("crosswalk.csv", as_csv, name="crosswalk-csv"))
