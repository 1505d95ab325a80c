"""The MCP server: what an assistant may ask of a Kybern server, over `kybern.client` alone.

It stands in a room of its own above the client: the client needs httpx and pydantic and no SDK, and whoever serves assistants needs no
more of Kybern than the client. Reading is all there is by default; tools that write come by the operator's grant and the token's scope.
"""

from kybern.mcp._plain import MOST
from kybern.mcp._said import NOTICE
from kybern.mcp._server import serve, server_for

__all__ = ["MOST", "NOTICE", "serve", "server_for"]
