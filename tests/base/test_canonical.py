"""Canonical JSON: RFC 8785 and a fast serialiser write the same bytes in the part of JSON that Kybern signs."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kybern.base import canonical_json, restricted

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
