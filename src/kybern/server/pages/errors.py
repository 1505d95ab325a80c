"""Pages for what is not there and for what went wrong."""

from __future__ import annotations

import sys
from html import escape
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from kybern.server._metrics import count_failure
from kybern.server.failures import failure_of
from kybern.server.pages.door import render

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kybern.server.failures import Failure

_PROGRAMS = ("/api/", "/scim/")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that there is nothing at this address."""
    del exception
    if request.path.startswith(_PROGRAMS):
        return JsonResponse(
            {"type": "about:blank", "title": "Not found", "status": 404}, status=404, content_type="application/problem+json"
        )
    return render(request, "not_found.html.j2", status=404)


def not_ours(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse what was sent from a page that is not ours, or from one that is too old."""
    del reason
    if request.path.startswith(_PROGRAMS):
        body = {"type": "urn:kybern:problem:csrf", "title": "Forbidden", "status": 403, "detail": "The CSRF token is missing or wrong."}
        return JsonResponse(body, status=403, content_type="application/problem+json")
    return render(request, "not_ours.html.j2", status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """Say that something went wrong, with the request's id and nothing else: no page is rendered, for that may be what failed.

    Django calls it while it handles the exception. A database that does not answer and a full disk have answers of their own.
    """
    error = sys.exc_info()[1]
    failure = failure_of(error)
    if failure is not None:
        count_failure(error)
        return failed(request, failure)
    request_id = str(getattr(request, "request_id", ""))
    if request.path.startswith(_PROGRAMS):
        body = {"type": "about:blank", "title": "Internal error", "status": 500, "detail": f"Request {request_id}"}
        return JsonResponse(body, status=500, content_type="application/problem+json")
    text = f"Something went wrong on the server, and nothing was changed. The log of the server has it under the request {request_id}.\n"
    return HttpResponse(text, status=500, content_type="text/plain; charset=utf-8")


def failed(request: HttpRequest, failure: Failure) -> HttpResponse:
    """Answer what failed beneath the server: a problem document for programs, a bare page for people; and when to ask again."""
    request_id = str(getattr(request, "request_id", ""))
    answer: HttpResponse
    if request.path.startswith(_PROGRAMS):
        body: dict[str, Any] = {
            "type": f"urn:kybern:problem:{failure.slug}",
            "title": failure.status.phrase,
            "status": int(failure.status),
            "detail": failure.detail,
            "instance": f"urn:kybern:request:{request_id}",
        }
        answer = JsonResponse(body, status=failure.status, content_type="application/problem+json")
    else:
        answer = HttpResponse(_bare_page(failure.detail, request_id), status=failure.status)
        answer["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    answer["Retry-After"] = str(failure.retry_after)
    answer["Cache-Control"] = "no-store"
    return answer


def _bare_page(detail: str, request_id: str) -> str:
    title = escape(_("The server cannot do this now"))
    words = escape(_(detail))
    told = escape(_("The log of the server has it under the request {request}.").format(request=request_id))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title></head><body><main><h1>{title}</h1><p>{words}</p><p>{told}</p></main></body></html>\n"
    )
