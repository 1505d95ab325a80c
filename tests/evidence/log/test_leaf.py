"""Every form of leaf: canonical, read back strictly, found by what it should be found by; and commitments that give nothing away."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import START, Bench, digest

from kybern.base import canonical_json
from kybern.evidence import Refused, commit
from kybern.evidence.log import (
    FORMS,
    Draft,
    Entry,
    Guard,
    erasure_entry,
    event_entry,
    protected_entry,
    read_leaf,
    record_entry,
    term,
    verify_proof,
)
from kybern.evidence.log._leaf import moment_text

AT = moment_text(START)
ALL: dict[str, Callable[[], Draft]] = {
    "statement envelope": lambda: Entry(digest(1), digest(2), "tool:x"),
    "timestamp": lambda: Entry(digest(0), digest(0), "authority:x", type="timestamp"),
    "commitment": lambda: protected_entry(digest(3)),
    "record digest": lambda: record_entry("role:chair", digest(4), "person:anna", digest=digest(5)),
    "record commitment": lambda: record_entry("person:anna", digest(4), "person:anna", commitment=digest(6)),
    "record removed": lambda: record_entry("role:chair", digest(4), "person:anna"),
    "event digest": lambda: event_entry(digest(7), "agent:triage"),
    "event commitment": lambda: event_entry(digest(8), "agent:triage", committed=True),
    "erasure": lambda: erasure_entry(digest(9), "person:anna"),
}


@pytest.mark.parametrize("name", ALL)
def test_every_form_is_canonical_json_and_leads_back(name: str) -> None:
    data = ALL[name]().leaf(3, AT)
    value = json.loads(data)
    assert data == canonical_json(value)
    leaf = read_leaf(data)
    said = {field: getattr(leaf, field) for field in value if field not in {"at", "v", "removed"}}
    assert said == {field: value[field] for field in said}
    assert leaf.removed is value.get("removed", False)
    assert leaf.at == START


def test_the_forms_are_those_of_the_handbook() -> None:
    page = (Path(__file__).parents[3] / "docs" / "handbook" / "log.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(statement|timestamp|record|event|erasure)` \| (.*?) \|", page, re.MULTILINE)
    told = sorted((kind, tuple(sorted(re.findall(r"`([a-z]+)`", fields)))) for kind, fields in rows)
    assert told == sorted((kind, tuple(sorted(fields))) for kind, fields in FORMS)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "change",
    [
        {"later": 1},
        {"v": 2},
        {"type": "thing"},
        {"seq": 0},
        {"seq": 2**53},
        {"seq": True},
        {"at": "2026-13-23T00:00:00.000000Z"},
        {"source": "ä"},
    ],
)
def test_a_leaf_that_says_more_or_something_else_is_refused(name: str, change: dict[str, Any]) -> None:
    value = json.loads(ALL[name]().leaf(3, AT))
    with pytest.raises(Refused, match="bad-leaf"):
        read_leaf(json.dumps(value | change, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize("name", ALL)
def test_a_leaf_that_leaves_something_out_or_is_not_canonical_is_refused(name: str) -> None:
    data = ALL[name]().leaf(3, AT)
    value = json.loads(data)
    for field in value:
        fewer = canonical_json({key: one for key, one in value.items() if key != field})
        if field == "removed":
            continue
        with pytest.raises(Refused, match="bad-leaf"):
            read_leaf(fewer)
    for other in (data + b"\n", b" " + data, data.replace(b":", b": ", 1), data.replace(b'"v":1', b'"v":1.0')):
        with pytest.raises(Refused, match="bad-leaf"):
            read_leaf(other)


@given(st.sampled_from(sorted(ALL)), st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_leaf_with_other_bytes_in_it_is_refused_or_says_what_it_says(name: str, place: int, other: bytes) -> None:
    data = bytearray(ALL[name]().leaf(3, AT))
    data[place : place + len(other)] = other
    with suppress(Refused):
        leaf = read_leaf(bytes(data))
        assert canonical_json(json.loads(bytes(data))) == bytes(data)
        assert leaf.type in {kind for kind, _ in FORMS}


@pytest.mark.parametrize("fields", [{"ref": "role"}, {"ref": "Role:x"}, {"change": "x"}, {"source": "a b"}, {"digest": digest(1).upper()}])
def test_an_entry_that_a_leaf_cannot_say_is_refused_before_it_is_one(fields: dict[str, str]) -> None:
    good = {"ref": "role:chair", "change": digest(4), "source": "person:anna", "digest": digest(5)}
    with pytest.raises(Refused, match="bad-leaf"):
        record_entry(**(good | fields))


def test_every_form_is_found_proven_and_verified(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path)
    bench.log.append([make() for make in ALL.values()], START)
    bench.log.publish(START)
    for index, (name, make) in enumerate(ALL.items()):
        proven = verify_proof(bytes(bench.log.prove(index)), bench.log.verifier)
        assert (proven.index, proven.leaf.type) == (index, read_leaf(make().leaf(1, AT)).type)
        for one in proven.leaf.digests:
            assert index in bench.log.journal.find(one), name
    assert [index for index, _ in bench.log.journal.found_by(term("type", "record"))] == [3, 4, 5]
    assert [index for index, _ in bench.log.journal.found_by(term("ref", "role:chair"))] == [3, 5]
    assert [index for index, _ in bench.log.journal.found_by(term("type", "erasure"))] == [8]


def test_a_commitment_and_a_receipt_are_logged_once(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path)
    twice = [protected_entry(digest(3)), erasure_entry(digest(9), "person:anna"), protected_entry(digest(3))]
    assert bench.log.append(twice, START) == [0, 1, 0]
    assert bench.log.append(twice, START) == [0, 1, 0]
    assert bench.log.journal.size == 2


def test_a_batch_whose_guard_does_not_hold_is_not_appended(tmp_path: Path) -> None:
    journal = Bench.at(tmp_path).log.journal
    record = record_entry("role:chair", digest(4), "person:anna", digest=digest(5))
    records = term("type", "record")
    with pytest.raises(Refused, match="moved-on"):
        journal.append([record], START, Guard(records, 0))
    assert journal.append([record], START, Guard(records, None)) == [0]
    with pytest.raises(Refused, match="moved-on"):
        journal.append([record], START, Guard(records, None))
    journal.append([event_entry(digest(7), "agent:triage")], START)
    assert journal.append([record], START, Guard(records, 0)) == [2]
    assert journal.size == 3


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["yes", "no"]))
def test_two_answers_under_a_salt_nobody_knows_leave_leaves_that_differ_in_the_commitment_only(salt: bytes, answer: str) -> None:
    leaf = json.loads(protected_entry(commit(salt, digest(answer))).leaf(1, AT))
    other = json.loads(protected_entry(commit(bytes(32), digest("other"))).leaf(1, AT))
    assert {name for name in leaf if leaf[name] != other[name]} <= {"commitment"}
    assert len(leaf["commitment"]) == 64
    # What somebody can try who knows the answers and not the salt: the digest itself, and the commitment without a salt.
    for guess in ("yes", "no"):
        assert leaf["commitment"] != digest(guess)
        if salt != bytes(32):
            assert leaf["commitment"] != commit(bytes(32), digest(guess))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_salt_of_another_length_is_no_salt(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        commit(bytes(size), digest(1))
