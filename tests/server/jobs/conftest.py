"""A receiver of webhooks on this machine, and webhooks that lead to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Receiver:
    """What came in, and what is answered: a status, after some seconds, to each path its own if it has one."""

    port: int = 0
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    body: bytes = b""
    done: threading.Event = field(default_factory=threading.Event)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            found.done.wait(found.delay)
            with suppress(OSError):  # who asked may have gone
                self.send_response(found.status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(found.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # all of them have ended when the server is closed
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield found
    found.done.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def loopback(settings: Any) -> None:
    settings.KYBERN_WEBHOOKS_LOOPBACK = True


@pytest.fixture
def hook(db: None, loopback: None, receiver: Receiver) -> Callable[..., tuple[Any, str]]:
    """Make a webhook of an administrator's that leads to the receiver; gives it and its secret."""

    def made(**said: Any) -> tuple[Any, str]:
        from django.utils import timezone
        from server_world import EMAILS

        from kybern.server.access.actor import actor_of
        from kybern.server.access.models import Unit, User
        from kybern.server.events.outbox import EventType
        from kybern.server.jobs.webhooks import make_webhook

        wanted = {
            "name": "Tickets",
            "url": receiver.url,
            "types": list(EventType),
            "unit": Unit.objects.get(parent=None),
            "sensitive": False,
            "now": timezone.now(),
            **said,
        }
        role = wanted.pop("role", "administrator")
        return make_webhook(actor_of(User.objects.get(email=EMAILS[role])), **wanted)

    return made
