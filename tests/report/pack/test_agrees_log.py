"""The one file reads the log as Kybern's rooms do: trees, notes, proofs, leaves and policies; and no bytes make it stumble."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "evidence" / "log"))

from log_bench import SIGNER, slow_proof, slow_root
from witness_bench import LATTICE, NOW, OTHER, WITNESS

from kybern.base import InputError
from kybern.evidence import Refused
from kybern.evidence.log import Checkpoint, extends, includes, leaf_hash, open_checkpoint, read_leaf, read_policy, require
from kybern.report.pack import verify as verifier

HASH = st.binary(min_size=32, max_size=32)
SIZES = st.integers(-1, 20)
LEAVES = [bytes([number]) for number in range(12)]
KEY = verifier.note_key(str(SIGNER.verifier), 1)


@given(SIZES, SIZES, st.lists(HASH, max_size=6), st.sampled_from(LEAVES))
def test_both_judge_any_proof_of_inclusion_alike(index: int, size: int, proof: list[bytes], leaf: bytes) -> None:
    root = slow_root(LEAVES)
    assert verifier.includes(leaf, index, size, proof, root) == includes(leaf_hash(leaf), index, size, proof, root)


@given(st.integers(0, 12), st.integers(0, 12), st.data())
def test_both_judge_any_proof_of_consistency_alike(old: int, new: int, data: st.DataObject) -> None:
    honest = list(slow_proof(old, LEAVES[:new])) if 0 < old < new else []
    proof = data.draw(st.just(honest) | st.lists(HASH | st.sampled_from(honest or [b"\0" * 32]), max_size=5))
    roots = (slow_root(LEAVES[:old]), slow_root(LEAVES[:new]))
    assert verifier.extends(old, new, roots, proof) == extends(old, new, *roots, proof)
    assert verifier.extends(old, new, roots, honest) == (old <= new)


NOTE = SIGNER.sign(str(Checkpoint(SIGNER.verifier.name, 3, slow_root(LEAVES[:3]))))
COSIGNED = NOTE + b"".join(one.cosign(open_checkpoint(NOTE, SIGNER.verifier), NOW) for one in (WITNESS, LATTICE))


def outcome(read: Callable[[], Any]) -> Any:
    """Give what comes out, None where it is refused; anything else fails the test."""
    with suppress(Refused, InputError, verifier.Refused, verifier.NoPack):
        return read()
    return None


@given(st.integers(0, len(COSIGNED)), st.integers(0, 3), st.binary(max_size=3))
def test_both_open_or_refuse_any_changed_checkpoint_alike(at: int, count: int, fresh: bytes) -> None:
    data = COSIGNED[:at] + fresh + COSIGNED[at + count :]
    one, other = outcome(lambda: verifier.read_note(data, KEY)), outcome(lambda: open_checkpoint(data, SIGNER.verifier))
    assert (one is None) == (other is None)
    assert one is None or (one.size, one.root, one.origin) == (other.size, other.root, other.origin)


WORDS = st.sampled_from(
    ["log", "witness", "group", "quorum", "a", "b", "g", "h", "none", "all", "any", "1", "2", "0", "#", "https://a.example", "x y"]
    + [str(key) for key in (SIGNER.verifier, WITNESS.key, LATTICE.key, OTHER.key)]
)
RULES = st.sampled_from(
    [
        f"witness a {WITNESS.key}",
        f"witness b {LATTICE.key}",
        f"witness c {OTHER.key} https://c.example",
        f"log {SIGNER.verifier}",
        "group g 2 a b",
        "group g any a b c",
        "group h all g c",
        "group h 1 c",
        "quorum g",
        "quorum h",
        "quorum a",
        "quorum none",
        "# words",
        "",
    ]
)


@given(st.lists(RULES | st.lists(WORDS, max_size=5).map(" ".join), max_size=8))
def test_both_judge_any_policy_alike(lines: list[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    head = verifier.read_note(COSIGNED, KEY)

    def ours() -> bool:
        policy = verifier.read_policy(data)
        if policy.logs and KEY not in policy.logs:
            return False
        return policy.reached([name for name, key in policy.witnesses.items() if verifier.cosigned(head, key)])

    def theirs() -> bool:
        policy = read_policy(data)
        with suppress(Refused):
            return require(policy, COSIGNED, SIGNER.verifier).enough
        return False

    assert outcome(ours) == outcome(theirs)


LEAF = (
    b'{"at":"2026-11-26T02:37:28.000000Z","envelope":"' + b"a" * 64 + b'","seq":7,"source":"person:anna","statement":"' + b"b" * 64 + b'"'
    b',"type":"statement","v":1}'
)


@given(st.integers(0, len(LEAF)), st.integers(0, 12), st.text(max_size=6))
def test_both_read_or_refuse_any_changed_leaf_alike(at: int, count: int, fresh: str) -> None:
    data = LEAF[:at] + fresh.encode() + LEAF[at + count :]
    one, other = outcome(lambda: verifier.read_leaf(data, 0)), outcome(lambda: read_leaf(data))
    assert (one is None) == (other is None), data
    assert one is None or (one.get("statement"), one.said["seq"], one.at) == (other.statement, other.seq, other.at)


READERS: dict[str, Callable[[bytes], Any]] = {
    "note": lambda data: verifier.read_note(data, KEY),
    "proof": verifier.read_proof,
    "hashes": verifier.read_hashes,
    "policy": verifier.read_policy,
    "leaf": lambda data: verifier.read_leaf(data, 0),
    "der": verifier.der,
    "token": verifier.read_token,
}


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    outcome(lambda: READERS[name](data))


def test_the_unchanged_ones_are_read() -> None:
    assert verifier.read_note(COSIGNED, KEY).size == 3
    assert verifier.read_leaf(LEAF, 4).index == 4
    assert [verifier.cosigned(verifier.read_note(COSIGNED, KEY), verifier.note_key(str(one.key), 4, 6)) for one in (WITNESS, LATTICE)] == [
        NOW,
        NOW,
    ]
