"""A workspace with what a pack can show of a log: applied records, witnesses of both kinds, an erasure, evidence outside the log."""

from __future__ import annotations

import sys
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "evidence" / "log"))

from applied_records import ORGANIZATION
from witness_bench import LATTICE, NOW, OTHER, WITNESS

from kybern.cli._main import app
from kybern.evidence.log import Log, Verifier, cosignatures

RECORDS = (
    ORGANIZATION
    + """\
- {kind: role, id: board, title: Board, responsibilities: [Steers.], holders: ['person:anna']}
- {kind: person, id: anna, title: Anna}
- {kind: person, id: zoe, title: Zoe}
- {kind: scope, id: aims, title: Scope, statement: All of it}
"""
)
POLICY = f"""\
witness one {WITNESS.key}
witness two {LATTICE.key}
witness three {OTHER.key}
group all-of-them 2 one two three
quorum all-of-them
"""


def run(root: Path, *words: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [*map(str, words), *(() if words[0] == "verify" else ("-C", str(root)))])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result


def state(root: Path, text: str, *more: str, by: str = "anna") -> str:
    about = ("--about", "role:board", "--topic", "leadership-statement", "--key", by, "--observed-at", "2026-02-01")
    return run(root, "evidence", "add", "attestation", *about, "-f", f"statement={text}", "-f", "holds=true", *more).stdout.split()[0]


def deliver(root: Path, number: int) -> None:
    """File a piece of a source that counts its own."""
    about = ("--about", "organization:us", "--topic", "nightly", "--key", "ci", "--observed-at", f"2026-02-0{number}")
    run(root, "evidence", "add", "test-run", *about, *(f"-f{one}" for one in ("suite=s", "passed=1", "failed=0", f"sequence={number}")))


def cosign(root: Path) -> None:
    """Have two witnesses cosign what is published, one by each algorithm, and put the policy in its place."""
    log = Log.open(root / "log", root / ".kybern/log/journal.db", Verifier.parse((root / "log/key").read_text()))
    head = log.head()
    note = head.note + b"".join(one.cosign(head.checkpoint, NOW) for one in (WITNESS, LATTICE))
    log.add_cosignatures(head.checkpoint.size, cosignatures(note, [WITNESS.key, LATTICE.key]))
    (root / "log" / "policy").write_text(f"log {log.verifier}\n{POLICY}")
    (root / "log" / "witnesses").write_text(f"witness one {WITNESS.key} https://one.example/\n")
    log.journal.close()


def begin(root: Path) -> None:
    """Make the workspace, with records applied, a piece of evidence, an erasure, and a source that counts its own pieces."""
    (root / "records").mkdir(parents=True)
    (root / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\n")
    (root / "records" / "all.yaml").write_text(RECORDS)
    for name in ("anna", "zoe"):
        run(root, "key", "new", name, "--kind", "person", "--holder", f"person:{name}", "--valid-from", "2026-01-01")
    run(root, "key", "new", "ci", "--kind", "pipeline", "--holder", "pipeline:ci", "--valid-from", "2026-01-01")
    run(root, "log", "init", "--origin", "example.org/ai")
    run(root, "apply", "--reason", "First.", "--key", "anna")
    state(root, "It can be stopped.")
    state(root, "Zoe was ill.", "--personal", "person:zoe", by="zoe")
    state(root, "Anna was ill.", "--personal", "person:anna")
    run(root, "log", "sync")
    run(
        root,
        "evidence",
        "erase",
        "person:zoe",
        "--reason",
        "Request of 26 November",
        "--key",
        "anna",
        "--asked-by",
        "data-subject",
        "--ground",
        "GDPR 17",
    )


def end(root: Path) -> None:
    """Change a record, apply, publish, have it cosigned, and leave one piece out of the log."""
    path = root / "records" / "all.yaml"
    path.write_text(path.read_text().replace("statement: All of it", "statement: Credit"))
    run(root, "apply", "--reason", "Second.", "--key", "anna")
    run(root, "log", "sync")
    cosign(root)
    state(root, "This one is in no log.")
