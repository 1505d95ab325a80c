"""Evidence: what was observed, in signed statements that anybody can verify; keys, envelopes, verification, and a folder of them."""

from kybern.evidence._bundle import BUNDLE_SUFFIX, MEDIA_TYPE, Bundle, parse_bundle, sigstore_bundle
from kybern.evidence._envelope import PAYLOAD_TYPE, countersign, parse_envelope, sign
from kybern.evidence._foreign import CONTEXT, FOREIGN, Foreign, foreign_statement, moment_of, resource_digests
from kybern.evidence._json import MAX_BYTES, read_json
from kybern.evidence._keyfile import with_key, with_revocation
from kybern.evidence._keyring import KEYS_FILE, Keyring, read_keyring
from kybern.evidence._keys import KeyKind, KeyType, PrivateKey, SigningKey, TrustedKey
from kybern.evidence._models import (
    PREDICATE_PREFIX,
    PREDICATES,
    STATEMENT_TYPE,
    Approval,
    Attestation,
    AuditDone,
    ByPerson,
    Collector,
    ControlEvidence,
    Decision,
    DocumentSeen,
    Evidence,
    Measurement,
    Predicate,
    Subject,
    TestRun,
    TrainingHeld,
    Verification,
)
from kybern.evidence._refused import Refusal, Refused
from kybern.evidence._statement import Statement, body_of, parse_predicate, parse_statement, predicate_uri, statement
from kybern.evidence._store import FOLDER, SUFFIX, Read, read_evidence, write
from kybern.evidence._token import TokenKey
from kybern.evidence._token_uri import TokenUri
from kybern.evidence._verify import Standing, standing, strength_of, verify

__all__ = [
    "BUNDLE_SUFFIX",
    "CONTEXT",
    "FOLDER",
    "FOREIGN",
    "KEYS_FILE",
    "MAX_BYTES",
    "MEDIA_TYPE",
    "PAYLOAD_TYPE",
    "PREDICATES",
    "PREDICATE_PREFIX",
    "STATEMENT_TYPE",
    "SUFFIX",
    "Approval",
    "Attestation",
    "AuditDone",
    "Bundle",
    "ByPerson",
    "Collector",
    "ControlEvidence",
    "Decision",
    "DocumentSeen",
    "Evidence",
    "Foreign",
    "KeyKind",
    "KeyType",
    "Keyring",
    "Measurement",
    "Predicate",
    "PrivateKey",
    "Read",
    "Refusal",
    "Refused",
    "SigningKey",
    "Standing",
    "Statement",
    "Subject",
    "TestRun",
    "TokenKey",
    "TokenUri",
    "TrainingHeld",
    "TrustedKey",
    "Verification",
    "body_of",
    "countersign",
    "foreign_statement",
    "moment_of",
    "parse_bundle",
    "parse_envelope",
    "parse_predicate",
    "parse_statement",
    "predicate_uri",
    "read_evidence",
    "read_json",
    "read_keyring",
    "resource_digests",
    "sign",
    "sigstore_bundle",
    "standing",
    "statement",
    "strength_of",
    "verify",
    "with_key",
    "with_revocation",
    "write",
]
