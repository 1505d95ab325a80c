"""Evidence: what was observed, in signed statements that anybody can verify; keys, envelopes, verification, and a folder of them."""

from kybern.evidence._commitment import SALT_BYTES, commit
from kybern.evidence._durable import destroy, put, sync_folder
from kybern.evidence._envelope import PAYLOAD_TYPE, countersign, parse_envelope, sign
from kybern.evidence._json import MAX_BYTES
from kybern.evidence._keyfile import with_key, with_revocation
from kybern.evidence._keyring import KEYS_FILE, Keyring, read_keyring
from kybern.evidence._keys import KeyKind, PrivateKey, TrustedKey
from kybern.evidence._models import (
    PREDICATE_PREFIX,
    PREDICATES,
    STATEMENT_TYPE,
    Approval,
    Attestation,
    AuditDone,
    ByPerson,
    Collector,
    Decision,
    DocumentSeen,
    Evidence,
    Measurement,
    Predicate,
    Subject,
    TestRun,
    TrainingHeld,
)
from kybern.evidence._refused import Refusal, Refused
from kybern.evidence._statement import Statement, body_of, parse_predicate, parse_statement, predicate_uri, statement
from kybern.evidence._store import FOLDER, SEALED_SUFFIX, SUFFIX, Read, open_stored, protect, read_evidence, reseal, write
from kybern.evidence._vault import VAULT, Erased, Sealed, Vault, parse_sealed
from kybern.evidence._verify import Standing, open_signed, standing, strength_of, verify

__all__ = [
    "FOLDER",
    "KEYS_FILE",
    "MAX_BYTES",
    "PAYLOAD_TYPE",
    "PREDICATES",
    "PREDICATE_PREFIX",
    "SALT_BYTES",
    "SEALED_SUFFIX",
    "STATEMENT_TYPE",
    "SUFFIX",
    "VAULT",
    "Approval",
    "Attestation",
    "AuditDone",
    "ByPerson",
    "Collector",
    "Decision",
    "DocumentSeen",
    "Erased",
    "Evidence",
    "KeyKind",
    "Keyring",
    "Measurement",
    "Predicate",
    "PrivateKey",
    "Read",
    "Refusal",
    "Refused",
    "Sealed",
    "Standing",
    "Statement",
    "Subject",
    "TestRun",
    "TrainingHeld",
    "TrustedKey",
    "Vault",
    "body_of",
    "commit",
    "countersign",
    "destroy",
    "open_signed",
    "open_stored",
    "parse_envelope",
    "parse_predicate",
    "parse_sealed",
    "parse_statement",
    "predicate_uri",
    "protect",
    "put",
    "read_evidence",
    "read_keyring",
    "reseal",
    "sign",
    "standing",
    "statement",
    "strength_of",
    "sync_folder",
    "verify",
    "with_key",
    "with_revocation",
    "write",
]
