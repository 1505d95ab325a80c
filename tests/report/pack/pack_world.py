"""A small workspace with keys of fixed seeds: one scope, one policy, two AI systems, a handful of signed evidence."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kybern.assessment import assess
from kybern.base import canonical_json
from kybern.catalog import Catalog, PredicateType, load_catalog
from kybern.evidence import PREDICATES, Keyring, PrivateKey, Refusal, Subject, parse_predicate, sign, statement, verify, with_key
from kybern.records import RecordSet
from kybern.report.pack import Inputs, files_of
from kybern.report.pack import verify as verifier
from kybern.workspace import parse_records

VERIFIER = Path(verifier.__file__)
PYTHON = sys.executable
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
SETTINGS = b"kybern: 1\nframeworks: [ISO42001]\n"
FRAMEWORKS = ("ISO42001",)
REFUSED = (Refusal("evidence/bad.dsse.json", "bad-signature", "the signature does not fit"),)
RECORDS = {
    "records/acme.yaml": """\
- {kind: organization, id: acme, title: Acme, legal_name: Acme, sector: Lending, countries: [IE], ai_roles: [deployer]}
- {kind: person, id: anna, title: Anna}
- {kind: person, id: bob, title: Bob}
- {kind: scope, id: aims, title: Scope, statement: Credit and chat, systems: [ai_system:credit]}
- {kind: policy, id: ai, title: "AI policy – \u00e4", type: ai, statement: We use AI with care}
""".encode(),
    "records/systems/credit.yaml": b"""\
kind: ai_system
id: credit
title: Credit
role: deployer
purpose: Estimates default
use_case: Scores each application
autonomy: advises
users: [Underwriters]
jurisdictions: [IE]
stage: operation
""",
}


def key(seed: int) -> PrivateKey:
    return PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


ANNA, CI, BOB, STRANGER = (key(seed) for seed in range(1, 5))


@cache
def catalog() -> Catalog:
    return load_catalog()


@cache
def records() -> RecordSet:
    return RecordSet(record for name in sorted(RECORDS) for record in parse_records(RECORDS[name], name))


def keys_yaml(**anna: Any) -> bytes:
    start, data = datetime(2026, 1, 1, tzinfo=UTC), b""
    for one, name, holder, kind in ((ANNA, "anna", "person:anna", "person"), (CI, "ci", "pipeline:ci", "pipeline")):
        more = anna if name == "anna" else {}
        data = with_key(data, one.trusted(name=name, holder=holder, kind=kind, **{"valid_from": start, **more}))
    return with_key(data, BOB.trusted(name="bob", holder="person:bob", kind="auditor", valid_from=datetime(2026, 6, 1, tzinfo=UTC)))


def envelope(kind: str, ref: str, topic: str, *signers: PrivateKey, **body: Any) -> bytes:
    common = {"topic": topic, "observed_at": "2026-03-01T09:30:00Z", "collector": {"name": "t", "version": "1"}}
    record = records().get(ref)
    digest = record.digest if record else "d" * 64
    return sign(statement(parse_predicate(PREDICATES[PredicateType(kind)], common | body), [Subject(ref, digest)]), *signers)


@cache
def envelopes() -> tuple[bytes, ...]:
    measured = {"metric": "gap", "value": 0.03, "unit": "1", "sample_size": 400}
    return (
        envelope("approval", "scope:aims", "scope-approval", ANNA, by="person:anna", decision="approved"),
        envelope("document", "policy:ai", "ai-policy", ANNA, title="AI policy", sha256="a" * 64, path="documents/ai.md"),
        envelope("approval", "policy:ai", "policy-approval", ANNA, by="person:anna", decision="approved"),
        envelope("measurement", "ai_system:credit", "group-fairness", CI, STRANGER, **measured),
        envelope("attestation", "ai_system:gone", "oversight", ANNA, BOB, by="person:anna", statement="It can be stopped.", holds=True),
    )


def made() -> Inputs:
    """Verify and assess, as `kybern pack` does."""
    keys = keys_yaml()
    ring = Keyring.from_yaml(keys)
    pieces = {piece.id: (piece, data) for data in envelopes() for piece in (verify(data, ring),)}
    return Inputs(
        assessment=assess(catalog(), records(), [piece for piece, _ in pieces.values()], AS_OF),
        refused=REFUSED,
        frameworks=FRAMEWORKS,
        keys=keys,
        envelopes={name: data for name, (_, data) in pieces.items()},
        version="0.1.0",
        settings=SETTINGS,
        records=RECORDS,
    )


@cache
def inputs() -> Inputs:
    return made()


@cache
def pack() -> Mapping[str, bytes]:
    """The files of the pack that the tests change copies of."""
    return files_of(inputs())


def sealed(files: Mapping[str, bytes], **fields: Any) -> dict[str, bytes]:
    """Write manifest and sums anew, as one who changes a pack and knows how would do."""
    changed = {name: data for name, data in files.items() if name not in (verifier.MANIFEST, verifier.SUMS)}
    listed = [{"path": name, "sha256": verifier.sha256(data), "size": len(data)} for name, data in sorted(changed.items())]
    manifest = canonical_json({**json.loads(files[verifier.MANIFEST]), **fields, "files": listed})
    return changed | {verifier.MANIFEST: manifest, verifier.SUMS: verifier.sums(manifest, listed)}


def with_json(files: Mapping[str, bytes], name: str, change: Any) -> dict[str, bytes]:
    """Change the value of a JSON file and seal the pack again."""
    value = json.loads(files[name])
    change(value)
    return sealed({**files, name: canonical_json(value)})


def archive(files: Mapping[str, bytes]) -> bytes:
    return b"".join(verifier.chunks(files))


def zipped(entries: list[tuple[zipfile.ZipInfo | str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """Write an archive as the standard library does."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as target:
        for name, data in entries:
            target.writestr(name, data)
    return made.getvalue()
