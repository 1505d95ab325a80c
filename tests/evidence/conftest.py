"""Keys, a keyring and envelopes that the tests of the evidence room share. Keys are fixed, so every run signs the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kybern.catalog import PredicateType
from kybern.evidence import PREDICATES, KeyKind, Keyring, Predicate, PrivateKey, Subject, parse_predicate, sign, statement

START = datetime(2026, 1, 1, tzinfo=UTC)
OBSERVED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
CREDIT = Subject("ai_system:credit", "c" * 64)

BODIES: dict[PredicateType, dict[str, Any]] = {
    PredicateType.MEASUREMENT: {"metric": "demographic parity difference", "value": 0.031, "unit": "1", "sample_size": 4000},
    PredicateType.TEST_RUN: {"suite": "unit", "passed": 12, "failed": 0},
    PredicateType.DOCUMENT: {"title": "AI policy", "sha256": "d" * 64},
    PredicateType.ATTESTATION: {"statement": "Operators can stop the system.", "holds": True, "by": "person:anna"},
    PredicateType.APPROVAL: {"decision": "approved", "by": "person:anna"},
    PredicateType.DECISION: {"question": "Is the gate passed?", "outcome": "passed", "by": "person:anna"},
    PredicateType.TRAINING: {"course": "AI literacy", "due": 10, "attended": 9, "passed": 8, "share_passed": 0.8},
    PredicateType.ABSENCE: {"overdue": 1, "never": 0, "silent": 0, "missing": 0, "findings": []}
    | dict.fromkeys(("catalog_sha256", "records_sha256", "evidence_sha256", "findings_sha256"), "e" * 64),
    PredicateType.AUDIT: {
        "criteria": "ISO/IEC 42001",
        "sample_size": 3,
        "major": 0,
        "minor": 1,
        "conclusion": "One minor finding.",
        "by": "person:anna",
    },
    PredicateType.VERIFICATION: {"verifier": "https://example.org/verifier/v2", "properties": ["EXAMPLE_SCANNED"]},
    PredicateType.CONTROL_EVIDENCE: {
        "control": "ACC-01",
        "method": "Each sampled account was compared with the leavers' list.",
        "period_start": "2025-12-01T00:00:00Z",
        "period_end": "2026-03-01T00:00:00Z",
        "population": "accounts",
        "population_size": 1200,
        "sample_size": 60,
        "sampling": "random",
        "exceptions": 1,
        "tolerated": 1,
        "coverage": 0.05,
        "result": "passed",
        "error_rate": 0.0167,
        "interval": "clopper-pearson",
        "confidence_level": 0.95,
        "lower": 0.0004,
        "upper": 0.0894,
    },
}


def key(seed: int) -> PrivateKey:
    return PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


@dataclass(frozen=True)
class Bench:
    """Fixed keys and what is made with them."""

    OBSERVED: ClassVar[datetime] = OBSERVED
    START: ClassVar[datetime] = START
    END: ClassVar[datetime] = END
    CREDIT: ClassVar[Subject] = CREDIT
    BODIES: ClassVar[dict[PredicateType, dict[str, Any]]] = BODIES

    anna: PrivateKey
    ci: PrivateKey
    tool: PrivateKey
    auditor: PrivateKey
    stranger: PrivateKey
    keyring: Keyring

    @staticmethod
    def predicate(kind: PredicateType = PredicateType.MEASUREMENT, **fields: Any) -> Predicate:
        common = {"topic": "fairness", "observed_at": OBSERVED.isoformat(), "collector": {"name": "fairtool", "version": "1.0"}}
        return parse_predicate(PREDICATES[kind], common | BODIES[kind] | fields)

    def envelope(self, *keys: PrivateKey, kind: PredicateType = PredicateType.MEASUREMENT, **fields: Any) -> bytes:
        return sign(statement(self.predicate(kind, **fields), [CREDIT]), *(keys or (self.ci,)))


@pytest.fixture(scope="session")
def bench() -> Bench:
    anna, ci, tool, auditor, stranger = (key(seed) for seed in range(1, 6))
    keyring = Keyring(
        (
            anna.trusted(name="anna", holder="person:anna", kind=KeyKind.PERSON, valid_from=START, valid_until=END),
            ci.trusted(name="credit-ci", holder="pipeline:credit-ci", kind=KeyKind.PIPELINE, valid_from=START, valid_until=END),
            tool.trusted(name="pytest", holder="tool:pytest", kind=KeyKind.TOOL, valid_from=START),
            auditor.trusted(name="bob", holder="person:bob", kind=KeyKind.AUDITOR, valid_from=OBSERVED + timedelta(days=30)),
        )
    )
    return Bench(anna, ci, tool, auditor, stranger, keyring)
