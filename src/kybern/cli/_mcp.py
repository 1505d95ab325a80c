"""`kybern mcp`: a server for assistants (Model Context Protocol) over standard input and output, in front of a Kybern server."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from kybern.cli._shared import refuse

_LONGEST = 2000


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.command("mcp")(mcp)


def mcp(
    url: Annotated[str, typer.Option("--url", metavar="URL", envvar="KYBERN_SERVER", help="The address of the Kybern server.")],
    token_file: Annotated[
        Path,
        typer.Option("--token-file", metavar="FILE", envvar="KYBERN_TOKEN_FILE", help="The file with the token; it is given no other way."),
    ],
    allow_writes: Annotated[
        bool, typer.Option("--allow-writes", help="Let the assistant write and remove records too, as far as the token may.")
    ] = False,
) -> None:
    """Serve an assistant over standard input and output (Model Context Protocol): what it may read, and what stands in the way."""
    token = _read_token(token_file)
    try:
        import anyio  # noqa: PLC0415 - see the docstring of `_shared`

        from kybern.client import AsyncKybern, KybernError  # noqa: PLC0415
        from kybern.mcp import serve  # noqa: PLC0415
    except ImportError as error:
        refuse("no-mcp", f"The packages for it are not installed ({error.name}).", "Install kybern[mcp].")
    try:
        client = AsyncKybern(url, token)
    except ValueError as error:
        refuse("address", str(error))
    site = url.rstrip("/")
    try:
        anyio.run(partial(serve, client, site, allow_writes=allow_writes, say=partial(typer.echo, err=True)))
    except KybernError as error:
        refuse("no-answer", f"The server at {site} does not let the token in: {error}")
    except KeyboardInterrupt:
        raise typer.Exit from None


def _read_token(path: Path) -> str:
    """Read the token; tells whoever starts it if others can read it too."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_LONGEST).decode("utf-8", "replace").strip()
    except OSError as error:
        refuse("no-token", f"{path} cannot be read: {error.strerror}.")
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        typer.echo(f"Others on this machine can read {path}: chmod 600 keeps the token to yourself.", err=True)
    return text
