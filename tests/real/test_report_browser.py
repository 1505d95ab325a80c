"""The page in a real browser: Debian's Chromium, with axe. It must be reachable, readable and still in both themes and on a phone."""

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

from playwright.sync_api import Browser, Page, expect  # noqa: E402
from report_world import REFUSED, assessed  # noqa: E402

from kybern.report import html_report  # noqa: E402

Opens: TypeAlias = "Callable[..., Page]"
PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html_report(assessed(), REFUSED, "9.9.9", ["ISO42001"]), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opens(browser: Browser, file: str) -> Iterator[Opens]:
    """Open the page; a request to anywhere, an error or a word on the console fails the test at its end."""
    contexts, said = [], []

    def open_(where: str = "", *, size: dict[str, int] = DESK, scheme: str = "light", script: bool = True) -> Page:
        context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=script)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith(file) else None)
        page.goto(file + where)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize(
    ("where", "size", "scheme"),
    [
        ("", DESK, "light"),
        ("", PHONE, "dark"),
        ("#system-credit", DESK, "dark"),
        ("#system-credit", PHONE, "light"),
        ("#req-ISO42001-A.7.4", DESK, "dark"),
    ],
    ids=["desk light", "phone dark", "system desk dark", "system phone light", "requirement desk dark"],
)
def test_axe_finds_nothing(opens: Opens, where: str, size: dict[str, int], scheme: str) -> None:
    page = opens(where, size=size, scheme=scheme)
    page.evaluate(
        "document.querySelectorAll('.how, .ans, .layer, .ctl, .more, .part').forEach((one, at) => { if (at < 30) one.open = true })"
    )
    found = _axe(page)
    assert not found, found


def _axe(page: Page) -> str:
    results = axe.Axe().run(page, options={"resultTypes": ["violations"]})
    return results.generate_report() if results.violations_count else ""


@pytest.mark.parametrize("where", ["", "#system-credit", "#req-ISO42001-A.7.4", "#control-DAT-04", "#documented"])
def test_nothing_is_wider_than_a_phone(opens: Opens, where: str) -> None:
    page = opens(where, size=PHONE)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_first_tab_reaches_the_skip_link_and_it_leads_to_the_content(opens: Opens) -> None:
    page = opens()
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_a_cell_of_the_map_is_reached_by_keyboard_and_opens_its_chapter(opens: Opens) -> None:
    page = opens()
    cell = page.locator("svg.heat a[data-layer=L3]").first
    cell.focus()
    page.keyboard.press("Enter")
    chapter = page.locator(cell.get_attribute("href") or "")
    expect(chapter).to_have_attribute("open", "")
    expect(chapter.locator("> summary")).to_be_focused()
    expect(page.locator("select[name=layer]")).to_have_value("L3")


def test_the_filter_narrows_both_lists_says_how_many_and_is_kept_in_the_address(opens: Opens) -> None:
    page = opens()
    page.locator("input[name=q]").fill("bias")
    leaves, gaps = page.locator(".req.leaf:not([hidden])"), page.locator(".gap:not([hidden])")
    few, few_gaps = leaves.count(), gaps.count()
    assert 0 < few < page.locator(".req.leaf").count()
    assert 0 < few_gaps < page.locator(".gap").count()
    expect(page.locator("#filter output")).to_contain_text(f"{few} of ")
    assert page.url.endswith("?q=bias")
    page.reload()
    expect(page.locator("input[name=q]")).to_have_value("bias")
    expect(leaves).to_have_count(few)
    page.locator("select[name=status]").select_option("met")
    assert leaves.count() < few
    assert "status=met" in page.url
    page.locator("#filter button[type=reset]").click()
    expect(leaves).to_have_count(page.locator(".req.leaf").count())
    assert "?" not in page.url


def test_a_filter_nothing_fits_says_so(opens: Opens) -> None:
    page = opens("?q=zzzzzz")
    expect(page.locator(".empty")).to_be_visible()


def test_a_count_of_a_status_leads_to_the_requirements_that_have_it(opens: Opens) -> None:
    page = opens()
    page.locator("#top .legend a[data-status=not_met]").first.click()
    expect(page.locator(".req.leaf:not([hidden])").first).to_have_attribute("data-status", "not_met")
    assert set(page.locator(".req.leaf:not([hidden])").evaluate_all("all => all.map(one => one.dataset.status)")) == {"not_met"}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_deep_link_shows_one_system_and_the_way_back_the_rest(opens: Opens, *, script: bool) -> None:
    page = opens("#system-credit", script=script)
    expect(page.locator("#system-credit h1")).to_be_visible()
    expect(page.locator("#system-chat")).to_be_hidden()
    expect(page.locator("#title")).to_be_hidden()
    page.locator("#system-credit .back a").first.click()
    expect(page.locator("#title")).to_be_visible()
    expect(page.locator("#system-credit")).to_be_hidden()


def test_a_deep_link_opens_a_requirement_and_its_reasons_lead_to_evidence(opens: Opens) -> None:
    page = opens("#req-ISO42001-A.7.4")
    place = page.locator("#req-ISO42001-A\\.7\\.4")
    expect(place).to_be_in_viewport()
    expect(place).to_have_attribute("open", "")
    place.locator(".ans > summary").first.click()
    expect(place.locator(".tree li code").first).to_be_visible()


def test_without_script_reasons_are_one_link_away(opens: Opens) -> None:
    page = opens(script=False)
    expect(page.locator("#filter")).to_be_hidden()
    page.locator("#req-ISO42001-4 > summary").click()
    page.locator("#req-ISO42001-4\\.1 > summary").click()
    answer = page.locator("#req-ISO42001-4\\.1 .ans").first
    answer.locator("summary").click()
    link = answer.locator("a")
    target = link.get_attribute("href") or ""
    link.click()
    expect(page.locator(f"{target} > summary")).to_be_visible()


def test_the_theme_button_turns_the_page_dark_and_back(opens: Opens) -> None:
    page = opens()
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#theme").click()
    dark = page.evaluate(colour)
    assert dark != light
    page.locator("#theme").click()
    assert page.evaluate(colour) == light


def test_the_printed_page_holds_the_system_pages_and_no_controls(opens: Opens) -> None:
    page = opens(scheme="dark")
    page.emulate_media(media="print")
    expect(page.locator("#system-chat h1")).to_be_visible()
    expect(page.locator("#filter")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
