"""The evidence log: an append-only Merkle log in the open C2SP formats, that its own operator cannot rewrite unseen.

`Log` appends, publishes and proves; `verify_proof` and `audit` need nothing but files and the log's public key.
"""

from kybern.evidence.log._audit import Audit, Finding, audit, audit_folder, audit_since
from kybern.evidence.log._files import CHECKPOINT
from kybern.evidence.log._journal import Draft, Guard, Journal, Published
from kybern.evidence.log._leaf import (
    ERASURE,
    EVENT,
    FORMS,
    PROTECTED,
    RECORD,
    STATEMENT,
    TIMESTAMP,
    Entry,
    Leaf,
    TypedEntry,
    erasure_entry,
    event_entry,
    protected_entry,
    read_leaf,
    record_entry,
    term,
)
from kybern.evidence.log._log import Head, Log
from kybern.evidence.log._merkle import EMPTY_ROOT, extends, includes, leaf_hash, node_hash
from kybern.evidence.log._note import Checkpoint, Signer, Verifier, open_checkpoint, open_note
from kybern.evidence.log._proof import MAX_PROOF, PROOF_SUFFIX, Proven, TlogProof, verify_proof
from kybern.evidence.log._tiles import Tile
from kybern.evidence.log._view import FolderView, JournalView, View

__all__ = [
    "CHECKPOINT",
    "EMPTY_ROOT",
    "ERASURE",
    "EVENT",
    "FORMS",
    "MAX_PROOF",
    "PROOF_SUFFIX",
    "PROTECTED",
    "RECORD",
    "STATEMENT",
    "TIMESTAMP",
    "Audit",
    "Checkpoint",
    "Draft",
    "Entry",
    "Finding",
    "FolderView",
    "Guard",
    "Head",
    "Journal",
    "JournalView",
    "Leaf",
    "Log",
    "Proven",
    "Published",
    "Signer",
    "Tile",
    "TlogProof",
    "TypedEntry",
    "Verifier",
    "View",
    "audit",
    "audit_folder",
    "audit_since",
    "erasure_entry",
    "event_entry",
    "extends",
    "includes",
    "leaf_hash",
    "node_hash",
    "open_checkpoint",
    "open_note",
    "protected_entry",
    "read_leaf",
    "record_entry",
    "term",
    "verify_proof",
]
