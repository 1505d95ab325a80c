"""Keys in PKCS #11 tokens: smart cards, security modules. The private half never leaves the token.

`python-pkcs11` is the extra `kybern[pkcs11]`, imported only when a token is opened.
"""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kybern.evidence._keys import PublicKey, SigningKey
from kybern.evidence._refused import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kybern.evidence._token_uri import TokenUri

_P256: Final = bytes.fromhex("06082a8648ce3d030107")
"""The curve's object identifier, as tokens name it."""
_OCTETS: Final = 0x04
_ED25519_BYTES: Final = 32
_P256_BYTES: Final = 65
_WORDS: Final = {
    "PinIncorrect": "the PIN is wrong",
    "PinLenRange": "the PIN is wrong: too short or too long",
    "PinLocked": "the PIN is locked after too many wrong ones",
    "NoSuchToken": "there is no such token",
    "MultipleTokensReturned": "more than one token fits: name its serial",
    "NoSuchKey": "the token has no such key, or its public half is not beside it",
    "AttributeTypeInvalid": "its key is neither an Ed25519 nor a P-256 key",
    "MultipleObjectsReturned": "more than one key of the token fits: name its id",
}


class TokenKey(SigningKey):
    """A key that lies in a token."""

    def __init__(self, public: PublicKey, sign: Callable[[bytes], bytes]) -> None:
        """Take the public half, and what asks the token for a signature."""
        self._public, self._sign = public, sign

    @classmethod
    def open(cls, uri: TokenUri, module: str, pin: str) -> TokenKey:
        """Log in to the token and find the key; the session ends with the program.

        Raises `Refused`: `no-pkcs11` where the extra is not installed, `token` where the token or its key cannot be used.
        """
        try:
            import pkcs11  # noqa: PLC0415 - an extra
        except ImportError:
            hint = "install the extra: python3 -m pip install 'kybern[pkcs11]'"
            raise Refused(rule="no-pkcs11", message=f"keys in tokens need the package python-pkcs11; {hint}") from None
        with _in_words():
            fitting = [one for one in pkcs11.lib(module).get_tokens() if _fits(one, uri)]
            if len(fitting) != 1:
                raise pkcs11.exceptions.MultipleTokensReturned if fitting else pkcs11.exceptions.NoSuchToken
            session = fitting[0].open(user_pin=pin)
            which: dict[str, Any] = {"label": uri.label, "id": uri.id or None}
            private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, **which)
            public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, **which)
            point, curve = bytes(public[pkcs11.Attribute.EC_POINT]), bytes(public[pkcs11.Attribute.EC_PARAMS])
            found = _public(private.key_type is pkcs11.KeyType.EC_EDWARDS, point, curve)
        return cls(found, lambda data: _signature(private, found, data))

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign_raw(self, data: bytes) -> bytes:
        """Sign bytes as they are; `Refused` (`token`) if the token does not."""
        return self._sign(data)


@contextmanager
def _in_words() -> Iterator[None]:
    """Say in words what a token refuses; what its library raises are `RuntimeError`s."""
    try:
        yield
    except (RuntimeError, ValueError, LookupError, OSError) as error:
        why = _WORDS.get(type(error).__name__) or f"{type(error).__name__} {error}".strip()
        raise Refused(rule="token", message=f"the token cannot be used: {why}") from None


def _fits(token: Any, uri: TokenUri) -> bool:
    serial = bytes(token.serial).decode("utf-8", "replace").rstrip(" \0")
    there = (token.label, serial, token.manufacturer_id, token.model)
    return all(one in {None, found} for one, found in zip((uri.token, uri.serial, uri.manufacturer, uri.model), there, strict=True))


def _public(edwards: object, point: bytes, curve: bytes) -> PublicKey:
    """Read the public half. Tokens write the point bare, or as an octet string of ASN.1."""
    for size in (_ED25519_BYTES, _P256_BYTES):
        if len(point) == size + 2 and point[:2] == bytes((_OCTETS, size)):
            point = point[2:]
    if edwards and len(point) == _ED25519_BYTES:
        return Ed25519PublicKey.from_public_bytes(point)
    if not edwards and curve == _P256:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    msg = "its key is neither an Ed25519 nor a P-256 key"
    raise ValueError(msg)


def _signature(private: Any, public: PublicKey, data: bytes) -> bytes:
    """Ask the token for a signature. It gets the digest where it signs by ECDSA: every token does that."""
    from pkcs11 import Mechanism  # noqa: PLC0415 - an extra

    with _in_words():
        if isinstance(public, Ed25519PublicKey):
            return bytes(private.sign(data, mechanism=Mechanism.EDDSA))
        raw = bytes(private.sign(sha256(data).digest(), mechanism=Mechanism.ECDSA))
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
