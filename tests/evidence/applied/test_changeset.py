"""Reading change sets: whatever is not one is refused, in words, and nothing else happens."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from applied_world import ANNA, START, digest

from kybern.base import canonical_json
from kybern.evidence import Refused, sign
from kybern.evidence.applied import (
    Applied,
    Base,
    Change,
    change_set,
    compare,
    list_of,
    new_file,
    read_change,
    read_change_file,
    read_change_set,
)

REFS = st.from_regex(r"[a-z_]{1,8}:[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)
HEX = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
CHANGE = st.one_of(
    st.builds(Change, REFS, st.none() | HEX, HEX, st.booleans()),
    st.builds(Change, REFS, HEX, st.none()),
)
CHANGES = (Change("role:a", None, digest("a")), Change("role:b", digest("b"), None))
SAID = Applied(at=START, by="person:anna", reason="Because.", base=Base(change=None, entries=0), changes=2)
FILE = bytes(new_file(sign(change_set(SAID, CHANGES), ANNA), CHANGES, {"role:a": b"{}"}))
NAME = new_file(sign(change_set(SAID, CHANGES), ANNA), CHANGES, {"role:a": b"{}"}).name


@given(CHANGE)
def test_a_line_is_canonical_json_and_leads_back(change: Change) -> None:
    line = change.line()
    assert canonical_json(json.loads(line)) == line
    assert read_change(line) == change


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'{"ref":"role:a","was":null}',
        b'{"ref":"role:a","removed":true,"was":null}',
        b'{"digest":"' + b"a" * 64 + b'","ref":"role:a","removed":true,"was":null}',
        b'{"digest":"' + b"A" * 64 + b'","ref":"role:a","was":null}',
        b'{"digest":"' + b"a" * 64 + b'","ref":"role:\xc3\xa4","was":null}',
        b'{"digest":"' + b"a" * 64 + b'", "ref":"role:a","was":null}',
    ],
)
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(Refused, match="bad-change"):
        read_change(line)


def test_a_change_set_leads_back() -> None:
    found = read_change_set(change_set(SAID, CHANGES))
    assert (found.said, found.at) == (SAID, START)
    file = read_change_file(FILE, NAME)
    assert file.changes == CHANGES
    assert bytes(file) == FILE


@pytest.mark.parametrize(
    "change",
    [
        {"predicateType": "x"},
        {"_type": "x"},
        {"subject": []},
        {"subject": [{"name": "changes", "digest": {"sha256": "x"}}]},
        {"subject": [{"name": "other", "digest": {"sha256": digest(1)}}]},
        {"predicate": {}},
        {"predicate": json.loads(SAID.model_dump_json()) | {"reason": ""}},
        {"predicate": json.loads(SAID.model_dump_json()) | {"changes": "2"}},
        {"predicate": json.loads(SAID.model_dump_json()) | {"at": "2026-11-23"}},
        {"predicate": json.loads(SAID.model_dump_json()) | {"more": 1}},
        {"more": 1},
    ],
)
def test_other_statements_are_refused(change: dict[str, Any]) -> None:
    value = json.loads(change_set(SAID, CHANGES))
    with pytest.raises(Refused, match="bad-change-set"):
        read_change_set(canonical_json(value | change))


@given(st.binary(max_size=300))
def test_any_bytes_are_no_change_set(data: bytes) -> None:
    for read in (read_change_set, read_change, lambda found: read_change_file(found, NAME)):
        with pytest.raises(Refused):
            read(data)


@given(st.integers(0, len(FILE) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_a_file_with_other_bytes_in_it_is_refused_or_holds_another_content(place: int, other: bytes, taken: int) -> None:
    data = FILE[:place] + other + FILE[place + taken :]
    with suppress(Refused):
        file = read_change_file(data, NAME)
        assert (file.envelope, file.changes) == (FILE.partition(b"\n")[0] + b"\n", CHANGES)


def test_a_list_is_in_the_order_of_its_names() -> None:
    assert list_of(CHANGES) == list_of(CHANGES[::-1])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
CONTENT = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


@given(CONTENT, CONTENT)
def test_contents_differ_in_a_field_if_and_only_if_they_differ(old: dict[str, Any], new: dict[str, Any]) -> None:
    same = canonical_json(old) == canonical_json(new)
    assert (compare(old, new) == ()) is same
    assert compare(new, old) == tuple(type(one)(one.path, one.new, one.old) for one in compare(old, new))
