"""COSE receipts: made from the log's own proofs, verified by us, refused when a byte changes."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.evidence import PrivateKey, Refused
from kybern.evidence.log import LEAF_HEADER, SIZE_HEADER, TlogProof, Verifier, cose_receipt, verify_cose
from kybern.evidence.log._cbor import dump, load

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import KEY, SIGNER, Bench

VERIFIER = SIGNER.verifier


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> TlogProof:
    bench = Bench.at(tmp_path_factory.mktemp("log"))
    bench.fill(11)
    return bench.log.prove(6)


@pytest.mark.parametrize("size", [1, 2, 7, 300])
def test_a_receipt_of_every_entry_verifies(tmp_path: Path, size: int) -> None:
    bench = Bench.at(tmp_path)
    bench.fill(size)
    for index in {0, size // 2, size - 1}:
        proof = bench.log.prove(index)
        proven = verify_cose(cose_receipt(proof, VERIFIER, KEY), VERIFIER)
        assert (proven.index, proven.checkpoint) == (index, bench.log.head().checkpoint)
        assert proven.leaf.seq == index + 1


def test_a_receipt_is_what_rfc_9942_says(proof: TlogProof) -> None:
    receipt = cose_receipt(proof, VERIFIER, KEY)
    sign1 = cbor2.loads(receipt)
    protected, unprotected, payload, signature = sign1.value
    assert (sign1.tag, payload, len(signature)) == (18, None, 64)
    assert cbor2.loads(protected) == {1: -8, 4: VERIFIER.id, 15: {1: VERIFIER.name}, 395: 1, SIZE_HEADER: 11}
    assert set(unprotected) == {396, LEAF_HEADER}
    assert cbor2.loads(unprotected[396][-1][0]) == [11, 6, list(proof.hashes)]
    assert cose_receipt(proof, VERIFIER, KEY) == receipt


def test_every_changed_byte_is_refused(proof: TlogProof) -> None:
    receipt = cose_receipt(proof, VERIFIER, KEY)
    for place in range(len(receipt)):
        for bit in (1, 0x80):
            with pytest.raises(Refused):
                verify_cose(receipt[:place] + bytes([receipt[place] ^ bit]) + receipt[place + 1 :], VERIFIER)
    for cut in (receipt[:-1], receipt + b"\0", b"", receipt[1:]):
        with pytest.raises(Refused, match="bad-receipt"):
            verify_cose(cut, VERIFIER)


def test_only_the_logs_key_signs_and_only_what_its_checkpoint_says(proof: TlogProof) -> None:
    with pytest.raises(Refused, match="not the key of the log"):
        cose_receipt(proof, VERIFIER, PrivateKey.generate())
    moved = TlogProof(proof.index + 1, proof.hashes, proof.checkpoint, proof.extra)
    with pytest.raises(Refused, match="not-included"):
        cose_receipt(moved, VERIFIER, KEY)


def test_the_receipt_of_another_log_is_refused(proof: TlogProof) -> None:
    receipt = cose_receipt(proof, VERIFIER, KEY)
    with pytest.raises(Refused, match="wrong-origin"):
        verify_cose(receipt, Verifier("example.org/other", VERIFIER.public))


def test_a_receipt_with_two_proofs_or_none_is_refused(proof: TlogProof) -> None:
    protected, unprotected, _, signature = cbor2.loads(cose_receipt(proof, VERIFIER, KEY)).value
    one = unprotected[396][-1][0]
    for proofs in ([], [one, one], [b"\x80"], [dump([2**64 - 1, 0, []])], [dump([11, 11, []])], [dump([1, 0, [b"short"]])]):
        forged = b"\xd2" + dump([protected, {396: {-1: proofs}, LEAF_HEADER: proof.extra}, None, signature])
        with pytest.raises(Refused, match="bad-receipt"):
            verify_cose(forged, VERIFIER)


VALUES = st.recursive(
    st.none() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-(2**64), 2**64 - 1) | st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES)
def test_cbor_reads_what_cbor2_writes(value: object) -> None:
    data = dump(value)
    try:
        found = load(data)
    except ValueError as error:
        assert "too deeply" in str(error)  # noqa: PT017 - the one reason that a value of these has
    else:
        assert found == value == cbor2.loads(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_as_one_value_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert dump(load(data)) == data


@given(st.binary(max_size=200) | st.binary(max_size=200).map(b"\xd2\x84".__add__))
def test_any_bytes_are_a_receipt_or_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        verify_cose(data, VERIFIER)
