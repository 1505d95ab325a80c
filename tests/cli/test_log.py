"""`kybern log`, as a person uses it: what it makes, what it says, its exit codes."""

from __future__ import annotations

import json
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from kybern.cli import _evidence, _log
from kybern.evidence.log import Entry

sys.path.insert(0, str(Path(__file__).parent))

import cli_shell

app = typer.Typer()
_evidence.register(app)
_log.register(app)

RECORDS = "- {kind: person, id: anna, title: Anna}\n- {kind: person, id: bob, title: Bob}\n"


class Shell(cli_shell.Shell):
    """A workspace, and commands run in it."""

    def __init__(self, root: Path) -> None:
        super().__init__(app, root)

    def state(self, text: str) -> str:
        """File an attestation; give its id."""
        about = ("--about", "person:bob", "--topic", "oversight", "--key", "anna", "--observed-at", "2026-02-01")
        said = self.run("evidence", "add", "attestation", *about, "-f", f"statement={text}", "-f", "holds=true")
        return said.stdout.split()[0]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "people.yaml").write_text(RECORDS)
    found = Shell(tmp_path)
    for name, kind in (("anna", "person"), ("bob", "auditor")):
        found.run("key", "new", name, "--kind", kind, "--holder", f"person:{name}", "--valid-from", "2026-01-01", "--valid-days", "36500")
    return found


@pytest.fixture
def logged(shell: Shell) -> Shell:
    shell.run("log", "init", "--origin", "example.org/ai")
    shell.state("It can be stopped.")
    shell.run("log", "sync")
    return shell


def test_a_new_log_is_empty_signed_and_keeps_its_secrets_out_of_git(shell: Shell) -> None:
    said = shell.run("log", "init", "--origin", "example.org/ai")
    key = (shell.root / "log" / "key").read_text()
    assert said.stdout == key
    assert key.startswith("example.org/ai+")
    assert (shell.root / "log" / "checkpoint").read_text().startswith("example.org/ai\n0\n")
    private = shell.root / ".kybern" / "log" / "key.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert ".kybern/" in (shell.root / ".gitignore").read_text().splitlines()
    assert "[log-exists]" in shell.run("log", "init", code=2).stderr


def test_a_log_that_a_crash_left_half_made_is_taken_up(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("kybern.evidence.log._log.Log._show_latest", crash)
        assert "[unwritable]" in shell.run("log", "init", "--origin", "example.org/ai", code=2).stderr
    assert "[no-checkpoint]" in shell.run("log", "status", code=2).stderr
    shell.run("log", "init", "--origin", "example.org/ai")
    assert shell.run("log", "audit").stdout.endswith("All of it holds.\n")
    assert "[log-exists]" in shell.run("log", "init", code=2).stderr


def test_without_an_origin_the_key_gives_a_name_of_its_own(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Shell(tmp_path_factory.mktemp("other"))
    (other.root / "kybern.yaml").write_text("kybern: 1\n")
    names = {one.run("log", "init").stdout.split("+")[0] for one in (shell, other)}
    assert len(names) == 2
    assert all(name.startswith("kybern.local/") for name in names)


def test_sync_logs_each_verified_envelope_once_and_publishes(logged: Shell) -> None:
    first = logged.state("It can be stopped at once.")
    assert "1 new; the log has 2 entries" in logged.run("log", "sync").stdout
    assert "0 new; the log has 2 entries" in logged.run("log", "sync").stdout
    logged.run("evidence", "countersign", first, "--key", "bob")  # another envelope over the same statement
    assert "1 new; the log has 3 entries" in logged.run("log", "sync").stdout
    (logged.root / "evidence" / "broken.json").write_text("{}")
    said = logged.run("log", "sync")
    assert "0 new" in said.stdout
    assert "1 refused and not logged" in said.stderr


def test_status_tells_what_is_in_and_what_is_not(logged: Shell) -> None:
    lines = dict(line.split(maxsplit=1) for line in logged.run("log", "status").stdout.splitlines())
    assert (lines["origin"], lines["entries"], lines["sources"]) == ("example.org/ai", "1", "person:anna (1)")
    assert lines["published"].startswith("1 entry, root ")
    logged.state("More.")
    assert "1 verified piece of evidence" in logged.run("log", "status").stdout


def test_a_proof_is_written_and_holds_for_a_stranger(logged: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    name = logged.state("Another.")
    assert "[unknown-entry]" in logged.run("log", "prove", name[:8], code=2).stderr
    logged.run("log", "sync")
    elsewhere = tmp_path_factory.mktemp("auditor")
    proof = elsewhere / "one.tlog-proof"
    logged.run("log", "prove", name[:8], "--out", proof)
    assert logged.run("log", "prove", name).stdout.encode() == logged.run("log", "prove", "entry:1").stdout.encode() == proof.read_bytes()
    key = (logged.root / "log" / "key").read_text().strip()
    stranger = Shell(elsewhere)
    said = stranger.run("log", "verify-proof", proof, "--key", key)
    assert said.stdout.startswith("holds: entry 1 of the 2 in the log example.org/ai\n")
    assert name in said.stdout
    assert "not show that the statement is true" in said.stderr
    stranger.run("log", "verify-proof", proof, "--key", logged.root / "log" / "key")
    logged.run("log", "verify-proof", proof, "--envelope", logged.root / "evidence" / f"{name[:16]}.dsse.json")
    assert "[other-envelope]" in logged.run("log", "verify-proof", proof, "--envelope", logged.root / "keys.yaml", code=1).stdout
    proof.write_bytes(proof.read_bytes().replace(b"index 1", b"index 0"))
    assert "does not hold" in stranger.run("log", "verify-proof", proof, "--key", key, code=1).stdout


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("prove", "zz"), "unknown-evidence"),
        (("prove", "entry:7"), "unknown-entry"),
        (("prove", "f" * 64), "unknown-entry"),
        (("prove", "entry:1", "--out", "/nonexistent/p"), "unknown-entry"),
        (("prove", "entry:0", "--out", "/nonexistent/p"), "unwritable"),
        (("verify-proof", "/nonexistent"), "unreadable"),
        (("verify-proof", "/dev/null", "--key", "a+b+c"), "bad-key"),
        (("verify-proof", "/dev/null", "--key", "/dev/null"), "bad-key"),
        (("audit", "--against", "/dev/null"), "bad-note"),
        (("audit", "--against", "/nonexistent"), "unreadable"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(logged: Shell, words: tuple[str, ...], rule: str) -> None:
    said = logged.run("log", *words, code=2)
    assert said.stdout == ""
    assert said.stderr.count(": error: ") == 1
    assert f"[{rule}]" in said.stderr


def test_without_a_log_every_command_says_how_to_make_one(shell: Shell) -> None:
    for words in (("sync",), ("status",), ("prove", "entry:0"), ("audit",), ("verify-proof", "/dev/null")):
        said = shell.run("log", *words, code=2)
        assert "[no-log]" in said.stderr
        assert "kybern log init" in said.stderr


def test_an_audit_holds_also_where_the_journal_is_not(logged: Shell) -> None:
    said = logged.run("log", "audit")
    assert said.stdout.endswith("1 entry audited. All of it holds.\n")
    assert "only a checkpoint kept elsewhere" in said.stderr
    kept = logged.root / "kept"
    kept.write_bytes((logged.root / "log" / "checkpoint").read_bytes())
    for number in range(3):
        logged.state(f"More {number}.")
    logged.run("log", "sync")
    said = logged.run("log", "audit", "--against", kept)
    assert "begins with the 1 entries of the old checkpoint" in said.stdout
    assert "3 entries audited. All of it holds." in said.stdout
    os.rename(logged.root / ".kybern" / "log" / "journal.db", logged.root / "away")  # noqa: PTH104
    assert "as they are published" in logged.run("log", "audit", "--against", kept).stderr
    assert "[no-journal]" in logged.run("log", "status", code=2).stderr


def test_an_audit_says_what_does_not_hold(logged: Shell) -> None:
    path = next((logged.root / "log" / "tile" / "entries").rglob("1"))
    leaf = json.loads(path.read_bytes()[2:])
    path.write_bytes(path.read_bytes()[:2] + path.read_bytes()[2:].replace(leaf["statement"][:8].encode(), b"00000000"))
    said = logged.run("log", "audit", code=1)
    assert "does not hold: The file tile/entries/000.p/1 is not what the entries make. [tile-differs]" in said.stdout
    assert "1 finding." in said.stdout


def test_a_key_that_is_not_the_logs_does_not_sync(logged: Shell) -> None:
    (logged.root / ".kybern/log/key.pem").write_bytes((logged.root / ".kybern/keys/anna.pem").read_bytes())
    assert "[wrong-key]" in logged.run("log", "sync", code=2).stderr
    (logged.root / ".kybern/log/key.pem").unlink()
    assert "[no-key]" in logged.run("log", "sync", code=2).stderr


def test_a_key_with_a_passphrase_needs_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYBERN_TEST_PASSPHRASE", "correct horse")
    shell.run("log", "init", "--passphrase-env", "KYBERN_TEST_PASSPHRASE")
    assert "[bad-key]" in shell.run("log", "sync", code=2).stderr
    assert "0 new" in shell.run("log", "sync", "--passphrase-env", "KYBERN_TEST_PASSPHRASE").stdout


def test_sources_tell_which_of_their_numbers_are_missing(logged: Shell) -> None:
    assert "none missing" in logged.run("log", "sources").stdout
    log = _log.log_of(logged.root)
    log.append([Entry("0" * 64, "1" * 64, "tool:agent", seq) for seq in (3, 4, 6, 9)], datetime.now(UTC))
    log.journal.close()
    said = logged.run("log", "sources", code=1).stdout
    assert "tool:agent                     4 entries, numbers 3 to 9, missing 5, 7-8" in said
    found = json.loads(logged.run("log", "sources", "--json", code=1).stdout)
    assert [one["missing"] for one in found if one["source"] == "tool:agent"] == [[[5, 5], [7, 8]]]


def test_status_tells_what_came_in_after_its_key_was_revoked(logged: Shell) -> None:
    assert "late" not in logged.run("log", "status").stdout
    logged.run("key", "revoke", "anna", "--because", "lost", "--on", "2026-03-01")
    assert "after anna (person:anna" in logged.run("log", "status").stdout


def test_an_audit_takes_a_kept_proof_for_a_checkpoint(logged: Shell, tmp_path: Path) -> None:
    proof = tmp_path / "kept.tlog-proof"
    logged.run("log", "prove", "entry:0", "--out", proof)
    assert "begins with" in logged.run("log", "audit", "--against", proof).stdout
