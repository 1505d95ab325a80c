"""DSSE envelopes: signed, read strictly, written canonically. Pre-authentication encoding and cryptography are securesystemslib's."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature  # type: ignore[attr-defined]  # public, though it does not say so to mypy

from kybern.base import canonical_json
from kybern.evidence._json import read_json
from kybern.evidence._refused import Refused

if TYPE_CHECKING:
    from kybern.evidence._keys import SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_SIGNATURES = 16


def sign(payload: bytes, *keys: SigningKey) -> bytes:
    """Sign the bytes of a statement (see `statement`) with each key; give back the envelope's bytes.

    Raises `ValueError` if no key is given.
    """
    if not keys:
        msg = "an envelope needs at least one signature"
        raise ValueError(msg)
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    for key in keys:
        _add(envelope, key)
    return render(envelope)


def _add(envelope: Envelope, key: SigningKey) -> None:
    signature = key.sign(envelope.pae())
    envelope.signatures[signature.keyid] = signature


def countersign(envelope: bytes, key: SigningKey) -> bytes:
    """Add a key's signature to an envelope, its payload and other signatures unchanged.

    Signing twice with one key changes nothing. Raises `Refused` if the envelope cannot be read or is full; whether its other
    signatures hold is `verify`'s to say.
    """
    parsed = parse_envelope(envelope)
    if key.keyid not in parsed.signatures and len(parsed.signatures) >= MAX_SIGNATURES:
        raise Refused(rule="bad-envelope", message=f"the envelope already has {MAX_SIGNATURES} signatures")
    if not _holds(parsed, key):
        _add(parsed, key)
    return render(parsed)


def _holds(envelope: Envelope, key: SigningKey) -> bool:
    """Tell whether the key signed already: some keys would sign otherwise the second time."""
    signature = envelope.signatures.get(key.keyid)
    try:
        if signature is not None:
            key.verifier.verify_signature(signature, envelope.pae())
    except UnverifiedSignatureError:
        return False
    return signature is not None


def merge(envelope: bytes, other: bytes) -> bytes | None:
    """Unite the signatures of two envelopes over one payload; None where payload or a key's signature differ.

    Raises `Refused` if one cannot be read or the union has too many signatures.
    """
    mine, others = parse_envelope(envelope), parse_envelope(other)
    shared = mine.signatures.keys() & others.signatures.keys()
    if mine.payload != others.payload or any(mine.signatures[keyid] != others.signatures[keyid] for keyid in shared):
        return None
    united = Envelope(mine.payload, mine.payload_type, {**mine.signatures, **others.signatures})
    if len(united.signatures) > MAX_SIGNATURES:
        raise Refused(rule="bad-envelope", message=f"together the envelopes have more than {MAX_SIGNATURES} signatures")
    return render(united)


def render(envelope: Envelope) -> bytes:
    """Write the envelope as canonical JSON with a newline at its end."""
    return canonical_json(envelope.to_dict()) + b"\n"


def parse_envelope(data: bytes) -> Envelope:
    """Read an envelope; nothing in it is verified yet.

    Raises `Refused`: `too-large`, `not-json`, `bad-envelope`, `wrong-payload-type`, `no-signature`.
    """
    value = read_json(data, "the envelope")
    if not isinstance(value, dict):
        raise Refused(rule="bad-envelope", message="the envelope is not a JSON object with payload, payloadType and signatures")
    payload_type = value.get("payloadType")
    if payload_type != PAYLOAD_TYPE:
        raise Refused(rule="wrong-payload-type", message=f"payloadType is {_shown(payload_type)}; evidence has {PAYLOAD_TYPE!r}")
    payload = _decode(value.get("payload"), "payload")
    return Envelope(payload, PAYLOAD_TYPE, _signatures(value.get("signatures")))


def _signatures(value: object) -> dict[str, Signature]:
    if not value:
        raise Refused(rule="no-signature", message="the envelope carries no signature, so nobody vouches for it")
    if not isinstance(value, list):
        raise Refused(rule="bad-envelope", message="signatures is not a list")
    if len(value) > MAX_SIGNATURES:
        raise Refused(rule="bad-envelope", message=f"the envelope has {len(value)} signatures; at most {MAX_SIGNATURES} are read")
    found: dict[str, Signature] = {}
    for index, item in enumerate(value):
        signature = _signature(item, f"signatures/{index}")
        if found.setdefault(signature.keyid, signature) is not signature:
            raise Refused(rule="bad-envelope", message=f"key {_shown(signature.keyid)} signs twice")
    return found


def _signature(value: object, where: str) -> Signature:
    if not isinstance(value, dict):
        raise Refused(rule="bad-envelope", message=f"{where} is not a JSON object")
    keyid = value.get("keyid")
    if not isinstance(keyid, str) or not keyid:
        raise Refused(rule="bad-envelope", message=f"{where} names no key: keyid is missing")
    # The bytes alone are verified, so nothing else that stands beside a signature is carried along.
    return Signature(keyid, _decode(value.get("sig"), f"{where}/sig").hex())


def _decode(value: object, where: str) -> bytes:
    """Read base64 in its one canonical form, of either alphabet, as the DSSE specification asks of those who verify."""
    if isinstance(value, str):
        for altchars in (b"+/", b"-_"):
            try:
                raw = base64.b64decode(value, altchars, validate=True)
            except ValueError:
                continue
            if base64.b64encode(raw, altchars) == value.encode():
                return raw
    raise Refused(rule="bad-envelope", message=f"{where} is not base64")


def _shown(value: object) -> str:
    """Show a foreign value: short, and in ASCII so that no terminal stumbles over it."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - a line of a terminal
