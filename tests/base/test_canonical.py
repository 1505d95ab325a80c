"""Canonical JSON: RFC 8785 and a fast serialiser write the same bytes in the part of JSON that Kybern signs."""

from __future__ import annotations

import enum
import json
import re
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kybern.base import canonical_json, restricted
from kybern.base.canonical import _NotPlainError, _plain

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ASCII = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ASCII, inner, max_size=5),
    max_leaves=8,
)


def fast(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@settings(max_examples=2000, deadline=None)
@given(VALUES)
@example({"b": -0.0, "a": [1e15, 1.5, 1e-7, 1e-5, 5e-324, 1.7976931348623157e308], "\x7f": '\u2028\x1f"\\/\ufeff'})
def test_the_two_write_the_same_bytes_wherever_it_is_not_refused(value: Any) -> None:
    try:
        kept = restricted(value)
    except ValueError as error:
        assert "number" in str(error)  # noqa: PT017 - keys and texts of these values are within the part
        return
    assert fast(kept) == rfc8785.dumps(kept) == canonical_json(value)


class Word(enum.StrEnum):
    ONE = "one"


NUMBERS_OF_ALL_SORTS = (
    NUMBERS | st.floats() | st.integers() | st.floats(1e-7, 1e-3) | st.floats(1e14, 1e22) | st.integers(2**53 - 2, 2**53 + 2).map(float)
)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | NUMBERS_OF_ALL_SORTS
    | st.text(st.characters(), max_size=12)
    | st.sampled_from([Word.ONE, b"x", {1: 2}, ()]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ASCII | TEXTS, inner, max_size=5) | st.tuples(inner, inner),
    max_leaves=8,
)


@settings(max_examples=1000, deadline=None)
@given(ANYTHING)
@example({"\U00010000": 1, "\uffff": 2})
@example([0.0001, 0.00009999, 1e15 + 0.5, 9007199254740991, -0.5, {"b": 1, "a": '\x00\x1f\x7f\u2028/\\"'}])
@example("\ud800")
def test_the_quick_way_writes_the_bytes_of_rfc_8785_or_refuses_as_it_does(value: Any) -> None:
    try:
        wanted = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            canonical_json(value)
    else:
        assert canonical_json(value) == wanted


def test_most_of_what_is_written_takes_the_quick_way() -> None:
    value = {"a": [1, -2, 0.25, 3.0, -0.0, "\u00e4", True, None, ()], "b": {}}
    assert _plain(value) == {**value, "a": [*value["a"][:-1], []]}
    assert canonical_json(value) == rfc8785.dumps(value) == b'{"a":[1,-2,0.25,3,0,"\xc3\xa4",true,null,[]],"b":{}}'


@pytest.mark.parametrize("value", [1e-5, -1e300, float("nan"), float("inf"), 2**53, {"\u00e4": 1}, b"x", Word.ONE, {1: 1}, {Word.ONE: 1}])
def test_what_might_be_written_otherwise_takes_the_other(value: Any) -> None:
    with pytest.raises(_NotPlainError):
        _plain([value])


def test_what_contains_itself_or_lies_very_deep_is_no_value() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for value in (circle, deep):
        with pytest.raises(RecursionError):
            canonical_json(value)


@settings(max_examples=3000, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.floats(1e-7, 1e-4) | st.floats(1e14, 1e22))
def test_no_number_within_the_part_is_written_otherwise(number: float) -> None:
    outside = 1e-6 <= abs(number) < 1e-5 or abs(number) >= 2**53
    if outside:
        with pytest.raises(ValueError, match="unit"):
            restricted(number)
    else:
        assert fast(restricted(number)) == rfc8785.dumps(number)


def test_what_is_left_out_is_left_out_because_the_two_differ() -> None:
    for value in (1.5e-6, 1.0, -0.0, 1e16, {"\U00010000": 1, "\uffff": 2}):
        assert fast(value) != rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": {"\u00e4": 1}}, "/a: the key '\\xe4' is not a text in ASCII"),
        ({"a": [0, float("nan")]}, "/a/1: nan"),
        ({"a": float("inf")}, "/a: inf"),
        ({"a": 2**53}, "/a: 9007199254740992"),
        ({"a": -1e300}, "/a: -1e+300"),
        ({"a": 2e-6}, "/a: numbers from 1e-6"),
        ({"a": "\ud800"}, "/a: '\\ud800' is no text"),
        ({"a": b"x"}, "/a: b'x' is no text"),
        ({1: 1}, "/: the key 1"),
    ],
)
def test_what_lies_outside_is_refused_with_its_place(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match="/") as error:
        restricted(value)
    assert str(error.value).startswith(words)


@given(VALUES)
def test_what_is_restricted_stays_so_and_means_the_same(value: Any) -> None:
    try:
        kept = restricted(value)
    except ValueError:
        return
    assert restricted(kept) == kept == value
    assert json.loads(canonical_json(kept)) == value
