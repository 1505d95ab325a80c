"""Refusals of the frameworks beneath the API, turned into problem documents: a method that an address does not have, a bad request."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from kybern.server.api._door import PROBLEM, problem
from kybern.server.traffic.limits import API

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_FOR_PROGRAMS: Final = (API, "/scim/")
_SAID: Final = {
    HTTPStatus.NOT_FOUND: ("not-found", "There is nothing at this address."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method-not-allowed", "This address does not have this method; Allow names those it has."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too-large", "The body is larger than is read at once: send it in parts."),
}


class Problems:
    """Stands before the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the rest."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; what is refused in another form is told as a problem."""
        response = self._next(request)
        if request.path.startswith(API):
            response = _told(request, response)
        return _as_a_file(response) if request.path.startswith(_FOR_PROGRAMS) else response


def _told(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST or response.get("Content-Type", "").startswith(PROBLEM):
        return response
    slug, detail = _SAID.get(HTTPStatus(status), ("bad-request", "The request cannot be answered."))
    told = problem(request, status, slug, detail)
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in response:
            told[name] = response[name]
    return told


def _as_a_file(response: HttpResponse) -> HttpResponse:
    """Have a browser that opens an answer keep it as a file of a fixed name: it shows none as a page, whatever it takes it for."""
    kind = response.get("Content-Type", "").partition(";")[0]
    if kind:
        response.setdefault("Content-Disposition", f'attachment; filename="api.{"json" if kind.endswith("json") else "txt"}"')
    return response
