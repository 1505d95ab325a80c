"""`kybern label`, as issuer and reader use it: criteria, approval, issue, verification, revocation, recomputation."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from kybern.cli import _evidence, _label, _log, _pack
from kybern.report.pack import read_pack, roots_in

sys.path.insert(0, str(Path(__file__).parent))

import cli_shell
from own_world import control

if TYPE_CHECKING:
    from click.testing import Result

app = typer.Typer()
for group in (_evidence, _log, _label, _pack):
    group.register(app)

RECORDS = """\
- {kind: organization, id: acme, title: Acme, legal_name: Acme Ltd, sector: Lending, countries: [IE], ai_roles: [deployer]}
- {kind: person, id: anna, title: Anna}
- {kind: person, id: bob, title: Bob}
- {kind: role, id: board, title: Board, responsibilities: [Answers for it], holders: [person:anna]}
- {kind: scope, id: aims, title: Scope, statement: Lending only}
- {kind: policy, id: ai, title: AI policy, type: ai, statement: We use AI with care}
"""
CRITERIA = "minimum_coverage: 0\nminimum_strength: 1\nmaximum_not_met: 999\nmaximum_expired: 999\napprover: role:board\n"


class Shell(cli_shell.Shell):
    """A workspace, and commands run in it."""

    def __init__(self, root: Path) -> None:
        super().__init__(app, root)

    def draft(self, code: int = 0) -> Result:
        return self.run("label", "draft", "--framework", "ISO42001", "--criteria", self.root / "criteria.yaml", code=code)

    def issue(self, *more: str, code: int = 0) -> Result:
        return self.run("label", "issue", "--framework", "ISO42001", "--key", "bob", *more, code=code)

    def approve(self, who: str = "anna", *more: str) -> Result:
        return self.run("label", "approve", "--framework", "ISO42001", "--key", who, *more)

    def issued(self, *more: str) -> Path:
        self.draft()
        self.approve()
        return self.root / self.issue(*more).stdout.split()[0]

    def verify(self, path: Path, *more: object, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("label", "verify", path, "--json", *more, code=code).stdout)
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two keys, an approval, and a log that holds it; nobody changes this one."""
    root = tmp_path_factory.mktemp("label")
    (root / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\n")
    (root / "criteria.yaml").write_text(CRITERIA)
    (root / "records").mkdir()
    (root / "records" / "all.yaml").write_text(RECORDS)
    found = Shell(root)
    for name in ("anna", "bob"):
        found.run(
            "key", "new", name, "--kind", "person", "--holder", f"person:{name}", "--valid-from", "2026-01-01", "--valid-days", "36500"
        )
    add = ("--about", "policy:ai", "--topic", "policy-approval", "--key", "anna", "--observed-at", "2026-11-01")
    found.run("evidence", "add", "approval", *add, "-f", "decision=approved")
    found.run("log", "init", "--origin", "acme.example/ai")
    found.run("log", "sync")
    return root


@pytest.fixture
def shell(made: Path, tmp_path: Path) -> Shell:
    return Shell(Path(shutil.copytree(made, tmp_path, dirs_exist_ok=True)))


def test_what_is_missing_is_said_and_nothing_is_issued(shell: Shell) -> None:
    said = shell.run("label", "draft", "--framework", "ISO42001", code=1).stdout
    assert "at least 80.0% is asked [minimum_coverage]" in said
    said = shell.issue(code=1).stdout
    assert "[minimum_coverage]" in said
    assert "nobody holds the role that the organisation names as top_management" in said
    shell.draft()
    said = shell.issue(code=1).stdout
    assert said == ("missing: an approval of exactly this statement by person:anna: kybern label approve --framework ISO42001 --key NAME\n")
    assert not list((shell.root / "labels").glob("iso42001-*"))


def test_only_the_accountable_role_can_approve_and_it_can_take_it_back(shell: Shell) -> None:
    shell.draft()
    shell.approve("bob")
    assert "an approval of exactly this statement" in shell.issue(code=1).stdout
    shell.approve("anna")
    shell.approve("anna", "--reject")
    assert "an approval of exactly this statement" in shell.issue(code=1).stdout
    shell.approve("anna")
    assert shell.issue().stdout


def test_a_statement_is_issued_verified_and_recomputed(shell: Shell) -> None:
    path = shell.issued()
    found = shell.verify(path, "--status", shell.root / "labels" / "status.json", "--recompute")
    assert found["holds"], found
    assert found["states"]["organization"] == "Acme Ltd"
    assert found["states"]["readiness"]["asked"] > 60
    assert "to the byte" in " ".join(found["held"])
    assert "not revoked" in " ".join(found["held"])
    jwt = shell.verify(path.with_suffix(".jwt"), "--recompute")
    assert jwt["holds"]
    assert jwt["states"] == found["states"]
    words = shell.run("label", "verify", path, where=False).stdout
    assert "not known: Whether its numbers follow" in words
    assert path.with_suffix(".svg").read_text().startswith("<svg")
    assert "The reasons" in path.with_suffix(".html").read_text()


def test_evidence_that_comes_later_does_not_disturb_what_was_stated(shell: Shell) -> None:
    path = shell.issued()
    add = ("--about", "policy:ai", "--topic", "ai-policy", "--key", "anna", "--observed-at", "2026-10-01")
    shell.run("evidence", "add", "document", *add, "-f", "title=AI policy", "-f", f"sha256={'a' * 64}")
    shell.run("log", "sync")
    assert shell.verify(path, "--recompute")["holds"]


def test_a_changed_record_shows_in_the_recomputation_and_nothing_else_does(shell: Shell) -> None:
    path = shell.issued()
    text = (shell.root / "records" / "all.yaml").read_text()
    (shell.root / "records" / "all.yaml").write_text(text.replace("Lending only", "Everything"))
    found = shell.verify(path, "--recompute", code=1)
    assert found["failed"][0].startswith("Recomputed: inputs.recordsSha256 is stated as")
    assert any("scope.statements" in one for one in found["failed"])


def test_one_changed_byte_is_refused(shell: Shell) -> None:
    path = shell.issued()
    for name in (path, path.with_suffix(".jwt")):
        data = name.read_bytes()
        for place in range(0, len(data) - 1, max(1, len(data) // 12)):
            if data[place : place + 1].isspace():
                continue
            changed = shell.root / f"changed{name.suffix}"
            changed.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert shell.run("label", "verify", changed, where=False, code=1).stdout.startswith("does not hold: ")


def test_a_pack_of_any_later_time_recomputes_it(shell: Shell) -> None:
    path = shell.issued()
    pack = shell.root / "audit.zip"
    shell.run("pack", "--out", pack)
    found = shell.verify(path, "--pack", pack)
    assert found["holds"], found
    assert any("The log had this root at" in one for one in found["held"])
    other = json.loads(path.read_text())["credentialSubject"]["log"]["rootSha256"]
    assert other in {root for _, root in roots_in(read_pack(pack)).values()}
    shell.run("pack", "--out", pack, "--without-records")
    assert "lacks what recomputing needs" in " ".join(shell.verify(path, "--pack", pack, code=1)["failed"])


def test_personal_evidence_in_the_log_counts_in_the_workspace_and_in_a_pack(shell: Shell) -> None:
    add = ("--about", "policy:ai", "--topic", "policy-review", "--key", "anna", "--observed-at", "2026-10-01", "--personal", "person:anna")
    shell.run("evidence", "add", "attestation", *add, "-f", "statement=Anna read it.", "-f", "holds=true")
    assert "1 piece of evidence is not in the published log" in shell.draft().stderr
    shell.run("log", "sync")
    assert "not in the published log" not in shell.draft().stderr
    path = shell.issued()
    assert shell.verify(path, "--recompute")["holds"]
    pack = shell.root / "audit.zip"
    shell.run("pack", "--out", pack)
    found = shell.verify(path, "--pack", pack)
    assert found["holds"], found


def test_a_pack_made_much_later_still_has_the_checkpoint_that_the_statement_names(shell: Shell) -> None:
    path = shell.issued()
    add = ("--about", "policy:ai", "--topic", "ai-policy", "--key", "anna", "--observed-at", "2026-10-01")
    for number in range(3):
        shell.run("evidence", "add", "document", *add, "-f", f"title=Policy {number}", "-f", f"sha256={'a' * 64}")
        shell.run("log", "sync")
    pack = shell.root / "audit.zip"
    shell.run("pack", "--out", pack)
    found = shell.verify(path, "--pack", pack)
    assert found["holds"], found
    assert any("The log had this root at" in one for one in found["held"])


def test_a_statement_says_that_catalogs_of_ones_own_were_used(shell: Shell) -> None:
    (shell.root / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\ncatalogs: [catalogs/house]\n")
    (shell.root / "catalogs" / "house" / "controls").mkdir(parents=True)
    (shell.root / "catalogs" / "house" / "controls" / "house.yaml").write_text(control("ISO42001:5.2"))
    path = shell.issued()
    found = shell.verify(path, "--recompute")
    assert [one["path"] for one in found["states"]["ownCatalogs"]] == ["catalogs/house"]
    assert any("own catalogs ask enough" in one and "catalogs/house" in one for one in found["unknown"])
    assert "catalogs/house" in path.with_suffix(".html").read_text()
    pack = shell.root / "audit.zip"
    shell.run("pack", "--out", pack)
    assert shell.verify(path, "--pack", pack)["holds"]


def test_a_revoked_statement_stays_revoked_and_others_do_not_become_so(shell: Shell) -> None:
    first, second = shell.issued(), shell.issued()
    assert first.name != second.name
    status = shell.root / "labels" / "status.json"
    old = status.read_bytes()
    shell.run("label", "revoke", first, "--key", "bob")
    found = shell.verify(first, "--status", status, code=1)
    assert "It was revoked" in found["failed"][0]
    assert shell.verify(second, "--status", status)["holds"]
    (shell.root / "old.json").write_bytes(old)
    assert any("after that" in one for one in shell.verify(first, "--status", shell.root / "old.json")["unknown"])
    shell.run("label", "revoke", first, "--key", "bob")
    assert "[wrong-key]" in shell.run("label", "revoke", second, "--key", "anna", code=2).stderr


def test_a_statement_by_another_key_does_not_go_into_the_list_of_the_first(shell: Shell) -> None:
    shell.issued()
    shell.draft()
    shell.approve()
    said = shell.run("label", "issue", "--framework", "ISO42001", "--key", "anna", code=2).stderr
    assert "[bad-proof]" in said
    assert "[bad-status]" in shell.issue("--status-url", "https://acme.example/other", code=2).stderr


def test_a_key_that_the_keyring_does_not_trust_issues_nothing(shell: Shell) -> None:
    shell.draft()
    shell.approve()
    shell.run("key", "revoke", "bob", "--because", "lost")
    assert "[unknown-key]" in shell.issue(code=2).stderr
    assert not list((shell.root / "labels").glob("iso42001-*"))


def test_an_index_that_was_revoked_is_not_given_again(shell: Shell) -> None:
    first = shell.issued()
    shell.run("label", "revoke", first, "--key", "bob")
    for path in (shell.root / "labels").glob("iso42001-*"):
        path.unlink()
    assert shell.verify(shell.issued(), "--status", shell.root / "labels" / "status.json")["holds"]


def test_an_old_moment_cannot_be_stated_anew(shell: Shell) -> None:
    shell.run("label", "draft", "--framework", "ISO42001", "--criteria", shell.root / "criteria.yaml", "--as-of", "2025-01-01", code=1)
    shell.approve()
    assert "a draft of a later moment" in shell.issue(code=1).stdout


def test_a_status_list_by_another_key_is_refused(shell: Shell) -> None:
    path = shell.issued()
    value = json.loads((shell.root / "labels" / "status.json").read_text())
    value["validFrom"] = "2026-01-01T00:00:00Z"
    (shell.root / "bad.json").write_text(json.dumps(value))
    found = shell.verify(path, "--status", shell.root / "bad.json", code=1)
    assert "bad-proof" in found["failed"][0]


def test_an_issuer_under_a_url_is_verified_with_the_document_found_there(shell: Shell) -> None:
    path = shell.issued("--issuer", "https://acme.example/issuer", "--status-url", "https://acme.example/status.json")
    assert "no did:key" in shell.verify(path, code=1)["failed"][0]
    document = shell.root / "labels" / "issuer.json"
    assert shell.verify(path, "--issuer", document, "--status", shell.root / "labels" / "status.json")["holds"]
    shell.run("label", "revoke", path, "--key", "bob")
    assert not shell.verify(path, "--issuer", document, "--status", shell.root / "labels" / "status.json", code=1)["holds"]
    for command, name in (("badge", "b.svg"), ("page", "p.html")):
        shell.run("label", command, path, "--issuer", document, "--out", shell.root / name, where=False)
    assert "[bad-issuer]" in shell.run("label", "badge", path, "--out", shell.root / "x.svg", where=False, code=2).stderr


def test_after_its_end_it_no_longer_holds_and_before_its_begin_not_yet(shell: Shell) -> None:
    path = shell.issued()
    assert "expired on" in shell.verify(path, "--as-of", "2030-01-01", code=1)["failed"][0]
    assert "valid only from" in shell.verify(path, "--as-of", "2026-01-01", code=1)["failed"][0]


def test_the_page_shows_reasons_only_where_they_are_those_of_the_statement(shell: Shell) -> None:
    path, out = shell.issued(), shell.root / "p.html"
    shell.run("label", "page", path, "--out", out, where=False)
    assert "The reasons" not in out.read_text()
    shell.run("label", "page", path, "--out", out, "--with-reasons")
    assert "The reasons" in out.read_text()
    text = (shell.root / "records" / "all.yaml").read_text()
    (shell.root / "records" / "all.yaml").write_text(text.replace("Lending only", "Everything"))
    shell.run("label", "page", path, "--out", out, "--with-reasons", code=1)


def test_a_draft_that_no_longer_holds_is_not_issued(shell: Shell) -> None:
    shell.draft()
    shell.approve()
    text = (shell.root / "records" / "all.yaml").read_text()
    (shell.root / "records" / "all.yaml").write_text(text.replace("Lending only", "Everything"))
    assert "the draft is no longer what the workspace gives: inputs.recordsSha256" in shell.issue(code=1).stdout


def test_evidence_that_is_not_in_the_log_does_not_count_and_is_told(shell: Shell) -> None:
    add = ("--about", "policy:ai", "--topic", "ai-policy", "--key", "anna", "--observed-at", "2026-10-01")
    shell.run("evidence", "add", "document", *add, "-f", "title=AI policy", "-f", f"sha256={'a' * 64}")
    assert "1 piece of evidence is not in the published log" in shell.draft().stderr


def test_a_log_that_does_not_hold_keeps_it_from_being_issued(shell: Shell) -> None:
    shell.draft()
    shell.approve()
    tile = next(path for path in (shell.root / "log" / "tile" / "entries").rglob("*") if path.is_file())
    tile.write_bytes(tile.read_bytes()[:-1] + b"?")
    assert "[log_audited]" in shell.issue(code=1).stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [("minimum_coverage: 2\n", "out-of-range"), ("coverage: 1\n", "unknown-field"), ("approver: anna\n", "wrong-form"), ("[", "yaml")],
)
def test_criteria_that_cannot_be_read_are_told_with_their_place(shell: Shell, text: str, says: str) -> None:
    (shell.root / "criteria.yaml").write_text(text)
    assert says in shell.draft(code=2).stderr


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"a.b.c", b"\xff", b"{" * 100_000, b"x" * ((1 << 20) + 1)])
def test_what_is_no_statement_is_one_clear_sentence(shell: Shell, text: bytes) -> None:
    (shell.root / "odd").write_bytes(text)
    assert shell.run("label", "verify", shell.root / "odd", where=False, code=1).stdout.startswith("does not hold: ")
    assert shell.run("label", "badge", shell.root / "odd", where=False, code=2).stderr
