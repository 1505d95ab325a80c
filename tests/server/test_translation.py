"""The catalogues are what the sources give, German is complete, and pages, sentences, days and numbers follow the reader's language."""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.utils.translation import gettext, ngettext, override
from every_page import addresses

from kybern.base import InputError
from kybern.base.yaml import read_yaml
from kybern.server import wording
from kybern.server.forms import check

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from babel.messages.catalog import Catalog
    from django.test import Client

    from kybern.assessment import Reason

PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|%%s|%s|%d|\{\w*\}")
TAGS = re.compile(r"<(script|style|svg|pre|code|template)\b.*?</\1>", re.DOTALL)


@pytest.fixture(scope="module")
def german() -> Catalog:
    with messages.path_of("de").open("rb") as file:
        return messages.read_po(file, locale="de")


# --- catalogues ----------------------------------------------------------------------------------------------------------------------


def test_the_catalogues_are_what_the_sources_give() -> None:
    assert messages.main(check=True) == 0, "run make messages"


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    path = messages.path_of(language)
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(path.read_bytes(), language)


def test_german_is_complete(german: Catalog) -> None:
    open_ones = [one.id for one in german if one.id and (one.fuzzy or not all(forms(one.string)))]
    assert not open_ones


def test_a_translation_has_the_places_of_its_text(german: Catalog) -> None:
    wrong = []
    for one in german:
        for text in forms(one.string) if one.id else ():
            wanted = [sorted(PLACEHOLDERS.findall(form)) for form in forms(one.id)]
            if sorted(PLACEHOLDERS.findall(text)) not in wanted:
                wrong.append((one.id, text))
    assert not wrong


def test_a_translation_begins_and_ends_as_its_text(german: Catalog) -> None:
    """A blank or line break at an end is part of how texts are put together."""
    wrong = [one.id for one in german if isinstance(one.id, str) and one.id and edges(one.id) != edges(one.string)]
    assert not wrong


def forms(text: Any) -> tuple[str, ...]:
    return text if isinstance(text, tuple | list) else (text,)


def edges(text: str) -> tuple[bool, bool]:
    return text[:1].isspace(), text[-1:].isspace()


def test_plurals() -> None:
    with override("de"):
        assert [ngettext("%(count)d day", "%(count)d days", n) % {"count": n} for n in (0, 1, 2)] == ["0 Tage", "1 Tag", "2 Tage"]


# --- words, days, numbers ------------------------------------------------------------------------------------------------------------


def test_days_and_numbers_follow_the_language() -> None:
    at = datetime(2026, 11, 3, 18, 5, tzinfo=UTC)
    told = {"en": [], "de": []}
    for language, said in told.items():
        with override(language):
            said += [wording.day(at), wording.day(date(2026, 3, 9)), wording.long_moment(at), wording.grouped(1234567)]
            said += [wording.figure(0.12345), wording.strength_number(2.5), wording.span("P30D")]
    assert told["en"] == [
        "2026-11-03", "2026-03-09", "3 November 2026, 18:05 UTC", "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567",
        "0.1235", "2.5", "30 days",
    ]  # fmt: skip
    assert told["de"] == ["03.11.2026", "09.03.2026", "3. November 2026, 18:05 UTC", "1.234.567", "0,1235", "2,5", "30 Tage"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("No subject", "Kein Gegenstand"),
        ("policy:ai does not state approved on", "policy:ai gibt Freigegeben am nicht an"),
        (
            "No evidence that counts. Wanted: approval on soa, observed or stronger, not older than 365 days.",
            "Kein Nachweis, der zählt. Gesucht: Freigabe zu soa, beobachtet oder stärker, nicht älter als 365 Tage.",
        ),
        (
            "test run of 2026-11-03, measured and signed: gate: 3 passed, 1 failed; it lapsed on 2026-11-05",
            "Testlauf vom 03.11.2026, gemessen und signiert: gate: 3 bestanden, 1 durchgefallen; er ist am 05.11.2026 verfallen",
        ),
        (
            "Wanted: approval, observed or stronger: decision is one of approved, approved-with-conditions.",
            "Gesucht: Freigabe, beobachtet oder stärker: Entscheidung ist eines von freigegeben, unter Auflagen freigegeben.",
        ),
        ("Something that somebody wrote", "Something that somebody wrote"),
    ],
)
def test_sentences_of_the_core_are_told_anew(said: str, told: str) -> None:
    with override("de"):
        assert wording.retell(said) == told
    with override("en"):
        assert wording.retell(said) == said


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("risk", {"id": "A B", "title": "", "likelihood": "x", "foo": 1, "consequence": 2}),
        ("risk", {"id": "a", "title": 3, "likelihood": 9, "owner": "Ada", "systems": ["person:ada"], "consequences": [None, 3]}),
        ("ai_system", {"id": "a", "risk_class": "hihg", "jurisdictions": ["germany"], "owner": None, "facts": {"deployer": 1}}),
        ("indicator", {"id": "a", "title": "b", "minimum": 2, "maximum": 1, "measure_every": "30 days"}),
        ("person", {"id": "a", "title": "b" * 400, "email": "nobody"}),
    ],
)
def test_what_is_wrong_with_a_record_is_told(kind: str, content: dict[str, Any]) -> None:
    """Each complaint of the editor, and each hint, has a form."""
    _, problems = check(kind, content, lambda _: False)
    found = {
        text for several in problems.values() for one in several for text in ((one.message, "problem"), (one.hint, "repair")) if text[0]
    }
    with override("de"):
        assert found
        assert not [text for text, rule in found if wording.retell(text, rule) == text]


@pytest.mark.parametrize(
    "text", ["", "a: [", "a: b: c", "\tx: 1", "a: 1\na: 2", "!!x 1", "a: .nan", "a: *y", "{a: b}: 1", "a:\n- 1\nb", "a: 'x"]
)
def test_what_is_wrong_with_yaml_is_told(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml(text.encode(), "record.yaml")
    found = [(one.message, "problem") for one in caught.value.problems] + [
        (one.hint, "repair") for one in caught.value.problems if one.hint
    ]
    with override("de"):
        assert not [one for one in found if wording.retell(*one) == one[0] or "expect" in wording.retell(*one)]


def test_a_field_is_told_by_its_label_and_its_name() -> None:
    with override("de"):
        assert wording.retell("owner is empty; it needs text.", "problem") == "Verantwortlich (owner) ist leer; verlangt ist Text."
        assert wording.retell("title needs at most 1,000 characters.", "problem") == "Titel (title) darf höchstens 1.000 Zeichen haben."
        assert wording.retell("users[1].role needs a list, not 3.", "problem").startswith("Personen, 2, Rolle (users[1].role): ")


def test_words_in_pictures_are_told_anew_and_escaped() -> None:
    svg = '<svg><title>now, 2026-11-03</title><text x="1">R&amp;D &lt;b&gt;</text><text class="t">what was shown</text></svg>'
    with override("de"):
        told = wording.retell_picture(svg)
    assert "<title>jetzt, 03.11.2026</title>" in told
    assert ">was gezeigt war<" in told
    assert "R&amp;D &lt;b&gt;" in told


@pytest.mark.django_db
def test_every_reason_of_the_example_is_told_in_german() -> None:
    """What the core adds to a control's or requirement's own words has a form in the catalogue."""
    from kybern.assessment import explain
    from kybern.server.live import current

    assessment = current().assessment
    untold: set[str] = set()
    with override("de"):
        for control in assessment.catalog.controls:
            try:
                tree = explain(assessment, control)
            except KeyError:  # it does not bear on the organisation
                continue
            untold |= {one.text for one in walked(tree) if one.text and wording.retell(one.text) == one.text}
    assert not sorted(untold)[:20]


def walked(reason: Reason) -> Iterator[Reason]:
    """Go through the reasons that the core words by itself: not the statement of a control or requirement."""
    if reason.kind not in {"control", "requirement"}:
        yield reason
    for child in reason.children:
        yield from walked(child)


# --- pages ---------------------------------------------------------------------------------------------------------------------------


def shown(page: str) -> set[str]:
    """Give the texts of a page that a reader sees or hears."""
    bare = TAGS.sub("", page)
    texts = re.findall(r">([^<>]+)<", bare) + re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]+)"', bare)
    return {" ".join(unescape(text).split()) for text in texts} - {""}


def leaves(value: Any) -> Iterator[str]:
    """Give the texts in what a record states."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)


@pytest.mark.django_db
def test_no_page_shows_english_words_to_a_german_reader(german: Catalog, sign_in: Callable[[str], Client]) -> None:
    """A text of the catalogues that is shown in English did not go through gettext; what somebody wrote may be in any language."""
    from kybern.server.access.models import Unit, User
    from kybern.server.store.models import RecordRow

    english = {one.id for one in german if isinstance(one.id, str) and one.id and one.string and one.string != one.id}
    written = {text for content in RecordRow.objects.values_list("content", flat=True) for text in leaves(content)}
    written |= {*User.objects.values_list("name", flat=True), *Unit.objects.values_list("name", flat=True)}
    client = sign_in("administrator")
    client.cookies["django_language"] = "de"
    wrong: list[str] = []
    for address in addresses():
        page = client.get(address, HTTP_ACCEPT="text/html", follow=address.startswith("/accounts/")).content.decode()
        if '<html lang="de"' not in page:
            wrong.append(f"{address}: lang")
        wrong += [f"{address}: {text}" for text in sorted(shown(page) & english - written)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
def test_the_standing_is_dated_as_germans_write_it(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("administrator")
    client.cookies["django_language"] = "de"
    page = client.get("/readiness").content.decode()
    assert re.search(r"Gerechnet bis <time [^>]+>\d{1,2}\. [A-ZÄ][a-zä]+ 20\d\d, \d\d:\d\d UTC</time>", page)
    assert "teilweise erfüllt" in page


@pytest.mark.django_db
def test_the_language_is_the_one_that_is_asked_for(client: Client) -> None:
    assert "Anmelden" in client.get("/accounts/login/", headers={"Accept-Language": "de-AT,de;q=0.8"}).content.decode()
    assert "Sign in" in client.get("/accounts/login/", headers={"Accept-Language": "fr"}).content.decode()
    with override("de"):
        assert gettext("Sign in") == "Anmelden"
