"""How many requests a minute the API answers: for each token or user, and for each address that nobody vouches for.

Windows are fixed minutes. Each process of the server counts its own, so several workers together answer up to as many times more.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kybern.server.access.middleware import actor
from kybern.server.api._door import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from kybern.server.access.actor import Actor

API: Final = "/api/"
WINDOW: Final = 60
STRANGERS: Final = 10
"""Who is not signed in has this part of the limit."""


@dataclass(frozen=True)
class Left:
    """What is left of a limit: how many more, until the window ends in so many seconds; `more` below 0 is one too many."""

    policy: str
    quota: int
    more: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of draft-ietf-httpapi-ratelimit-headers."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW}',
            "RateLimit": f'"{self.policy}";r={max(self.more, 0)};t={self.seconds}',
        }


class Counter:
    """Counts within the present window."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}

    def count(self, name: str, now: float) -> tuple[int, int]:
        """Count one more; gives how many there were in this window with it, and in how many seconds it ends."""
        window, into = divmod(int(now), WINDOW)
        with self._lock:
            if window != self._window:
                self._window, self._counts = window, {}
            self._counts[name] = found = self._counts.get(name, 0) + 1
        return found, WINDOW - into


_COUNTER: Final = Counter()


def forget() -> None:
    """Begin to count anew."""
    _COUNTER.__init__()  # type: ignore[misc]  # as it was made


def left_of(who: Actor, now: float) -> Left | None:
    """Count a request, and tell what is left of its limit; None where there is none."""
    most: int = settings.KYBERN_RATE_LIMIT
    if not most:
        return None
    name, policy, quota = _counted_as(who, most)
    found, seconds = _COUNTER.count(name, now)
    return Left(policy, quota, quota - found, seconds)


def _counted_as(who: Actor, most: int) -> tuple[str, str, int]:
    if who.token_id is not None:
        return f"token {who.token_id}", "token", most
    if who.user is not None:
        return f"user {who.user.pk}", "user", most
    return f"address {network_of(who.address)}", "address", max(most // STRANGERS, 1)


def network_of(address: str) -> str:
    """Name what an address is counted as: itself, of IPv6 the network of 64 bits that one subscriber has whole."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((int(found), 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


class Limits:
    """Stands before the API, behind the actor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the rest."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or tell when to ask again."""
        if not request.path.startswith(API):
            return self._next(request)
        left = left_of(actor(request), time.time())
        if left is None:
            return self._next(request)
        if left.more < 0:
            detail = f"At most {left.quota} requests a minute are answered here; ask again in {left.seconds} seconds."
            response = problem(request, HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", detail)
            response["Retry-After"] = str(left.seconds)
        else:
            response = self._next(request)
        for name, value in left.headers.items():
            response[name] = value
        return response
