"""`kybern demo`: each attack is carried out, and exactly those notice whom the threat model names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from kybern.cli import _demo, _demo_attacks, _evidence, _log
from kybern.cli._demo_attacks import ATTACKS, Look, Told

if TYPE_CHECKING:
    from click.testing import Result

app = typer.Typer()
for group in (_evidence, _log, _demo):
    group.register(app)
runner = CliRunner()
PAGE = (Path(__file__).parents[2] / "docs" / "handbook" / "threat-model.md").read_text(encoding="utf-8")

NOTICE = {
    "rewrite": {"an auditor who kept a checkpoint", "whoever kept a proof", "the witnesses", "whoever verifies with a policy of witnesses"},
    "truncate": {"an auditor who kept a checkpoint", "whoever kept a proof", "the witnesses"},
    "fork": {"the witnesses", "whoever verifies with a policy of witnesses", "two people who compare their checkpoints"},
    "backdate": {"an audit of the log by itself", "an auditor who kept a checkpoint"},
    "omit": {"the source's own numbers"},
    "steal-key": {
        "verification of what the thief dates after the revocation",
        "the moment the log took it in",
        "the witnesses",
        "whoever verifies with a policy of witnesses",
    },
}


def run(*words: object, code: int = 0) -> Result:
    result = runner.invoke(app, [*map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work")
    (root / "records").mkdir()
    (root / "kybern.yaml").write_text("kybern: 1\n")
    (root / "records" / "people.yaml").write_text("- {kind: person, id: anna, title: Anna}\n")
    span = ("--valid-from", "2026-01-01", "--valid-days", "36500")
    run("key", "new", "anna", "--kind", "person", "--holder", "person:anna", *span, "-C", root)
    about = ("--about", "person:anna", "--topic", "oversight", "--key", "anna", "--observed-at", "2026-02-01")
    run("evidence", "add", "attestation", *about, "-f", "statement=one", "-f", "holds=true", "-C", root)
    run("log", "init", "-C", root)
    run("log", "sync", "-C", root)
    return root


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("copied", [False, True], ids=["of its own", "of a workspace"])
def test_an_attack_is_noticed_by_whom_the_threat_model_names(name: str, workspace: Path, *, copied: bool) -> None:
    before = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file() and not path.name.startswith("journal.db-")}
    found = json.loads(run("demo", "attack", name, "--json", *(("-C", workspace) if copied else ())).stdout)
    assert {look["who"] for look in found["looks"] if look["noticed"]} == NOTICE[name]
    assert found["as_said"]
    after = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file() and not path.name.startswith("journal.db-")}
    assert after == before


def test_the_threat_model_names_every_attack_and_everybody_who_looks() -> None:
    rows = {
        cells[0].strip(" `"): cells[1:] for line in PAGE.splitlines() if (cells := line.strip("|").split("|")) and line.startswith("| `")
    }
    for name, noticing in NOTICE.items():
        assert {who.strip() for who in rows[name][0].split(";")} == noticing
        looks = ATTACKS[name].__doc__
        assert looks is not None
    everybody = {value for key, value in vars(_demo_attacks).items() if re.fullmatch("[A-Z_]+", key) and isinstance(value, str)}
    assert everybody - {"tool:demo-agent"} == {who for who in everybody if who in PAGE}


def test_it_says_what_happened_in_words() -> None:
    said = run("demo", "attack", "omit").stdout
    assert "the operator logged 6 and 8" in said
    assert "tool:demo-agent lacks 7" in said
    assert said.index("Who notices:") < said.index("the source's own numbers") < said.index("Who does not:")


def test_the_attacks_are_listed() -> None:
    assert [line.split()[3] for line in run("demo").stdout.splitlines()] == list(ATTACKS)


def test_it_fails_where_somebody_notices_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told("nothing", [Look("somebody", noticed=False, how="asleep", command="true", expected=True)])
    monkeypatch.setitem(ATTACKS, "omit", lambda _: told)
    assert "NOT what the threat model says" in run("demo", "attack", "omit", code=1).stdout


def test_it_needs_a_log_and_its_key(workspace: Path, tmp_path: Path) -> None:
    assert "no-workspace" in run("demo", "attack", "omit", "-C", tmp_path, code=2).stderr
    key = workspace / ".kybern" / "log" / "key.pem"
    pem = key.read_bytes()
    key.unlink()
    assert "no-key" in run("demo", "attack", "omit", "-C", workspace, code=2).stderr
    key.write_bytes(pem)
