"""The server: its tools put together, what goes wrong told in words, and standard input and output served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from kybern import __version__
from kybern.client import AsyncKybern, Conflict, KybernError, Unusable
from kybern.mcp._links import Links
from kybern.mcp._plain import clip
from kybern.mcp._read import Reading
from kybern.mcp._said import NOTICE
from kybern.mcp._write import Writing

if TYPE_CHECKING:
    from collections.abc import Collection

P = ParamSpec("P")
T = TypeVar("T")

INSTRUCTIONS: Final = (
    "Kybern keeps an organisation's AI management system. Status is computed from dated, signed evidence: report it as it is, with its "
    "date, and never state that somebody is certified or compliant. Give the links, so that people can check. " + NOTICE
)
_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)

WRITE: Final = "records.write"
DELETE: Final = "records.delete"


def server_for(client: AsyncKybern, site: str, *, permissions: Collection[str] = (), allow_writes: bool = False) -> MCPServer[Any]:
    """Make the server. The tools that write are in it only with `allow_writes`, and each only with its permission."""
    server: MCPServer[Any] = MCPServer(
        "kybern", title="Kybern", instructions=INSTRUCTIONS, website_url=site, version=__version__, log_level="WARNING"
    )
    links = Links(site)
    reading = Reading(client, links)
    for tool in (
        reading.readiness,
        reading.whats_missing,
        reading.requirement,
        reading.find_records,
        reading.get_record,
        reading.evidence_about,
        reading.obligations,
        reading.decide,
    ):
        server.add_tool(_told(tool), annotations=_READS)
    if allow_writes:
        writing = Writing(client, links)
        if WRITE in permissions:
            server.add_tool(_told(writing.put_record), annotations=_ADDS)
        if DELETE in permissions:
            server.add_tool(_told(writing.remove_record), annotations=_ADDS)
    return server


async def serve(client: AsyncKybern, site: str, *, allow_writes: bool, say: Callable[[str], None]) -> None:
    """Serve standard input and output until its end. Asks the server first who asks: raises `KybernError` where that fails."""
    me = await client.me()
    permissions = frozenset(me.permissions)
    if allow_writes and not permissions & {WRITE, DELETE}:
        say(f"The token has neither {WRITE} nor {DELETE}: there are no tools that write.")
    server = server_for(client, site, permissions=permissions, allow_writes=allow_writes)
    say(f"Kybern serves an assistant in the name of {me.person} at {site}{', and it may write' if allow_writes else ''}.")
    await server.run_stdio_async()


def _told(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Tell the assistant in words what went wrong, where that is anything that was foreseen."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except (KybernError, ValueError) as error:
            raise ToolError(_words(error)) from None

    return call


def _words(error: KybernError | ValueError) -> str:
    """Say what went wrong and what would be right. Kybern's words may quote what a record says, so they are bounded as all is."""
    told = [clip(str(error), 600)]
    if isinstance(error, Unusable):
        told += [clip(f"{one.pointer or one.where}: {one.detail} {one.hint}".strip()) for one in error.problems[:10]]
    if isinstance(error, Conflict):
        told.append(
            f"The version that stands now is {error.etag}: read the record again." if error.etag else "There is no such record now."
        )
    return "\n".join(told)
