"""When a session was last seen, for the list of one's sessions: told to the database once a minute, not with every page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from allauth.usersessions.internal import usersessionkit

from kybern.server.access.middleware import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

EVERY_SECONDS: Final = 60.0
_MOST: Final = 10_000
"""Sessions that a process remembers; beyond them it begins anew."""


class Activity:
    """Notes that a session is in use: at once where it is new to this process or comes from elsewhere, else once a minute."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse], clock: Callable[[], float] = time.monotonic) -> None:
        """Take the next in line, and what tells the seconds."""
        self._next, self._clock = get_response, clock
        self._seen: dict[tuple[str | None, str, str], float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note it, and answer."""
        if request.session.session_key is not None and self._due(request):
            usersessionkit.track_activity(request, user=request.user, session=request.session)
        return self._next(request)

    def _due(self, request: HttpRequest) -> bool:
        now = self._clock()
        key = (request.session.session_key, address_of(request), request.headers.get("User-Agent", "")[:200])
        if now - self._seen.get(key, -EVERY_SECONDS) < EVERY_SECONDS:
            return False
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[key] = now
        return True
