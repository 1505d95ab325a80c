"""One request and its answer, retries included, as steps that say what to do next and do nothing themselves.

A driver (`_clients`) carries the steps out: it sends what `Send` holds and gives the answer back, or throws in what hindered it; it
sleeps as long as `Wait` says. Both clients have the same steps, so what is retried, when and how often is written once, and tests need
neither network nor clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import quote

import httpx

from kybern.client._errors import BadAnswer, RateLimited, StillRunning, Unavailable, Unreachable, error_of

T = TypeVar("T")
IDEMPOTENCY: Final = "Idempotency-Key"
_SAFE: Final = frozenset(("GET", "HEAD"))
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""What hinders a request before any of it is on its way."""

_HOPELESS: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@dataclass(frozen=True)
class Call(Generic[T]):
    """One operation of the API: what to send, and how to read what comes back."""

    method: str
    path: str
    """Below the base address, each part quoted by `path_of`."""
    read: Callable[[httpx.Response], T]
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str | bytes], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    writes: bool = False
    """Whether it changes something, and so is sent with an Idempotency-Key: under one key the server does it once."""
    repeatable: bool = False
    """Whether sending it twice is the same as once, though it is no safe method."""
    turn: str = "cursor"
    """The name in the query that asks for a list's next page."""

    @property
    def safe(self) -> bool:
        """Whether it changes nothing."""
        return self.method in _SAFE


@dataclass(frozen=True)
class Send:
    """Send this, and give the answer back."""

    call: Call[Any]


@dataclass(frozen=True)
class Wait:
    """Sleep."""

    seconds: float


PutOff: TypeAlias = RateLimited | StillRunning | Unavailable
"""What the server did not do now, and may do later."""

Steps: TypeAlias = Generator[Send | Wait, httpx.Response | None, T]


@dataclass(frozen=True)
class Patience:
    """How often and how long to try again. Waits double, each with full jitter, so that many clients do not come back at once."""

    attempts: int = 4
    """In all, the first included."""
    first: float = 0.5
    """Seconds of the first wait, at most."""
    longest: float = 60.0
    """No wait is longer; where the server asks for a longer one, the error is raised at once."""

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 <= self.first <= self.longest:
            detail = "Patience needs attempts >= 1 and 0 <= first <= longest."
            raise ValueError(detail)

    def wait(self, attempt: int, chance: float, asked: float | None = None) -> float | None:
        """Give the seconds to wait after an attempt (1, 2, …), None to give up. `chance` is random in [0, 1), `asked` the server's wish."""
        if attempt >= self.attempts:
            return None
        if asked is None:
            return chance * min(self.longest, self.first * 2.0 ** min(attempt - 1, 60))
        return None if asked > self.longest else min(self.longest, asked + chance * self.first)


def exchange(call: Call[T], patience: Patience, chance: Callable[[], float]) -> Steps[T]:
    """Send a call and read its answer; try again what may be tried again. Raises the errors of `_errors`."""
    attempt = 0
    while True:
        attempt += 1
        try:
            answer = yield Send(call)
        except httpx.RequestError as error:
            wait = patience.wait(attempt, chance()) if _again(call, error) else None
            if wait is None:
                raise _unreachable(error) from None  # what httpx raises holds the request, and with it the token
        else:
            assert answer is not None  # noqa: S101 - the driver answers every Send
            if answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
                return _read(call, answer)
            problem = error_of(answer)
            wait = None
            if isinstance(problem, PutOff) and _worth(call, problem):
                wait = patience.wait(attempt, chance(), problem.retry_after)
            if wait is None:
                raise problem
        yield Wait(wait)


def _again(call: Call[Any], error: httpx.RequestError) -> bool:
    """Tell whether a request that no answer came to may be sent again: nothing of it was sent, or twice is the same as once."""
    if isinstance(error, _HOPELESS):
        return False
    return call.safe or call.repeatable or isinstance(error, _UNSENT)


def _worth(call: Call[Any], problem: PutOff) -> bool:
    """Tell whether a request that was put off may be sent again. Who is away and does not say for how long is not waited for."""
    return (call.safe or call.repeatable) and (isinstance(problem, RateLimited) or problem.retry_after is not None)


def _unreachable(error: httpx.RequestError) -> Unreachable:
    sent = not isinstance(error, _UNSENT)
    what = "took too long to answer" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
    what = "broke off before it had answered" if sent and not isinstance(error, httpx.TimeoutException) else what
    return Unreachable(f"The server {what} ({type(error).__name__}).", sent=sent)


def _read(call: Call[T], answer: httpx.Response) -> T:
    try:
        return call.read(answer)
    except (ValueError, KeyError, TypeError, RecursionError):  # pydantic's errors are ValueErrors; they quote what came
        detail = f"The answer to {call.method} {call.path} is not as this version of the client knows it."
        raise BadAnswer(detail, answer.status_code) from None


def path_of(*parts: str) -> str:
    """Write a path, each part quoted; raises ValueError for a part that would lead elsewhere."""
    for part in parts:
        if part in {"", ".", ".."}:
            detail = f"{part!r} names nothing."
            raise ValueError(detail)
    return "/".join(quote(part, safe=":") for part in parts)


def query_of(**values: str | int | bool | None) -> tuple[tuple[str, str], ...]:
    """Write a query; what is None is left out. A name's last underscore, of a word of Python's own, falls away."""
    said = ((name.rstrip("_"), value) for name, value in values.items() if value is not None)
    return tuple((name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in said)


_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,1000}")


def bearer(token: str) -> str:
    """Write the header's value; raises ValueError, without the text, where it cannot be a token: no line end becomes a header."""
    if not _TOKEN.fullmatch(token):
        detail = "What was given is no token: it is empty, or holds signs that no token has, such as spaces or a line's end."
        raise ValueError(detail)
    return f"Bearer {token}"


def keyed(call: Call[T], new_key: Callable[[], str]) -> Call[T]:
    """Name a call that writes, once for all its attempts, so that the server does it once."""
    if not call.writes:
        return call
    if not any(name == IDEMPOTENCY for name, _ in call.headers):
        call = replace(call, headers=(*call.headers, (IDEMPOTENCY, new_key())))
    return replace(call, repeatable=True)


def following(call: Call[T], cursor: str) -> Call[T]:
    """Ask for the page that a cursor names; raises `BadAnswer` for the page one is on, which would never end."""
    if (call.turn, cursor) in call.query:
        detail = f"The list {call.path} leads from a page to the same page."
        raise BadAnswer(detail, HTTPStatus.OK)
    return replace(call, query=(*(one for one in call.query if one[0] != call.turn), (call.turn, cursor)))
