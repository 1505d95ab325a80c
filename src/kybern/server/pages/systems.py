"""The AI systems: the inventory, and a page for each with all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _system_list as inventory
from kybern.server.pages._asked import counted
from kybern.server.pages._keyset import page_of
from kybern.server.pages._system_page import TABS, counts, subject_of
from kybern.server.pages.door import page, render
from kybern.server.store.visible import find_record, visible_records

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_LABELS: Final = {
    "overview": gettext_lazy("Overview"),
    "law": gettext_lazy("Law and duties"),
    "risks": gettext_lazy("Risks and impact"),
    "parts": gettext_lazy("Rests on"),
    "indicators": gettext_lazy("Indicators"),
    "gates": gettext_lazy("Gates and approvals"),
    "evidence": gettext_lazy("Evidence"),
}


@page(Permission.RECORDS_READ)
def systems(request: HttpRequest) -> HttpResponse:
    """List the systems that the address asks for."""
    who = actor(request)
    standing = current() if who.may(Permission.ASSESSMENT_READ) else None
    rows = inventory.filtered(who, request, standing)
    order = inventory.ORDERS.get(request.GET.get("sort", ""), inventory.ORDERS["title"])
    found = page_of(rows, order, request.GET)
    return render(
        request,
        "systems.html.j2",
        systems=inventory.shown(who, found.rows, standing),
        found=found,
        counted=counted(rows),
        selects=inventory.selects(who, standing),
        frameworks=() if standing is None else [standing.catalog.frameworks[name] for name in standing.frameworks],
        empty=not request.GET and not visible_records(who).filter(kind=inventory.KIND).exists(),
        may_write=who.may(Permission.RECORDS_WRITE),
    )


@page(Permission.RECORDS_READ)
def system(request: HttpRequest, identity: str) -> HttpResponse:
    """Show one system, the part of it that the address names."""
    who = actor(request)
    row = find_record(who, f"{inventory.KIND}:{identity}")
    tab = request.GET.get("tab") or "overview"
    if row is None or tab not in TABS:
        raise Http404
    subject = subject_of(request, row, current(), timezone.now())
    known = counts(subject)
    tabs = [
        {"label": label, "href": "?" if name == "overview" else f"?tab={name}", "current": name == tab, "count": known.get(name)}
        for name, label in _LABELS.items()
    ]
    return render(
        request,
        "system.html.j2",
        row=row,
        system=subject.system,
        in_scope=subject.in_scope,
        tab=tab,
        tabs_shown=tabs,
        tab_template=f"system_{tab}.html.j2",
        tab_title=_LABELS[tab],
        may_write=who.may(Permission.RECORDS_WRITE, row.unit),
        may_see_status=who.may(Permission.ASSESSMENT_READ, row.unit),
        crumb=_("AI systems"),
        **TABS[tab](subject),
    )


ROUTES: Final = (
    path("systems", systems, name="systems"),
    path("systems/<str:identity>", system, name="system"),
)
