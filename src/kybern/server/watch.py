"""Watches every request: counts it, times it, writes its line in the access log, makes its span. Named by its route, never by its path."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kybern.server import _metrics, _tracing
from kybern.server._logging import ACCESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_LOG: Final = logging.getLogger(ACCESS)
_STATIC: Final = "static/"
_BAD: Final = 400
_BROKEN: Final = 500
_PROBES: Final = frozenset(("health/live", "health/ready", "metrics"))


class Watch:
    """Stands outside everything but the request's id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the rest."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and tell of it."""
        begun = time.perf_counter()
        with _tracing.request_span(request) as span:
            response = self._next(request)
            seconds = time.perf_counter() - begun
            route, method, status = route_of(request), request.method or "", response.status_code
            _tracing.end_request(span, method, route, status)
        _metrics.count_request(route, method, status, seconds)
        if route not in _PROBES or status >= _BAD:
            self._tell(request, route, status, seconds)
        return response

    @staticmethod
    def _tell(request: HttpRequest, route: str, status: int, seconds: float) -> None:
        level = logging.ERROR if status >= _BROKEN else logging.INFO
        who = getattr(getattr(request, "actor", None), "user", None)
        said = {
            "request_id": getattr(request, "request_id", ""),
            "method": str(request.method)[:20],
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
            "actor": "" if who is None else who.handle,
        }
        _LOG.log(level, "%s %s %d", said["method"], route, status, extra=said)


def route_of(request: HttpRequest) -> str:
    """Name the route that a request took: the pattern it matched, of which there are a few hundred at most."""
    if request.path.startswith(settings.STATIC_URL):
        return _STATIC
    if request.path.startswith("/health/") and request.path.strip("/") in _PROBES:
        return request.path.strip("/")
    match = request.resolver_match
    return _metrics.NO_ROUTE if match is None else match.route or "/"
