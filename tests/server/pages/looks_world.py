"""The style guide as a page: rendered by Jinja alone, served on loopback with what it asks for."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django_htmx
from django.conf import settings
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
    settings.configure(USE_I18N=False)

import kybern.server.pages as pages_package
from kybern.assessment import Status
from kybern.server.pages._looks import FILTERS, GLOBALS
from kybern.server.pages._navigation import navigation

PAGES = Path(pages_package.__file__).parent
HTMX = Path(django_htmx.__file__).parent / "static"
AS_OF = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'"


def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(PAGES / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(GLOBALS, static=lambda name: f"/static/{name}")
    made.filters.update(FILTERS)
    return made


def frame(path: str = "/systems", **more: Any) -> dict[str, Any]:
    """What a page gives its frame."""
    return {
        "lang": "en",
        "nav": navigation(path, lambda _: True),
        "organization": "Nordlicht Bank",
        "version": "9.9.9",
        "csrf_input": Markup('<input type="hidden" name="csrfmiddlewaretoken" value="t">'),
        "standing": SimpleNamespace(assessment=SimpleNamespace(as_of=AS_OF), entries=1204),
        "user": SimpleNamespace(name="Mara Lindqvist", email="mara@nordlicht.example"),
        "units": [{"label": "All units", "href": "?unit=", "current": True}, {"label": "Retail", "href": "?unit=retail", "current": False}],
        "languages": [("en", "English"), ("de", "Deutsch")],
        "live_href": "/events?page=systems",
        "sample_here": False,
        **more,
    }


def sample() -> SimpleNamespace:
    counts = {Status.MET: 61, Status.PARTLY_MET: 22, Status.EXPIRED: 4, Status.NOT_MET: 9, Status.UNKNOWN: 18, Status.NOT_APPLICABLE: 4}
    return SimpleNamespace(
        as_of=AS_OF,
        later=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        readiness=SimpleNamespace(coverage=0.7243, strength=3.4, freshness=0.81),
        counts=counts,
        nothing={},
        query="q=credit&status=partly_met&sort=-coverage&after=x",
    )


def styleguide(**more: Any) -> str:
    return environment().get_template("styleguide.html.j2").render({**frame(**more), "sample": sample()})


def plain() -> str:
    """A page with its frame and nothing else."""
    return environment().from_string('{% extends "base.html.j2" %}{% block title %}Rules{% endblock %}').render(frame())


@dataclass
class Served:
    """The little server, and what a test may turn."""

    address: str = ""
    hits: list[dict[str, str]] = field(default_factory=list)
    delay: float = 0.0
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    change: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)


def _handler(served: Served) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one small method an address
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path.startswith("/static/"):
                self._file(url.path.removeprefix("/static/"))
            elif url.path == "/palette":
                self._palette(parse_qs(url.query).get("q", [""])[0])
            elif url.path == "/events":
                self._events()
            elif url.path == "/slow":
                time.sleep(2.6)
                self._answer("text/html; charset=utf-8", b"<p>done</p>")
            elif url.path == "/favicon.ico":
                self._answer("image/x-icon", b"")
            elif url.path == "/plain":
                self._answer("text/html; charset=utf-8", plain().encode())
            else:
                self._answer("text/html; charset=utf-8", styleguide(path=url.path).encode())

        def do_POST(self) -> None:
            served.posted.append(self.path)
            self.do_GET()

        def _file(self, name: str) -> None:
            found = next((root / name for root in (PAGES / "static", HTMX) if (root / name).is_file()), None)
            if found is None:
                self.send_error(404)
                return
            self._answer("text/css" if name.endswith(".css") else "text/javascript", found.read_bytes())

        def _palette(self, asked: str) -> None:
            served.asked.append(asked)
            time.sleep(served.delay)
            if served.broken:
                self.send_error(500)
                return
            fits = [hit for hit in served.hits if asked.lower() in hit["label"].lower()]
            self._answer("application/json", json.dumps(fits).encode())

        def _events(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            while not served.stop.is_set():
                if served.change.wait(0.05):
                    served.change.clear()
                    self.wfile.write(b"id: 1205\nevent: changed\ndata: {}\n\n")
                    self.wfile.flush()

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
            """Say nothing."""

    return Handler


@contextmanager
def serving() -> Iterator[Served]:
    """Serve the style guide for every page address, its files, a stub palette and a stream of changes."""
    served = Served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    server.daemon_threads = True
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
