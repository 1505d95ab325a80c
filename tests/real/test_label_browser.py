"""The page and the badge of a readiness statement in a real browser: reachable, readable, and nothing is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

pytestmark = pytest.mark.real

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from label_world import ISSUER, KEY, assessment, document  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402

from kybern.report.label import as_jwt, badge, label_page  # noqa: E402

Opens: TypeAlias = "Callable[..., Page]"
PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("label")
    (path / "page.html").write_text(
        label_page(document(), as_jwt(document(), KEY, ISSUER), assessment(), stem="iso42001"), encoding="utf-8"
    )
    (path / "badge.svg").write_text(badge(document()), encoding="utf-8")
    return path


@pytest.fixture
def opens(browser: Browser, folder: Path) -> Iterator[Opens]:
    """Open a file; a request to anywhere, an error or a word on the console fails the test at its end."""
    contexts, said = [], []

    def open_(name: str = "page.html", *, size: dict[str, int] = DESK, scheme: str = "light") -> Page:
        context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:image")) else None)
        page.goto((folder / name).as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_on_the_page(opens: Opens, size: dict[str, int], scheme: str) -> None:
    page = opens(size=size, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one, at) => { if (at < 20 || one.matches('.source')) one.open = true })")
    results = axe.Axe().run(page, options={"resultTypes": ["violations"]})
    assert not results.violations_count, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_badge_is_an_image_with_a_name_and_is_drawn(opens: Opens) -> None:
    page = opens()
    image = page.get_by_role("img", name="Badge: ")
    expect(image).to_be_visible()
    assert page.evaluate("document.querySelector('.badge').naturalWidth") == 392


def test_the_badge_stays_within_its_card_and_reads_well_in_both_themes(opens: Opens) -> None:
    for scheme in ("light", "dark"):
        page = opens("badge.svg", scheme=scheme)
        boxes = page.evaluate(
            """[...document.querySelectorAll('text')].map(one => {
                const box = one.getBBox(); return [box.x, box.y, box.x + box.width, box.y + box.height] })"""
        )
        assert all(x >= 8 and y >= 8 and right <= 384 and bottom <= 120 for x, y, right, bottom in boxes), boxes
        contrast = page.evaluate(_CONTRAST)
        assert min(contrast) >= 4.5, (scheme, contrast)


_CONTRAST = """() => {
  const light = colour => {
    const linear = part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.match(/\\d+/g).map(part => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const card = light(getComputedStyle(document.querySelector('.card')).fill);
  return [...document.querySelectorAll('text')].map(one => {
    const ink = light(getComputedStyle(one).fill);
    return (Math.max(ink, card) + 0.05) / (Math.min(ink, card) + 0.05);
  });
}"""


def test_the_statement_on_the_page_is_the_statement(opens: Opens) -> None:
    page = opens()
    text = page.evaluate("atob(document.querySelector('a[download$=json]').href.split(',')[1])")
    assert document()["proof"]["proofValue"] in text
    with page.expect_download() as download:
        page.locator("a[download$=jwt]").click()
    assert download.value.suggested_filename == "iso42001.jwt"
