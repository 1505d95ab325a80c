"""Leaves and proofs in files."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import SIGNER, START, Bench, digest

from kybern.base import canonical_json
from kybern.evidence import Refused
from kybern.evidence.log import Entry, TlogProof, read_leaf, verify_proof
from kybern.evidence.log._leaf import moment_of, moment_text

SOURCES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'), min_size=1, max_size=120)


@given(
    SOURCES,
    st.integers(1, 2**53 - 1),
    st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-9)))),
)
def test_a_leaf_is_canonical_json_and_leads_back(source: str, seq: int, at: datetime) -> None:
    try:
        text = moment_text(at)
    except OverflowError:
        return
    data = Entry(digest(1), digest(2), source).leaf(seq, text)
    assert data == canonical_json(json.loads(data))
    leaf = read_leaf(data)
    assert (leaf.statement, leaf.envelope, leaf.source, leaf.seq, leaf.type) == (digest(1), digest(2), source, seq, "statement")
    assert leaf.at == at.astimezone(UTC)
    assert moment_of(data) == text


def test_moments_sort_as_their_texts_do() -> None:
    moments = [START, START + timedelta(microseconds=1), START.astimezone(timezone(timedelta(hours=5))) + timedelta(seconds=1)]
    assert sorted(map(moment_text, moments)) == list(map(moment_text, moments))


@pytest.mark.parametrize(
    "fields",
    [
        {"statement": "x"},
        {"statement": digest(1).upper()},
        {"envelope": ""},
        {"source": ""},
        {"source": "a b"},
        {"source": 'a"b'},
        {"source": "ä"},
        {"source": "a\\b"},
        {"source": "a\n"},
        {"seq": 0},
        {"seq": 2**53},
        {"seq": True},
        {"type": "Statement"},
        {"type": "record"},
    ],
)
def test_an_entry_that_a_leaf_cannot_say_is_refused(fields: dict[str, object]) -> None:
    good: dict[str, object] = {"statement": digest(1), "envelope": digest(2), "source": "tool:x"}
    with pytest.raises(Refused, match="bad-leaf"):
        Entry(**(good | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"at": "2026-11-23"}, {"at": "2026-13-23T00:00:00.000000Z"}, {"at": None}, {"seq": "1"}, {"source": None}, {"later": 1}],
)
def test_a_leaf_of_another_form_is_refused(change: dict[str, object]) -> None:
    good = json.loads(Entry(digest(1), digest(2), "tool:x").leaf(1, moment_text(START)))
    with pytest.raises(Refused, match="bad-leaf"):
        read_leaf(canonical_json(good | change))
    assert read_leaf(canonical_json(good)).at == datetime(2026, 11, 23, 9, tzinfo=UTC)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_leaf_and_no_proof(data: bytes) -> None:
    with pytest.raises(Refused, match="bad-leaf"):
        read_leaf(data)
    with pytest.raises(Refused, match="bad-proof"):
        TlogProof.parse(data)


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    bench = Bench.at(tmp_path_factory.mktemp("log"))
    bench.fill(300)
    return bytes(bench.log.prove(digest(70)))


def test_a_proof_holds_and_says_of_what(proof: bytes) -> None:
    proven = verify_proof(proof, SIGNER.verifier)
    assert (proven.index, proven.leaf.statement, proven.leaf.seq, proven.checkpoint.size) == (70, digest(70), 71, 300)
    assert bytes(TlogProof.parse(proof)) == proof
    assert proof.startswith(b"c2sp.org/tlog-proof@v1\nextra ")


def test_one_changed_byte_of_a_proof_is_refused(proof: bytes) -> None:
    for at in range(len(proof)):
        for change in (1, 128):
            changed = bytearray(proof)
            changed[at] ^= change
            with pytest.raises(Refused):
                verify_proof(bytes(changed), SIGNER.verifier)


def test_a_proof_of_another_index_or_without_its_leaf_is_refused(proof: bytes) -> None:
    parsed = TlogProof.parse(proof)
    for other in (
        TlogProof(71, parsed.hashes, parsed.checkpoint, parsed.extra),
        TlogProof(10**18, parsed.hashes, parsed.checkpoint, parsed.extra),
        TlogProof(70, parsed.hashes, parsed.checkpoint),
        TlogProof(70, parsed.hashes[:-1], parsed.checkpoint, parsed.extra),
    ):
        with pytest.raises(Refused, match="not-included"):
            verify_proof(bytes(other), SIGNER.verifier)


@pytest.mark.parametrize(
    "text",
    [
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nextra A===\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + "A" * 43 + "=\n" * 64 + "\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + ("A" * 43 + "=\n") * 64 + "\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + "x" * 300_000,
        "c2sp.org/tlog-proof@v1\nindex 0",
        "c2sp.org/tlog-proof@v1\nindex 0 \u00e9\n\nx",
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="bad-proof"):
        TlogProof.parse(text.encode())
