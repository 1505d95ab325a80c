"""The home page: the reader's own work first, then what their roles look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.urls import path
from django.utils import timezone

from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.forms import form_of
from kybern.server.live import current
from kybern.server.pages import _looking as looking
from kybern.server.pages._days import KINDS, SIGNS
from kybern.server.pages._mine import mine_of
from kybern.server.pages.door import SIGNED_IN, page, render
from kybern.server.store.models import RecordRow
from kybern.server.store.projection import root_unit
from kybern.server.wording import say

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from kybern.server.access.actor import Actor

_GRANTED: Final = (Permission.RECORDS_READ, Permission.ASSESSMENT_READ, Permission.EVIDENCE_READ)


@page(SIGNED_IN)
def home(request: HttpRequest) -> HttpResponse:
    """Show the page that the reader's roles like; where nothing is recorded yet, how to begin."""
    who = actor(request)
    if not any(map(who.may, (*_GRANTED, Permission.USERS_MANAGE))):
        return render(request, "home_nothing.html.j2")
    steps = looking.first_steps(who)
    if not RecordRow.objects.exists():
        return render(request, "home_empty.html.j2", steps=steps)
    now = timezone.now()
    standing = current() if who.may(Permission.ASSESSMENT_READ) else None
    mine = mine_of(who, standing, now)
    parts = looking.looks_of(who)
    told: dict[str, Any] = {}
    if standing is not None and looking.LEAD in parts:
        told |= looking.for_leads(who, standing)
    if standing is not None and looking.ENGINEER in parts:
        told |= looking.for_engineers(who, standing, mine.owners)
    if looking.AUDITOR in parts:
        told |= looking.for_auditors(request, who, now)
    return render(
        request,
        "home.html.j2",
        mine=mine,
        parts=parts,
        steps=steps if _begins(who) and not all(one.done for one in steps) else [],
        today=now.date(),
        day_kinds=KINDS,
        day_signs=SIGNS,
        label_of_kind=lambda kind: say(form_of(kind).label),
        whole=who.may(Permission.ASSESSMENT_READ, root_unit()),
        **told,
    )


def _begins(who: Actor) -> bool:
    return who.may(Permission.RECORDS_WRITE, root_unit()) and who.may(Permission.KEYS_MANAGE, root_unit())


ROUTES: Final = (path("", home, name="home"),)
