"""Verification: who signed, whether their key counted then, and how much that carries."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError

from kybern.catalog import PredicateType, Strength
from kybern.evidence import KeyKind, Keyring, Refused, TrustedKey, countersign, parse_envelope, sign, standing, statement, verify

if TYPE_CHECKING:
    from conftest import Bench

P = PredicateType


def _refusal(envelope: bytes, keyring: Keyring) -> Refused:
    with pytest.raises(Refused) as refused:
        verify(envelope, keyring)
    return refused.value


def _with(bench: Bench, name: str, **changes: Any) -> Keyring:
    """The keyring, with fields of one key changed."""
    return Keyring(TrustedKey.model_validate(key.model_dump() | changes) if key.name == name else key for key in bench.keyring)


def test_a_signed_measurement_becomes_evidence(bench: Bench) -> None:
    envelope = bench.envelope(bench.ci)
    found = verify(envelope, bench.keyring, "evidence/a.dsse.json")
    assert found.id == hashlib.sha256(parse_envelope(envelope).payload).hexdigest()
    assert (found.predicate, found.topic, found.subjects) == (P.MEASUREMENT, "fairness", (bench.CREDIT,))
    assert (found.observed_at, found.expires_at) == (bench.OBSERVED, None)
    assert (found.strength, found.signers) == (Strength.MEASURED, ("pipeline:credit-ci",))
    assert (found.body["value"], found.source) == (0.031, "evidence/a.dsse.json")


def test_defaults_of_the_predicate_are_filled_into_the_body(bench: Bench) -> None:
    assert verify(bench.envelope(bench.ci, kind=P.TEST_RUN), bench.keyring).body["skipped"] == 0


def test_an_unknown_key_is_refused(bench: Bench) -> None:
    refusal = _refusal(bench.envelope(bench.stranger), bench.keyring)
    assert refusal.rule == "unknown-key"
    assert bench.stranger.keyid[:12] in refusal.message


def test_an_unknown_signature_beside_a_known_one_counts_for_nothing(bench: Bench) -> None:
    alone, both = (verify(bench.envelope(*keys), bench.keyring) for keys in ([bench.ci], [bench.stranger, bench.ci]))
    assert alone == both


def test_a_signature_in_anothers_name_is_refused(bench: Bench) -> None:
    envelope = json.loads(bench.envelope(bench.stranger))
    envelope["signatures"][0]["keyid"] = bench.ci.keyid
    refusal = _refusal(json.dumps(envelope).encode(), bench.keyring)
    assert refusal.rule == "bad-signature"
    assert "changed after signing, or another key signed it" in refusal.message


def test_of_two_signatures_one_bad_is_refused(bench: Bench) -> None:
    envelope = json.loads(bench.envelope(bench.ci, bench.anna))
    raw = bytearray(base64.b64decode(envelope["signatures"][1]["sig"]))
    raw[0] ^= 1
    envelope["signatures"][1]["sig"] = base64.b64encode(raw).decode()
    refusal = _refusal(json.dumps(envelope).encode(), bench.keyring)
    assert refusal.rule == "bad-signature"
    assert "person:anna" in refusal.message


@pytest.mark.parametrize("raw", [b"", b"\0", bytes(63), bytes(64), bytes(65), b"\xff" * 64])
def test_a_signature_of_any_length_that_does_not_fit_is_refused(bench: Bench, raw: bytes) -> None:
    envelope = json.loads(bench.envelope(bench.ci))
    envelope["signatures"][0]["sig"] = base64.b64encode(raw).decode()
    assert _refusal(json.dumps(envelope).encode(), bench.keyring).rule == "bad-signature"


def test_a_signature_over_another_payload_is_refused(bench: Bench) -> None:
    envelope, other = (json.loads(bench.envelope(value=value)) for value in (0.1, 0.2))
    envelope["payload"] = other["payload"]
    assert _refusal(json.dumps(envelope).encode(), bench.keyring).rule == "bad-signature"


def test_a_signature_over_the_bare_payload_is_refused(bench: Bench) -> None:
    payload = statement(bench.predicate(), [bench.CREDIT])
    bare = bench.ci.sign(payload)
    envelope = Envelope(payload, "application/vnd.in-toto+json", {bare.keyid: bare})
    assert _refusal(json.dumps(envelope.to_dict()).encode(), bench.keyring).rule == "bad-signature"


@pytest.mark.parametrize(
    ("days", "rule"),
    [(-1, "key-not-yet-valid"), (0, None), (364, None), (365, "key-expired")],
)
def test_a_key_counts_from_its_first_moment_until_before_its_last(bench: Bench, days: int, rule: str | None) -> None:
    envelope = bench.envelope(bench.ci, observed_at=(bench.START + timedelta(days=days)).isoformat())
    if rule is None:
        assert verify(envelope, bench.keyring).strength is Strength.MEASURED
    else:
        assert _refusal(envelope, bench.keyring).rule == rule


@pytest.mark.parametrize(("days", "refused"), [(-1, True), (0, True), (1, False)])
def test_a_revoked_key_counts_for_what_was_observed_before(bench: Bench, days: int, refused: bool) -> None:  # noqa: FBT001 - a case
    keyring = _with(bench, "credit-ci", revoked_on=bench.OBSERVED + timedelta(days=days), revoked_because="The runner was broken into.")
    if refused:
        refusal = _refusal(bench.envelope(bench.ci), keyring)
        assert refusal.rule == "key-revoked"
        assert "The runner was broken into." in refusal.message
    else:
        assert verify(bench.envelope(bench.ci), keyring).strength is Strength.MEASURED


@pytest.mark.parametrize("kind", [P.ATTESTATION, P.APPROVAL, P.DECISION, P.AUDIT])
def test_a_persons_act_is_signed_with_their_own_key(bench: Bench, kind: PredicateType) -> None:
    assert verify(bench.envelope(bench.anna, kind=kind), bench.keyring).signers == ("person:anna",)
    assert verify(bench.envelope(bench.ci, bench.anna, kind=kind), bench.keyring).body["by"] == "person:anna"
    for keys, by in (([bench.ci], "person:anna"), ([bench.anna], "person:berta"), ([bench.ci], "pipeline:credit-ci")):
        refusal = _refusal(bench.envelope(*keys, kind=kind, by=by), bench.keyring)
        assert refusal.rule == "holder-mismatch"
        assert by in refusal.message


def test_a_persons_lapsed_signature_does_not_make_their_act(bench: Bench) -> None:
    """The pipeline's key counts, anna's no longer does, so the approval is nobody's."""
    keyring = _with(bench, "anna", valid_until=bench.OBSERVED - timedelta(days=1))
    assert _refusal(bench.envelope(bench.anna, bench.ci, kind=P.APPROVAL), keyring).rule == "holder-mismatch"


STRENGTHS = {
    P.ATTESTATION: {"anna": 1},
    P.DOCUMENT: {"anna": 2, "ci": 2, "tool": 2},
    P.TRAINING: {"anna": 2, "ci": 2, "tool": 2},
    P.APPROVAL: {"anna": 3},
    P.DECISION: {"anna": 3},
    P.MEASUREMENT: {"anna": 2, "ci": 4, "tool": 4},
    P.TEST_RUN: {"anna": 2, "ci": 4, "tool": 4},
    P.AUDIT: {"anna": 2},
    P.ABSENCE: {"anna": 2, "ci": 2, "tool": 2},
}


@pytest.mark.parametrize(("kind", "signer", "level"), [(kind, who, level) for kind, row in STRENGTHS.items() for who, level in row.items()])
def test_strength_comes_from_type_and_signer(bench: Bench, kind: PredicateType, signer: str, level: int) -> None:
    envelope = bench.envelope(getattr(bench, signer), kind=kind)
    assert verify(envelope, bench.keyring).strength == level


@pytest.mark.parametrize(("kind", "signer"), [(kind, who) for kind, row in STRENGTHS.items() for who in row])
def test_an_auditors_second_signature_makes_it_independently_verified(bench: Bench, kind: PredicateType, signer: str) -> None:
    """The auditor's key is younger than the evidence here: a second signature is made afterwards."""
    envelope = countersign(bench.envelope(getattr(bench, signer), kind=kind), bench.auditor)
    found = verify(envelope, bench.keyring)
    assert found.strength is Strength.VERIFIED
    assert found.signers[-1] == "person:bob"


def test_an_audit_signed_by_an_auditor_is_independently_verified(bench: Bench) -> None:
    keyring = _with(bench, "bob", valid_from=bench.START)
    assert verify(bench.envelope(bench.auditor, kind=P.AUDIT, by="person:bob"), keyring).strength is Strength.VERIFIED


def test_a_revoked_auditors_second_signature_does_not_make_an_audit_independent(bench: Bench) -> None:
    """The audit is its author's: whether bob's key was valid then or not, his revoked signature under it lifts nothing."""
    keyring = _with(bench, "bob", valid_from=bench.START, revoked_on=bench.END, revoked_because="The card was lost.")
    assert verify(bench.envelope(bench.anna, bench.auditor, kind=P.AUDIT), keyring).strength is Strength.DOCUMENTED


def test_an_audit_stays_its_auditors_after_the_key_is_revoked(bench: Bench) -> None:
    keyring = _with(bench, "bob", valid_from=bench.START, revoked_on=bench.END, revoked_because="The card was lost.")
    assert verify(bench.envelope(bench.auditor, kind=P.AUDIT, by="person:bob"), keyring).strength is Strength.VERIFIED


def test_an_auditors_signature_alone_is_no_second_signature(bench: Bench) -> None:
    keyring = _with(bench, "bob", valid_from=bench.START)
    assert verify(bench.envelope(bench.auditor), keyring).strength is Strength.DOCUMENTED
    assert verify(bench.envelope(bench.auditor, kind=P.ATTESTATION, by="person:bob"), keyring).strength is Strength.DECLARED


def test_nobody_countersigns_for_themselves(bench: Bench) -> None:
    keyring = _with(bench, "bob", holder="person:anna", valid_from=bench.START)
    assert verify(bench.envelope(bench.anna, bench.auditor), keyring).strength is Strength.DOCUMENTED
    assert verify(bench.envelope(bench.ci, bench.auditor, kind=P.APPROVAL), keyring).strength is Strength.OBSERVED
    assert verify(bench.envelope(bench.ci, bench.anna, bench.auditor), keyring).strength is Strength.MEASURED


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": KeyKind.PERSON},
        {"valid_from": "2025-01-01", "valid_until": "2026-02-01"},
        {"revoked_on": "2026-06-01", "revoked_because": "The card was lost."},
    ],
    ids=["no-auditor", "ended-before", "revoked-since"],
)
def test_a_second_signature_that_may_not_count_lifts_nothing(bench: Bench, changes: dict[str, Any]) -> None:
    envelope = bench.envelope(bench.ci, bench.auditor)
    assert verify(envelope, _with(bench, "bob", **changes)).strength is Strength.MEASURED


def test_a_pipelines_signature_beside_a_persons_makes_a_measurement_measured(bench: Bench) -> None:
    assert verify(bench.envelope(bench.anna, bench.ci), bench.keyring).strength is Strength.MEASURED


def test_standing_runs_from_the_observation_through_the_end(bench: Bench) -> None:
    end = bench.OBSERVED + timedelta(days=10)
    piece = verify(bench.envelope(expires_at=end.isoformat()), bench.keyring)
    second = timedelta(seconds=1)
    moments = (bench.OBSERVED - second, bench.OBSERVED, end, end + second)
    assert [standing(piece, at) for at in moments] == ["not-yet-valid", "valid", "valid", "expired"]
    assert standing(verify(bench.envelope(), bench.keyring), end) == "valid"


def test_securesystemslib_verifies_what_kybern_signs_and_refuses_what_was_changed(bench: Bench) -> None:
    data = json.loads(bench.envelope(bench.ci))
    key = bench.keyring.get(bench.ci.keyid)
    assert key is not None
    assert list(Envelope.from_dict(json.loads(json.dumps(data))).verify([key.verifier], 1)) == [bench.ci.keyid]
    data["payload"] = base64.b64encode(base64.b64decode(data["payload"]).replace(b"0.031", b"0.001")).decode()
    with pytest.raises(VerificationError):
        Envelope.from_dict(data).verify([key.verifier], 1)


def test_a_verifier_of_ten_lines_agrees(bench: Bench) -> None:
    """The recipe of docs/handbook/evidence.md: pre-authentication encoding and Ed25519, nothing of Kybern or securesystemslib."""
    envelope = json.loads(bench.envelope(bench.ci))
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key = load_pem_public_key(bench.ci.public_pem.encode())
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    key.verify(signature, signed)
    with pytest.raises(InvalidSignature):
        key.verify(signature, signed + b" ")


def test_what_plain_cryptography_signs_kybern_verifies(bench: Bench) -> None:
    payload = statement(bench.predicate(), [bench.CREDIT])
    kind = b"application/vnd.in-toto+json"
    raw = bench.ci._key.sign(b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
    signature = {"keyid": bench.ci.keyid, "sig": base64.b64encode(raw).decode()}
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": kind.decode(), "signatures": [signature]}
    assert verify(json.dumps(envelope).encode(), bench.keyring) == verify(sign(payload, bench.ci), bench.keyring)


def test_ten_thousand_envelopes_would_verify_within_five_seconds_of_processor_time(bench: Bench) -> None:
    envelopes = [bench.envelope(value=number / 1000) for number in range(500)]
    best = min(_processor_time(envelopes, bench.keyring) for _ in range(3))
    assert best * 20 < 5


def _processor_time(envelopes: list[bytes], keyring: Keyring) -> float:
    start = time.process_time()
    for envelope in envelopes:
        verify(envelope, keyring)
    return time.process_time() - start
