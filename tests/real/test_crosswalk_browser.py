"""A crosswalk's page in a real browser: read with axe, moved through by keys, a band leads to its rows without a script."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.real

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

from playwright.sync_api import Browser, expect  # noqa: E402

from kybern.catalog import crosswalk, load_catalog  # noqa: E402
from kybern.report import crosswalk_page  # noqa: E402


@pytest.mark.parametrize(("kind", "scheme", "width"), [("sankey", "light", 1280), ("matrix", "dark", 1280), ("sankey", "dark", 360)])
def test_it_is_readable_and_moved_through_by_keys(browser: Browser, tmp_path: Path, kind: str, scheme: str, width: int) -> None:
    crossing = crosswalk(load_catalog(), "ISO42001", "NIST_AI_RMF")
    file = tmp_path / "page.html"
    file.write_text(crosswalk_page(crossing, kind), encoding="utf-8")  # type: ignore[arg-type]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(file.as_uri())
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    band = page.locator("figure svg a").first
    band.focus()
    page.keyboard.press("Enter")
    target = page.locator(str(band.get_attribute("href")))
    expect(target).to_be_visible()
    context.close()
    assert said == []
