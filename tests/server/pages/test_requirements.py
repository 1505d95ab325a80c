"""A requirement's page: what it asks, why it stands so, what would close it, for whom."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING

import pytest
from markupsafe import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db


def test_it_says_what_would_close_it_and_who_owes_it(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get("/requirements/ISO42001:A.7.4").content.decode()
    assert "What would close it" in page
    assert "owed by" in page
    assert "On each AI system" in page
    assert 'href="/controls/DAT-04"' in page
    assert "What other frameworks ask alike" in page


def test_a_group_has_its_parts(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get("/requirements/ISO42001:A.7").content.decode()
    assert 'href="/requirements/ISO42001:A.7.4"' in page


def test_the_law_says_who_is_bound(sign_in: Callable[[str], Client]) -> None:
    from kybern.catalog.applicability import load_rules
    from kybern.server.live import current, register_of

    bound = next(one for one in register_of(current()).bindings if one.duty.because)
    page = sign_in("viewer").get(f"/requirements/{bound.requirement}").content.decode()
    assert "Who is bound" in page
    named = current().records.get(bound.subject)
    assert named is not None
    assert named.title in page
    assert load_rules().conclusions[bound.duty.because[0]].conclusion.says in unescape(page)


def test_on_one_system_it_is_enough_to_see_that_one(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("project-engineer")
    assert client.get("/requirements/ISO42001:A.7.4?subject=ai_system:credit-scoring").status_code == 200
    assert client.get("/requirements/ISO42001:A.7.4").status_code == 403
    assert client.get("/requirements/ISO42001:A.7.4?subject=ai_system:hiring-screener").status_code == 403


def test_every_requirement_of_what_is_asked_has_a_page(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.live import current

    client = sign_in("viewer")
    for ref, entry in current().catalog.requirements.items():
        if ref.partition(":")[0] in current().frameworks and entry.normative:
            assert client.get(f"/requirements/{ref}").status_code == 200, ref


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("ISO42001:A.7.4", ("Anforderungen an die Datenqualität sind festzulegen", "daran gemessenen Ergebnisse")),
        ("EU_AI_ACT:Art.9(1)", ("richtet für das Hochrisiko-System ein Risikomanagementsystem ein", "bis zu 15 000 000 EUR", "Anbieter")),
        ("NIST_AI_RMF:MAP 1.1", ("MAP 1 Kontext",)),
        ("EU_AI_ACT:Art.78", ("Keine Maßnahme des Katalogs beantwortet diese Anforderung: Bindet Behörden",)),
    ],
)
def test_a_german_reader_reads_german(sign_in: Callable[[str], Client], ref: str, told: tuple[str, ...]) -> None:
    from kybern.server.live import current

    client = sign_in("viewer")
    entry = current().catalog.requirements[ref]
    said = (entry.statement, entry.documented_information, entry.penalty, entry.note, entry.no_control)
    english = [escape(text) for text in said if text]
    assert all(text in client.get(f"/requirements/{ref}").content.decode() for text in english)
    client.cookies["django_language"] = "de"
    page = client.get(f"/requirements/{ref}").content.decode()
    assert all(text in page for text in told)
    assert not [text for text in english if text in page]


def test_it_is_found_by_the_words_of_the_reader(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    client.cookies["django_language"] = "de"
    assert 'href="/requirements/ISO42001:A.7.4' in client.get("/readiness/ISO42001?q=Datenqualität+Verfehlung").content.decode()


def test_what_is_not_there(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    for name in ("/requirements/ISO42001:99", "/requirements/nonsense", "/requirements/ISO42001:A.7.4?subject=ai_system:none"):
        assert client.get(name).status_code == 404
