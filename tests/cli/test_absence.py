"""`kybern absence` and `kybern schedule`, as a person uses them; and numbers that a source gives its own pieces, in the log."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import typer

from kybern.cli import _absence, _evidence, _log, _log_sync

sys.path.insert(0, str(Path(__file__).parent))

import cli_shell

app = typer.Typer()
for group in (_absence, _evidence, _log):
    group.register(app)

RECORDS = """\
- {kind: organization, id: acme, title: Acme, legal_name: Acme, sector: Lending, countries: [IE], ai_roles: [deployer]}
- {kind: person, id: anna, title: Anna}
- {kind: policy, id: ai, title: AI policy, type: ai, statement: We use AI with care}
"""


class Shell(cli_shell.Shell):
    """A workspace, and commands run in it."""

    def __init__(self, root: Path) -> None:
        super().__init__(app, root)

    def deliver(self, number: int | None, day: str) -> None:
        counted = [] if number is None else ["-f", f"sequence={number}"]
        about = ("--about", "organization:acme", "--topic", "nightly", "--key", "ci", "--observed-at", day)
        self.run("evidence", "add", "test-run", *about, "-f", "suite=s", "-f", "passed=1", "-f", "failed=0", *counted)

    def findings(self, *words: object) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.run("absence", "--json", *words).stdout)["findings"]
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "all.yaml").write_text(RECORDS)
    found = Shell(tmp_path)
    for name, kind, holder in (("anna", "person", "person:anna"), ("ci", "pipeline", "pipeline:ci")):
        found.run("key", "new", name, "--kind", kind, "--holder", holder, "--valid-from", "2026-01-01", "--valid-days", "36500")
    return found


def ours(found: list[dict[str, object]]) -> list[dict[str, object]]:
    """Choose what is said of the control that asks for an approval of the AI policy."""
    return [
        one for one in found if one["about"] == "policy:ai" and "approv" in str(one["check"]) and str(one["check"]).startswith("GOV-12/")
    ]


def test_what_never_came_is_told_with_what_closes_it(shell: Shell) -> None:
    said = shell.run("absence", "--as-of", "2026-11-20", "--limit", "0").stdout
    assert "NEVER: it is due and nothing ever came" in said
    assert "closes it: Approval on policy-approval" in said
    shell.run("absence", "--fail", code=1)


def test_an_approval_closes_its_finding_and_falls_due_a_year_later(shell: Shell) -> None:
    before = ours(shell.findings())
    add = ("--about", "policy:ai", "--topic", "policy-approval", "--key", "anna", "--observed-at", "2026-11-01")
    shell.run("evidence", "add", "approval", *add, "-f", "decision=approved")
    assert [one["kind"] for one in before] == ["never"]
    assert not ours(shell.findings("--as-of", "2026-11-20"))
    assert [one["kind"] for one in ours(shell.findings("--as-of", "2027-11-02"))] == ["overdue"]
    coming = json.loads(shell.run("schedule", "--as-of", "2027-10-20", "--ahead", "20", "--json").stdout)
    assert [one["due"] for one in ours(coming)] == ["2027-11-01T00:00:00Z"]
    assert "2027-11-01  GOV-12/" in shell.run("schedule", "--as-of", "2027-10-20").stdout
    assert "Nothing falls due" in shell.run("schedule", "--as-of", "2026-11-20", "--ahead", "0").stdout


def test_a_signed_finding_is_evidence_that_anybody_verifies_and_it_lifts_nothing(shell: Shell) -> None:
    before = shell.findings("--as-of", "2026-11-20")
    shell.run("absence", "--as-of", "2026-11-20", "--sign", "anna")
    said = json.loads(shell.run("evidence", "list", "--type", "absence", "--json").stdout)
    assert len(said) == 1
    assert said[0]["observed_at"].startswith("2026-11-20T23:59:59")
    assert shell.findings("--as-of", "2026-11-20") == before
    shown = shell.run("evidence", "show", said[0]["id"]).stdout
    assert "findings_sha256" in shown


def test_what_will_be_missing_cannot_be_signed(shell: Shell) -> None:
    assert "[as-of]" in shell.run("absence", "--as-of", "9000-01-01", "--sign", "anna", "--limit", "1", code=2).stderr


def test_a_number_that_a_source_left_out_is_found_in_folder_and_log(shell: Shell) -> None:
    shell.run("log", "init", "--origin", "example.org/ai")
    for number, day in ((1, "2026-02-01"), (2, "2026-02-02"), (5, "2026-02-05"), (None, "2026-02-06")):
        shell.deliver(number, day)
    shell.run("log", "sync")
    assert [one["about"] for one in shell.findings() if one["kind"] == "missing"] == ["pipeline:ci#3-4"]
    assert _log_sync.own_numbers(shell.root, _log.now()) == {"pipeline:ci": [1, 2, 5]}
    shell.deliver(3, "2026-02-03")  # too late for the log's order; the log counts it, and the number is in the statement
    shell.run("log", "sync")
    assert [one["about"] for one in shell.findings() if one["kind"] == "missing"] == ["pipeline:ci#4"]
    assert _log_sync.own_numbers(shell.root, _log.now()) == {"pipeline:ci": [1, 2, 5]}
    assert shell.run("log", "audit").exit_code == 0


def test_a_number_given_twice_is_logged_once_under_the_sources_own_count(shell: Shell) -> None:
    shell.run("log", "init", "--origin", "example.org/ai")
    shell.deliver(1, "2026-02-01")
    shell.deliver(1, "2026-02-02")
    shell.run("log", "sync")
    assert _log_sync.own_numbers(shell.root, _log.now()) == {"pipeline:ci": [1]}
    assert "0 new" in shell.run("log", "sync").stdout


def test_evidence_that_is_deleted_after_it_was_logged_leaves_no_gap_in_the_numbers_but_in_the_folder(shell: Shell) -> None:
    shell.run("log", "init", "--origin", "example.org/ai")
    for number in (1, 2, 3):
        shell.deliver(number, f"2026-02-0{number}")
    shell.run("log", "sync")
    for path in (shell.root / "evidence").rglob("*.json"):
        path.unlink()
    assert not [one for one in shell.findings() if one["kind"] == "missing"]
    assert _log_sync.own_numbers(shell.root, _log.now()) == {"pipeline:ci": [1, 2, 3]}


def test_a_source_with_few_deliveries_is_said_to_be_unknown(shell: Shell) -> None:
    shell.deliver(None, "2026-02-01")
    assert "unknown: the rhythm of pipeline:ci, last heard of on 2026-02-01: 0 intervals are too few" in shell.run("absence").stdout
