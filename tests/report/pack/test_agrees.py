"""The verifier is written twice over: what it does alone is what Kybern's rooms and RFC 8785 do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pack_world as world
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from kybern.base import canonical_json
from kybern.evidence import KeyKind, Keyring, Refused, TrustedKey, verify
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
