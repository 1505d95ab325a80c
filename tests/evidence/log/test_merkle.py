"""Merkle trees: the known answers of Certificate Transparency, and every proof beside the RFC's definitions taken word for word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import nodes_of, slow_path, slow_proof, slow_root

from kybern.evidence.log import EMPTY_ROOT, extends, includes, leaf_hash, node_hash
from kybern.evidence.log._merkle import consistency, inclusion, leaf_hashes, parents, root

LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH_OF_THE_FIRST = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]

MANY = [number.to_bytes(2, "big") for number in range(40)]
ALL_ROOTS = [slow_root(MANY[:size]) for size in range(len(MANY) + 1)]


def test_roots_are_the_known_ones() -> None:
    assert [root(size, nodes_of(LEAVES)).hex() for size in range(9)] == ROOTS
    assert EMPTY_ROOT.hex() == ROOTS[0]


def test_the_known_path() -> None:
    assert [step.hex() for step in inclusion(0, 8, nodes_of(LEAVES))] == PATH_OF_THE_FIRST


def test_many_hashes_at_once_are_those_one_by_one() -> None:
    hashes = leaf_hashes(LEAVES[:5])
    assert hashes == b"".join(map(leaf_hash, LEAVES[:5]))
    assert parents(hashes) == b"".join(node_hash(hashes[at : at + 32], hashes[at + 32 : at + 64]) for at in (0, 64))


def test_every_inclusion_proof_is_the_rfcs_and_verifies() -> None:
    for size in range(1, len(MANY) + 1):
        for index in range(size):
            proof = inclusion(index, size, nodes_of(MANY))
            assert list(proof) == slow_path(index, MANY[:size])
            assert includes(leaf_hash(MANY[index]), index, size, proof, ALL_ROOTS[size])


def test_every_consistency_proof_is_the_rfcs_and_verifies() -> None:
    for new in range(len(MANY) + 1):
        for old in range(new + 1):
            proof = consistency(old, new, nodes_of(MANY))
            assert list(proof) == (slow_proof(old, MANY[:new]) if old else [])
            assert extends(old, new, ALL_ROOTS[old], ALL_ROOTS[new], proof)


@given(st.data())
def test_a_changed_bit_a_wrong_place_or_a_wrong_length_refuses_an_inclusion_proof(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40))
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion(index, size, nodes_of(MANY)))
    hashed, wanted = leaf_hash(MANY[index]), ALL_ROOTS[size]
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    assert not includes(hashed, index, size, [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]], wanted)
    assert not includes(flipped(hashed, bit), index, size, proof, wanted)
    assert not includes(hashed, index, size, proof, flipped(wanted, bit))
    assert not includes(hashed, index, size, proof[:-1], wanted)
    assert not includes(hashed, index, size, [*proof, hashed], wanted)
    other = data.draw(st.integers(-2, 60).filter(lambda number: number != index))
    assert not includes(hashed, other, size, proof, wanted)


@given(st.data())
def test_a_changed_bit_or_a_wrong_length_refuses_a_consistency_proof(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 40))
    old = data.draw(st.integers(1, new - 1))
    proof = list(consistency(old, new, nodes_of(MANY)))
    at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    roots = (ALL_ROOTS[old], ALL_ROOTS[new])
    assert not extends(old, new, *roots, [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]])
    assert not extends(old, new, flipped(roots[0], bit), roots[1], proof)
    assert not extends(old, new, roots[0], flipped(roots[1], bit), proof)
    assert not extends(old, new, *roots, proof[:-1])
    assert not extends(old, new, *roots, [*proof, roots[0]])
    assert not extends(new, old, roots[1], roots[0], proof)


@given(st.integers(-3, 50), st.integers(-3, 50), st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_proofs_of_nonsense_are_refused_without_an_error(one: int, two: int, proof: list[bytes]) -> None:
    assert not includes(b"\0" * 32, one, two, proof, b"\1" * 32)
    assert not extends(one, two, b"\0" * 32, b"\1" * 32, proof)


def test_the_empty_tree_begins_every_tree_and_nothing_else_stands_for_it() -> None:
    assert extends(0, 3, EMPTY_ROOT, ALL_ROOTS[3], ())
    assert extends(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())
    assert not extends(0, 3, ALL_ROOTS[3], ALL_ROOTS[3], ())
    assert not extends(0, 0, EMPTY_ROOT, ALL_ROOTS[3], ())
    assert not extends(0, 3, EMPTY_ROOT, ALL_ROOTS[3], (EMPTY_ROOT,))


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion(index, size, nodes_of(MANY))
    with pytest.raises(ValueError, match="does not begin"):
        consistency(4, 3, nodes_of(MANY))


def flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")
