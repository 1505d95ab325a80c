"""Traceability: from law to evidence and back, starting anywhere, as a picture and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kybern.report import trace_graph
from kybern.report._tracegraph import HIDDEN, KINDS, Key, TraceNode
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _trace_start as begin
from kybern.server.pages._asked import asked
from kybern.server.pages._pictured import told_trace
from kybern.server.pages._query import query_with
from kybern.server.pages.door import page, render
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.http import HttpRequest, HttpResponse

    from kybern.report import TraceGraphView
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._trace_start import Start

_LIMITS: Final = (8, 16, 32, 64)
"""How many boxes a column shows; the address asks for the next where there are more."""

_STEPS: Final = (1, 2, 3, 4)
_WAYS: Final = {
    "both": gettext_lazy("both ways"),
    "law": gettext_lazy("towards the law"),
    "proof": gettext_lazy("towards the proof"),
}
_MOST_SYSTEMS: Final = 200
"""AI systems up to which the reasons of all are gone through at once; beyond, one has to be chosen."""

_MANY_RECORDS: Final = 2_000
"""Records from which on a trace from one of them is narrowed to the AI system that it belongs to, unless another is asked for."""

_LONGEST: Final = 200
_CHOICES: Final = 500
"""AI systems that are offered to choose from."""


@page(Permission.ASSESSMENT_READ)
def trace(request: HttpRequest) -> HttpResponse:
    """Show what hangs together with what the address names; without a name, offer places to begin."""
    who, standing = actor(request), current()
    ref = asked(request, "from")
    if not ref:
        return _begin(request, who, standing)
    start = begin.start_of(who, standing, ref)
    if start is None:
        return _begin(request, who, standing, missing=ref)
    systems = begin.systems_of(who, standing, _CHOICES)
    subject = _subject(request, who, standing, start, systems)
    context: dict[str, Any] = {
        "start": start,
        "subject": subject,
        "selects": _selects(standing, systems),
        "view": None,
        "why": "",
        "page_of": begin.page_of_node,
    }
    if subject is None and not begin.whole(who):
        context["why"] = _("You see how single AI systems stand, not the whole organisation: choose a system.")
    elif subject is None and len(standing.assessment.systems) > _MOST_SYSTEMS:
        context["why"] = _("There are too many AI systems to go through at once: choose one.")
    else:
        context |= _drawn(request, who, standing, start, subject)
    return render(request, "trace.html.j2", **context)


def _subject(request: HttpRequest, who: Actor, standing: Standing, start: Start, systems: list[tuple[str, str]]) -> str | None:
    """Choose the AI system whose reasons are gone through: the one asked for, the one started from, or the only one there is to see."""
    wanted = asked(request, "system")
    known = begin.narrowing(who, standing, (wanted, start.ref))
    if wanted in known:
        return wanted
    if start.ref in known:
        return start.ref
    if start.kind in {"record", "evidence"} and len(standing.records) > _MANY_RECORDS:
        return begin.system_of(who, standing, start)
    return systems[0][0] if not begin.whole(who) and len(systems) == 1 else None


def _selects(standing: Standing, systems: list[tuple[str, str]]) -> list[dict[str, Any]]:
    frameworks = [(name, say(standing.catalog.frameworks[name].title)) for name in standing.frameworks]
    found: list[dict[str, Any]] = [
        {"name": "way", "label": _("Direction"), "options": [(key, word) for key, word in _WAYS.items() if key != "both"]},
        {
            "name": "steps",
            "label": _("Depth"),
            "options": [(str(one), _("%d columns away") % one if one > 1 else _("one column away")) for one in _STEPS],
        },
        {"name": "framework", "label": _("Framework"), "options": frameworks},
    ]
    return [*found, {"name": "system", "label": _("On"), "options": systems}] if systems else found


def _drawn(request: HttpRequest, who: Actor, standing: Standing, start: Start, subject: str | None) -> dict[str, Any]:
    query = request.GET.urlencode()
    limit = next((one for one in _LIMITS if str(one) == asked(request, "limit")), _LIMITS[0])
    more = next((one for one in _LIMITS if one > limit), None)

    def href(node: TraceNode) -> str | None:
        if node.ref == HIDDEN:
            return None
        if node.folded:
            return None if more is None else f"/trace{query_with(query, limit=more)}"
        return begin.page_of_node(node.kind, node.ref) if node.focus else f"/trace{query_with(query, {'from': node.ref, 'limit': None})}"

    steps = next((one for one in _STEPS if str(one) == asked(request, "steps")), len(KINDS))
    way = asked(request, "way")
    reach = (0 if way == "proof" else steps, 0 if way == "law" else steps)
    wanted = asked(request, "framework")
    frameworks = (wanted,) if wanted in standing.frameworks else _with_own(standing, start)
    try:
        view = trace_graph(
            standing.assessment,
            start.ref,
            limit,
            href=href,
            subject=subject,
            frameworks=frameworks,
            reach=reach,
            shown=lambda keys: _shown(who, keys),
        )
    except KeyError:
        return {"why": _("It does not bear on this AI system: choose another, or none.")}
    view = told_trace(view)
    return {"view": view, "svg": view.svg, "more": more, "limit": limit, "leftover": _leftover(view)}


def _with_own(standing: Standing, start: Start) -> tuple[str, ...]:
    own = start.ref.partition(":")[0] if start.kind == "requirement" else ""
    return standing.frameworks if not own or own in standing.frameworks else (*standing.frameworks, own)


def _leftover(view: TraceGraphView) -> int:
    return sum(len(node.folded) for column in view.columns for node in column if node.folded and node.ref != HIDDEN)


def _shown(who: Actor, keys: Collection[Key]) -> set[Key]:
    """Choose the nodes that a reader may see: law and controls everybody, records and evidence as they are granted."""
    records = begin.seen_records(who, [ref for kind, ref in keys if kind == "record"])
    pieces = begin.seen_evidence(who, [ref for kind, ref in keys if kind == "evidence"])
    seen = {"record": records, "evidence": pieces}
    return {key for key in keys if key[0] not in seen or key[1] in seen[key[0]]}


def _begin(request: HttpRequest, who: Actor, standing: Standing, missing: str = "") -> HttpResponse:
    words = asked(request, "q")
    found = begin.search(who, standing, words) if words else []
    return render(
        request,
        "trace_start.html.j2",
        status=404 if missing else 200,
        missing=missing,
        words=words,
        found=found,
        suggested=begin.suggested(who, standing) if not found else [],
        address=lambda ref: f"/trace?{urlencode({'from': ref})}",
    )


@page(Permission.ASSESSMENT_READ)
def from_path(request: HttpRequest, ref: str) -> HttpResponse:
    """Lead from `/trace/NAME` to the one address a trace has."""
    del request
    if len(ref) > _LONGEST or "\0" in ref:
        raise Http404
    return HttpResponseRedirect(f"/trace?{urlencode({'from': ref})}")


ROUTES: Final = (
    path("trace", trace, name="trace"),
    path("trace/<path:ref>", from_path, name="trace-from"),
)
