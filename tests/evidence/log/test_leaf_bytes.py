"""Leaves are written by hand for speed: the bytes are those of RFC 8785 and of a fast serialiser."""

from __future__ import annotations

import json

import orjson
from hypothesis import given
from hypothesis import strategies as st

from kybern.base import canonical_json, restricted
from kybern.evidence.log import Entry, read_leaf

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
SOURCES = st.from_regex(r"[!#-\[\]-~]{1,120}", fullmatch=True)


@given(DIGESTS, DIGESTS, SOURCES, st.integers(1, 2**53 - 1), st.sampled_from(["statement", "timestamp"]))
def test_a_leaf_is_canonical_and_within_the_part_that_is_signed(statement: str, envelope: str, source: str, seq: int, type_: str) -> None:
    leaf = Entry(statement, envelope, source, seq, type_).leaf(seq, "2026-11-23T16:00:00.000000Z")
    value = json.loads(leaf)
    assert restricted(value) == value
    assert leaf == canonical_json(value) == orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    assert (read_leaf(leaf).source, read_leaf(leaf).seq) == (source, seq)
