"""Signed notes and checkpoints: what is written is read, and nothing else is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import KEY, ORIGIN, SIGNER

from kybern.evidence import PrivateKey, Refused
from kybern.evidence.log import Checkpoint, Signer, Verifier, open_checkpoint, open_note

# The example of Go's package note: its key and its note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
""".encode()
STRANGER = Signer("example.org/other", PrivateKey.generate())
TREE = Checkpoint(ORIGIN, 5, b"\x07" * 32)
NOTE = SIGNER.sign(str(TREE))


def rule(note: bytes, verifier: Verifier = SIGNER.verifier) -> str:
    with pytest.raises(Refused) as refused:
        open_checkpoint(note, verifier)
    return refused.value.rule


def test_a_note_that_others_signed_is_read() -> None:
    assert open_note(GO_NOTE, Verifier.parse(GO_KEY)).startswith("If you think")
    assert str(Verifier.parse(GO_KEY)) == GO_KEY


def test_a_checkpoint_is_written_as_the_specification_shows() -> None:
    lines = NOTE.decode().split("\n")
    assert lines[:4] == [ORIGIN, "5", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ")
    assert open_checkpoint(NOTE, SIGNER.verifier) == TREE


def test_extensions_are_kept() -> None:
    tree = Checkpoint(ORIGIN, 0, b"\0" * 32, ("one", "two three"))
    assert open_checkpoint(SIGNER.sign(str(tree)), SIGNER.verifier) == tree


@given(st.integers(0, len(NOTE) - 1), st.integers(0, 255))
def test_one_changed_byte_is_refused(at: int, byte: int) -> None:
    changed = NOTE[:at] + bytes([byte]) + NOTE[at + 1 :]
    if changed != NOTE:
        assert rule(changed) in {"bad-note", "not-signed", "bad-signature", "bad-checkpoint"}


@given(st.integers(0, len(NOTE) - 1))
def test_a_piece_of_a_note_is_refused(end: int) -> None:
    assert rule(NOTE[:end]) in {"bad-note", "not-signed"}
    assert rule(NOTE[end:][1:] + NOTE[:end]) in {"bad-note", "not-signed", "bad-signature"}


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_without_an_error(data: bytes) -> None:
    assert rule(data) in {"bad-note", "not-signed"}


def test_signatures_of_others_are_passed_over() -> None:
    other = STRANGER.sign(str(TREE)).decode().rpartition("\n\n")[2].encode()
    assert open_checkpoint(NOTE + other, SIGNER.verifier) == TREE
    assert rule(STRANGER.sign(str(TREE))) == "not-signed"


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (NOTE + NOTE.rpartition(b"\n\n")[2], "bad-note"),  # one key twice
        (NOTE + b"\xe2\x80\x94 x AAAA\n", "bad-note"),  # too short for an id and a signature
        (NOTE + b"- x AAAAAAAA\n", "bad-note"),
        (NOTE + b"\xe2\x80\x94 x+y AAAAAAAA\n", "bad-note"),
        (NOTE[:-1], "bad-note"),
        (NOTE.replace(b"example", b"exa\tple"), "bad-note"),
        (b"\xff" + NOTE, "bad-note"),
        (b"x\n" * 40_000 + NOTE, "bad-note"),
        (NOTE + b"\xe2\x80\x94 x AAAAAAAA\n" * 32, "bad-note"),
        (SIGNER.sign("no checkpoint\n"), "bad-checkpoint"),
        (SIGNER.sign(str(TREE).replace("\n5\n", "\n05\n")), "bad-checkpoint"),
        (SIGNER.sign(str(TREE).replace("\n5\n", "\n-5\n")), "bad-checkpoint"),
        (SIGNER.sign(str(TREE).replace("\n5\n", "\n\u0665\n")), "bad-checkpoint"),
        (SIGNER.sign(str(TREE).replace("\n5\n", "\n9999999999999999999\n")), "bad-checkpoint"),
        (SIGNER.sign(str(TREE).replace("Bwc=", "Bwd=")), "bad-checkpoint"),
        (SIGNER.sign(str(TREE).replace("Bwc=", "")), "bad-checkpoint"),
        (SIGNER.sign(str(TREE) + "\nmore\n"), "bad-checkpoint"),
        (SIGNER.sign(str(Checkpoint("example.org/other", 5, b"\x07" * 32))), "wrong-origin"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(note: bytes, why: str) -> None:
    assert rule(note) == why


def test_keys_lead_back_and_others_are_refused() -> None:
    text = str(SIGNER.verifier)
    assert Verifier.parse(f"{text}\n") == SIGNER.verifier
    for broken in ("", "a", "a+b+c", text[:-4], text.replace("example", "exemple"), text.replace("+A", "+B"), f" {text}+"):
        with pytest.raises(Refused, match="bad-key"):
            Verifier.parse(broken)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "x" * 201])
def test_a_name_that_cannot_stand_in_a_note_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="bad-key"):
        Signer(name, KEY)
