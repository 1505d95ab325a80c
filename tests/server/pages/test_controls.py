"""The control library and a control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_library_is_filtered_by_the_address(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    every = client.get("/controls").content.decode()
    assert "407 controls" in every.replace("\N{NARROW NO-BREAK SPACE}", "")
    assert 'href="/controls/DAT-04"' not in every  # on a later page of the list
    found = client.get("/controls?q=data+quality&layer=L3").content.decode()
    assert 'href="/controls/DAT-04"' in found
    assert 'href="/controls/GOV-01"' not in found
    assert b"No control fits" in client.get("/controls?q=nothing-like-it").content


def test_a_control_opens_into_its_reasons(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get("/controls/DAT-04").content.decode()
    assert "Why it stands so" in page
    assert 'href="/requirements/ISO42001:A.7.4"' in page


def test_who_may_not_and_what_is_not(sign_in: Callable[[str], Client]) -> None:
    assert sign_in("stranger").get("/controls").status_code == 403
    assert sign_in("project-engineer").get("/controls/DAT-04").status_code == 403
    assert sign_in("viewer").get("/controls/NOT-99").status_code == 404
