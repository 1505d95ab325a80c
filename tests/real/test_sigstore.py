"""Our bundles before a stranger: npm's @sigstore/verify accepts them with either type of key and refuses one changed byte."""

from __future__ import annotations

import base64
import copy
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kybern.evidence import KeyType, Measurement, PrivateKey, Subject, parse_predicate, sign, sigstore_bundle, statement

sys.path.insert(0, str(Path(__file__).parent))

from node_tools import run_node

pytestmark = pytest.mark.real

BODY = {
    "topic": "group-fairness",
    "observed_at": datetime(2026, 3, 1, tzinfo=UTC).isoformat(),
    "collector": {"name": "fairtool \u00e4", "version": "1"},
    "metric": "gap",
    "value": 0.031,
    "unit": "1",
    "sample_size": 4000,
}


def bundle_of(key: PrivateKey) -> dict[str, Any]:
    payload = statement(parse_predicate(Measurement, BODY), [Subject("ai_system:credit", "c" * 64)])
    found: dict[str, Any] = json.loads(sigstore_bundle(sign(payload, key)))
    return found


def verdicts(key: PrivateKey, bundles: list[Any]) -> list[str]:
    der = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    keys = {key.keyid: base64.b64encode(der).decode()}
    done = run_node("node/sigstore.mjs", given=json.dumps({"keys": keys, "bundles": bundles}))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def flipped(text: str, place: int) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[place] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("type_", list(KeyType))
def test_it_accepts_our_bundle_and_refuses_every_changed_byte(type_: KeyType) -> None:
    key = PrivateKey.generate(type_)
    bundle = bundle_of(key)
    changed = []
    for part, path in (("payload", ("dsseEnvelope",)), ("sig", ("dsseEnvelope", "signatures", 0))):
        holder: Any = bundle
        for step in path:
            holder = holder[step]
        for place in range(len(base64.b64decode(holder[part]))):
            one = copy.deepcopy(bundle)
            target: Any = one
            for step in path:
                target = target[step]
            target[part] = flipped(target[part], place)
            changed.append(one)
    other = copy.deepcopy(bundle)
    other["dsseEnvelope"]["payloadType"] = "application/vnd.in-toto+jsom"
    assert verdicts(key, [bundle]) == ["holds"]
    found = verdicts(key, [*changed, other])
    assert len(found) == len(changed) + 1 > 400
    assert {line.split(":")[0] for line in found} == {"does not hold"}


def test_it_refuses_another_key() -> None:
    bundle = bundle_of(PrivateKey.generate())
    assert verdicts(PrivateKey.generate(), [bundle])[0].startswith("does not hold: key not found")
