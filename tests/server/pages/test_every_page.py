"""Every page in Chromium, as the administrator sees it: axe, the console, the policy, and nothing wider than the window."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.real

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

from browser_world import HOST, Answer, answer_of, chromium  # noqa: E402
from every_page import addresses  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client
    from playwright.sync_api import BrowserContext, Page

MODES = {
    "light desk": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark phone": {"color_scheme": "dark", "viewport": {"width": 360, "height": 780}},
}
"""Two of the four: what is wrong in light is seen on the desk, in dark on the phone; `test_looks` has every part in all four."""
_PARTS = 3


@pytest.mark.parametrize("part", range(_PARTS))
def test_every_page_is_whole(sign_in: Callable[[str], Client], part: int) -> None:
    """What the server answers is the same in each mode, so it is asked once."""
    answers, faults = _answers(sign_in("administrator"), part), []
    with chromium() as browser:
        for mode, said in MODES.items():
            context = browser.new_context(reduced_motion="reduce", **said)  # type: ignore[arg-type]
            faults += [f"{mode}: {fault}" for address, answer in answers.items() for fault in _opened(context, address, answer)]
            context.close()
    assert not faults, "\n".join(faults)


def test_no_page_loads_more_than_150_kb_of_script(sign_in: Callable[[str], Client]) -> None:
    for address, (_, _, body) in _answers(sign_in("administrator")).items():
        scripts = set(re.findall(r'<script[^>]* src="([^"?]+)', body.decode()))
        assert scripts, address
        assert sum(len(bytes(answer_of({}, one)["body"])) for one in scripts) < 150_000, (address, scripts)  # type: ignore[arg-type]


def _answers(client: Client, part: int | None = None) -> dict[str, Answer]:
    found = {}
    for address in addresses()[part::_PARTS] if part is not None else addresses():
        answer = client.get(address, HTTP_ACCEPT="text/html", follow=address.startswith("/accounts/"))
        assert answer.status_code == 200, (address, answer.status_code)
        found[address] = (200, dict(answer.headers), answer.content)
    return found


def _opened(context: BrowserContext, address: str, answer: Answer) -> list[str]:
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type in {"warning", "error"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    known = {urlsplit(address).path: answer}
    page.route("**/*", lambda route: route.fulfill(**answer_of(known, urlsplit(route.request.url).path)))
    page.goto(HOST + address, wait_until="load")
    faults = _faults(page)
    page.close()
    return [f"{address}: {one}" for one in (*faults, *(f"the console says {one}" for one in said if "404" not in one))]


def _faults(page: Page) -> list[str]:
    found = []
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("it is wider than the window")
    if page.locator("h1").count() != 1:
        found.append(f"it has {page.locator('h1').count()} headings of the first rank")
    # Off unless asked for: WCAG 2.2's 2.5.8, what is touched is 24 by 24 or stands apart.
    results = axe.Axe().run(page, options={"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}})
    found += [
        f"axe: {one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])} times)"
        for one in results.response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    return found
