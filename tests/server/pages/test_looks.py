"""The style guide in a real browser, under the policy that the server sends: seen with axe, worked by keyboard, on desk and phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

pytestmark = pytest.mark.real

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

from looks_world import Served, serving  # noqa: E402
from playwright.sync_api import Browser, Dialog, Page, expect  # noqa: E402

Opens: TypeAlias = "Callable[..., Page]"
PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}
HITS = [
    {"label": "Credit scoring", "hint": "AI system", "href": "/systems/credit", "icon": "bot"},
    {"label": "Credit agency", "hint": "Supplier", "href": "/records/supplier/agency", "icon": "no-such-icon"},
    {"label": "Credit <b>trap</b>", "hint": "elsewhere", "href": "https://elsewhere.example/", "icon": "bot"},
    {"label": "Credit script", "hint": "script", "href": "javascript:alert(1)", "icon": "bot"},
]


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as found:
        found.hits = HITS
        yield found


@pytest.fixture
def opens(browser: Browser, served: Served) -> Iterator[Opens]:
    """Open the page; a request to elsewhere, an error or a word on the console (a break of the policy is one) fails the test."""
    contexts, said = [], []

    def open_(
        path: str = "/systems", *, size: dict[str, int] = DESK, scheme: str = "light", script: bool = True, contrast: str | None = None
    ) -> Page:
        context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=script,
            reduced_motion="reduce",
            forced_colors="active" if contrast else None,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith(served.address) else None)
        page.goto(served.address + path)
        if script and path != "/plain":
            page.evaluate("document.activeElement.blur()")  # the summary of errors takes the focus at the start
            page.evaluate("window.scrollTo(0, 0)")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [text for text in said if "500 (Internal Server Error)" not in text and "Error Code 500" not in text] == []


def _axe(page: Page) -> str:
    results = axe.Axe().run(page, options={"resultTypes": ["violations"]})
    return results.generate_report() if results.violations_count else ""


def _go(page: Page, action: Callable[[], object], pattern: str) -> None:
    with page.expect_navigation():
        action()
    assert re.search(pattern, page.url), page.url


# ---- Seen


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opens: Opens, size: dict[str, int], scheme: str) -> None:
    assert _axe(opens(size=size, scheme=scheme)) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(opens: Opens, scheme: str) -> None:
    page = opens(scheme=scheme)
    page.locator(".user-menu > summary").click()
    assert _axe(page) == ""
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert _axe(page) == ""
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("credit")
    expect(page.locator("#palette [role=option]")).to_have_count(3)
    assert _axe(page) == ""
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Withdraw").click()
    assert _axe(page) == ""


@pytest.mark.parametrize("width", [320, 360, 600, 840, 1100])
def test_nothing_is_wider_than_the_window(opens: Opens, width: int) -> None:
    page = opens(size={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_to_press_is_large_enough(opens: Opens) -> None:
    """WCAG 2.2, 2.5.8: 24 by 24 pixels; a link within a sentence or a row of text is excepted."""
    small = opens().evaluate(
        """() => [...document.querySelectorAll('button, .button, summary, select, .nav a, .chip, .tabs a, input')].filter(one => {
             const box = one.getBoundingClientRect(), name = one.labels && one.labels[0] ? one.labels[0].getBoundingClientRect() : box;
             return box.width && Math.max(box.height, name.height) < 24 }).map(one => one.outerHTML.slice(0, 90))"""
    )
    assert small == []


def test_a_printed_page_has_its_content_and_no_controls(opens: Opens) -> None:
    page = opens(scheme="dark")
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("table").first).to_be_visible()
    for gone in (".side", ".filter", ".actions", ".pages", ".search-button"):
        expect(page.locator(gone).first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


# ---- Without script


def test_without_script_pages_are_reached_and_filters_work(opens: Opens) -> None:
    page = opens(script=False, size=PHONE)
    expect(page.locator("[data-palette-open]")).to_be_hidden()
    page.locator(".nav-menu > summary").click()
    _go(page, lambda: page.locator(".nav-menu").get_by_role("link", name="Readiness").click(), "/readiness$")
    page.locator("input[name=q]").fill("bias")
    _go(page, lambda: page.get_by_role("button", name="Filter").click(), r"\?.*q=bias")


# ---- Appearance and navigation


def test_the_appearance_is_kept_and_set_before_the_page_is_painted(opens: Opens) -> None:
    page = opens()
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator(".user-menu > summary").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(colour)
    assert dark != light
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.reload(wait_until="commit")
    page.wait_for_selector("body", state="attached")  # a function to wait for would be evaluated from text, which the policy forbids
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.wait_for_load_state()
    assert page.evaluate(colour) == dark
    page.locator(".user-menu > summary").click()
    page.get_by_role("button", name="System").click()
    assert page.evaluate(colour) == light


def test_the_names_of_the_navigation_go_and_come_and_stay_readable_to_listeners(opens: Opens) -> None:
    page = opens()
    toggle, side = page.locator("[data-nav-toggle]"), page.locator(".side")
    wide = side.bounding_box()["width"]  # type: ignore[index]
    toggle.click()
    page.mouse.move(800, 400)
    expect(toggle).to_have_attribute("aria-expanded", "false")
    assert side.bounding_box()["width"] < wide / 3  # type: ignore[index]
    expect(page.get_by_role("link", name="Statement of applicability")).to_have_count(1)
    page.reload()
    assert side.bounding_box()["width"] < wide / 3  # type: ignore[index]
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("[")
    expect(toggle).to_have_attribute("aria-expanded", "true")


def test_the_page_one_is_in_is_marked(opens: Opens) -> None:
    expect(opens("/records/incident/7").locator(".side [aria-current=page]")).to_have_text("Incidents")


def test_the_first_tab_reaches_the_skip_link(opens: Opens) -> None:
    page = opens("/plain")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_escape_closes_a_menu_and_gives_the_focus_back(opens: Opens) -> None:
    page = opens()
    summary = page.locator(".unit-menu > summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Retail")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Retail")).to_be_hidden()
    expect(summary).to_be_focused()


# ---- Palette


@pytest.mark.parametrize("key", ["/", "Control+k", "Meta+k"])
def test_the_palette_opens_by_key_and_enter_opens_what_is_chosen(opens: Opens, key: str) -> None:
    page = opens()
    page.keyboard.press(key)
    box = page.get_by_role("combobox", name="Search and go")
    expect(box).to_be_focused()
    page.keyboard.type("credit")
    options = page.locator("#palette [role=option]")
    expect(options).to_have_count(3)
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "palette-1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    _go(page, lambda: page.keyboard.press("Enter"), "/systems/credit$")


def test_the_palette_shows_only_addresses_of_its_own_server_and_words_as_words(opens: Opens) -> None:
    page = opens()
    page.keyboard.press("/")
    page.keyboard.type("credit")
    expect(page.locator("#palette [role=option]")).to_have_count(3)
    expect(page.locator("#palette-list")).not_to_contain_text("trap")
    expect(page.locator("#palette-list")).not_to_contain_text("script")
    assert page.locator("#palette-list b").count() == 0


def test_pages_are_found_at_once_while_the_server_is_slow_and_what_was_chosen_stays_chosen(opens: Opens, served: Served) -> None:
    served.delay = 1.2
    page = opens()
    page.keyboard.press("/")
    page.keyboard.type("cr")
    options = page.locator("#palette [role=option]")
    expect(options.first).to_contain_text("Crosswalk", timeout=900)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".palette-state")).to_have_text("Searching…")
    expect(options).to_have_count(4)
    expect(page.locator("[aria-selected=true]")).to_contain_text("Search all records")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_an_answer_that_comes_late_does_not_replace_a_later_question(opens: Opens, served: Served) -> None:
    served.delay = 0.6
    page = opens()
    page.keyboard.press("/")
    page.keyboard.type("agency")
    page.wait_for_timeout(250)
    served.delay = 0
    page.keyboard.press("Control+a")
    page.keyboard.type("scoring")
    expect(page.locator("#palette [role=option]").first).to_contain_text("Credit scoring")
    page.wait_for_timeout(600)
    expect(page.locator("#palette-list")).not_to_contain_text("agency")


def test_the_palette_says_when_nothing_fits_and_when_the_server_fails(opens: Opens, served: Served) -> None:
    page = opens()
    page.keyboard.press("/")
    page.keyboard.type("zzz")
    expect(page.locator(".palette-state")).to_have_text("Nothing is found for “zzz”.")
    served.broken = True
    page.keyboard.type("z")
    expect(page.locator(".palette-state")).to_contain_text("does not answer")
    _go(page, lambda: page.keyboard.press("Enter"), r"/records/\?q=zzzz$")


def test_the_palette_does_things_too(opens: Opens) -> None:
    page = opens()
    page.keyboard.press("/")
    page.keyboard.type("dark")
    expect(page.locator("#palette [role=option]").first).to_contain_text("Dark appearance")
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_hidden()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


# ---- Keys


@pytest.mark.parametrize(("keys", "address"), [("gh", "/$"), ("gr", "/readiness$"), ("gs", "/systems$"), ("ge", "/evidence$")])
def test_g_and_a_letter_go_to_a_page(opens: Opens, keys: str, address: str) -> None:
    page = opens("/calendar")
    page.keyboard.press(keys[0])
    _go(page, lambda: page.keyboard.press(keys[1]), address)


def test_rows_are_walked_opened_and_edited(opens: Opens) -> None:
    page = opens()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Credit scoring of private customers")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.get_by_role("link", name="Customer service assistant")).to_be_focused()
    page.keyboard.press("e")
    page.wait_for_url("**#edit-chat")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**#credit")


def test_n_and_e_press_the_buttons_of_the_page_but_not_while_one_writes(opens: Opens) -> None:
    page = opens()
    page.keyboard.press("n")
    page.wait_for_url("**#new")
    page.keyboard.press("e")
    page.wait_for_url("**#edit")
    field = page.locator("input[name=q]")
    field.fill("")
    field.press_sequentially("n/?ge")
    expect(field).to_have_value("n/?ge")
    assert page.locator("dialog[open]").count() == 0
    assert page.url.endswith("#edit")


def test_the_help_lists_the_keys_of_this_page_and_can_turn_single_keys_off(opens: Opens) -> None:
    page = opens()
    page.keyboard.press("?")
    help_ = page.locator("#keys")
    expect(help_).to_contain_text("Traceability")
    expect(help_).to_contain_text("New AI system")
    page.locator("[data-keys-switch]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.press("/")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert "#new" not in page.url
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


# ---- Lists and forms


def test_a_choice_filters_at_once_and_leaves_no_empty_parameter(opens: Opens) -> None:
    page = opens("/systems?q=credit&status=partly_met&sort=-coverage")
    _go(page, lambda: page.locator("select[name=owner]").select_option("role:dpo"), r"owner=role%3Adpo")
    assert "sort=-coverage" in page.url
    assert not re.search(r"[?&]\w+=(&|$)", page.url)


def test_a_chip_takes_its_filter_away_and_keeps_the_rest(opens: Opens) -> None:
    page = opens()
    _go(page, lambda: page.locator(".chip", has_text="partly met").click(), r"\?q=credit&sort=-coverage$")


def test_one_is_asked_before_what_was_written_is_lost_and_not_when_it_is_saved(opens: Opens) -> None:
    page = opens()
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.locator("#f-purpose").fill("Something else")
    page.locator(".side").get_by_role("link", name="Rules").click()
    page.wait_for_timeout(200)
    assert asked == ["beforeunload"]
    assert page.url.endswith("/systems")
    page.get_by_role("button", name="Undo changes").click()
    _go(page, lambda: page.locator(".side").get_by_role("link", name="Rules").click(), "/rules$")


def test_a_form_that_must_not_be_sent_twice_is_sent_once(opens: Opens, served: Served) -> None:
    page = opens()
    page.evaluate("document.querySelector('form.confirm').action = '/slow'")
    page.evaluate("() => { const one = document.querySelector('form.confirm button'); one.click(); one.click(); one.click(); }")
    page.wait_for_url("**/slow")
    assert served.posted == ["/slow"]


def test_a_copy_is_said(opens: Opens) -> None:
    page = opens()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the digest").click()
    expect(page.locator("#live")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "sha256:9f2c41d0a7be"


def test_cells_are_walked_written_and_left_as_they_were(opens: Opens) -> None:
    page = opens()
    grid = page.get_by_role("grid")
    grid.locator("td").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    cell = grid.locator("tbody tr").nth(1).locator("td").nth(1)
    expect(cell).to_be_focused()
    page.keyboard.press("Enter")
    field = cell.locator("input")
    expect(field).to_be_focused()
    page.keyboard.type("Because")
    page.keyboard.press("Escape")
    expect(cell).to_be_focused()
    expect(field).to_have_value("Asked by clause 6.1.3")
    page.keyboard.type("No")
    page.keyboard.press("Enter")
    expect(field).to_have_value("No")
    expect(grid.locator("tbody tr").nth(2).locator("td").nth(1)).to_be_focused()
    page.keyboard.press("Home")
    expect(grid.locator("tbody tr").nth(2).locator("td").first).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('table') || document.activeElement.tagName === 'TD'")
    assert grid.locator("td[tabindex='0']").count() == 1


def test_a_dialog_holds_the_focus_and_gives_it_back(opens: Opens) -> None:
    page = opens()
    opener = page.get_by_role("button", name="Withdraw")
    opener.click()
    dialog = page.get_by_role("dialog", name="Withdraw Credit scoring?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


# ---- What comes from the server


def test_a_change_is_said_and_nothing_moves_until_one_asks(opens: Opens, served: Served) -> None:
    page = opens()
    page.evaluate("document.querySelector('[data-live-refresh]').addEventListener('live-refresh', () => { window.followed = true })")
    expect(page.locator("#fresh")).to_be_hidden()
    served.change.set()
    expect(page.locator("#fresh")).to_be_visible()
    expect(page.locator("#live")).to_have_text("There is something newer than this page shows.")
    assert page.evaluate("window.followed") is True
    _go(page, lambda: page.get_by_role("link", name="Refresh").click(), "/systems$")
    expect(page.locator("#fresh")).to_be_hidden()


def test_a_request_over_two_seconds_shows_that_it_runs(opens: Opens) -> None:
    page = opens()
    page.evaluate("void htmx.ajax('GET', '/slow', { target: '[data-live-refresh]', swap: 'innerHTML' })")
    bar = page.get_by_role("progressbar", name="The server is working")
    page.wait_for_timeout(1500)
    expect(bar).to_be_hidden()
    expect(bar).to_be_visible(timeout=1000)
    expect(page.locator("[data-live-refresh]")).to_have_text("done")
    expect(bar).to_be_hidden()


def test_a_failed_request_is_said_in_words(opens: Opens, served: Served) -> None:
    served.broken = True
    page = opens()
    page.evaluate("void htmx.ajax('GET', '/palette?q=x', { target: '[data-live-refresh]' })")
    expect(page.locator("#flashes")).to_contain_text("error (500)")
    page.locator("#flashes").get_by_role("button", name="Dismiss").click()
    expect(page.locator("#flashes")).to_be_empty()


def test_in_forced_colours_the_bars_keep_their_colours(opens: Opens) -> None:
    page = opens(contrast="more")
    assert page.evaluate("getComputedStyle(document.querySelector('.fill.met')).forcedColorAdjust") == "none"
