"""The frame and the parts as markup: what a policy forbids is not in it, and what may be missing may be missing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import pytest
from looks_world import HTMX, PAGES, environment, frame, styleguide

from kybern.assessment import Status
from kybern.server.pages._looks import initials, kind_icon, status_of, status_word, unslugged
from kybern.server.wording import grouped


class _Seen(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _seen(html: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = _Seen()
    reader.feed(html)
    return reader.tags


def _page(source: str = "", **more: Any) -> str:
    return environment().from_string('{% extends "base.html.j2" %}{% block title %}Rules{% endblock %}' + source).render(frame(**more))


def test_nothing_stands_inline_that_the_policy_forbids() -> None:
    for tag, attributes in _seen(styleguide()):
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or attributes.get("src", "").startswith("/static/")  # type: ignore[union-attr]


def test_no_id_is_given_twice_and_every_reference_to_one_leads_somewhere() -> None:
    tags = _seen(styleguide())
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in tags:
        for name in ("aria-controls", "aria-labelledby", "aria-describedby", "for"):
            for one in (attributes.get(name) or "").split():
                assert one in ids


@pytest.mark.parametrize("name", ["user", "units", "languages", "live_href", "standing"])
@pytest.mark.parametrize("missing", [True, False], ids=["missing", "None"])
def test_what_a_page_need_not_have_may_be_missing(name: str, *, missing: bool) -> None:
    given = frame()
    if missing:
        del given[name]
    else:
        given[name] = None
    assert "<h1>Rules</h1>" in environment().from_string('{% extends "base.html.j2" %}{% block title %}Rules{% endblock %}').render(given)


def test_before_the_first_assessment_the_frame_says_that_it_is_being_made() -> None:
    assert "The first assessment is being made" in _page(standing=None)
    assert "The first assessment" not in _page()
    assert '<time datetime="2026-11-23T18:00:00+00:00">23 November 2026, 18:00 UTC</time>' in _page()


def test_whoever_may_not_read_the_assessment_is_not_told_that_it_is_being_made() -> None:
    class Stranger:
        def may(self, permission: str) -> bool:
            return permission != "read"

    told = _page(standing=None, actor=Stranger(), Permission=SimpleNamespace(ASSESSMENT_READ="read"))
    assert "The first assessment" not in told


def test_an_aside_stands_only_where_a_page_has_one() -> None:
    assert "<aside" not in _page()
    assert '<aside class="beside"' in _page("{% block aside %}<p>x</p>{% endblock %}")


def test_names_from_outside_are_escaped() -> None:
    assert "<b>" not in re.sub(r"<b>Mara Lindqvist</b>", "", _page(organization="<b>Bank"))


def test_the_tokens_of_the_report_stand_in_the_sheet_of_the_pages() -> None:
    tokens = files("kybern.report").joinpath("templates", "tokens.css").read_text(encoding="utf-8")
    assert tokens in (PAGES / "static" / "kybern.css").read_text(encoding="utf-8")


def test_what_scrolls_sideways_is_reached_by_keyboard_under_a_name_and_shows_that_there_is_more() -> None:
    report = files("kybern.report").joinpath("templates")
    sources = [file.read_text(encoding="utf-8") for file in (*PAGES.glob("templates/**/*.j2"), *report.iterdir()) if file.is_file()]
    scrolling = [tag for source in sources for tag in re.findall(r'<[^<>]*class="scroll[^<>]*>', source)]
    assert len(scrolling) > 10
    assert not [tag for tag in scrolling if 'tabindex="0"' not in tag or "aria-label=" not in tag or "role=" not in tag]
    for sheet in (PAGES / "static" / "kybern.css", report / "tokens.css"):
        assert re.search(r"\.scroll \{[^}]*background: linear-gradient[^}]* local,", sheet.read_text(encoding="utf-8"))
    assert not re.findall(r"\.scroll \{[^}]*background: (?!linear|none)", (PAGES / "static" / "kybern.css").read_text(encoding="utf-8"))


def test_sheet_and_script_stay_small_and_load_nothing() -> None:
    sheet = (PAGES / "static" / "kybern.css").read_text(encoding="utf-8")
    script = (PAGES / "static" / "kybern.js").read_text(encoding="utf-8")
    assert len(sheet.encode()) < 60_000
    assert len(script.encode()) < 30_000
    assert "@import" not in sheet
    assert re.findall(r"url\(([^)]*)\)", sheet) == ["#hatch"]
    assert "innerHTML" not in script
    assert (HTMX / "django_htmx" / "htmx-2.min.js").is_file()


def test_small_words() -> None:
    assert initials("Mara Lindqvist") == "ML"
    assert initials("  ") == "?"
    assert initials("(external) auditor") == "A"
    assert grouped(1204567) == "1\N{NARROW NO-BREAK SPACE}204\N{NARROW NO-BREAK SPACE}567"
    assert [status_word(status) for status in Status] == [status.label for status in Status]
    assert status_of(Status.MET) is Status.MET
    assert "<svg" in kind_icon("a_kind_of_someone_else")


def test_slugs_read_as_words_and_titles_stay() -> None:
    assert unslugged("alert-test: 2 passed, 0 failed") == "alert test: 2 passed, 0 failed"
    assert unslugged("max_representation_gap = 0.02 share, n = 3") == "max representation gap = 0.02 share, n = 3"
    assert unslugged("kybern found KYBERN_EVIDENCE_SIGNATURES_HOLD") == "kybern found kybern evidence signatures hold"
    assert unslugged("“The a-b: c” of_ours") == "“The a-b: c” of_ours"
    assert unslugged("Area under the ROC curve = 0.7768 share") == "Area under the ROC curve = 0.7768 share"
