"""Our envelopes before a stranger: securesystemslib reads and verifies them, and refuses one changed byte."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # public, though it does not say so to mypy

from kybern.evidence import KeyType, PrivateKey, Subject, TestRun, parse_predicate, sign, statement

pytestmark = pytest.mark.real

BODY = {
    "topic": "testing",
    "observed_at": datetime(2026, 3, 1, tzinfo=UTC).isoformat(),
    "collector": {"name": "pytest", "version": "9"},
    "suite": "unit",
    "passed": 3,
    "failed": 0,
}


@pytest.mark.parametrize("types", [[KeyType.ED25519], [KeyType.P256], list(KeyType)])
def test_it_accepts_our_envelope_and_refuses_every_changed_byte(types: list[KeyType]) -> None:
    keys = [PrivateKey.generate(one) for one in types]
    public = [SSlibKey.from_crypto(load_pem_public_key(key.public_pem.encode())) for key in keys]
    data = sign(statement(parse_predicate(TestRun, BODY), [Subject("ai_system:credit", "c" * 64)]), *keys)
    accepted = Envelope.from_dict(json.loads(data)).verify(public, len(keys))
    assert sorted(accepted) == sorted(key.keyid for key in keys)
    payload = base64.b64decode(json.loads(data)["payload"])
    for place in range(len(payload)):
        changed = json.loads(data)
        changed["payload"] = base64.b64encode(payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]).decode()
        with pytest.raises(VerificationError):
            Envelope.from_dict(changed).verify(public, 1)


def test_it_refuses_a_changed_signature() -> None:
    for type_ in KeyType:
        key = PrivateKey.generate(type_)
        public = SSlibKey.from_crypto(load_pem_public_key(key.public_pem.encode()))
        value = json.loads(sign(statement(parse_predicate(TestRun, BODY), [Subject("ai_system:credit", "c" * 64)]), key))
        raw = bytearray(base64.b64decode(value["signatures"][0]["sig"]))
        for place in range(len(raw)):
            one = bytearray(raw)
            one[place] ^= 1
            changed = json.loads(json.dumps(value))
            changed["signatures"][0]["sig"] = base64.b64encode(one).decode()
            with pytest.raises(VerificationError):
                Envelope.from_dict(changed).verify([public], 1)
