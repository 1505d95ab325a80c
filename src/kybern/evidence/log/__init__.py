"""The evidence log: an append-only Merkle log in the open C2SP formats, that its own operator cannot rewrite unseen.

`Log` appends, publishes and proves; `verify_proof` and `audit` need nothing but files and the log's public key.
"""

from kybern.evidence.log._audit import Audit, Finding, audit, audit_folder, audit_since
from kybern.evidence.log._cose import LEAF_HEADER, MAX_RECEIPT, RECEIPT_SUFFIX, SIZE_HEADER, cose_receipt, verify_cose
from kybern.evidence.log._files import CHECKPOINT
from kybern.evidence.log._journal import Draft, Journal, Published
from kybern.evidence.log._leaf import Entry, Leaf, read_leaf
from kybern.evidence.log._log import Head, Log
from kybern.evidence.log._merkle import EMPTY_ROOT, extends, includes, leaf_hash, node_hash
from kybern.evidence.log._note import Checkpoint, Signer, Verifier, open_checkpoint, open_note
from kybern.evidence.log._proof import MAX_PROOF, PROOF_SUFFIX, Proven, TlogProof, verify_proof
from kybern.evidence.log._tiles import Tile

__all__ = [
    "CHECKPOINT",
    "EMPTY_ROOT",
    "LEAF_HEADER",
    "MAX_PROOF",
    "MAX_RECEIPT",
    "PROOF_SUFFIX",
    "RECEIPT_SUFFIX",
    "SIZE_HEADER",
    "Audit",
    "Checkpoint",
    "Draft",
    "Entry",
    "Finding",
    "Head",
    "Journal",
    "Leaf",
    "Log",
    "Proven",
    "Published",
    "Signer",
    "Tile",
    "TlogProof",
    "Verifier",
    "audit",
    "audit_folder",
    "audit_since",
    "cose_receipt",
    "extends",
    "includes",
    "leaf_hash",
    "node_hash",
    "open_checkpoint",
    "open_note",
    "read_leaf",
    "verify_cose",
    "verify_proof",
]
