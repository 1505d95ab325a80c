"""A readiness statement on the small organisation of the report's tests, signed with keys of fixed seeds."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from report_world import AS_OF, assessed

from kybern.assessment import Assessment
from kybern.catalog import PredicateType, Strength
from kybern.evidence import Evidence, PrivateKey, Subject
from kybern.report.label import (
    TOPIC,
    Criteria,
    Issuer,
    LogHead,
    Place,
    StatusList,
    claim,
    claim_digest,
    issue,
    status_credential,
    subject_name,
)

ISSUED = AS_OF + timedelta(days=2)
URL = "https://acme.example/readiness/status.json"
LOG = LogHead("acme.example/ai", 1234, hashlib.sha256(b"root").hexdigest())
EASY = Criteria(minimum_coverage=0, minimum_strength=1, maximum_not_met=999, maximum_expired=999, approver="role:model-owner")
FRAMEWORK = "ISO42001"


def key(seed: int = 7) -> PrivateKey:
    return PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


KEY = key()
ISSUER = Issuer.of_key(KEY.public_raw)


@cache
def assessment() -> Assessment:
    return assessed()


@cache
def stated() -> dict[str, Any]:
    return claim(assessment(), FRAMEWORK, EASY, LOG)


def approval(digest: str = "", *, decision: str = "approved", by: str = "person:anna", after: timedelta = timedelta(days=1)) -> Evidence:
    named = digest or claim_digest(stated())
    return Evidence(
        hashlib.sha256(repr((named, decision, by, after)).encode()).hexdigest(),
        PredicateType.APPROVAL,
        TOPIC,
        (Subject("organization:acme", "a" * 64), Subject(subject_name(FRAMEWORK), named)),
        AS_OF + after,
        None,
        Strength.OBSERVED,
        {"by": by, "decision": decision},
        (by,),
    )


@cache
def document(index: int = 3, url: str = URL) -> dict[str, Any]:
    return issue(stated(), approval(), (KEY, ISSUER), Place(url, index), ISSUED)


@cache
def listed(*revoked: int) -> dict[str, Any]:
    bits = StatusList()
    for index in revoked:
        bits = bits.with_set(index)
    return status_credential(bits, URL, KEY, ISSUER, ISSUED)


LATER = datetime(2027, 1, 1, tzinfo=UTC)
