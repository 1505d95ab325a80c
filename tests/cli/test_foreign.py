"""`kybern evidence add TYPE --from FILE`, as a person brings in what other tools wrote."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from kybern.cli import _assess, _evidence
from kybern.evidence import PrivateKey, sign

sys.path.insert(0, str(Path(__file__).parent))

from cli_shell import Shell

if TYPE_CHECKING:
    from click.testing import Result

app = typer.Typer()
_evidence.register(app)
_assess.register(app)

ARTEFACT = "a" * 64
MODEL = f"""
kind: model
id: credit
title: Credit
version: '1'
type: boosting
origin: developed
task: classification
intended_use: Scoring
artefact_sha256: {ARTEFACT}
---
kind: person
id: anna
title: Anna
"""
RESULT = {"result": "PASSED", "configuration": [{"name": "ci.yml"}], "passedTests": ["a", "b"], "warnedTests": [], "failedTests": []}
SVR = {"verifier": {"id": "https://example.org/v"}, "timeCreated": "2026-02-03T00:00:00Z", "properties": ["SCANNED"]}
BOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"timestamp": "2026-02-04T00:00:00Z", "component": {"type": "machine-learning-model", "name": "credit"}},
    "components": [],
}
FILES = {
    "serialization": {"method": "files", "hash_type": "sha256"},
    "resources": [{"name": "m", "algorithm": "sha256", "digest": ARTEFACT}],
}
URIS = {
    "test-result": "https://in-toto.io/attestation/test-result/v0.1",
    "svr": "https://in-toto.io/attestation/svr/v0.1",
    "bom": "https://cyclonedx.org/bom/v1.6",
    "model-signature": "https://model_signing/signature/v1.0",
}
WHOLE = hashlib.sha256(bytes.fromhex(ARTEFACT)).hexdigest()


def bring(shell: Shell, type_: str, value: Any, *words: str, code: int = 0) -> Result:
    file = shell.root / "brought.json"
    file.write_text(json.dumps(value))
    return shell.run("evidence", "add", type_, "--from", file, "--topic", "testing", "--key", "ci", *words, code=code)


def show(shell: Shell, said: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.run("evidence", "show", said.stdout.split()[0], "--json").stdout)
    return found


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    found = Shell.make(app, tmp_path, MODEL)
    found.run("key", "new", "ci", "--kind", "pipeline", "--holder", "pipeline:ci", "--valid-from", "2026-01-01")
    return found


def statement(type_: str, predicate: dict[str, Any], digest: str = ARTEFACT) -> dict[str, Any]:
    subject = [{"name": "model.bin", "digest": {"sha256": digest}}]
    return {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": URIS[type_], "predicate": predicate}


def bundle(value: dict[str, Any]) -> dict[str, Any]:
    payload = base64.b64encode(json.dumps(value).encode()).decode()
    envelope = {"payload": payload, "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "AAAA", "keyid": ""}]}
    return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": {}, "dsseEnvelope": envelope}


@pytest.mark.parametrize(
    ("type_", "predicate", "kind", "observed"),
    [
        ("test-result", RESULT, "test-run", "2026-02-01"),
        ("svr", SVR, "verification", "2026-02-03"),
        ("bom", BOM, "document", "2026-02-04"),
        ("model-signature", FILES, "document", "2026-02-01"),
    ],
)
def test_each_is_brought_in_about_the_record_that_states_its_digest(
    shell: Shell, type_: str, predicate: dict[str, Any], kind: str, observed: str
) -> None:
    timed = ("--observed-at", "2026-02-01") if type_ in {"test-result", "model-signature"} else ()
    digest = WHOLE if type_ == "model-signature" else ARTEFACT
    said = bring(shell, type_, bundle(statement(type_, predicate, digest)), *timed)
    assert "signature was not checked" in said.stderr
    found = show(shell, said)
    assert (found["type"], found["about"][0]["ref"], found["observed_at"][:10]) == (kind, "model:credit", observed)
    assert hashlib.sha256((shell.root / "brought.json").read_bytes()).hexdigest() in found["body"]["method"]
    shell.run("evidence", "verify")
    assert shell.run("evidence", "list", "--type", kind).stdout.count("model:credit") == 1


def test_a_bare_predicate_needs_a_record_and_what_it_does_not_say(shell: Shell) -> None:
    assert "no-subject" in bring(shell, "test-result", RESULT, "--observed-at", "2026-02-01", code=2).output
    assert "no-time" in bring(shell, "test-result", RESULT, "--about", "model:credit", code=2).output
    found = show(shell, bring(shell, "test-result", RESULT, "--about", "model:credit", "--observed-at", "2026-02-01", "-f", "note=By hand"))
    assert (found["body"]["passed"], found["body"]["failed"], found["body"]["note"]) == (2, 0, "By hand")


def test_what_is_about_another_artefact_is_refused(shell: Shell) -> None:
    other = statement("test-result", RESULT, "b" * 64)
    said = bring(shell, "test-result", other, "--about", "model:credit", "--observed-at", "2026-02-01", code=2)
    assert "wrong-artefact" in said.output
    bring(shell, "test-result", other, "--about", "person:anna", "--observed-at", "2026-02-01")
    twisted = statement("model-signature", FILES, "b" * 64)
    assert "list of files" in bring(shell, "model-signature", twisted, "--observed-at", "2026-02-01", code=2).output


def test_a_signature_of_a_trusted_key_is_checked(shell: Shell) -> None:
    key = PrivateKey.from_pem((shell.root / ".kybern" / "keys" / "ci.pem").read_bytes())
    envelope = json.loads(sign(json.dumps(statement("svr", SVR)).encode(), key))
    said = bring(shell, "svr", envelope)
    assert "signed by ci" in show(shell, said)["body"]["method"]
    assert "warning: brought.json" not in said.stderr
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["predicate"]["properties"] = ["OTHER"]
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    assert "bad-signature" in bring(shell, "svr", envelope, "--about", "model:credit", code=2).output


@pytest.mark.parametrize(
    ("type_", "value", "words"),
    [
        ("svr", [], "no JSON object"),
        ("svr", statement("test-result", RESULT), "its predicateType is"),
        ("svr", {"payload": "e30=", "payloadType": "text/plain", "signatures": []}, "wrong-payload-type"),
        ("bom", {"bomFormat": "SPDX"}, "bomFormat CycloneDX"),
        ("svr", SVR | {"timeCreated": "yesterday"}, "brought.json"),
        ("test-result", RESULT | {"result": "FAILED"}, "lists of tests"),
    ],
)
def test_what_cannot_be_used_is_told_in_words(shell: Shell, type_: str, value: Any, words: str) -> None:
    said = bring(shell, type_, value, "--about", "model:credit", "--observed-at", "2026-02-01", code=2)
    assert words in said.output.replace("\n", " ")


def test_from_goes_with_the_types_of_others_only(shell: Shell) -> None:
    common = ("--about", "model:credit", "--topic", "testing", "--key", "ci")
    assert "[from]" in shell.run("evidence", "add", "bom", *common, code=2).output
    assert "[from]" in bring(shell, "test-run", RESULT, "--about", "model:credit", code=2).output
    assert "do not go with --from" in bring(shell, "bom", BOM, "--about", "model:credit", "--file", "-", code=2).output
    said = shell.run("evidence", "add", "test-run", "--topic", "testing", "--key", "ci", "-f", "suite=x", code=2)
    assert "What is it about?" in said.output


def test_control_evidence_is_worked_out_from_its_counts(shell: Shell) -> None:
    fields = {
        "control": "ACC-01",
        "method": "Accounts against the leavers' list.",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-02-01T00:00:00Z",
        "population": "accounts",
        "population_size": 1200,
        "sample_size": 60,
        "sampling": "random",
        "exceptions": 0,
        "interval": "wilson",
        "confidence_level": 0.95,
    }
    words = [word for name, value in fields.items() for word in ("-f", f"{name}={value}")]
    about = ("--about", "model:credit", "--topic", "access-review", "--key", "ci", "--observed-at", "2026-02-02")
    found = show(shell, shell.run("evidence", "add", "control-evidence", *about, *words))
    assert (found["body"]["result"], found["body"]["coverage"], found["body"]["error_rate"]) == ("passed", 0.05, 0)
    assert found["body"]["upper"] == pytest.approx(0.0602, abs=1e-4)
    assert found["strength"]["label"].startswith("measured")
    said = shell.run("evidence", "add", "control-evidence", *about, *words, "-f", "coverage=0.9", code=2)
    assert "which is 0.05" in said.output
