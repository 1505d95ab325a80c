"""The evidence log: an append-only Merkle log in the open C2SP formats, that its own operator cannot rewrite unseen.

`Log` appends, publishes and proves; `verify_proof` and `audit` need nothing but files and the log's public key.
"""

from kybern.evidence.log._ask import Came, Outcome, Post, Reply, ask
from kybern.evidence.log._audit import Audit, Finding, audit, audit_folder, audit_since
from kybern.evidence.log._cosignature import Cosignature, WitnessKey, WitnessSigner, cosignatures
from kybern.evidence.log._files import CHECKPOINT
from kybern.evidence.log._journal import Draft, Journal, Published
from kybern.evidence.log._leaf import Entry, Leaf, read_leaf
from kybern.evidence.log._log import Head, Log
from kybern.evidence.log._merkle import EMPTY_ROOT, extends, includes, leaf_hash, node_hash
from kybern.evidence.log._note import MAX_NOTE, Checkpoint, Signer, Verifier, open_checkpoint, open_note
from kybern.evidence.log._policy import (
    MAX_POLICY,
    Group,
    Judged,
    KnownWitness,
    Policy,
    audited,
    moment,
    read_policy,
    read_witnesses,
    require,
)
from kybern.evidence.log._proof import MAX_PROOF, PROOF_SUFFIX, Proven, TlogProof, verify_proof
from kybern.evidence.log._sources import SourceCount, count_sources, signed_late
from kybern.evidence.log._tiles import Tile
from kybern.evidence.log._witness import MAX_SUBMISSION, Answer, Contradiction, Kind, Memory, Seen, Submission, Turn, Witness

__all__ = [
    "CHECKPOINT",
    "EMPTY_ROOT",
    "MAX_NOTE",
    "MAX_POLICY",
    "MAX_PROOF",
    "MAX_SUBMISSION",
    "PROOF_SUFFIX",
    "Answer",
    "Audit",
    "Came",
    "Checkpoint",
    "Contradiction",
    "Cosignature",
    "Draft",
    "Entry",
    "Finding",
    "Group",
    "Head",
    "Journal",
    "Judged",
    "Kind",
    "KnownWitness",
    "Leaf",
    "Log",
    "Memory",
    "Outcome",
    "Policy",
    "Post",
    "Proven",
    "Published",
    "Reply",
    "Seen",
    "Signer",
    "SourceCount",
    "Submission",
    "Tile",
    "TlogProof",
    "Turn",
    "Verifier",
    "Witness",
    "WitnessKey",
    "WitnessSigner",
    "ask",
    "audit",
    "audit_folder",
    "audit_since",
    "audited",
    "cosignatures",
    "count_sources",
    "extends",
    "includes",
    "leaf_hash",
    "moment",
    "node_hash",
    "open_checkpoint",
    "open_note",
    "read_leaf",
    "read_policy",
    "read_witnesses",
    "require",
    "signed_late",
    "verify_proof",
]
