"""Readiness pages: numbers, filters in the address, who may see them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db


def test_frameworks_stand_side_by_side(sign_in: Callable[[str], Client]) -> None:
    page = sign_in("viewer").get("/readiness").content.decode()
    assert 'href="/readiness/ISO42001"' in page
    assert 'href="/readiness/EU_AI_ACT"' in page


def test_a_framework_is_filtered_by_the_address(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    every = client.get("/readiness/ISO42001").content.decode()
    assert '<a href="/requirements/ISO42001:A.7.4">' in every
    layer = client.get("/readiness/ISO42001?layer=L1").content.decode()
    assert '<a href="/requirements/ISO42001:A.7.4">' not in layer
    assert '<a href="/requirements/ISO42001:5.2">' in layer
    under = client.get("/readiness/ISO42001?under=ISO42001:A.7").content.decode()
    assert '<a href="/requirements/ISO42001:A.7.4">' in under
    assert '<a href="/requirements/ISO42001:5.2">' not in under
    assert "/readiness/ISO42001?layer=L3&amp;under=" in every, "the map's cells lead to the list"
    system = client.get("/readiness/ISO42001?subject=ai_system:credit-scoring")
    assert system.status_code == 200
    assert b"No requirement fits" in client.get("/readiness/ISO42001?q=nothing-like-it").content


def test_the_course_is_made_aside_and_comes(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("viewer")
    assert client.get("/readiness/trend?framework=ISO42001").status_code == 200
    for _ in range(120):
        page = client.get("/readiness/trend?framework=ISO42001").content.decode()
        if "<svg" in page:
            break
        time.sleep(0.5)
    assert "If nothing new is done" in page or "if nothing new is done" in page


def test_who_may_not_and_what_is_not(sign_in: Callable[[str], Client]) -> None:
    assert sign_in("stranger").get("/readiness").status_code == 403
    assert sign_in("project-engineer").get("/readiness/ISO42001").status_code == 403
    assert sign_in("viewer").get("/readiness/NOTHING").status_code == 404
    assert sign_in("viewer").get("/readiness/ISO42001?subject=ai_system:none").status_code == 404
