"""References in what the core says, told by titles to who may know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from django.test import Client

pytestmark = pytest.mark.django_db

PERSON = "person:stefan-brandt"


def said_to(handle: str, text: str) -> str:
    from kybern.server.access.actor import actor_of
    from kybern.server.access.models import User
    from kybern.server.pages._named import named, read_by

    with read_by(actor_of(User.objects.get(handle=handle))):
        return named(text)


def test_records_are_told_by_their_titles(sign_in: Callable[[str], Client]) -> None:
    sign_in("governance-lead")
    assert said_to("governance-lead", "risk:cs-drift does not state tags.") == (
        "“Applications drift away from the training data” does not state tags."
    )
    assert said_to("governance-lead", f"approved by {PERSON}; stands") == "approved by Stefan Brandt; stands"


def test_what_is_no_record_stays_as_it_is(sign_in: Callable[[str], Client]) -> None:
    sign_in("governance-lead")
    for text in ("signed by pipeline:credit-ci", "risk:no-such", "asked is: decision is one of approved", "http://risk:80/"):
        assert said_to("governance-lead", text) == text


def test_who_may_not_know_of_people_is_told_no_name(sign_in: Callable[[str], Client]) -> None:
    sign_in("viewer")
    assert said_to("viewer", f"approved by {PERSON}") == f"approved by {PERSON}"


def test_a_value_that_is_no_reference_is_not_asked_for(
    sign_in: Callable[[str], Client], django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    from kybern.server.access.actor import actor_of
    from kybern.server.access.models import User
    from kybern.server.pages._named import read_by, title_of

    sign_in("viewer")
    with read_by(actor_of(User.objects.get(handle="viewer"))), django_assert_num_queries(0):
        for text in ("back to the owners: too much", "risk:\0", "RISK:X", "12:30", ""):
            assert title_of(text) == text


def test_outside_of_a_page_nothing_is_looked_up() -> None:
    from kybern.server.pages._named import named, title_of

    assert named("risk:cs-drift") == title_of("risk:cs-drift") == "risk:cs-drift"
