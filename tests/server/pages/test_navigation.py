"""The navigation as data, and the query strings that its pages' lists are filtered by."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from looks_world import environment

from kybern.server.pages._navigation import Item, navigation
from kybern.server.pages._query import query_rest, query_values, query_with, query_without, sort_direction, sort_query


def _items(path: str = "/nowhere") -> list[Item]:
    return [item for group in navigation(path, lambda _: True) for item in group.items]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/", "Home"),
        ("/readiness", "Readiness"),
        ("/readiness/ISO42001", "Readiness"),
        ("/requirements/ISO42001:A.7.4", "Readiness"),
        ("/systems/credit", "AI systems"),
        ("/records/ai_system/credit/edit", "AI systems"),
        ("/records/supplier/", "Suppliers"),
        ("/records/dataset/loans", "All records"),
        ("/records/incident/new", "Incidents"),
        ("/trace/risk:bias", "Traceability"),
        ("/settings/people", "Settings"),
    ],
)
def test_the_page_that_fits_best_is_current_and_no_other(path: str, label: str) -> None:
    assert [str(item.label) for item in _items(path) if item.current] == [label]


@pytest.mark.parametrize("path", ["/nowhere", "/systemsx", "/trust"])
def test_a_page_outside_the_navigation_marks_nothing(path: str) -> None:
    assert not [item for item in _items(path) if item.current]


def test_what_is_not_allowed_is_left_out_and_an_empty_group_with_it() -> None:
    shown = navigation("/rules", lambda href: not href.startswith(("/records/", "/settings")) and href != "/rules")
    assert "Registers" not in [str(group.label) for group in shown]
    assert "/settings" not in [item.href for group in shown for item in group.items]
    assert not [item for group in shown for item in group.items if item.current]


def test_keys_and_addresses_are_not_given_twice() -> None:
    keys = [item.key for item in _items() if item.key]
    assert len(keys) == len(set(keys))
    assert {"h", "r", "s", "e"} <= set(keys)
    assert len({item.href for item in _items()}) == len(_items())


def test_every_icon_of_the_navigation_is_drawn() -> None:
    draw: Callable[[str, int], str] = environment().globals["icon"]  # type: ignore[assignment]
    for item in _items():
        assert re.match(r"<svg [^>]*aria-hidden=\"true\"", draw(item.icon, 18))


QUERIES = st.lists(st.tuples(st.sampled_from(["q", "status", "sort", "owner"]), st.text(max_size=6))).map(
    lambda pairs: query_with("", {}) if not pairs else "&".join(f"{name}={value.encode().hex()}" for name, value in pairs)
)


@given(QUERIES, st.text(min_size=1, max_size=9))
def test_a_value_that_is_set_is_read_back_and_taking_it_away_leaves_none(query: str, value: str) -> None:
    query = query.lstrip("?")
    changed = query_with(query, status=value)
    assert query_values(changed.lstrip("?"), "status") == [value]
    assert query_values(query_without(changed.lstrip("?"), "status", value).lstrip("?"), "status") == []
    others = [pair for pair in parse_qsl(query) if pair[0] != "status"]
    assert [pair for pair in parse_qsl(changed[1:]) if pair[0] != "status"] == others


def test_a_new_filter_starts_at_the_beginning_of_the_list_but_a_cursor_may_be_set() -> None:
    assert query_with("q=a&after=x", status="met") == "?q=a&status=met"
    assert query_with("q=a&after=x", before="y") == "?q=a&before=y"
    assert query_with("q=a", q=None) == "?"
    assert query_with("", status=["met", "", "expired"]) == "?status=met&status=expired"


def test_one_of_several_values_is_taken_away() -> None:
    assert query_without("status=met&status=expired&q=a", "status", "met") == "?q=a&status=expired"


def test_a_form_carries_what_is_not_its_own() -> None:
    assert query_rest("q=a&sort=title&after=x&unit=retail", ["q"]) == [("sort", "title"), ("unit", "retail")]


def test_a_column_asked_again_is_ordered_the_other_way_round() -> None:
    assert sort_direction("sort=-title", "title") == "descending"
    assert sort_direction("sort=-title", "owner") == "none"
    assert sort_query("", "title") == "?sort=title"
    assert sort_query("sort=title", "title") == "?sort=-title"
    assert sort_query("sort=-title", "title") == "?sort=title"
    assert sort_query("q=a", "coverage", first="descending") == "?q=a&sort=-coverage"
