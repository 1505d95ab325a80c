"""`kybern gate serve`: a validating webhook for Kubernetes, which asks the gate before an AI system goes into use.

Whatever goes wrong is denied: a workspace that cannot be read, an object that names no AI system, a question that is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kybern.cli import _gate
from kybern.cli._gate import Run
from kybern.cli._shared import WorkspaceOption, now, open_root, refuse


def register(_: typer.Typer) -> None:
    """Add the command to the group `gate`."""
    _gate.app.command()(serve)


def serve(
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Listen on this address; beyond loopback only with TLS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Listen on this port; 0 for any that is free.")] = 8443,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key, PEM.")] = None,
    label: Annotated[
        str, typer.Option("--label", metavar="KEY", help="The label by which an object names its AI system.")
    ] = "kybern/ai-system",
    record: Annotated[Path | None, typer.Option("--record", metavar="FILE", help="Append every decision to this file.")] = None,
    directory: WorkspaceOption = Path(),
) -> None:
    """Serve the gate to a Kubernetes API server as a validating webhook, at /admit. What cannot be judged is denied."""
    from kybern.cli._gate_server import Desk, serve_until_told, tls_context  # noqa: PLC0415 - ssl and http.server take their time

    root = open_root(directory)
    if (tls_cert is None) != (tls_key is None):
        refuse("no-tls", "A certificate and its key go together.", "Name both --tls-cert and --tls-key.")
    context = tls_context(tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None
    if context is None and not _is_loopback(host):
        refuse("no-tls", f"{host} is not a loopback address, and there is no certificate.", "Name --tls-cert and --tls-key.")
    Run.opened(root, now())  # what cannot be read is told at once, and not to an API server
    serve_until_told(host, port, Desk(root, label, record), context)


def _is_loopback(host: str) -> bool:
    import ipaddress  # noqa: PLC0415

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
