"""`kybern evidence add --personal`, `protect` and `erase`: what is told, what is left, what counts."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))

from applied_records import ORGANIZATION

from kybern.cli._main import app
from kybern.evidence.log import Verifier, verify_proof

runner = CliRunner()
PEOPLE = """\
- {kind: role, id: board, title: Board, responsibilities: [Steers.], holders: ['person:anna']}
- {kind: person, id: anna, title: Anna}
- {kind: person, id: zoe, title: Zoë Q. Lund, email: zoe@example.org}
"""
RECORDS = ORGANIZATION + PEOPLE


class Shell:
    """A workspace with a log, and commands run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: object, code: int = 0) -> str:
        result = runner.invoke(app, [*map(str, words), "-C", str(self.root)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    def told(self, *words: object) -> str:
        """Run a command; give what it answers, without what it remarks."""
        result = runner.invoke(app, [*map(str, words), "-C", str(self.root)])
        assert result.exit_code == 0, result.output
        return result.stdout

    def add(self, text: str, *more: object, by: str = "zoe", code: int = 0) -> str:
        about = ("--about", "role:board", "--topic", "leadership-statement", "--key", by, "--observed-at", "2026-02-01")
        words = ("evidence", "add", "attestation", *about, "-f", f"statement={text}", "-f", "holds=true", *more)
        return self.run(*words, code=code) if code else self.told(*words)

    def erase(self, *more: object, code: int = 0) -> str:
        return self.run("evidence", "erase", "person:zoe", "--reason", "Request of 26 November", "--key", "anna", *more, code=code)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "all.yaml").write_text(RECORDS)
    found = Shell(tmp_path)
    for name in ("anna", "zoe"):
        found.run(
            "key", "new", name, "--kind", "person", "--holder", f"person:{name}", "--valid-from", "2026-01-01", "--valid-days", "36500"
        )
    found.run("log", "init", "--origin", "example.org/ai")
    return found


@pytest.fixture
def erased(shell: Shell) -> Shell:
    shell.add("Zoe was ill.", "--personal", "person:zoe")
    shell.add("It is so.", by="anna")
    shell.run("apply", "--reason", "First", "--key", "anna")
    shell.run("log", "sync")
    shell.erase()
    return shell


def test_personal_evidence_is_sealed_logged_by_its_commitment_and_read_as_ever(shell: Shell) -> None:
    said = shell.add("Zoe was ill.", "--personal", "person:zoe")
    identity, path = said.split()[:2]
    assert path.endswith(".sealed.json")
    assert identity[:16] not in path
    assert shell.run("log", "sync").startswith("1 new")
    assert shell.run("log", "sync").startswith("0 new")
    assert "no verified evidence" in shell.run("log", "status")
    shell.run("log", "prove", identity[:12], "--out", shell.root / "p")
    told = shell.run("log", "verify-proof", shell.root / "p")
    assert "commitment" in told
    assert "source     protected, its number 1" in told
    assert "Zoe was ill." in shell.run("evidence", "show", identity[:12])
    assert "accepted" in shell.run("evidence", "verify", shell.root / path)
    journal = (shell.root / ".kybern" / "log").rglob("journal.db*")
    assert all(identity.encode() not in path.read_bytes() for path in [*journal, *(shell.root / "log").rglob("*")] if path.is_file())


def test_a_piece_is_protected_before_it_is_logged_and_not_after(shell: Shell) -> None:
    path = shell.root / shell.add("Zoe was ill.").split()[1]
    sealed = shell.told("evidence", "protect", path, "--subject", "person:zoe").strip()
    assert not path.exists()
    assert (shell.root / sealed).exists()
    late = shell.root / shell.add("It is so.").split()[1]
    shell.run("log", "sync")
    assert "[logged-already]" in shell.run("evidence", "protect", late, "--subject", "person:zoe", code=2)
    assert late.exists()
    assert "[sealed-already]" in shell.run("evidence", "protect", shell.root / sealed, "--subject", "person:zoe", code=2)
    assert "[bad-subject]" in shell.add("x", "--personal", "zoe", code=2)


def test_a_protection_that_was_interrupted_is_taken_up(shell: Shell) -> None:
    path = shell.root / shell.add("Zoe was ill.").split()[1]
    before = path.read_bytes()
    shell.run("evidence", "protect", path, "--subject", "person:zoe")
    path.write_bytes(before)  # as if it had ended before the plain file went
    shell.run("log", "sync")
    shell.run("evidence", "protect", path, "--subject", "person:zoe")
    assert [one.name.endswith(".sealed.json") for one in (shell.root / "evidence").iterdir()] == [True]
    assert shell.run("log", "status").count("protected (1)") == 1


def test_a_second_signature_under_a_sealed_piece_is_logged_and_erased_with_it(shell: Shell) -> None:
    shell.run("key", "new", "bob", "--kind", "auditor", "--holder", "person:bob", "--valid-from", "2026-01-01", "--valid-days", "36500")
    identity = shell.add("Zoe was ill.", "--personal", "person:zoe").split()[0]
    shell.run("log", "sync")
    assert "verified" in shell.run("evidence", "countersign", identity[:12], "--key", "bob")
    assert shell.run("log", "sync").startswith("1 new")
    assert "entries 0, 1. Receipt: entry 2" in shell.erase()
    assert "2 entries erased, commitment intact" in shell.run("log", "audit")


def test_an_erasure_tells_what_it_did_and_what_it_cannot_reach(shell: Shell) -> None:
    shell.add("Zoe was ill.", "--personal", "person:zoe")
    shell.run("apply", "--reason", "First", "--key", "anna")
    said = shell.erase()
    assert "Erased: the key, every salt and content under it; entry 2. Receipt: entry 4" in said
    assert "person:zoe still stands in records/all.yaml" in said
    assert "keys.yaml names person:zoe as holder of zoe" in said
    assert "backups, copies, packs handed out" in said
    assert "[unknown-subject]" in shell.erase(code=2)


def test_after_an_erasure_the_audit_is_green_and_nothing_fails_for_it(erased: Shell) -> None:
    said = erased.run("log", "audit")
    assert "holds: 2 entries erased, commitment intact, by 1 signed receipt in the log." in said
    assert "All of it holds." in said
    assert "1 accepted, 0 refused, 1 erased." in erased.run("evidence", "verify")
    assert "erased on " in erased.run("assess", "--fail-under", "0")
    found = json.loads(runner.invoke(app, ["assess", "--json", "-C", str(erased.root)]).stdout)
    assert [one["rule"] for one in found["refused"]] == ["erased"]
    assert all(one not in json.dumps(found["requirements"]) for one in ("Zoe was ill",))


def test_a_pack_carries_receipt_and_leaves_and_nothing_of_the_content(erased: Shell, tmp_path: Path) -> None:
    (erased.root / "records" / "all.yaml").write_text(
        RECORDS.replace("- {kind: person, id: zoe, title: Zoë Q. Lund, email: zoe@example.org}\n", "")
    )
    erased.run("apply", "--reason", "Taken out.", "--key", "anna")
    out = tmp_path / "p.zip"
    erased.run("pack", "--out", out)
    data = out.read_bytes()
    assert b"Zoe was" not in data
    assert b"zoe@" not in data
    with zipfile.ZipFile(out) as opened:
        assert [Path(name).suffix for name in opened.namelist() if name.startswith("erasures/")] == [".json"]
        proofs = [opened.read(name) for name in opened.namelist() if name.endswith(".tlog-proof")]
    verifier = Verifier.parse((erased.root / "log" / "key").read_text())
    leaves = [verify_proof(one, verifier).leaf for one in proofs]
    assert {leaf.type for leaf in leaves} == {"erasure", "record", "statement"}
    assert any(leaf.type == "statement" and leaf.commitment for leaf in leaves)
    result = runner.invoke(app, ["verify", str(out)])
    assert result.exit_code == 0, result.output
    assert "Erased: 2 entries, commitment intact, by 1 signed receipt in the log." in result.output


def test_an_erasure_that_was_interrupted_says_so_and_is_resumed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.add("Zoe was ill.", "--personal", "person:zoe")
    shell.run("log", "sync")
    real = os.unlink

    def full(path: object, *args: object, **options: object) -> None:
        if str(path).endswith(".key"):
            raise OSError(28, "No space left on device", str(path))
        real(path, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", full)
        assert "kybern evidence erase --resume" in shell.erase(code=2)
    assert "half-done" in shell.run("log", "audit", code=1)
    assert "0 accepted, 1 refused" in shell.run("evidence", "verify", code=1)
    assert "entry 0. Receipt: entry 1" in shell.run("evidence", "erase", "--resume")
    assert "1 entry erased, commitment intact" in shell.run("log", "audit")
    assert shell.run("evidence", "erase", "--resume") == ""


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["person:zoe"], "missing-option"),
        (["person:zoe", "--reason", "For Zoe", "--key", "anna"], "names-the-subject"),
        (["person:zoe", "--reason", "Request", "--key", "zoe"], "own-erasure"),
        (["person:zoe", "--reason", "For Zoë Q. Lund", "--key", "anna"], "names-the-subject"),
        (["person:zoe", "--reason", " ", "--key", "anna"], "no-reason"),
        (["person:zoe", "--reason", "x" * 2001, "--key", "anna"], "bad-reason"),
        (["person:zoe", "--reason", "Law", "--ground", "a\x1b[2J", "--key", "anna"], "bad-reason"),
        (["person:zoe", "--reason", "Request", "--key", "nobody"], "no-key"),
    ],
)
def test_what_an_erasure_needs(shell: Shell, words: list[str], rule: str) -> None:
    shell.add("Zoe was ill.", "--personal", "person:zoe")
    assert f"[{rule}]" in shell.run("evidence", "erase", *words, code=2)
    assert "1 accepted" in shell.run("evidence", "verify")
