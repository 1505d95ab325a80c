"""`kybern evidence prove` and `verify-receipt`: three receipts from one tree, as a person asks for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import typer

from kybern.cli import _evidence, _log
from kybern.evidence import KeyType, PrivateKey

sys.path.insert(0, str(Path(__file__).parent))

from cli_shell import Shell

app = typer.Typer()
_evidence.register(app)
_log.register(app)
FORMS = {"tlog": ".tlog-proof", "cose": ".cose", "sigstore": ".sigstore.json"}


def prove(shell: Shell, name: str, form: str) -> Path:
    out = shell.root / f"piece{FORMS[form]}"
    shell.run("evidence", "prove", name, "--format", form, "--out", out)
    return out


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    found = Shell.make(app, tmp_path)
    since = ("--valid-from", "2026-01-01")
    found.run("key", "new", "anna", "--type", "p256", "--kind", "person", "--holder", "person:anna", *since)
    found.run("log", "init", "--origin", "example.org/ai")
    return found


@pytest.mark.parametrize("form", list(FORMS))
def test_each_receipt_is_written_and_verifies_without_a_workspace_when_keys_are_given(shell: Shell, tmp_path: Path, form: str) -> None:
    name = shell.state("It can be stopped.")
    shell.run("log", "sync")
    receipt = prove(shell, name, form)
    said = shell.run("evidence", "verify-receipt", receipt)
    assert said.stdout.startswith("holds: ")
    assert name in said.stdout
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    given = ["--keys", str(tmp_path / "keys.yaml")] if form == "sigstore" else ["--key", str(tmp_path / "log" / "key")]
    Shell(app, elsewhere).run("evidence", "verify-receipt", receipt, *given)


@pytest.mark.parametrize("form", list(FORMS))
def test_a_receipt_of_another_piece_or_with_a_changed_byte_does_not_hold(shell: Shell, form: str) -> None:
    one, other = shell.state("It can be stopped."), shell.state("It can be started.")
    shell.run("log", "sync")
    receipt = prove(shell, one, form)
    envelopes = {name: shell.root / "evidence" / f"{name[:16]}.dsse.json" for name in (one, other)}
    shell.run("evidence", "verify-receipt", receipt, "--envelope", envelopes[one])
    assert "other-envelope" in shell.run("evidence", "verify-receipt", receipt, "--envelope", envelopes[other], code=1).stdout
    data = receipt.read_bytes()
    place = len(data) // 2
    receipt.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert shell.run("evidence", "verify-receipt", receipt, code=1).stdout.startswith("does not hold: ")


def test_the_tlog_receipt_is_the_default_and_that_of_kybern_log_prove(shell: Shell) -> None:
    name = shell.state("It can be stopped.")
    shell.run("log", "sync")
    assert shell.run("evidence", "prove", name).stdout == shell.run("log", "prove", name).stdout


def test_only_what_is_in_the_log_has_a_receipt(shell: Shell) -> None:
    shell.state("It can be started.")
    shell.run("log", "sync")
    name = shell.state("It can be stopped.")
    for form in FORMS:
        shell.run("evidence", "prove", name, "--format", form, code=2)
    assert "no id that starts" not in shell.run("evidence", "prove", "f" * 64, code=2).output


def test_an_entry_whose_evidence_is_gone_has_no_bundle(shell: Shell) -> None:
    name = shell.state("It can be stopped.")
    shell.run("log", "sync")
    (shell.root / "evidence" / f"{name[:16]}.dsse.json").unlink()
    assert "not in the workspace" in shell.run("evidence", "prove", "entry:0", "--format", "sigstore", code=2).output
    shell.run("evidence", "prove", "entry:0", "--format", "cose", "--out", shell.root / "x.cose")


def test_what_is_no_receipt_is_told_so(shell: Shell) -> None:
    for data in (b"", b"{}", b"c2sp.org/tlog-proof@v1\n", b"\xd2\x84", json.dumps({"mediaType": 1}).encode()):
        (shell.root / "x").write_bytes(data)
        assert shell.run("evidence", "verify-receipt", shell.root / "x", code=1).stdout.startswith("does not hold: ")
    shell.run("evidence", "verify-receipt", shell.root / "absent", code=2)


def test_a_log_whose_key_cannot_sign_notes_is_not_made(tmp_path: Path) -> None:
    shell = Shell.make(app, tmp_path)
    key = tmp_path / ".kybern" / "log" / "key.pem"
    key.parent.mkdir(parents=True)
    key.write_bytes(PrivateKey.generate(KeyType.P256).pem())
    assert "no Ed25519 key" in shell.run("log", "init", code=2).output
    assert not (tmp_path / "log" / "checkpoint").exists()
