"""Versions of a record: told, traced, brought back."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.test import Client as Browser
from record_pages import XSS, assert_escaped, evil_system, write
from server_world import EMAILS

from kybern.server.pages.history import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db
ROLE = {"kind": "role", "id": "tester", "title": "Tester", "responsibilities": ["Tests what is written."]}
HERE = "/records/role/tester/history"


def two_versions() -> str:
    write(ROLE, reason="The first of all")
    return write({**ROLE, "title": "Chief tester"}, by="person:engineer", reason="She was promoted")


def test_every_version_is_told_with_who_when_and_why(sign_in: Callable[[str], Client]) -> None:
    two_versions()
    page = html.unescape(sign_in("viewer").get(HERE).content.decode())
    for words in ("Version 2", "Version 1", "She was promoted", "The first of all", "person:engineer", "<ins>", "the signature holds"):
        assert words in page
    assert "signature does not count" not in page
    assert "Bring this version back" not in page


def test_a_signature_that_does_not_count_is_told(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import TrustedKeyRow

    two_versions()
    TrustedKeyRow.objects.filter(holder="person:engineer").update(revoked_on=datetime(2020, 1, 1, tzinfo=UTC), revoked_because="lost")
    assert b"signature does not count" in sign_in("viewer").get(HERE).content


def test_each_field_is_traced_to_its_version(sign_in: Callable[[str], Client]) -> None:
    two_versions()
    page = sign_in("viewer").get(HERE, {"view": "fields"}).content.decode()
    title = page[page.index(">Title<") : page.index(">Title<") + 400]
    assert "version 2" in title
    text = page[page.index(">Responsibilities<") : page.index(">Responsibilities<") + 400]
    assert "version 1" in text


def test_a_version_is_brought_back_as_a_new_one(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow

    digest = two_versions()
    client = sign_in("engineer")
    page = client.get(HERE, {"back": "1"}).content.decode()
    assert digest in page
    assert "<del>" in page
    assert client.post(HERE, {"version": "1", "_digest": digest, "_reason": "a mistake"}).status_code == 302
    row = RecordRow.objects.get(pk="role:tester")
    assert (row.title, row.version) == ("Tester", 3)
    assert b"Back to version 1: a mistake" in client.get(HERE).content
    assert client.post(HERE, {"version": "2", "_digest": digest}).status_code == 302
    assert RecordRow.objects.get(pk="role:tester").title == "Tester"
    assert client.post(HERE, {"version": "99", "_digest": digest}).status_code == 404


def test_a_removed_record_has_its_history_and_comes_back(sign_in: Callable[[str], Client]) -> None:
    from kybern.server.store.models import RecordRow
    from kybern.server.store.records import Write, write_records

    two_versions()
    write_records([Write("role:tester", None)], "person:administrator", "not needed", datetime.now(UTC))
    client = sign_in("engineer")
    page = client.get(HERE).content
    assert b"The record was removed" in page
    assert sign_in("project-engineer").get(HERE).status_code == 404
    assert b"Nothing stands" in client.get(HERE, {"view": "fields"}).content
    assert client.post(HERE, {"version": "2", "_digest": ""}).status_code == 302
    assert RecordRow.objects.get(pk="role:tester").title == "Chief tester"


def test_only_who_may_see_a_record_sees_its_history(sign_in: Callable[[str], Client], client: Client) -> None:
    two_versions()
    assert client.get(HERE).status_code == 302
    assert sign_in("stranger").get(HERE).status_code == 403
    assert sign_in("viewer").get("/records/person/aoife-kelleher/history").status_code == 404
    assert sign_in("governance-lead").get("/records/person/aoife-kelleher/history").status_code == 200
    assert sign_in("project-engineer").get("/records/ai_system/hiring-screener/history").status_code == 404
    assert sign_in("viewer").post(HERE, {"version": "1"}).status_code == 403
    assert sign_in("viewer").get("/records/role/never-was/history").status_code == 404


def test_a_post_from_elsewhere_is_refused(db: None) -> None:
    from kybern.server.access.models import User

    two_versions()
    client = Browser(enforce_csrf_checks=True)
    client.force_login(User.objects.get(email=EMAILS["administrator"]), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(HERE, {"version": "1"}).status_code == 403


def test_nothing_stored_is_markup_in_a_history(sign_in: Callable[[str], Client]) -> None:
    write(evil_system(), reason=XSS)
    write({**evil_system(), "purpose": f"Other {XSS}", "facts": {"a": XSS}}, reason=XSS)
    client = sign_in("administrator")
    for query in ({}, {"view": "fields"}, {"back": "1"}):
        page = client.get("/records/ai_system/evil/history", query).content
        assert b"onerror" in page
        assert_escaped(page)


def test_a_long_history_is_shown_by_pages(sign_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    from kybern.server.pages import history

    monkeypatch.setattr(history, "_SHOWN", 2)
    for number in range(5):
        write({**ROLE, "title": f"Tester {number}"})
    client = sign_in("viewer")
    assert b"Version 5" in client.get(HERE).content
    older = client.get(HERE, {"until": "3"}).content
    assert b"Version 3" in older
    assert b"Version 4" not in older


def test_pointers_are_said_in_words() -> None:
    assert words_of("ai_system", "/gates/0/on") == "Gates 1: Gate passed on"
    assert words_of("ai_system", "/facts/annex_iii") == "Facts: Annex iii"
    assert words_of("ai_system", "/title") == "Title"
