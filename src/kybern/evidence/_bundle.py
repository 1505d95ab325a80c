"""Sigstore bundles v0.3: an envelope with the name of the key that signed it, as sigstore's tools read it.

A bundle has one signature. It holds no entry of a transparency log and no time-stamp: sigstore knows those of Rekor and those over the
signature only, and ours are neither (docs/decisions/0016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from securesystemslib.dsse import Envelope

from kybern.base import canonical_json
from kybern.evidence._envelope import parse_envelope, render
from kybern.evidence._json import read_json
from kybern.evidence._refused import Refused

BUNDLE_SUFFIX: Final = ".sigstore.json"
MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds: the envelope, and the hint that names the key."""

    envelope: bytes
    hint: str


def sigstore_bundle(envelope: bytes, keyid: str | None = None) -> bytes:
    """Write the bundle of an envelope with the signature of one key, the first if none is named.

    Raises `Refused` if the envelope cannot be read, (`no-signature`) if that key did not sign it.
    """
    parsed = parse_envelope(envelope)
    chosen = next(iter(parsed.signatures)) if keyid is None else keyid
    if chosen not in parsed.signatures:
        raise Refused(rule="no-signature", message=f"key {chosen[:12]} did not sign it")
    one = Envelope(parsed.payload, parsed.payload_type, {chosen: parsed.signatures[chosen]})
    material = {"publicKey": {"hint": chosen}, "tlogEntries": []}
    return canonical_json({"mediaType": MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": one.to_dict()}) + b"\n"


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle; nothing in it is verified yet.

    Raises `Refused`: `too-large`, `not-json`, `bad-bundle`, and what reading the envelope raises.
    """
    value = read_json(data, "the bundle")
    if not isinstance(value, dict) or value.get("mediaType") != MEDIA_TYPE:
        raise _bad_bundle(why=f"its mediaType is not {MEDIA_TYPE}")
    material, content = value.get("verificationMaterial"), value.get("dsseEnvelope")
    public = material.get("publicKey") if isinstance(material, dict) else None
    hint = public.get("hint") if isinstance(public, dict) else None
    if not isinstance(hint, str) or not isinstance(content, dict):
        raise _bad_bundle(why="it does not have an envelope and the hint of a public key")
    envelope = parse_envelope(_json(content))
    if list(envelope.signatures) != [hint]:
        raise _bad_bundle(why="it does not have one signature, of the key in the hint")
    return Bundle(render(envelope), hint)


def _json(value: object) -> bytes:
    try:
        return canonical_json(value)
    except ValueError as error:
        raise _bad_bundle(why=str(error)) from None


def _bad_bundle(*, why: str) -> Refused:
    return Refused(rule="bad-bundle", message=f"this is no sigstore bundle that is read here: {why}")
