"""Server-sent events for pages that are open: the log grew."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from kybern.server.access.middleware import actor
from kybern.server.events.live import HUB, stream

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

_LONGEST_NUMBER: Final = 18


def changes(request: HttpRequest) -> HttpResponseBase:
    """Stream an event `changed` with the log's size whenever it changes; to whoever is signed in.

    Answers that are no stream keep a browser from asking again, but for 503: then as many are open as there may be.
    """
    if request.method != "GET":
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
    if actor(request).user is None:
        return HttpResponse("Sign in first.", status=HTTPStatus.UNAUTHORIZED, content_type="text/plain; charset=utf-8")
    if HUB.full:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "30"})
    answer = StreamingHttpResponse(stream(HUB, _since(request)), content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"  # a proxy that gathers what it passes on would pass on nothing for long
    return answer


def _since(request: HttpRequest) -> int | None:
    """Read the size that the reader knows of: from the header of a browser that comes back, else from the address."""
    said = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= _LONGEST_NUMBER else None


ROUTES: Final = (path("events", changes, name="events"),)
