"""`kybern evidence` and `kybern key` as they are typed: files, exit codes, words."""

from __future__ import annotations

import hashlib
import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from kybern.catalog import Strength
from kybern.cli import _evidence
from kybern.evidence import read_evidence, read_keyring
from kybern.workspace import load_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

app = typer.Typer()
_evidence.register(app)
runner = CliRunner()

RECORDS = """\
- {kind: person, id: anna, title: Anna}
- {kind: person, id: bob, title: Bob}
"""
MEASURE = [
    "measurement",
    "--about",
    "person:anna",
    "--topic",
    "indicator",
    "--key",
    "ci",
    "-f",
    "metric=latency",
    "-f",
    "unit=ms",
    "-f",
    "sample_size=40",
]


class Shell:
    """A workspace, and commands run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: str, code: int = 0, stdin: str | None = None) -> Result:
        result = runner.invoke(app, [*words, "-C", str(self.root)], input=stdin)
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def add(self, *words: str, code: int = 0, stdin: str | None = None) -> Result:
        return self.run("evidence", "add", *words, code=code, stdin=stdin)

    def rows(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("evidence", "list", "--json", *words).stdout)
        return found


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "people.yaml").write_text(RECORDS)
    found = Shell(tmp_path)
    found.run("key", "new", "anna", "--kind", "person", "--holder", "person:anna", "--valid-from", "2026-01-01", "--valid-days", "36500")
    found.run("key", "new", "ci", "--kind", "pipeline", "--holder", "pipeline:ci", "--valid-from", "2026-01-01", "--valid-days", "36500")
    found.run("key", "new", "bob", "--kind", "auditor", "--holder", "person:bob")
    return found


def test_a_new_key_lies_where_only_its_owner_reads_it_and_git_does_not_look(shell: Shell) -> None:
    path = shell.root / ".kybern" / "keys" / "anna.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (shell.root / ".gitignore").read_text() == ".kybern/\n"
    assert b"PRIVATE" not in (shell.root / "keys.yaml").read_bytes()
    assert [(key.name, key.kind, key.holder) for key in read_keyring(shell.root)] == [
        ("anna", "person", "person:anna"),
        ("ci", "pipeline", "pipeline:ci"),
        ("bob", "auditor", "person:bob"),
    ]


def test_gitignore_keeps_its_lines(tmp_path: Path) -> None:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    (tmp_path / ".gitignore").write_text("*.tmp")
    Shell(tmp_path).run("key", "new", "a", "--kind", "tool", "--holder", "tool:a")
    assert (tmp_path / ".gitignore").read_text() == "*.tmp\n.kybern/\n"


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["anna", "--kind", "person", "--holder", "person:anna"], "stands twice"),
        (["x", "--kind", "person", "--holder", "tool:x"], "named person:"),
        (["../x", "--kind", "person", "--holder", "person:x"], "name"),
        (["x", "--kind", "person", "--holder", "person:x", "--valid-from", "soon"], "[moment]"),
        (["x", "--kind", "person", "--holder", "person:x", "--passphrase-env", "KYBERN_TEST_UNSET"], "[no-passphrase]"),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_nothing_is_written(shell: Shell, words: list[str], rule: str) -> None:
    before = (shell.root / "keys.yaml").read_bytes()
    assert rule in shell.run("key", "new", *words, code=2).stderr
    assert (shell.root / "keys.yaml").read_bytes() == before
    assert sorted(path.name for path in (shell.root / ".kybern" / "keys").iterdir()) == ["anna.pem", "bob.pem", "ci.pem"]


def test_a_private_key_is_never_overwritten(shell: Shell) -> None:
    path = shell.root / ".kybern" / "keys" / "old.pem"
    path.write_text("precious")
    assert "[key-exists]" in shell.run("key", "new", "old", "--kind", "tool", "--holder", "tool:old", code=2).stderr
    assert path.read_text() == "precious"
    assert "old" not in shell.run("key", "list").stdout


def test_a_key_with_a_passphrase_signs_only_with_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KYBERN_TEST_PASSPHRASE", "correct horse")
    env = ("--passphrase-env", "KYBERN_TEST_PASSPHRASE")
    shell.run("key", "new", "safe", "--kind", "tool", "--holder", "tool:safe", *env)
    words = [word if word != "ci" else "safe" for word in MEASURE]
    assert "protected by a passphrase" in shell.add(*words, "-f", "value=1", code=2).stderr
    shell.add(*words, "-f", "value=1", *env)
    monkeypatch.setenv("KYBERN_TEST_PASSPHRASE", "wrong")
    assert "passphrase is wrong" in shell.add(*words, "-f", "value=1", *env, code=2).stderr


def test_keys_are_listed_and_revoked_with_a_reason(shell: Shell) -> None:
    shell.add(*MEASURE, "-f", "value=12.5", "--observed-at", "2026-02-01")
    shell.run("key", "revoke", "ci", "--because", "The runner was broken into.", "--on", "2026-01-15")
    assert "revoked on 2026-01-15: The runner was broken into." in shell.run("key", "list").stdout
    standings = {key["name"]: key["standing"] for key in json.loads(shell.run("key", "list", "--json").stdout)}
    assert standings == {"anna": "valid", "ci": "revoked", "bob": "valid"}
    assert "[key-revoked]" in shell.run("evidence", "verify", code=1).stdout
    assert "is revoked since" in shell.run("key", "revoke", "ci", "--because", "Again.", code=2).stderr
    assert "[unknown-key]" in shell.run("key", "revoke", "nobody", "--because", "Lost.", code=2).stderr


def test_a_measurement_is_stated_signed_and_filed(shell: Shell) -> None:
    result = shell.add(
        *MEASURE, "-f", "value=12.5", "-f", "collector.name=wrk", "--observed-at", "2026-02-01", "--expires-at", "2126-01-01"
    )
    ident, path, label = result.stdout.strip().split("  ")
    [piece] = read_evidence(shell.root / "evidence", read_keyring(shell.root), shell.root).accepted
    record = load_workspace(shell.root).records.get("person:anna")
    assert record is not None
    assert (piece.id, piece.source, piece.strength.label) == (ident, path, label)
    assert [(subject.ref, subject.digest) for subject in piece.subjects] == [("person:anna", record.digest)]
    assert (piece.body["value"], piece.body["collector"]["name"]) == (12.5, "wrk")
    assert (piece.body["observed_at"], piece.body["expires_at"]) == ("2026-02-01T00:00:00Z", "2126-01-01T00:00:00Z")
    assert result.stderr == ""


def test_an_approval_is_by_the_holder_of_the_key(shell: Shell) -> None:
    shell.add("approval", "--about", "person:anna", "--topic", "policy-approval", "--key", "anna", "-f", "decision=approved")
    assert [row["body"]["by"] for row in shell.rows()] == ["person:anna"]
    words = (
        "approval",
        "--about",
        "person:anna",
        "--topic",
        "policy-approval",
        "--key",
        "anna",
        "-f",
        "decision=approved",
        "-f",
        "by=person:bob",
    )
    assert "[holder-mismatch]" in shell.add(*words, code=2).stderr
    assert len(shell.rows()) == 1


def test_a_documents_digest_and_words_come_from_the_file(shell: Shell) -> None:
    text = "Our AI policy: people decide.\n"
    (shell.root / "policy.md").write_text(text)
    words = ("document", "--about", "person:anna", "--topic", "ai-policy", "--key", "anna", "--document", str(shell.root / "policy.md"))
    shell.add(*words, "-f", "title=AI policy")
    [row] = shell.rows()
    assert (row["body"]["sha256"], row["body"]["words"]) == (hashlib.sha256(text.encode()).hexdigest(), 5)
    assert (row["body"]["title"], row["body"]["path"]) == ("AI policy", "policy.md")
    assert "[not-a-document]" in shell.add(*MEASURE, "--document", str(shell.root / "policy.md"), code=2).stderr


def test_a_body_comes_from_a_file_or_standard_input(shell: Shell, tmp_path: Path) -> None:
    body = json.dumps({"metric": "m", "unit": "1", "sample_size": 3, "value": 0.5})
    words = ("measurement", "--about", "person:anna", "--about", "person:bob", "--topic", "indicator", "--key", "ci")
    shell.add(*words, "--file", "-", stdin=body)
    (tmp_path / "body.json").write_text(body)
    shell.add(*words, "--file", str(tmp_path / "body.json"), "-f", "value=0.6")
    assert sorted(row["body"]["value"] for row in shell.rows("--about", "person:bob")) == [0.5, 0.6]
    for text in ("[]", "{", ""):
        assert "[not-json]" in shell.add(*words, "--file", "-", stdin=text, code=2).stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["measurment", *MEASURE[1:]], "Did you mean measurement?"),
        ([word.replace("person:anna", "person:ana") for word in MEASURE], "Did you mean person:anna?"),
        ([word if word != "ci" else "nobody" for word in MEASURE], "[no-key]"),
        ([*MEASURE, "-f", "value=high"], "/predicate/value: value needs a number, not the text 'high'"),
        ([*MEASURE, "-f", "value"], "[bad-field]"),
        ([*MEASURE, "-f", "value=1", "-f", "colour=red"], "/predicate/colour"),
        ([*MEASURE, "-f", "value=1", "--observed-at", "yesterday"], "--observed-at does not read 'yesterday'"),
        ([*MEASURE, "-f", "value=1", "--observed-at", "2025-12-31"], "[key-not-yet-valid]"),
    ],
)
def test_what_would_not_count_is_not_written(shell: Shell, words: list[str], told: str) -> None:
    assert told in shell.add(*words, code=2).stderr
    assert not (shell.root / "evidence").exists()


def test_a_key_that_is_not_trusted_does_not_sign(shell: Shell) -> None:
    (shell.root / "keys.yaml").write_text("keys: []\n")
    assert "[unknown-key]" in shell.add(*MEASURE, "-f", "value=1", code=2).stderr


@pytest.mark.parametrize(
    ("topic", "warning"),
    [
        ("indicatr", "no check of the catalog asks about the topic indicatr. Did you mean indicator?"),
        ("zzzz", "no check of the catalog asks about the topic zzzz. kybern catalog show"),
        ("policy-approval", "on policy-approval the catalog's checks ask for approval, not measurement"),
    ],
)
def test_a_topic_no_check_asks_about_is_accepted_with_a_warning(shell: Shell, topic: str, warning: str) -> None:
    result = shell.add(*[word if word != "indicator" else topic for word in MEASURE], "-f", "value=1")
    assert f"warning: {warning}" in result.stderr
    assert [row["topic"] for row in shell.rows()] == [topic]


def test_evidence_of_the_future_is_filed_with_a_warning_and_does_not_stand_yet(shell: Shell) -> None:
    assert "lies in the future" in shell.add(*MEASURE, "-f", "value=1", "--observed-at", "2100-01-01").stderr
    assert "[not-yet-valid]" in shell.run("evidence", "verify", code=1).stdout
    shell.run("evidence", "verify", "--at", "2100-01-01")


def test_evidence_is_listed_filtered_and_shown(shell: Shell) -> None:
    shell.add(*MEASURE, "-f", "value=2", "--observed-at", "2026-03-01")
    shell.add(*MEASURE, "-f", "value=1", "--observed-at", "2026-02-01")
    shell.add("attestation", "--about", "person:bob", "--topic", "x", "--key", "anna", "-f", "statement=It holds.", "-f", "holds=true")
    assert [row["body"].get("value") for row in shell.rows()] == [1, 2, None]
    assert [len(shell.rows(*words)) for words in (["--about", "person:bob"], ["--topic", "indicator"], ["--type", "attestation"])] == [
        1,
        2,
        1,
    ]
    first = shell.rows()[0]
    line = shell.run("evidence", "list", "--topic", "indicator").stdout.splitlines()[0]
    assert line.split("  ")[0] == first["id"][:12]
    assert "measured and signed" in line
    shown = shell.run("evidence", "show", first["id"][:8]).stdout
    assert "strength     4 of 5, measured and signed" in shown
    assert '"value": 1.0' in shown
    assert json.loads(shell.run("evidence", "show", first["id"], "--json").stdout) == first
    assert "[unknown-evidence]" in shell.run("evidence", "show", "0", code=2).stderr


def test_an_empty_workspace_has_no_evidence_and_nothing_to_refuse(shell: Shell) -> None:
    assert shell.run("evidence", "list").stdout == ""
    assert shell.run("evidence", "verify").stdout == "0 accepted, 0 refused.\n"


def test_verification_says_of_each_whether_and_why(shell: Shell, tmp_path: Path) -> None:
    shell.add(*MEASURE, "-f", "value=1", "--observed-at", "2026-02-01", "--expires-at", "2026-03-01T12:00:00Z")
    shell.add(*MEASURE, "-f", "value=2", "--observed-at", "2026-02-02")
    short, long = (row["id"] for row in shell.rows())
    result = shell.run("evidence", "verify", code=1)
    assert "it expired at 2026-03-01T12:00:00+00:00 [expired]" in result.stdout
    assert "1 accepted, 1 refused." in result.stdout
    shell.run("evidence", "verify", "--at", "2026-02-28")
    shell.run("evidence", "verify", long[:10])
    shell.run("evidence", "verify", short[:10], code=1)

    path = shell.root / "evidence" / f"{long[:16]}.dsse.json"
    envelope = json.loads(path.read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAAA"
    path.write_text(json.dumps(envelope))
    outcome = json.loads(shell.run("evidence", "verify", long[:10], str(path), "--json", code=1).stdout)
    assert [(item["accepted"], item["rule"]) for item in outcome["results"]] == [(False, "bad-signature")] * 2
    assert "1 refused" in shell.run("evidence", "list").stderr

    elsewhere = tmp_path / "copy.json"
    elsewhere.write_bytes((shell.root / "evidence" / f"{short[:16]}.dsse.json").read_bytes())
    assert "1 accepted" in shell.run("evidence", "verify", str(elsewhere), "--at", "2026-02-15").stdout
    assert "[unknown-evidence]" in shell.run("evidence", "verify", "nothing-here", code=2).stderr


def test_an_auditors_countersignature_lifts_the_strength(shell: Shell) -> None:
    shell.add(*MEASURE, "-f", "value=1", "--observed-at", "2026-02-01")
    ident = shell.rows()[0]["id"]
    assert shell.run("evidence", "countersign", ident[:8], "--key", "bob").stderr == ""
    [row] = shell.rows()
    assert (row["id"], row["strength"]["level"], row["signers"]) == (ident, Strength.VERIFIED, ["pipeline:ci", "person:bob"])


def test_a_countersignature_nobody_trusts_is_not_added(shell: Shell) -> None:
    shell.add(*MEASURE, "-f", "value=1")
    ident = shell.rows()[0]["id"]
    before = (shell.root / "evidence" / f"{ident[:16]}.dsse.json").read_bytes()
    entries = (shell.root / "keys.yaml").read_text().split("- keyid")
    (shell.root / "keys.yaml").write_text("- keyid".join(entries[:-1]))
    assert "[unknown-key]" in shell.run("evidence", "countersign", ident, "--key", "bob", code=2).stderr
    assert (shell.root / "evidence" / f"{ident[:16]}.dsse.json").read_bytes() == before


def test_a_folder_that_is_no_workspace_and_a_broken_keyring_are_told(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "[no-workspace]" in Shell(tmp_path_factory.mktemp("bare")).run("evidence", "list", code=2).stderr
    (shell.root / "keys.yaml").write_text("keys: 7\n")
    assert "keys.yaml:1:7" in shell.run("evidence", "verify", code=2).stderr


def test_the_share_of_a_training_is_worked_out_from_its_counts(shell: Shell) -> None:
    words = ["training", "--about", "person:anna", "--topic", "training-result", "--key", "anna", "-f", "course=AI literacy"]
    shell.add(*words, "-f", "due=4", "-f", "attended=4", "-f", "passed=3")
    assert shell.rows()[0]["body"]["share_passed"] == 0.75
    refused = shell.add(*words, "-f", "due=4", "-f", "attended=4", "-f", "passed=1", "-f", "share_passed=1", code=2)
    assert "share_passed is not passed over due, which is 0.25" in refused.output


@pytest.mark.parametrize("command", [["evidence", "list", "--json"], ["key", "list", "--json"]])
def test_how_a_thing_stands_is_answered_as_of_any_day(shell: Shell, command: list[str]) -> None:
    shell.add(*MEASURE, "-f", "value=1", "--observed-at", "2026-02-01", "--expires-at", "2026-03-01")
    stood = [json.loads(shell.run(*command, "--as-of", day).stdout)[0]["standing"] for day in ("2025-12-31", "2026-02-10", "2199-01-01")]
    assert stood == ["not-yet-valid", "valid", "expired"]
    assert "--as-of does not read 'soon'" in shell.run(*command, "--as-of", "soon", code=2).output


def test_a_key_for_a_person_no_record_names_is_made_with_a_warning(shell: Shell) -> None:
    stranger = shell.run("key", "new", "eve", "--kind", "person", "--holder", "person:eve")
    assert "warning: there is no record person:eve. The people are person:anna, person:bob." in stranger.stderr
    known = shell.run("key", "new", "anna2", "--kind", "person", "--holder", "person:anna")
    assert "warning" not in known.output


def test_an_auditors_second_signature_that_lifts_nothing_is_told(shell: Shell) -> None:
    shell.run("key", "new", "anna-audits", "--kind", "auditor", "--holder", "person:anna")
    identity = shell.add(*MEASURE[:5], "--key", "anna", *MEASURE[7:], "-f", "value=1").stdout.split()[0]
    said = shell.run("evidence", "countersign", identity, "--key", "anna-audits")
    assert "signs as a second for nobody else: the strength stays as it is" in said.stderr
    assert said.stdout.rstrip().endswith("documented")
    assert "warning" not in shell.run("evidence", "countersign", identity, "--key", "bob").output


def test_a_signed_text_cannot_rule_the_terminal(shell: Shell) -> None:
    """U+009B starts a control sequence on some terminals, and JSON lets it stand."""
    words = ["attestation", "--about", "person:anna", "--topic", "t", "--key", "anna", "-f", "statement=a\x9b2Jb", "--file", "-"]
    identity = shell.add(*words, stdin='{"holds": true}').stdout.split()[0]
    shown = shell.run("evidence", "show", identity).stdout
    assert "\x9b" not in shown
    assert "a\\x9b2Jb" in shown
