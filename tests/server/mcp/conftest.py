"""The MCP server on the real server, asked by the SDK's own client over streams in memory."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from mcp.client.client import Client

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "client"))

from django_transport import InProcess
from server_world import token_of

from kybern.client import AsyncKybern
from kybern.mcp import server_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.types import CallToolResult, Tool

URL = "http://localhost"


class Assistant:
    """What an assistant sees: tools, and what calling one answers."""

    def __init__(self, token: str, permissions: list[str], mode: str, *, allow_writes: bool) -> None:
        self._token, self._permissions, self._mode, self._writes = token, permissions, mode, allow_writes

    def tools(self) -> dict[str, Tool]:
        async def ask(client: Client) -> dict[str, Tool]:
            return {one.name: one for one in (await client.list_tools()).tools}

        found: dict[str, Tool] = self._ask(ask)
        return found

    def call(self, name: str, **arguments: Any) -> CallToolResult:
        async def ask(client: Client) -> CallToolResult:
            return await client.call_tool(name, arguments)

        found: CallToolResult = self._ask(ask)
        return found

    def told(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that answers, and give its structured content."""
        found = self.call(name, **arguments)
        assert not found.is_error, found.content
        assert found.structured_content is not None
        return found.structured_content

    def _ask(self, ask: Callable[[Client], Awaitable[Any]]) -> Any:
        async def run(transport: httpx.AsyncBaseTransport) -> Any:
            async with AsyncKybern(URL, self._token, transport=transport) as kybern:
                server = server_for(kybern, URL, permissions=self._permissions, allow_writes=self._writes)
                async with Client(server, mode=self._mode) as client:
                    return await ask(client)

        return beside(run)


class Handed(httpx.AsyncBaseTransport):
    """Hands what is to be answered to another thread."""

    def __init__(self, asked: Queue[tuple[httpx.Request, Future[httpx.Response]] | None]) -> None:
        self._asked = asked

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answer: Future[httpx.Response] = Future()
        self._asked.put((request, answer))
        return await asyncio.wrap_future(answer)


def beside(run: Callable[[httpx.AsyncBaseTransport], Awaitable[Any]]) -> Any:
    """Run a loop in a thread of its own, and answer what it asks in this one, where the test's transaction is."""
    server = InProcess()
    asked: Queue[tuple[httpx.Request, Future[httpx.Response]] | None] = Queue()
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(anyio.run, run, Handed(asked))
        found.add_done_callback(lambda _: asked.put(None))
        while (one := asked.get()) is not None:
            request, answer = one
            answer.set_result(server.handle_request(request))
        return found.result()


@pytest.fixture
def assistant(db: None) -> Callable[..., Assistant]:
    """Give an assistant with a token of the user who has this role; `legacy` speaks the protocol's older way, over streams."""

    def made(role: str, *, allow_writes: bool = False, scopes: list[str] | None = None, mode: str = "legacy") -> Assistant:
        from server_world import EMAILS

        from kybern.server.access.actor import actor_of
        from kybern.server.access.models import User

        held = actor_of(User.objects.get(email=EMAILS[role]), None if scopes is None else frozenset(scopes)).units
        return Assistant(token_of(role, scopes), [one.value for one, units in held.items() if units], mode, allow_writes=allow_writes)

    return made
