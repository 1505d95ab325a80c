"""Approvals: what waits for the reader, decided with a signature of their own about exactly the version they looked at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _waiting as inbox
from kybern.server.pages._asked import titles
from kybern.server.pages.door import page, render

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from kybern.server.access.actor import Actor
    from kybern.server.store.evidence import Taken
    from kybern.server.store.models import RecordRow

ADDRESS: Final = "/approvals"
FRESH_SECONDS: Final = 600
"""How long after signing in somebody may sign without saying again who they are."""

MOST: Final = 200
_DRAFT: Final = "approvals-draft"
_LINE: Final = 2000
_RECENT: Final = 10


@page(Permission.RECORDS_READ, methods=("GET", "POST"))
def approvals(request: HttpRequest) -> HttpResponse:
    """Show what waits for the reader, or take their decision on some of it."""
    if request.method == "POST":
        return _decide(request)
    who = actor(request)
    draft = request.session.pop(_DRAFT, None) or {}
    if draft.get("back") and is_fresh(request):
        messages.info(request, _("You are back. Look once more at what you chose, and sign."))
    standing = current()
    waiting = inbox.waiting(who, standing.catalog, timezone.now())
    recent = inbox.recent(who, _RECENT, standing)
    return render(
        request,
        "approvals.html.j2",
        waiting=waiting,
        may_any=any(one.may for one in waiting),
        draft={
            "chosen": draft.get("chosen", []),
            "note": draft.get("note", ""),
            "role": draft.get("role", ""),
            "topics": draft.get("topics", {}),
        },
        roles=inbox.roles_of(who.person),
        recent=recent,
        named=titles(who, (one.ref for piece in recent for one in piece.subjects)),
        fresh=is_fresh(request),
        person=who.person,
    )


def _decide(request: HttpRequest) -> HttpResponse:
    """Sign a decision on each record that was chosen, all in one go; first ask again who it is, if they signed in long ago."""
    who = actor(request)
    require(who, Permission.EVIDENCE_APPROVE, subject=ADDRESS)
    decision, note = request.POST.get("decision", ""), " ".join(request.POST.get("note", "").split())[:_LINE]
    chosen = list(dict.fromkeys(request.POST.getlist("chosen")))
    if decision not in inbox.DECISIONS or len(chosen) > MOST:
        raise Http404
    if not chosen:
        messages.warning(request, _("Choose what you decide on."))
        return HttpResponseRedirect(ADDRESS)
    if decision != "approved" and not note:
        messages.warning(request, _("Say in the note what the conditions are, or why you reject it."))
        return _later(request, chosen, note, ADDRESS)
    if not is_fresh(request):
        return _ask_again(request, chosen, note)
    return _signed(request, who, chosen, decision, note)


def _signed(request: HttpRequest, who: Actor, chosen: list[str], decision: str, note: str) -> HttpResponse:
    rows = inbox.named(who)
    waiting = {one.row.ref: one for one in inbox.waiting(who, current().catalog, timezone.now())}
    role = request.POST.get("role", "")
    if role and role not in dict(inbox.roles_of(who.person)):
        raise Http404
    decided: list[inbox.Decided] = []
    for one in chosen:
        ref, _at, digest = one.partition("@")
        row = rows.get(ref)
        if row is None:
            raise Http404  # nothing that names the reader
        require(who, Permission.EVIDENCE_APPROVE, row.unit, subject=ref)
        if row.digest != digest:
            messages.error(request, f"{row.title}: {inbox.why_not(row)}")
        elif ref not in waiting:
            messages.info(request, _("%s: you have decided on it already.") % row.title)
        else:
            decided.append(inbox.Decided(row, _topic(request, waiting[ref], row), decision, role, note))
    if decided:
        _told(request, decided, inbox.sign_decisions(who, decided, timezone.now))
    return HttpResponseRedirect(ADDRESS)


def _told(request: HttpRequest, decided: list[inbox.Decided], taken: list[Taken]) -> None:
    good = sum(one.outcome == "accepted" for one in taken)
    for one, outcome in zip(decided, taken, strict=True):
        if outcome.outcome != "accepted":
            messages.error(request, f"{one.row.title}: {outcome.reason or outcome.outcome}")
    if good:
        said = ngettext("Your decision is signed and in the log.", "%(count)d decisions are signed and in the log.", good)
        messages.success(request, said % {"count": good})


def _topic(request: HttpRequest, waiting: inbox.Waiting, row: RecordRow) -> str:
    asked = request.POST.get(f"topic:{row.ref}", "")
    return asked if asked in waiting.topics else waiting.topics[0]


def is_fresh(request: HttpRequest) -> bool:
    """Tell whether the reader said who they are within the last minutes."""
    records = get_authentication_records(request, request.user)
    last = max((float(one.get("at", 0)) for one in records), default=0.0)
    return 0 <= time.time() - last < FRESH_SECONDS


def _ask_again(request: HttpRequest, chosen: list[str], note: str) -> HttpResponse:
    """Ask for the password or the passkey again, and come back with everything as it was chosen."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        messages.warning(request, _("You signed in more than ten minutes ago. Sign out and in again, and then sign."))
        return _later(request, chosen, note, ADDRESS)
    return _later(request, chosen, note, f"{methods[0]['url']}?{urlencode({'next': ADDRESS})}", back=True)


def _later(request: HttpRequest, chosen: list[str], note: str, address: str, *, back: bool = False) -> HttpResponse:
    """Keep what was chosen in the session, and lead on."""
    topics = {name.removeprefix("topic:"): str(value) for name, value in request.POST.items() if name.startswith("topic:")}
    request.session[_DRAFT] = {"chosen": chosen, "note": note, "role": request.POST.get("role", ""), "topics": topics, "back": back}
    return HttpResponseRedirect(address)


ROUTES: Final = (path("approvals", approvals, name="approvals"),)
