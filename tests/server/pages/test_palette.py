"""The palette gives first what was meant: what is called so, what begins so, what has it somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from server_world import PROJECT_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

pytestmark = pytest.mark.django_db


def found(client: Client, words: str) -> list[str]:
    answer = client.get("/palette", {"q": words})
    assert answer.status_code == 200
    return [one["href"] for one in answer.json()]


def test_a_record_is_found_by_its_name_before_those_that_only_speak_of_it(sign_in: Callable[[str], Client]) -> None:
    client = sign_in("governance-lead")
    title = next(one["label"] for one in client.get("/palette", {"q": PROJECT_SYSTEM}).json())
    assert found(client, PROJECT_SYSTEM)[0] == "/systems/credit-scoring"
    assert found(client, title)[0] == "/systems/credit-scoring"


def test_titles_that_begin_with_the_word_come_before_those_that_have_it_within(sign_in: Callable[[str], Client]) -> None:
    answer = sign_in("governance-lead").get("/palette", {"q": "credit"}).json()
    titles = [one["label"].lower() for one in answer if one["href"].startswith(("/systems/", "/records/"))]
    places = [0 if one.startswith("credit") else 1 if "credit" in one else 2 for one in titles]
    assert places == sorted(places)
    assert len(set(places)) > 1


@pytest.mark.parametrize("words", ["6.1.2", "ISO42001:6.1.2", "a.6.2.4"])
def test_a_requirement_is_found_first_by_its_number(sign_in: Callable[[str], Client], words: str) -> None:
    number = words.rpartition(":")[2].upper()
    requirements = [one for one in found(sign_in("viewer"), words) if one.startswith("/requirements/")]
    assert requirements[0].endswith(f":{number}")


def test_a_control_is_found_first_by_its_name(sign_in: Callable[[str], Client]) -> None:
    assert next(one for one in found(sign_in("viewer"), "lif-0") if one.startswith("/controls/")) == "/controls/LIF-01"
    assert [one for one in found(sign_in("viewer"), "LIF-04") if one.startswith("/controls/")] == ["/controls/LIF-04"]


def test_without_words_it_gives_what_changed_last_and_nothing_of_the_catalog(sign_in: Callable[[str], Client]) -> None:
    assert all(one.startswith(("/records/", "/systems/")) for one in found(sign_in("viewer"), ""))
