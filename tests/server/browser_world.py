"""Pages in a real browser without a server: what the browser asks for is answered from what the test's client was given before."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import django_htmx
import pytest

import kybern.report as report_package
import kybern.server.pages as pages_package

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.test import Client
    from playwright.sync_api import Browser, Page

Answer: TypeAlias = "tuple[int, dict[str, str], bytes]"
"""A status, headers and a body."""
HOST = "http://127.0.0.1:8042"
ROOTS = tuple(Path(one.__path__[0]) / "static" for one in (pages_package, report_package, django_htmx))
KINDS = {".css": "text/css", ".js": "text/javascript"}


def answers_of(client: Client, paths: Sequence[str]) -> dict[str, Answer]:
    """Ask for pages and keep the answers: a test changes them as an attacker would."""
    found = {}
    for path in paths:
        answer = client.get(path)
        found[path] = (answer.status_code, dict(answer.headers), answer.content)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; without Playwright or Debian's Chromium the test is skipped. No database is asked while it runs."""
    if shutil.which("chromium") is None:
        pytest.skip("Debian's chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--no-first-run"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(answers: dict[str, Answer], path: str) -> Iterator[Page]:
    """Open a page in Chromium on these answers."""
    with chromium() as browser:
        page = browser.new_page()
        page.route("**/*", lambda route: route.fulfill(**answer_of(answers, urlsplit(route.request.url).path)))
        page.goto(HOST + path)
        yield page


def answer_of(answers: dict[str, Answer], path: str) -> dict[str, object]:
    """Answer from what is known, and from the files of the pages."""
    if path in answers:
        status, headers, body = answers[path]
        return {"status": status, "headers": headers, "body": body}
    return _file(path.removeprefix("/static/"))


@cache
def _file(name: str) -> dict[str, object]:
    file = next((root / name for root in ROOTS if (root / name).is_file()), None)
    if file is None:
        return {"status": 404, "body": b""}
    return {"status": 200, "content_type": KINDS.get(file.suffix, "application/octet-stream"), "body": file.read_bytes()}
