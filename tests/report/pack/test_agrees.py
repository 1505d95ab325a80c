"""The verifier is written twice over: what it does alone is what Kybern's rooms and RFC 8785 do."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pack_world as world
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.base import canonical_json
from kybern.evidence import KeyKind, Keyring, KeyType, PrivateKey, Refused, TrustedKey, verify
from kybern.report.pack import verify as verifier

HOLDERS = {KeyKind.PERSON: "person", KeyKind.AUDITOR: "person", KeyKind.PIPELINE: "pipeline", KeyKind.TOOL: "tool"}
OBSERVED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DAYS = st.sampled_from([-60, -1, 0, 1, 60]).map(lambda days: OBSERVED + timedelta(days=days))
BODIES: dict[str, dict[str, Any]] = {
    "measurement": {"metric": "gap", "value": 0.03, "unit": "1", "sample_size": 400},
    "test-run": {"suite": "unit", "passed": 3, "failed": 0},
    "document": {"title": "Policy", "sha256": "a" * 64},
    "attestation": {"by": "person:a", "statement": "So it is.", "holds": True},
    "approval": {"by": "person:a", "decision": "approved"},
    "decision": {"by": "person:b", "question": "Passed?", "outcome": "yes"},
    "training": {"course": "c", "due": 10, "attended": 9, "passed": 8, "share_passed": 0.8},
    "audit": {"by": "person:a", "criteria": "c", "sample_size": 1, "major": 0, "minor": 0, "conclusion": "Fine."},
    "verification": {"verifier": "https://example.org/v2", "properties": ["SCANNED"]},
    "control-evidence": {
        "control": "ACC-01",
        "method": "m",
        "period_start": "2025-12-01T00:00:00Z",
        "period_end": "2026-01-01T00:00:00Z",
        "population": "accounts",
        "population_size": 9,
        "sample_size": 9,
        "sampling": "all",
        "exceptions": 1,
        "coverage": 1.0,
        "result": "failed",
        "error_rate": 0.1111,
    },
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    assert verifier.canonical(value) == rfc8785.dumps(value)


@settings(max_examples=500)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-330, 308).map(lambda power: float(f"1.2345e{power}")))
def test_numbers_are_those_of_rfc_8785(value: float) -> None:
    assert verifier.canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53)])
def test_what_canonical_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        verifier.canonical([value])


def test_both_take_p256_and_refuse_a_changed_byte_and_another_curve() -> None:
    signer = PrivateKey.generate(KeyType.P256)
    key = signer.trusted(name="ci", holder="pipeline:ci", kind="pipeline", valid_from=OBSERVED)
    data = world.envelope("measurement", "policy:ai", "topic", signer, **BODIES["measurement"], observed_at="2026-03-02T00:00:00Z")
    listed = key.model_dump(mode="json", exclude_none=True)
    alone = verifier.read_keys(canonical_json({"keys": [listed]}))
    assert verifier.judge(data, alone).id == verify(data, Keyring([key])).id
    changed = json.loads(data)
    signature = bytearray(base64.b64decode(changed["signatures"][0]["sig"]))
    signature[-1] ^= 1
    changed["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    for check in (lambda raw: verify(raw, Keyring([key])), lambda raw: verifier.judge(raw, alone)):
        with pytest.raises((Refused, verifier.Refused)):
            check(json.dumps(changed).encode())
    other = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(verifier.NoPack, match="another curve"):
        verifier.read_keys(canonical_json({"keys": [listed | {"public_key": other.decode()}]}))


@st.composite
def keys(draw: st.DrawFn, seed: int) -> TrustedKey:
    kind = draw(st.sampled_from(KeyKind))
    start = draw(DAYS)
    until = draw(st.none() | DAYS.filter(lambda end: end > start))
    revoked = draw(st.none() | DAYS)
    made = world.key(seed).trusted(
        name=f"k{seed}", holder=f"{HOLDERS[kind]}:{draw(st.sampled_from('ab'))}", kind=kind, valid_from=start, valid_until=until
    )
    marks = {} if revoked is None else {"revoked_on": revoked, "revoked_because": "Lost."}
    return TrustedKey.model_validate(made.model_dump() | marks)


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(BODIES)),
    st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=4, unique=True),
    st.tuples(keys(1), keys(2), keys(3)),
    st.booleans(),
)
def test_both_accept_and_refuse_the_same_and_find_it_as_strong(
    kind: str, signers: list[int], ring: tuple[TrustedKey, ...], broken: object
) -> None:
    data = world.envelope(kind, "policy:ai", "topic", *map(world.key, signers), **BODIES[kind])
    if broken:
        envelope = json.loads(data)
        envelope["signatures"][0]["sig"] = envelope["signatures"][0]["sig"][:-4] + "AA=="
        data = json.dumps(envelope).encode()
    alone = verifier.read_keys(canonical_json({"keys": [key.model_dump(mode="json", exclude_none=True) for key in ring]}))
    try:
        piece = verify(data, Keyring(ring))
    except Refused:
        with pytest.raises(verifier.Refused):
            verifier.judge(data, alone)
    else:
        found = verifier.judge(data, alone)
        assert (found.id, found.kind, found.strength) == (piece.id, piece.predicate.value, piece.strength)
        assert dict(found.subjects) == {subject.ref: subject.digest for subject in piece.subjects}
