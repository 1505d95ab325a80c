"""Data Integrity proofs by the cryptosuite `eddsa-jcs-2022` (W3C vc-di-eddsa), and the same content as `vc+jwt` (W3C vc-jose-cose)."""

from __future__ import annotations

import base64
import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from kybern.base import canonical_json
from kybern.evidence import Refused, read_json
from kybern.report.label._keys import Issuer, base58, from_base58, holds

if TYPE_CHECKING:
    from kybern.evidence import PrivateKey

SUITE: Final = "eddsa-jcs-2022"
JWT_TYPE: Final = "vc+jwt"
_ALGORITHMS: Final = ["EdDSA"]
_PARTS: Final = 3
_FIELDS: Final = frozenset(("type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue", "@context"))


def moment(at: datetime) -> str:
    """Write a moment in UTC to the second."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def proven(document: Mapping[str, Any], key: PrivateKey, issuer: Issuer, created: datetime) -> dict[str, Any]:
    """Give the document with a proof by the issuer's key."""
    options = {
        "@context": document["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": moment(created),
        "verificationMethod": issuer.method,
        "proofPurpose": "assertionMethod",
    }
    return {**document, "proof": {**options, "proofValue": base58(key.sign_raw(_hashed(document, options)))}}


def check_proof(document: Mapping[str, Any], issuer: Issuer) -> None:
    """Hold a document's proof against the issuer's key; `Refused` (`bad-proof`) with what does not fit."""
    proof = document.get("proof")
    if not isinstance(proof, dict) or set(proof) - _FIELDS:
        raise Refused("bad-proof", "the proof is missing, or holds what this suite does not know")
    stated = {name: proof.get(name) for name in ("type", "cryptosuite", "proofPurpose", "verificationMethod", "@context")}
    asked = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "proofPurpose": "assertionMethod",
        "verificationMethod": issuer.method,
        "@context": document.get("@context"),
    }
    for name, value in asked.items():
        if stated[name] != value:
            raise Refused("bad-proof", f"the proof's {name} is {ascii(stated[name])[:120]}, and {ascii(value)[:120]} is asked for")
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    if not holds(issuer.public, from_base58(proof.get("proofValue")), _hashed(unsecured, options)):
        raise Refused("bad-proof", "the signature does not fit: the content was changed after signing, or another key signed it")


def _hashed(document: Mapping[str, Any], options: Mapping[str, Any]) -> bytes:
    """Hash as the suite does: the proof's options, then the document, each in canonical JSON."""
    try:
        return hashlib.sha256(canonical_json(options)).digest() + hashlib.sha256(canonical_json(document)).digest()
    except (ValueError, RecursionError) as error:
        raise Refused("bad-proof", f"the document has no canonical form: {error}") from None


# The same as a JWT


def as_jwt(document: Mapping[str, Any], key: PrivateKey, issuer: Issuer) -> str:
    """Write a document without its proof as `vc+jwt`, signed with the issuer's key."""
    header = {"alg": _ALGORITHMS[0], "cty": "vc", "kid": issuer.method, "typ": JWT_TYPE}
    payload = canonical_json({name: value for name, value in document.items() if name != "proof"})
    with _named_as_readers_know_it():
        return jws.serialize_compact(header, payload, OKPKey.import_key(key.pem()), algorithms=_ALGORITHMS)


def open_jwt(text: bytes, issuer: Issuer | None = None) -> tuple[dict[str, Any], Issuer]:
    """Read a `vc+jwt` and check its signature; `Refused` (`bad-jwt`, `bad-issuer`). Without an issuer, it must be a `did:key`."""
    header, payload = _parts(text)
    found = issuer or Issuer.from_did(payload.get("issuer"))
    if (header.get("typ"), header.get("kid")) != (JWT_TYPE, found.method) or set(header) - {"alg", "cty", "kid", "typ"}:
        raise Refused("bad-jwt", f"the header is not that of a {JWT_TYPE} signed with the key {found.method[:120]}")
    public = base64.urlsafe_b64encode(found.public).rstrip(b"=").decode()
    try:
        with _named_as_readers_know_it():
            jws.deserialize_compact(text, OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": public}), algorithms=_ALGORITHMS)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Refused("bad-jwt", f"the signature does not fit: {ascii(str(error))[:120]}") from None
    return payload, found


def _parts(text: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    pieces = text.split(b".")
    if len(pieces) != _PARTS:
        raise Refused("bad-jwt", "it is neither JSON nor three parts of base64url with full stops between")
    header, payload = (
        read_json(_decoded(piece), f"the {name} of the JWT") for piece, name in zip(pieces, ("header", "payload"), strict=False)
    )
    _decoded(pieces[2])
    if not isinstance(header, dict) or not isinstance(payload, dict):
        raise Refused("bad-jwt", "header and payload of the JWT are not JSON objects")
    return header, payload


def _decoded(piece: bytes) -> bytes:
    """Read base64url in its one form, without padding."""
    try:
        raw = base64.b64decode(piece + b"=" * (-len(piece) % 4), b"-_", validate=True)
    except ValueError:
        raw = b""
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != piece:
        raise Refused("bad-jwt", "a part of the JWT is not base64url")
    return raw


@contextmanager
def _named_as_readers_know_it() -> Iterator[None]:
    """Let the algorithm be called `EdDSA`: RFC 9864 renames it `Ed25519`, which most readers of today do not know yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        yield
