"""The witness's HTTP: `POST /add-checkpoint`, and `GET /HASH/checkpoint` for who wants to compare. Standard library only."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from kybern.cli._sockets import within
from kybern.evidence import Refused
from kybern.evidence.log import MAX_SUBMISSION, Answer, Witness

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from kybern.cli._witness_memory import WitnessMemory

_TIMEOUT_SECONDS: Final = 10
_CONNECTION_SECONDS: Final = 60
_AT_ONCE: Final = 32
_TOO_MANY: Final = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Server(ThreadingHTTPServer):
    """A witness that listens. Beyond a number of connections at once, it turns others away."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], witness: Witness, memory: WitnessMemory, now: Callable[[], int]) -> None:
        """Listen at an address; `OSError` where that cannot be."""
        self.witness, self.memory, self.now = witness, memory, now
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Serve in a thread if one is free."""
        if not self._free.acquire(blocking=False):
            if not isinstance(request, tuple):
                request.sendall(_TOO_MANY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Serve, within a time, then let the next one in."""
        try:
            if isinstance(request, tuple):  # of datagrams only, which this server does not take
                return
            with within(_CONNECTION_SECONDS, request):
                super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over what a client breaks off."""

    def answer(self, body: bytes) -> Answer:
        """Answer a submission; what the disk refuses is the server's fault, not the client's."""
        try:
            return self.witness.add_checkpoint(body, self.now())
        except (Refused, OSError):
            return Answer(500, b"the witness cannot remember this now\n")

    def shown(self, path: str) -> Answer:
        """Give the last checkpoint cosigned of the log whose name has this SHA-256."""
        for origin in self.memory.logs():
            if path == f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint":
                latest = self.memory.latest(origin)
                return Answer(404, b"nothing was cosigned yet\n") if latest is None else Answer(200, latest.note)
        return Answer(404, b"no such log here\n")


class _Handler(BaseHTTPRequestHandler):
    """Reads a request within bounds and writes the answer."""

    server: Server
    server_version = "kybern-witness"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT_SECONDS

    def do_POST(self) -> None:
        """Judge a submission."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            self._refuse(Answer(404, b"submit to /add-checkpoint\n"))
        elif not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self._refuse(Answer(411, b"a Content-Length is needed\n"))
        elif len(length) > len(str(MAX_SUBMISSION)) or int(length) > MAX_SUBMISSION:
            self._refuse(Answer(413, f"at most {MAX_SUBMISSION} bytes are read\n".encode()))
        else:
            body = self.rfile.read(int(length))
            self._write(self.server.answer(body) if len(body) == int(length) else Answer(400, b"the body is cut short\n"))

    def do_GET(self) -> None:
        """Show what was cosigned."""
        self._write(self.server.shown(self.path))

    def _refuse(self, answer: Answer) -> None:
        """Answer without reading the body, which ends the connection."""
        self.close_connection = True
        self._write(answer)

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: who asks is nobody's business, and what was decided is in the memory."""
