"""Both clients under one face, so that one suite asks both: the asynchronous one is driven by hand, without a loop or threads."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import httpx

from kybern.client import AsyncKybern, Kybern

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

URL = "https://kybern.example.org"
TOKEN = "kyb_secret-of-the-tests"  # noqa: S105 - of the tests
CLIENTS = ("waiting", "awaiting")


class InPlace(httpx.AsyncBaseTransport):
    """A transport that answers at once, by one that waits: nothing in it ever gives way to a loop."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answer = self._inner.handle_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())


class Driven:
    """The asynchronous client, each of whose coroutines is run to its end where it is called."""

    def __init__(self, client: AsyncKybern) -> None:
        self._client = client

    def __repr__(self) -> str:
        return repr(self._client)

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            found = operation(*args, **kwargs)
            return drive(found) if inspect.iscoroutine(found) else _listed(found)

        return call


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    message = "it waits for something"
    raise AssertionError(message)


def _listed(found: AsyncIterator[Any]) -> Iterator[Any]:
    while True:
        try:
            one = drive(anext(found))  # type: ignore[arg-type]
        except StopAsyncIteration:
            return
        yield one


def client_of(
    which: str, transport: httpx.BaseTransport, *, url: str = URL, token: str = TOKEN, waits: list[float] | None = None, **more: Any
) -> Any:
    """Make one of the two clients on a transport that waits; `waits` is told how long it would have slept."""
    slept: list[float] = [] if waits is None else waits
    if which == "waiting":
        return Kybern(url, token, transport=transport, sleep=slept.append, **more)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return Driven(AsyncKybern(url, token, transport=InPlace(transport), sleep=sleep, **more))


def answering(script: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    """A transport that answers from a function."""
    return httpx.MockTransport(script)
