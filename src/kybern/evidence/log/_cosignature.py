"""Cosignatures, as C2SP tlog-cosignature defines them: a witness's word that a checkpoint continues all it saw of a log.

Two kinds of key: Ed25519 (type 0x04) and ML-DSA-44 (type 0x06), which quantum computers do not break.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kybern.evidence._refused import Refused
from kybern.evidence.log._note import (
    MAX_SIZE,
    Checkpoint,
    bad_key,
    bad_note,
    is_name,
    key_id,
    parse_key,
    read_signature,
    refuse_weak,
    split_note,
    write_key,
    write_signature,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

ED25519: Final = b"\x04"
ML_DSA_44: Final = b"\x06"
_LABEL: Final = b"subtree/v1\n\0"
_TIME_BYTES: Final = 8
_MAX_TEXT: Final = 255


class _Form(NamedTuple):
    """How long a kind's keys and signatures are."""

    words: str
    key: int
    signature: int


_FORMS: Final = {ED25519: _Form("Ed25519", 32, 64), ML_DSA_44: _Form("ML-DSA-44", 1312, 2420)}


@dataclass(frozen=True)
class WitnessKey:
    """A public key that cosigns, under a name. Raises `Refused` (`bad-key`) for a name or key that cannot be."""

    name: str
    kind: bytes
    public: bytes

    def __post_init__(self) -> None:
        """Hold name and key to their form."""
        form = _FORMS.get(self.kind)
        if form is None:
            raise bad_key(why="a witness's key is of type 4 (Ed25519) or 6 (ML-DSA-44), and this is of another")
        if not is_name(self.name) or len(self.name.encode()) > _MAX_TEXT:
            raise bad_key(why=f"the name {ascii(self.name)[:80]} is empty, too long, or has a space or a plus sign")
        if len(self.public) != form.key:
            raise bad_key(why=f"an {form.words} key has {form.key} bytes")
        if self.kind == ED25519:
            refuse_weak(self.public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a verifier key, `name+hash+base64`; `Refused` (`bad-key`) if it is no witness's."""
        return cls(*parse_key(text))

    @property
    def id(self) -> bytes:
        """The four bytes that stand before its cosignatures."""
        return key_id(self.name, self.kind, self.public)

    @property
    def algorithm(self) -> str:
        """The algorithm in words."""
        return _FORMS[self.kind].words

    def __str__(self) -> str:
        """Write it as others read it: `name+hash+base64`."""
        return write_key(self.name, self.kind, self.public)

    def message(self, checkpoint: Checkpoint, at: int) -> bytes:
        """Give the bytes that are signed: what is said of a checkpoint, as of a second since 1970. `ValueError` for an origin too long."""
        if self.kind == ED25519:
            return f"cosignature/v1\ntime {at}\n{checkpoint}".encode()
        name, origin = (_prefixed(text) for text in (self.name, checkpoint.origin))
        return _LABEL + name + struct.pack(">Q", at) + origin + struct.pack(">QQ", 0, checkpoint.size) + checkpoint.root

    def time_of(self, checkpoint: Checkpoint, signature: bytes) -> int | None:
        """Give the second at which this key cosigned the checkpoint; None if it did not."""
        at = int.from_bytes(signature[:_TIME_BYTES], "big")
        if len(signature) != _TIME_BYTES + _FORMS[self.kind].signature or at > MAX_SIZE:
            return None
        try:
            self._verify(signature[_TIME_BYTES:], self.message(checkpoint, at))
        except (InvalidSignature, ValueError):
            return None
        return at

    def _verify(self, signature: bytes, message: bytes) -> None:
        public: Ed25519PublicKey | MLDSA44PublicKey
        if self.kind == ED25519:
            public = Ed25519PublicKey.from_public_bytes(self.public)
        else:
            public = MLDSA44PublicKey.from_public_bytes(self.public)
        public.verify(signature, message)


class WitnessSigner:
    """A private key that cosigns under a name."""

    def __init__(self, name: str, key: Ed25519PrivateKey | MLDSA44PrivateKey) -> None:
        """Take a key and its name; `Refused` (`bad-key`) for a name that cannot be."""
        kind = ED25519 if isinstance(key, Ed25519PrivateKey) else ML_DSA_44
        self.key = WitnessKey(name, kind, key.public_key().public_bytes_raw())
        self._key = key

    @classmethod
    def from_pem(cls, name: str, pem: bytes, passphrase: str | None = None) -> Self:
        """Read a key from PKCS #8 PEM; `Refused` (`bad-key`) if it is none that cosigns, or the passphrase does not open it."""
        try:
            key = load_pem_private_key(pem, None if passphrase is None else passphrase.encode())
        except (TypeError, ValueError, UnsupportedAlgorithm):
            raise Refused(rule="bad-key", message="this is no private key in PEM form, or not with this passphrase") from None
        if not isinstance(key, (Ed25519PrivateKey, MLDSA44PrivateKey)):
            raise Refused(rule="bad-key", message="the private key is neither Ed25519 nor ML-DSA-44")
        return cls(name, key)

    def pem(self, passphrase: str | None = None) -> bytes:
        """Write the private key as PKCS #8 PEM, encrypted if a passphrase is given: for a file that only its owner reads."""
        protection = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)

    def cosign(self, checkpoint: Checkpoint, at: int) -> bytes:
        """Write the line that cosigns a checkpoint, as of a second since 1970. `ValueError` for an origin too long to be cosigned."""
        signature = struct.pack(">Q", at) + self._key.sign(self.key.message(checkpoint, at))
        return write_signature(self.key.name, self.key.id, signature)


@dataclass(frozen=True)
class Cosignature:
    """A cosignature that holds: whose it is, as of which second since 1970, and the line it stands in."""

    key: WitnessKey
    at: int
    line: bytes


def cosignatures(note: bytes, keys: Iterable[WitnessKey]) -> tuple[Cosignature, ...]:
    """Give the cosignatures of these keys under a checkpoint, in the note's order. The log's own signature is not judged here.

    Those of other keys are passed over, and so is one that names no time, which does not say that the checkpoint was the latest.
    Raises `Refused`: `bad-note`, `bad-checkpoint`; `bad-signature` if one in a key's name does not fit.
    """
    text, lines = split_note(note)
    checkpoint, known = Checkpoint.parse(text), {(key.name, key.id): key for key in keys}
    found: dict[WitnessKey, Cosignature] = {}
    for line in lines:
        name, identity, signature = read_signature(line)
        key = known.get((name, identity))
        if key is None:
            continue
        if key in found:
            raise bad_note(why="one witness's key cosigns twice")
        at = key.time_of(checkpoint, signature)
        if at is None:
            raise Refused(rule="bad-signature", message=f"the cosignature of {name} does not fit: it is of another checkpoint, or changed")
        found[key] = Cosignature(key, at, f"{line}\n".encode())
    return tuple(one for one in found.values() if one.at)


def read_cosignatures(answer: bytes, note: bytes, keys: Iterable[WitnessKey]) -> tuple[Cosignature, ...]:
    """Read what a witness answered: lines of signatures under this note, of which those of the keys are given back.

    Raises `Refused` as `cosignatures` does; the note's own lines are not looked at.
    """
    text, _ = split_note(note)
    return cosignatures(text.encode() + b"\n" + answer, keys)


def _prefixed(text: str) -> bytes:
    """Write a text after its length in one byte; `ValueError` if that does not hold it."""
    encoded = text.encode()
    if not 0 < len(encoded) <= _MAX_TEXT:
        msg = f"{len(encoded)} bytes of name, where at most {_MAX_TEXT} can be cosigned"
        raise ValueError(msg)
    return bytes([len(encoded)]) + encoded
