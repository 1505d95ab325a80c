"""Taking the sample organisation away: one click, after a page that says what goes and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext as _

from kybern.server.access.check import note, require
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import Permission
from kybern.server.pages.door import page, render
from kybern.server.store.projection import root_unit
from kybern.server.store.sample import count_sample, remove_sample, sample_here

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@page(Permission.SETTINGS_MANAGE, methods=("GET", "POST"))
def sample(request: HttpRequest) -> HttpResponse:
    """Say what would go, and on POST take it away."""
    who = actor(request)
    require(who, Permission.SETTINGS_MANAGE, root_unit(), subject=request.path)
    if not sample_here():
        raise Http404
    if request.method != "POST":
        return render(request, "sample.html.j2", holds=count_sample())
    gone = remove_sample()
    detail = f"{gone.entries} entries, {gone.records} records, {gone.evidence} pieces of evidence"
    note(who, AccessEvent.Kind.CHANGED, Permission.SETTINGS_MANAGE, "sample organisation", f"removed: {detail}")
    messages.success(request, _("The sample is gone. The log is empty and yours: begin with the organisation and its scope."))
    return HttpResponseRedirect("/")


ROUTES: Final = (path("settings/sample", sample, name="sample"),)
