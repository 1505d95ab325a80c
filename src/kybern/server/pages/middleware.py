"""What every answer carries: a request id, a content policy, headers; and what becomes of a denial or of bad input on its way out."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kybern.base import InputError
from kybern.evidence import Refused
from kybern.server._logging import REQUEST_ID
from kybern.server.access.check import Denied

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

_GIVEN: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'; worker-src 'self'"
)


class RequestContext:
    """Gives every request an id, a proxy's if it has one, and sends it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before everything else."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the id."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        request.request_id = request_id  # type: ignore[attr-defined]
        token = REQUEST_ID.set(request_id)
        try:
            response = self._next(request)
        finally:
            REQUEST_ID.reset(token)
        response["X-Request-Id"] = request_id
        return response


class ContentPolicy:
    """Allows the page's own files and nothing else, on every answer there is: those of other middleware too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before all that may answer."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers."""
        response = self._next(request)
        response.setdefault("Content-Security-Policy", POLICY)
        response.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.setdefault("X-Content-Type-Options", "nosniff")
        response.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        # The server that carries this one would name itself.
        response.setdefault("Server", "Kybern")
        # The files of the server say for themselves how long they may be kept; all else is somebody's, or soon is.
        response.setdefault("Cache-Control", "private, no-store")
        return response


class Refusals:
    """Turns refusals into pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the views."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self._next(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a denial, bad input or a refusal of the core in words."""
        from kybern.server.live import NotReady
        from kybern.server.pages.door import denied, not_ready, refused, unusable

        if isinstance(exception, Denied):
            return denied(request, exception)
        if isinstance(exception, InputError):
            return unusable(request, exception)
        if isinstance(exception, NotReady):
            return not_ready(request)
        return refused(request, exception) if isinstance(exception, Refused) else None
