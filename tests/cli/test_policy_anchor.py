"""The chain of recorded decisions, anchored in the evidence log."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kybern.cli._main import app
from kybern.policy import TIME, DecisionLog, Facts, decide, load_bundle, shipped_rules, shipped_schemas
from kybern.policy import read_schema as read

SCHEMA = read(shipped_schemas()["kybern"], "kybern.yaml")
BUNDLE = load_bundle(SCHEMA, shipped_rules().items())


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "-C", str(root)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n", encoding="utf-8")
    assert run(tmp_path, "log", "init", "--origin", "example.org/log").exit_code == 0
    return tmp_path


def write(path: Path, count: int) -> None:
    door = SCHEMA.doors["retire"]
    values = {name: SCHEMA.read(name, SCHEMA.by_name[name].example) for name in door.needed} | {"action": "retire"}
    assert TIME in values
    with path.open("wb") as file:
        log = DecisionLog(file)
        for _ in range(count):
            log.append(decide(BUNDLE, Facts(values, SCHEMA)), values)


def test_what_is_anchored_holds_and_goes_on(root: Path) -> None:
    file = root / "gates.jsonl"
    write(file, 3)
    assert "3 decisions anchored by entry 0" in run(root, "policy", "anchor", str(file)).output
    assert "anchored before" in run(root, "policy", "anchor", str(file)).output
    write(file, 5)
    assert "2 of 5 decisions came after" in run(root, "policy", "anchors", str(file)).output
    assert run(root, "policy", "anchor", str(file)).exit_code == 0
    told = run(root, "policy", "anchors", str(file))
    assert told.exit_code == 0
    assert told.output.count("holds:") == 2
    assert run(root, "log", "audit").exit_code == 0


def test_a_chain_that_was_shortened_is_found_and_not_anchored_anew(root: Path) -> None:
    file = root / "gates.jsonl"
    write(file, 4)
    assert run(root, "policy", "anchor", str(file)).exit_code == 0
    write(file, 2)
    told = run(root, "policy", "anchors", str(file))
    assert told.exit_code == 1
    assert "does not hold: taken away: 4 decisions" in told.output
    refused = run(root, "policy", "anchor", str(file))
    assert refused.exit_code == 2
    assert "seq-not-after" in refused.output


def test_a_chain_that_was_written_anew_is_found(root: Path) -> None:
    file = root / "gates.jsonl"
    write(file, 2)
    assert run(root, "policy", "anchor", str(file)).exit_code == 0
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0].replace(b'"n":1', b'"n":1') + lines[1].replace(b'"effect":"deny"', b'"effect":"allow"'))
    told = run(root, "policy", "anchors", str(file))
    assert told.exit_code == 1
    assert "changed" in told.output


def test_bad_input_is_told(root: Path) -> None:
    missing = run(root, "policy", "anchor", str(root / "none.jsonl"))
    assert (missing.exit_code, "cannot be read" in missing.output) == (2, True)
    (root / "empty.jsonl").write_bytes(b"")
    assert "no-decisions" in run(root, "policy", "anchor", str(root / "empty.jsonl")).output
    write(root / "Gates of ours.jsonl", 1)
    assert "bad-name" in run(root, "policy", "anchor", str(root / "Gates of ours.jsonl")).output
    none = run(root, "policy", "anchors", str(root / "empty.jsonl"))
    assert (none.exit_code, "no anchor of decisions:empty" in none.output) == (1, True)
