"""Keys: private ones that sign, and the entries of the keyring that say whose public key is trusted, and when."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import AwareDatetime, BeforeValidator, Field, model_validator
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined]  # public, though it does not say so to mypy

from kybern.catalog import Slug
from kybern.evidence._ed25519 import quickly
from kybern.evidence._models import Line, RecordName, Sha256, Shape
from kybern.evidence._refused import Refused

PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey
"""The public keys that count: Ed25519, and ECDSA on P-256 with SHA-256."""


class KeyKind(StrEnum):
    """Who holds a key, which decides how much its signature carries."""

    PERSON = "person"
    PIPELINE = "pipeline"
    TOOL = "tool"
    AUDITOR = "auditor"

    @property
    def holder_prefix(self) -> str:
        """How the name of a holder starts: an auditor is a person."""
        return "person:" if self is KeyKind.AUDITOR else f"{self.value}:"


class KeyType(StrEnum):
    """How a key signs."""

    ED25519 = "ed25519"
    P256 = "p256"


def public_key_of(key: object) -> PublicKey | None:
    """Give the key back if it is of a type that counts, None if not."""
    if isinstance(key, Ed25519PublicKey) or (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        return key
    return None


class SigningKey(ABC):
    """A key that signs envelopes, wherever its private half lies."""

    @property
    @abstractmethod
    def public_key(self) -> PublicKey:
        """The public half."""

    @abstractmethod
    def sign_raw(self, data: bytes) -> bytes:
        """Sign bytes as they are: 64 bytes of RFC 8032 by Ed25519, a DER sequence by P-256 over SHA-256."""

    @cached_property
    def verifier(self) -> SSlibKey:
        """The public half, ready to verify."""
        return SSlibKey.from_crypto(self.public_key)

    @property
    def keyid(self) -> str:
        """The key's name in envelopes and in the keyring: 64 hexadecimal digits, as securesystemslib computes it."""
        return self.verifier.keyid

    @property
    def public_pem(self) -> str:
        """The public half, as SubjectPublicKeyInfo PEM."""
        return self.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def public_raw(self) -> bytes:
        """The public half of an Ed25519 key, as the 32 bytes of RFC 8032; `Refused` (`bad-key`) for another key."""
        if not isinstance(self.public_key, Ed25519PublicKey):
            raise Refused("bad-key", "this is no Ed25519 key, and the log signs with those only")
        return self.public_key.public_bytes_raw()

    def sign(self, data: bytes) -> Signature:
        """Sign bytes in the key's name."""
        return Signature(self.keyid, self.sign_raw(data).hex())

    def trusted(
        self, *, name: str, holder: str, kind: KeyKind | str, valid_from: datetime, valid_until: datetime | None = None
    ) -> TrustedKey:
        """Build the keyring's entry for this key; `ValueError` (pydantic's) if the fields do not fit each other."""
        return TrustedKey(
            keyid=self.keyid,
            name=name,
            holder=holder,
            kind=KeyKind(kind),
            public_key=self.public_pem,
            valid_from=valid_from,
            valid_until=valid_until,
        )


_ECDSA: Final = ec.ECDSA(SHA256(), deterministic_signing=True)
"""RFC 6979: no random number is drawn at signing, so none can give the key away, and signing twice gives the same bytes."""


class PrivateKey(SigningKey):
    """A private key in memory, Ed25519 or P-256."""

    def __init__(self, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        """Wrap a key of `cryptography`; `ValueError` for another curve than P-256."""
        found = public_key_of(key.public_key())
        if found is None:
            msg = "the private key is neither an Ed25519 nor a P-256 key"
            raise ValueError(msg)
        self._key = key
        self._public = found

    @classmethod
    def generate(cls, type_: KeyType = KeyType.ED25519) -> PrivateKey:
        """Make a new key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate() if type_ is KeyType.ED25519 else ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: str | None = None) -> PrivateKey:
        """Read a key from PKCS #8 PEM.

        Raises `ValueError` in words for people: not a key, of another type, passphrase missing, wrong or not asked for.
        """
        try:
            key = load_pem_private_key(pem, None if passphrase is None else passphrase.encode())
        except TypeError:
            needs = "is protected by a passphrase, and none is given" if passphrase is None else "has no passphrase, but one is given"
            msg = f"the private key {needs}"
            raise ValueError(msg) from None
        except (ValueError, UnsupportedAlgorithm):
            msg = "this is no private key in PEM form, or the passphrase is wrong"
            raise ValueError(msg) from None
        if not isinstance(key, Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            msg = "the private key is neither an Ed25519 nor a P-256 key"
            raise ValueError(msg)  # noqa: TRY004 - the file's content is wrong, not the caller's type
        return cls(key)

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    def sign_raw(self, data: bytes) -> bytes:
        """Sign bytes as they are."""
        return self._key.sign(data) if isinstance(self._key, Ed25519PrivateKey) else self._key.sign(data, _ECDSA)

    def pem(self, passphrase: str | None = None) -> bytes:
        """Write the private key as PKCS #8 PEM, encrypted if a passphrase is given: for a file that only its owner reads."""
        protection = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)


def _start_of_day(value: object) -> object:
    """Read a day without a time as its beginning in UTC."""
    if isinstance(value, str):
        try:
            return f"{date.fromisoformat(value).isoformat()}T00:00:00Z"
        except ValueError:
            return value
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_start_of_day)]
"""A moment with its time zone; a day alone (`2026-11-23`) means its beginning in UTC."""

KeyStanding = Literal["valid", "not-yet-valid", "expired", "revoked"]


class TrustedKey(Shape):
    """An entry of the keyring: whose public key this is, and from when until when its signatures count."""

    keyid: Sha256
    name: Slug
    holder: RecordName
    kind: KeyKind
    public_key: Annotated[str, Field(max_length=1000)]
    valid_from: Moment
    valid_until: Moment | None = None
    revoked_on: Moment | None = None
    revoked_because: Line | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for holds, msg in (
            (self.verifier.keyid == self.keyid, f"keyid is not that of public_key, which is {self.verifier.keyid}"),
            (
                self.holder.startswith(self.kind.holder_prefix),
                f"the holder of a key of kind {self.kind} is named {self.kind.holder_prefix}…",
            ),
            (self.valid_until is None or self.valid_from < self.valid_until, "valid_until is not after valid_from"),
            ((self.revoked_on is None) == (self.revoked_because is None), "revoked_on and revoked_because go together"),
        ):
            if not holds:
                raise ValueError(msg)
        return self

    @cached_property
    def verifier(self) -> SSlibKey:
        """The public key, parsed once, ready to verify; `ValueError` if `public_key` is no Ed25519 or P-256 key in PEM form."""
        try:
            key = load_pem_public_key(self.public_key.encode())
        except (ValueError, UnsupportedAlgorithm):
            msg = "public_key is not a public key in PEM form"
            raise ValueError(msg) from None
        found = public_key_of(key)
        if found is None:
            msg = "public_key is neither an Ed25519 nor a P-256 key"
            raise ValueError(msg)
        return SSlibKey.from_crypto(found)

    @cached_property
    def _raw(self) -> bytes | None:
        """The 32 bytes of an Ed25519 key."""
        return bytes.fromhex(self.verifier.keyval["public"]) if self.verifier.keytype == "ed25519" else None

    def signed(self, signature: Signature, data: bytes) -> bool:
        """Tell whether a signature over these bytes is this key's."""
        if quickly is not None and self._raw is not None and quickly(self._raw, bytes.fromhex(signature.signature), data):
            return True
        try:
            self.verifier.verify_signature(signature, data)
        except UnverifiedSignatureError:
            return False
        return True

    def standing(self, at: datetime) -> KeyStanding:
        """Say whether what the key signed at that moment counts. A key is valid from `valid_from` until before `valid_until`."""
        if self.revoked_on is not None and self.revoked_on <= at:
            return "revoked"
        if at < self.valid_from:
            return "not-yet-valid"
        return "expired" if self.valid_until is not None and self.valid_until <= at else "valid"

    def may_countersign(self, observed_at: datetime) -> bool:
        """Say whether this key's second signature under evidence observed then may count.

        A second signature is made later than the first, and nothing dates it. So an auditor's key may be younger than the
        evidence, but must not have ended before; and once revoked it lifts nothing.
        """
        return self.kind is KeyKind.AUDITOR and self.revoked_on is None and (self.valid_until is None or observed_at < self.valid_until)

    @property
    def label(self) -> str:
        """The key in words: `anna (person:anna, key 3f2a91c07b5d…)`."""
        return f"{self.name} ({self.holder}, key {self.keyid[:12]}…)"
