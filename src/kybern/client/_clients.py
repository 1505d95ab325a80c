"""The two clients: they send, sleep and close. What is sent stands in `_operations`, what is tried again in `_exchange`."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
import uuid
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import httpx

from kybern.client._exchange import Call, Patience, Wait, bearer, exchange, following, keyed
from kybern.client._operations import Operations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
    from types import TracebackType

    from kybern.client._results import Page

T = TypeVar("T")
_API: Final = "/api/v1/"


def _address(base_url: str) -> httpx.URL:
    """Read the server's address; raises ValueError for one that would send the token in the clear over a network."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        detail = "base_url is the address of the server, such as https://kybern.example.org, without user, query or fragment."
        raise ValueError(detail)
    if url.scheme == "http" and not _loopback(url.host):
        detail = f"The token would go to {url.host} in the clear: use https. Only this machine itself is talked to over http."
        raise ValueError(detail)
    return url.copy_with(path=url.path.rstrip("/") + _API)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Client(Operations):
    """What both clients are made of."""

    def __init__(self, base_url: str, token: str, timeout: float, patience: Patience | None) -> None:
        self._base = _address(base_url)
        self._headers = {"Authorization": bearer(token), "Accept": "application/json", "User-Agent": "kybern-client"}
        self._timeout = timeout
        self._patience = patience or Patience()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._base.copy_with(path=self._base.path.removesuffix(_API)))!r})"

    def _settings(self) -> dict[str, Any]:
        # Over http there is this machine only, and no proxy of the environment is to see the token on the way to it.
        return {"headers": self._headers, "timeout": self._timeout, "follow_redirects": False, "trust_env": self._base.scheme == "https"}

    def _request(self, call: Call[Any]) -> dict[str, Any]:
        url = str(self._base) + call.path
        return {"method": call.method, "url": url, "params": call.query or None, "headers": call.headers, "content": call.body}


class Kybern(_Client):
    """A server, for programs that wait for each answer. Close it, or use it in `with`. Threads may share it."""

    def __init__(  # noqa: PLR0913 - all but the first two are there for who needs them
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 30.0,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        new_key: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """Take the server's address, and a token made under Settings. Raises ValueError for an address without https that is not here.

        `timeout` is in seconds, for each step of a request; `patience` says how often and how long to try again.
        """
        super().__init__(base_url, token, timeout, patience)
        self._sleep, self._chance, self._new_key = sleep, chance, new_key
        self._http = httpx.Client(transport=transport, **self._settings())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a call and give what it answers; the operations do it for you."""
        steps = exchange(keyed(call, self._new_key), self._patience, self._chance)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Wait):
                    self._sleep(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    answer = self._http.request(**self._request(step.call))
                except httpx.RequestError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            found: T = done.value
            return found

    def follow(self, course: Generator[Call[Any], Any, T]) -> T:
        """Send what a course asks to send, until it returns; the operations do it for you."""
        try:
            call = next(course)
            while True:
                call = course.send(self.send(call))
        except StopIteration as done:
            found: T = done.value
            return found

    def pages(self, call: Call[Page[T]]) -> Iterator[T]:
        """Go through a list, fetching each page as it is come to."""
        page = self.send(call)
        yield from page.items
        while page.next:
            call = following(call, page.next)
            page = self.send(call)
            yield from page.items


class AsyncKybern(_Client):
    """A server, for programs that do other things meanwhile. Close it, or use it in `async with`."""

    def __init__(  # noqa: PLR0913 - all but the first two are there for who needs them
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 30.0,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        new_key: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """Take what `Kybern` takes."""
        super().__init__(base_url, token, timeout, patience)
        self._sleep, self._chance, self._new_key = sleep, chance, new_key
        self._http = httpx.AsyncClient(transport=transport, **self._settings())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a call and give what it answers; the operations do it for you."""
        steps = exchange(keyed(call, self._new_key), self._patience, self._chance)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Wait):
                    await self._sleep(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    answer = await self._http.request(**self._request(step.call))
                except httpx.RequestError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as done:
            found: T = done.value
            return found

    async def follow(self, course: Generator[Call[Any], Any, T]) -> T:
        """Send what a course asks to send, until it returns; the operations do it for you."""
        try:
            call = next(course)
            while True:
                call = course.send(await self.send(call))
        except StopIteration as done:
            found: T = done.value
            return found

    async def pages(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Go through a list, fetching each page as it is come to."""
        page = await self.send(call)
        for one in page.items:
            yield one
        while page.next:
            call = following(call, page.next)
            page = await self.send(call)
            for one in page.items:
                yield one
