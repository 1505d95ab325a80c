"""COSE receipts (RFC 9942): a proof of inclusion whose root is signed by the log's key, for tools that speak COSE.

The verifiable data structure is RFC9162_SHA256; the root is the detached payload. The leaf stands in an unprotected header of private
use, so that a receipt needs nothing beside it: the proof is what vouches for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kybern.evidence._refused import Refused
from kybern.evidence.log._cbor import Value, dump, load
from kybern.evidence.log._leaf import read_leaf
from kybern.evidence.log._merkle import HASH_BYTES, leaf_hash, root_of_inclusion
from kybern.evidence.log._note import MAX_SIZE, Checkpoint
from kybern.evidence.log._proof import Proven, TlogProof, verify_proof
from kybern.evidence.log._tiles import MAX_ENTRY

if TYPE_CHECKING:
    from kybern.evidence._keys import SigningKey
    from kybern.evidence.log._note import Verifier

RECEIPT_SUFFIX: Final = ".cose"
MAX_RECEIPT: Final = 1 << 17
"""The longest receipt read, in bytes."""

LEAF_HEADER: Final = -65801
"""The label under which a receipt carries its leaf, of the range for private use."""

SIZE_HEADER: Final = -65802
"""The protected label that repeats the size of the tree: a root does not fix it, and what is in the proof is not signed."""

_SIGN1: Final = b"\xd2"
"""Tag 18: COSE_Sign1."""
_ALG, _KID, _CLAIMS, _VDS, _VDP = 1, 4, 15, 395, 396
_EDDSA: Final = -8
_RFC9162_SHA256: Final = 1
_INCLUSION: Final = -1
_ISSUER: Final = 1
_MAX_HASHES: Final = 63


def cose_receipt(proof: TlogProof, verifier: Verifier, key: SigningKey) -> bytes:
    """Write the receipt of a proof with its leaf, signed by the log's key.

    Raises `Refused` (`bad-key`) if it is another key, (`not-included`) if the proof does not hold: only the root of a checkpoint
    that the log signed before is signed again.
    """
    if key.public_raw != verifier.public:
        raise Refused(rule="bad-key", message=f"this is not the key of the log {verifier.name}")
    shown = verify_proof(bytes(proof), verifier).checkpoint
    claims = {_ISSUER: verifier.name}
    protected = dump({_ALG: _EDDSA, _KID: verifier.id, _CLAIMS: claims, _VDS: _RFC9162_SHA256, SIZE_HEADER: shown.size})
    inclusion = dump([shown.size, proof.index, list(proof.hashes)])
    signature = key.sign_raw(_to_be_signed(protected, shown.root))
    return _SIGN1 + dump([protected, {_VDP: {_INCLUSION: [inclusion]}, LEAF_HEADER: proof.extra}, None, signature])


def verify_cose(data: bytes, verifier: Verifier) -> Proven:
    """Verify a receipt that carries its leaf.

    Raises `Refused`: `bad-receipt`, `bad-leaf`, `wrong-origin` for a receipt of another log, and `bad-signature` if leaf, proof and
    signature do not fit: a receipt does not say which of them was changed.
    """
    try:
        protected, unprotected, signature = _parts(data)
        size, index, hashes = _inclusion(unprotected)
        leaf = unprotected.get(LEAF_HEADER)
        if not isinstance(leaf, bytes) or len(leaf) > MAX_ENTRY:
            raise _bad_receipt(why="it does not carry its leaf")
        headers = load(protected)
    except ValueError as error:
        raise _bad_receipt(why=str(error)) from None
    _check_headers(headers, size, verifier)
    root = root_of_inclusion(leaf_hash(leaf), index, size, hashes)
    if root is None:
        raise Refused(rule="not-included", message="the proof has not the form that its index and size ask for")
    if not verifier.signed(_to_be_signed(protected, root), signature):
        raise Refused(rule="bad-signature", message="leaf, proof and signature do not fit: one of them was changed, or another key signed")
    return Proven(index, read_leaf(leaf), Checkpoint(verifier.name, size, root))


def _to_be_signed(protected: bytes, root: bytes) -> bytes:
    """Write what is signed (RFC 9052, section 4.4): it begins with a byte that no note begins with."""
    return dump(["Signature1", protected, b"", root])


def _parts(data: bytes) -> tuple[bytes, dict[int | str, Value], bytes]:
    """Take a receipt apart: protected headers as they were signed, unprotected ones, the signature."""
    if len(data) > MAX_RECEIPT or data[:1] != _SIGN1:
        raise _bad_receipt(why=f"it is not a COSE_Sign1 with its tag, of at most {MAX_RECEIPT:,} bytes")
    match load(data[1:]):
        case [bytes() as protected, dict() as unprotected, None, bytes() as signature]:
            return protected, unprotected, signature
    raise _bad_receipt(why="it is not two headers, a detached payload and a signature")


def _inclusion(unprotected: dict[int | str, Value]) -> tuple[int, int, tuple[bytes, ...]]:
    """Read the one inclusion proof: size, index, hashes."""
    match unprotected.get(_VDP):
        case {-1: [bytes() as proof]}:
            match load(proof):
                case [int() as size, int() as index, list() as path] if _in_bounds(size, index, path):
                    return size, index, tuple(step for step in path if isinstance(step, bytes))
    raise _bad_receipt(why="it does not have one inclusion proof of size, index and hashes")


def _in_bounds(size: int, index: int, path: list[Value]) -> bool:
    hashes = len(path) <= _MAX_HASHES and all(isinstance(step, bytes) and len(step) == HASH_BYTES for step in path)
    return hashes and 0 <= index < size <= MAX_SIZE


def _check_headers(headers: Value, size: int, verifier: Verifier) -> None:
    if not isinstance(headers, dict) or headers.get(_ALG) != _EDDSA or headers.get(_VDS) != _RFC9162_SHA256:
        raise _bad_receipt(why="its protected headers do not say EdDSA and RFC9162_SHA256")
    if headers.get(SIZE_HEADER) != size:
        raise _bad_receipt(why="the size in its proof is not the one that is signed")
    claims = headers.get(_CLAIMS)
    issuer = claims.get(_ISSUER) if isinstance(claims, dict) else None
    if issuer != verifier.name or headers.get(_KID) != verifier.id:
        raise Refused(rule="wrong-origin", message=f"it is a receipt of the log {ascii(issuer)[:120]}, not of {verifier.name}")


def _bad_receipt(*, why: str) -> Refused:
    return Refused(rule="bad-receipt", message=f"this is no receipt: {why}")
