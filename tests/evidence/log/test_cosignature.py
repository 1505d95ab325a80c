"""Cosignatures: the bytes that C2SP says are signed, both kinds of key, and nothing that does not fit."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import KEY, ORIGIN, SIGNER
from witness_bench import LATTICE, NOW, OTHER, WITNESS, signed, tree

from kybern.evidence import Refused
from kybern.evidence.log import Checkpoint, Cosignature, Verifier, WitnessKey, WitnessSigner, cosignatures, open_checkpoint

LEAVES = [b"one", b"two", b"three"]
TREE, NOTE = tree(LEAVES), signed(LEAVES)
BOTH = pytest.mark.parametrize("signer", [WITNESS, LATTICE], ids=["ed25519", "ml-dsa-44"])


def rule(note: bytes, *keys: WitnessKey) -> str:
    with pytest.raises(Refused) as refused:
        cosignatures(note, keys)
    return refused.value.rule


@BOTH
def test_what_is_cosigned_is_read_back(signer: WitnessSigner) -> None:
    line = signer.cosign(TREE, NOW)
    assert cosignatures(NOTE + line, [signer.key]) == (Cosignature(signer.key, NOW, line),)
    assert open_checkpoint(NOTE + line, SIGNER.verifier) == TREE


def test_ed25519_signs_the_header_the_time_and_the_whole_text() -> None:
    checkpoint = Checkpoint(ORIGIN, 7, b"\x07" * 32, ("an extension",))
    raw = base64.b64decode(WITNESS.cosign(checkpoint, NOW).split()[-1])
    public = WITNESS.key.public
    assert raw[:4] == hashlib.sha256(b"example.org/witness\n\x04" + public).digest()[:4]
    assert raw[4:12] == NOW.to_bytes(8, "big")
    root = base64.b64encode(bytes([7] * 32)).decode()
    message = f"cosignature/v1\ntime {NOW}\n{ORIGIN}\n7\n{root}\nan extension\n"
    Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], message.encode())


def test_ml_dsa_signs_names_time_and_range_and_not_the_extensions() -> None:
    checkpoint = Checkpoint(ORIGIN, 7, b"\x07" * 32, ("an extension",))
    raw = base64.b64decode(LATTICE.cosign(checkpoint, NOW).split()[-1])
    public = LATTICE.key.public
    assert raw[:4] == hashlib.sha256(b"example.org/witness\n\x06" + public).digest()[:4]
    name, origin = b"example.org/witness", ORIGIN.encode()
    message = b"".join([
        b"subtree/v1\n\0", bytes([len(name)]), name, NOW.to_bytes(8, "big"), bytes([len(origin)]), origin,
        bytes(8), (7).to_bytes(8, "big"), b"\x07" * 32,
    ])  # fmt: skip
    MLDSA44PublicKey.from_public_bytes(public).verify(raw[12:], message)
    with pytest.raises(InvalidSignature):
        MLDSA44PublicKey.from_public_bytes(public).verify(raw[12:], message + b"an extension\n")


@BOTH
def test_a_changed_byte_a_changed_time_or_another_checkpoint_does_not_fit(signer: WitnessSigner) -> None:
    line = signer.cosign(TREE, NOW)
    head, encoded = line.strip().rsplit(b" ", 1)
    raw = bytearray(base64.b64decode(encoded))
    for place in (4, 11, 12, len(raw) - 1):  # time, then signature
        raw[place] ^= 1
        assert rule(NOTE + head + b" " + base64.b64encode(raw) + b"\n", signer.key) == "bad-signature"
        raw[place] ^= 1
    assert rule(signed([*LEAVES, b"four"]) + line, signer.key) == "bad-signature"
    assert rule(NOTE + head + b" " + base64.b64encode(raw[:-1]) + b"\n", signer.key) == "bad-signature"


@BOTH
def test_a_time_beyond_63_bits_does_not_fit_and_one_of_zero_says_nothing(signer: WitnessSigner) -> None:
    assert rule(NOTE + signer.cosign(TREE, 1 << 63), signer.key) == "bad-signature"
    assert cosignatures(NOTE + signer.cosign(TREE, 0), [signer.key]) == ()


def test_others_are_passed_over_and_one_key_does_not_count_twice() -> None:
    lines = WITNESS.cosign(TREE, NOW) + OTHER.cosign(TREE, NOW) + LATTICE.cosign(TREE, NOW)
    assert [one.key for one in cosignatures(NOTE + lines, [LATTICE.key, WITNESS.key])] == [WITNESS.key, LATTICE.key]
    assert cosignatures(NOTE + lines, []) == ()
    assert rule(NOTE + WITNESS.cosign(TREE, NOW) + WITNESS.cosign(TREE, NOW + 1), WITNESS.key) == "bad-note"


@BOTH
def test_keys_are_written_as_they_are_read(signer: WitnessSigner) -> None:
    assert WitnessKey.parse(str(signer.key)) == signer.key
    with pytest.raises(Refused, match="type 1"):
        Verifier.parse(str(signer.key))


def test_a_logs_key_is_no_witnesss() -> None:
    with pytest.raises(Refused, match="type 4"):
        WitnessKey.parse(str(SIGNER.verifier))


@pytest.mark.parametrize(
    ("name", "kind", "public"),
    [
        ("", b"\x04", bytes(32)),
        ("a b", b"\x04", bytes(32)),
        ("a+b", b"\x04", bytes(32)),
        ("\u00e4" * 128, b"\x06", bytes(1312)),
        ("a", b"\x04", bytes(31)),
        ("a", b"\x06", bytes(1311)),
        ("a", b"\x05", bytes(32)),
        ("a", b"", bytes(32)),
    ],
)
def test_keys_that_cannot_be_are_refused(name: str, kind: bytes, public: bytes) -> None:
    with pytest.raises(Refused) as refused:
        WitnessKey(name, kind, public)
    assert refused.value.rule == "bad-key"


def small_order() -> set[bytes]:
    """Find the eight points of small order on the curve of RFC 8032: any point, multiplied by the order of the others."""
    prime, order = (1 << 255) - 19, (1 << 252) + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, prime) % prime

    def add(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
        (a, b), (x, y) = one, two
        shared = d * a * x * b * y % prime
        return (a * y + b * x) * pow(1 + shared, -1, prime) % prime, (b * y + a * x) * pow(1 - shared, -1, prime) % prime

    for y in range(2, 100):
        square = (y * y - 1) * pow(d * y * y + 1, -1, prime) % prime
        root = pow(square, (prime + 3) // 8, prime)
        roots = [x for x in (root, root * pow(2, (prime - 1) // 4, prime) % prime) if x * x % prime == square]
        step, base, count = (0, 1), (roots[0] if roots else 0, y if roots else 1), order
        while count:
            step = add(step, base) if count & 1 else step
            base, count = add(base, base), count >> 1
        found, point = set(), (0, 1)
        for _ in range(8):
            found.add((point[1] | (point[0] & 1) << 255).to_bytes(32, "little"))
            point = add(point, step)
        if len(found) == 8:
            return found
    pytest.fail("no point of order eight was found")


def test_keys_under_which_anybody_signs_are_refused() -> None:
    weak = small_order()
    assert len(weak) == 8
    unreduced = [((1 << 255) - 19 + number).to_bytes(32, "little") for number in (0, 1, 18)]
    for public in [*weak, *unreduced]:
        for make in (lambda public: WitnessKey("w", b"\x04", public), lambda public: Verifier("log", public)):
            with pytest.raises(Refused, match="anybody can sign"):
                make(public)
    assert Verifier("log", KEY.public_raw)


@BOTH
def test_private_keys_go_into_pem_and_come_back(signer: WitnessSigner) -> None:
    for passphrase in (None, "correct horse"):
        again = WitnessSigner.from_pem(signer.key.name, signer.pem(passphrase), passphrase)
        assert again.key == signer.key
    for pem, passphrase in ((signer.pem("one"), "two"), (signer.pem("one"), None), (signer.pem(), "one"), (b"nothing", None)):
        with pytest.raises(Refused, match="PEM"):
            WitnessSigner.from_pem("a", pem, passphrase)


def test_other_private_keys_do_not_cosign() -> None:
    pem = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(Refused, match="neither"):
        WitnessSigner.from_pem("a", pem)
    assert WitnessSigner.from_pem("a", KEY.pem()).key.public == KEY.public_raw


def test_an_origin_too_long_for_ml_dsa_is_not_cosigned_and_not_believed() -> None:
    long = Checkpoint("o" * 256, 1, bytes(32))
    with pytest.raises(ValueError, match="256 bytes"):
        LATTICE.cosign(long, NOW)
    assert LATTICE.key.time_of(long, bytes(8 + 2420)) is None


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_line_makes_anything_but_a_refusal_or_what_is_there(data: st.DataObject) -> None:
    line = data.draw(st.sampled_from([WITNESS, LATTICE])).cosign(TREE, NOW)
    start = data.draw(st.integers(0, len(line)))
    changed = line[:start] + data.draw(st.binary(max_size=3)) + line[start + data.draw(st.integers(0, 3)) :]
    try:
        found = cosignatures(NOTE + changed, [WITNESS.key, LATTICE.key])
    except Refused as refused:
        assert refused.rule in {"bad-note", "bad-signature", "bad-checkpoint"}  # noqa: PT017 - or it passes
    else:
        assert not found or changed == line


@given(
    st.text(max_size=80)
    | st.tuples(st.text(max_size=9), st.sampled_from([4, 6]), st.binary(max_size=40)).map(lambda of: "+".join(map(str, of)))
)
def test_no_text_makes_a_key_but_a_key(text: str) -> None:
    try:
        assert str(WitnessKey.parse(text)) == text.strip()
    except Refused as refused:
        assert refused.rule == "bad-key"  # noqa: PT017 - or it passes
