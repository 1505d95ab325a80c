"""Libsodium's quick answer never says yes where OpenSSL says no."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import Signature  # type: ignore[attr-defined]  # public, though it does not say so to mypy

from kybern.evidence import _ed25519, _keys
from kybern.evidence._ed25519 import quickly

if quickly is None:
    pytest.skip("PyNaCl is missing", allow_module_level=True)

_ORDER = 2**252 + 27742317777372353535851937790883648493
_PRIME = 2**255 - 19
_SMALL_ORDER = (
    bytes(32),
    (1).to_bytes(32, "little"),
    (_PRIME - 1).to_bytes(32, "little"),
    _PRIME.to_bytes(32, "little"),
    (_PRIME + 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
)


def _by_openssl(public: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _implied(public: bytes, signature: bytes, data: bytes) -> bool:
    assert quickly is not None
    return not quickly(public, signature, data) or _by_openssl(public, signature, data)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_both_accept_what_was_signed(seed: bytes, data: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(data)
    assert quickly is not None
    assert quickly(public, signature, data)
    assert _by_openssl(public, signature, data)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.integers(0, 511), st.sampled_from(["key", "signature"]))
def test_a_changed_bit_is_accepted_by_neither(seed: bytes, data: bytes, bit: int, where: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(data)
    if where == "key":
        public = _flipped(public, bit % 256)
    else:
        signature = _flipped(signature, bit)
    assert _implied(public, signature, data)
    assert quickly is not None
    assert not quickly(public, signature, data)


def _flipped(data: bytes, bit: int) -> bytes:
    return bytes(byte ^ (1 << bit % 8) if place == bit // 8 else byte for place, byte in enumerate(data))


@pytest.mark.parametrize("public", _SMALL_ORDER)
@pytest.mark.parametrize("point", _SMALL_ORDER)
@pytest.mark.parametrize("scalar", [0, 1, _ORDER - 1, _ORDER, _ORDER + 1, 2**252])
@pytest.mark.parametrize("data", [b"", b"a", b"message"])
def test_points_of_small_order_and_unreduced_scalars(public: bytes, point: bytes, scalar: int, data: bytes) -> None:
    assert _implied(public, point + scalar.to_bytes(32, "little"), data)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40))
def test_a_scalar_that_is_not_reduced_is_refused(seed: bytes, data: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = key.sign(data)
    raised = (int.from_bytes(signature[32:], "little") + _ORDER).to_bytes(32, "little")
    assert quickly is not None
    assert not quickly(key.public_key().public_bytes_raw(), signature[:32] + raised, data)


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=10))
def test_any_bytes_get_an_answer(public: bytes, signature: bytes, data: bytes) -> None:
    assert quickly is not None
    assert quickly(public, signature, data) in {True, False}


def test_the_answer_does_not_hang_on_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    key = _keys.PrivateKey.generate()
    trusted = key.trusted(name="a", holder="person:a", kind=_keys.KeyKind.PERSON, valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    good = Signature(key.keyid, key.sign_raw(b"data").hex())
    for name in (quickly, None):
        monkeypatch.setattr(_keys, "quickly", name)
        assert trusted.signed(good, b"data")
        assert not trusted.signed(good, b"other")
        assert not trusted.signed(Signature(key.keyid, "00"), b"data")
    assert _ed25519.quickly is quickly
