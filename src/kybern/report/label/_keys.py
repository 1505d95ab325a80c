"""Issuers: an Ed25519 key as `did:key`, or under a URL with the document that says which key is the issuer's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kybern.evidence import Refused, read_json

CID_CONTEXT: Final = "https://www.w3.org/ns/cid/v1"
_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519: Final = b"\xed\x01"
"""The multicodec of an Ed25519 public key."""

_RAW: Final = 32
_DID: Final = "did:key:"
_LONGEST: Final = 200
"""Letters of base58 that are read: the work grows with their square."""

_URL: Final = re.compile(r"https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,1000})?", re.ASCII)


def base58(data: bytes) -> str:
    """Write bytes in base58btc as multibase has it, `z` first."""
    value, text = int.from_bytes(data, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        text = _ALPHABET[digit] + text
    zeros = len(data) - len(data.lstrip(b"\0"))
    return f"z{_ALPHABET[0] * zeros}{text}"


def from_base58(text: object) -> bytes:
    """Read multibase base58btc in its one form; `Refused` (`bad-multibase`) for anything else."""
    if not isinstance(text, str) or len(text) > _LONGEST or text[:1] != "z" or set(text[1:]) - set(_ALPHABET):
        raise Refused("bad-multibase", f"{ascii(text)[:80]} is not multibase base58btc, which starts with z")
    value = 0
    for letter in text[1:]:
        value = value * 58 + _ALPHABET.index(letter)
    zeros = len(text[1:]) - len(text[1:].lstrip(_ALPHABET[0]))
    return bytes(zeros) + value.to_bytes((value.bit_length() + 7) // 8, "big")


def multikey(public: bytes) -> str:
    """Write an Ed25519 public key as a Multikey."""
    return base58(_ED25519 + public)


def from_multikey(text: object) -> bytes:
    """Read the 32 bytes of an Ed25519 Multikey; `Refused` (`bad-key`)."""
    raw = from_base58(text)
    if raw[:2] != _ED25519 or len(raw) != _RAW + 2:
        raise Refused("bad-key", f"{ascii(text)[:80]} is no Ed25519 key as a Multikey")
    return raw[2:]


def holds(public: bytes, signature: bytes, data: bytes) -> bool:
    """Tell whether a signature is this key's of these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True)
class Issuer:
    """Who issues: the identifier, the name of the key that signs, and the key."""

    id: str
    method: str
    public: bytes

    @classmethod
    def of_key(cls, public: bytes) -> Issuer:
        """Name a key by itself: `did:key`."""
        name = multikey(public)
        return cls(f"{_DID}{name}", f"{_DID}{name}#{name}", public)

    @classmethod
    def at(cls, url: str, public: bytes) -> Issuer:
        """Name the issuer by a URL of theirs, where `document` is to be found; `Refused` (`bad-issuer`) for what is no https URL."""
        if not _URL.fullmatch(url):
            raise Refused("bad-issuer", f"{ascii(url)[:120]} is no https URL without a query or fragment")
        return cls(url, f"{url}#{multikey(public)}", public)

    @classmethod
    def from_did(cls, did: object) -> Issuer:
        """Read a `did:key`; `Refused` (`bad-issuer`) for anything else."""
        if not isinstance(did, str) or not did.startswith(_DID):
            raise Refused("bad-issuer", f"{ascii(did)[:120]} is no did:key")
        return cls.of_key(from_multikey(did.removeprefix(_DID)))

    @classmethod
    def from_document(cls, data: bytes) -> Issuer:
        """Read the document found at an issuer's URL, with the one key that issues; `Refused` (`bad-issuer`, `not-json`)."""
        value = read_json(data, "the issuer's document")
        methods = value.get("assertionMethod") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(methods, list) or len(methods) != 1 or not isinstance(methods[0], dict):
            raise Refused("bad-issuer", "the issuer's document does not name exactly one key under assertionMethod")
        found = cls.at(str(value.get("id")), from_multikey(methods[0].get("publicKeyMultibase")))
        if (methods[0].get("id"), methods[0].get("controller"), methods[0].get("type")) != (found.method, found.id, "Multikey"):
            raise Refused("bad-issuer", "the key in the issuer's document is not a Multikey of its own")
        return found

    @property
    def document(self) -> dict[str, Any]:
        """The document that says which key is the issuer's: to be put at the URL, or made by whoever reads a `did:key`."""
        key = {"id": self.method, "type": "Multikey", "controller": self.id, "publicKeyMultibase": multikey(self.public)}
        return {"@context": [CID_CONTEXT], "id": self.id, "assertionMethod": [key]}
