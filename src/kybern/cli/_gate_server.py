"""The server behind `kybern gate serve`: bounded, and closed. Apart from the command, so that no other pays for its imports."""

from __future__ import annotations

import socket
import ssl
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kybern.cli._gate import Run
from kybern.cli._policy import append_decision
from kybern.cli._shared import now, refuse
from kybern.cli._stop import stop_when_told

if TYPE_CHECKING:
    from kybern.gate import Admission

TIMEOUT = 10.0
"""Seconds that a client may take to ask: an API server waits no longer for an answer."""
MOST_AT_ONCE = 16
"""Questions that are answered at once; who comes then is told to come again."""
PATH = "/admit"


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """Make a server's TLS context; exits 2 where certificate or key cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        refuse("bad-certificate", f"The certificate cannot be used: {error}.")
    return context


def serve_until_told(host: str, port: int, desk: Desk, context: ssl.SSLContext | None) -> None:
    """Serve until the process is told to end; says where it listens. Exits 2 where nobody can listen."""
    try:
        server = _Server((host, port), desk, context)
    except OSError as error:
        refuse("cannot-listen", f"Nobody can listen on {host}:{port}: {error.strerror or error}.")
    stop_when_told(server.shutdown)
    bound = server.server_address
    typer.echo(f"listening on {'https' if context else 'http'}://{bound[0]!s}:{bound[1]}{PATH}")
    with server:
        server.serve_forever(poll_interval=0.1)


class Desk:
    """Answers questions about a workspace, which is read anew for each: what was signed or stated since counts."""

    def __init__(self, root: Path, label: str, record: Path | None) -> None:
        """Remember where, by which label, and where decisions are recorded."""
        self._root, self._label, self._record = root, label, record
        self._one_writer = threading.Lock()

    def answered(self, body: bytes) -> bytes:
        """Answer a question. Raises `NoReviewError` where it is none; everything else that goes wrong is a refusal."""
        from kybern.gate import answer, read_admission  # noqa: PLC0415 - see the docstring of `_shared`

        asked = read_admission(body, self._label)
        try:
            allowed, message, warnings = self._judged(asked)
        except typer.Exit:
            allowed, message, warnings = False, "The gate cannot judge this: the server's log says why.", ()
        except Exception as error:  # noqa: BLE001 - closed: whatever it is, the answer is no
            typer.echo(f"error: {type(error).__name__}: {error}", err=True)
            allowed, message, warnings = False, "The gate failed: the server's log says why.", ()
        typer.echo(f"{asked.uid} {asked.what}: {'allowed' if allowed else 'denied'}. {message}", err=True)
        return answer(asked.uid, message, allowed=allowed, warnings=warnings)

    def _judged(self, asked: Admission) -> tuple[bool, str, tuple[str, ...]]:
        from kybern.gate import held_by, verdict  # noqa: PLC0415

        if asked.stage is None:
            return False, "There is no gate for this operation.", ()
        if asked.system is None:
            return False, f"{asked.what} names no AI system: give it the label {self._label}.", ()
        run = Run.opened(self._root, now())
        outcome = run.judged(asked.stage, asked.system, (), (), None, None)
        if self._record is not None and not asked.dry_run:
            with self._one_writer:
                append_decision(self._record, outcome.decision, outcome.facts)
        reasons = [f"{name}: {text}" for name, text in held_by(outcome)]
        warnings = tuple(f"{one.control.id} {one.status.label}: {one.control.title}" for one in outcome.shortfalls)
        return outcome.allowed, " ".join((f"{verdict(outcome)}.", *reasons)), warnings


class _Server(ThreadingHTTPServer):
    """Serves a bounded number of questions at once."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], desk: Desk, context: ssl.SSLContext | None) -> None:
        self.desk, self.context = desk, context
        self.free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the thread of the request, so that a silent client holds up nobody else."""
        request.settimeout(TIMEOUT)
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as safe:
            super().finish_request(safe, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - its caller's form
        """Say in a line that a connection broke off: no traceback, no more of it."""
        typer.echo(f"a connection from {client_address[0]} broke off", err=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "kybern", ""
    timeout = TIMEOUT

    def do_GET(self) -> None:
        """Say that the server is there."""
        known = self.path == "/healthz"
        self._reply(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, b"ok\n" if known else b"not found\n", "text/plain")

    def do_POST(self) -> None:
        """Answer a question."""
        from kybern.gate import ADMISSION_BYTES, NoReviewError  # noqa: PLC0415

        length = self.headers.get("Content-Length", "")
        if self.path.partition("?")[0] != PATH:
            self._reply(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain")
        elif not (length.isascii() and length.isdigit()):
            self._reply(HTTPStatus.LENGTH_REQUIRED, b"say how long it is\n", "text/plain")
        elif len(length) > len(str(ADMISSION_BYTES)) or int(length) > ADMISSION_BYTES:
            self._reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"it is too large\n", "text/plain")
        elif not self.server.free.acquire(blocking=False):
            self._reply(HTTPStatus.SERVICE_UNAVAILABLE, b"too many at once\n", "text/plain")
        else:
            try:
                self._reply(HTTPStatus.OK, self.server.desk.answered(self.rfile.read(int(length))), "application/json")
            except NoReviewError as error:
                self._reply(HTTPStatus.BAD_REQUEST, f"no AdmissionReview v1: {error}\n".encode(), "text/plain")
            finally:
                self.server.free.release()

    def _reply(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its caller's name
        """Say nothing for each request: the desk says what it decided."""
