"""Proofs that an entry is in the published log, and the key that vouches for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kybern.evidence.log import CHECKPOINT, Log, Verifier
from kybern.server.store.journal import DatabaseJournal
from kybern.server.store.keys import LOG_HOLDER, log_origin_of
from kybern.server.store.models import HeldKey, TrustedKeyRow
from kybern.server.store.publish import log_folder

if TYPE_CHECKING:
    from kybern.evidence.log import TlogProof


def log_verifier() -> Verifier | None:
    """Give the public key of the log under its name; None where the log has none yet: then nothing was published."""
    held = HeldKey.objects.filter(pk=LOG_HOLDER).values_list("keyid", flat=True).first()
    row = None if held is None else TrustedKeyRow.objects.filter(pk=held).first()
    key = None if row is None else load_pem_public_key(row.public_key.encode())
    if not isinstance(key, Ed25519PublicKey):
        return None
    return Verifier(log_origin_of(key.public_bytes_raw()), key.public_bytes_raw())


def published_size() -> int:
    """Tell how many entries the published checkpoint covers; 0 where none is published. Raises `Refused` if it does not hold."""
    found = _log()
    return 0 if found is None else found.head().checkpoint.size


def proof_of(index: int) -> TlogProof | None:
    """Prove that an entry is in the published log; None where it is not published yet. Raises `Refused` if the log does not hold."""
    found = _log()
    return None if found is None or index >= found.head().checkpoint.size else found.prove(index)


def _log() -> Log | None:
    verifier = log_verifier()
    if verifier is None or not (log_folder() / CHECKPOINT).is_file():
        return None
    return Log(log_folder(), DatabaseJournal(), verifier)
