"""Predicates that others really wrote: OpenSSF's model-signing signs a model, cyclonedx-python-lib writes a BOM; both become evidence."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6

from kybern.cli import _evidence
from kybern.evidence import KeyType, PrivateKey

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from cli_shell import Shell
from venv_tools import foreign_python

pytestmark = pytest.mark.real

WEIGHTS = b"these are weights"
MODEL = f"""
kind: model
id: credit
title: Credit
type: boosting
origin: developed
task: classification
intended_use: Scoring
artefact_sha256: {hashlib.sha256(WEIGHTS).hexdigest()}
"""
app = typer.Typer()
_evidence.register(app)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    found = Shell.make(app, tmp_path, MODEL)
    found.run("key", "new", "ci", "--kind", "pipeline", "--holder", "pipeline:ci", "--valid-from", "2026-01-01")
    return found


def test_a_signature_by_model_signing_is_brought_in_about_the_model_it_signed(shell: Shell) -> None:
    python = foreign_python("model-signing==1.1.1", "pyOpenSSL==26.0.0")
    folder, key, signature = shell.root / "artefact", shell.root / "signer.pem", shell.root / "model.sig"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    (folder / "config.json").write_text("{}")
    key.write_bytes(PrivateKey.generate(KeyType.P256).pem())
    command = [python, "-m", "model_signing", "sign", "key", folder, "--signature", signature, "--private_key", key]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    call = (
        "evidence",
        "add",
        "model-signature",
        "--from",
        signature,
        "--topic",
        "model-integrity",
        "--key",
        "ci",
        "--observed-at",
        "2026-02-01",
    )
    name = shell.run(*call).stdout.split()[0]
    found = json.loads(shell.run("evidence", "show", name, "--json").stdout)
    assert (found["type"], found["about"][0]["ref"], found["body"]["title"]) == ("document", "model:credit", "Model signature over 2 files")
    assert found["body"]["sha256"] == hashlib.sha256(signature.read_bytes()).hexdigest()
    bundle = json.loads(signature.read_bytes())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    statement["predicate"]["resources"][0]["digest"] = "0" * 64
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    signature.write_text(json.dumps(bundle))
    assert "not that of its list of files" in shell.run(*call, code=2).output.replace("\n", " ")


def test_a_bom_by_cyclonedx_is_brought_in(shell: Shell) -> None:
    library = Component(name="numpy", version="2.0", type=ComponentType.LIBRARY)
    bom = Bom(components=[library])
    bom.metadata.component = Component(name="credit", type=ComponentType.MACHINE_LEARNING_MODEL)
    bom.register_dependency(bom.metadata.component, [library])
    bom.metadata.timestamp = datetime(2026, 2, 3, tzinfo=UTC)
    file = shell.root / "bom.json"
    file.write_text(JsonV1Dot6(bom).output_as_string())
    call = ("evidence", "add", "bom", "--from", file, "--about", "model:credit", "--topic", "bom", "--key", "ci")
    found = json.loads(shell.run("evidence", "show", shell.run(*call).stdout.split()[0], "--json").stdout)
    assert (found["body"]["title"], found["observed_at"][:10]) == ("CycloneDX BOM of credit", "2026-02-03")
    assert (found["body"]["path"], found["body"]["sha256"]) == ("bom.json", hashlib.sha256(file.read_bytes()).hexdigest())
