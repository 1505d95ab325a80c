"""`kybern gate` and `kybern evidence import` as they are typed: exit codes, files, what is signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from kybern.cli import _evidence, _gate, _policy
from kybern.evidence import read_evidence, read_keyring
from kybern.policy import read_decisions

if TYPE_CHECKING:
    from click.testing import Result

app = typer.Typer()
for group in (_evidence, _gate, _policy):
    group.register(app)
runner = CliRunner()
FIXTURES = Path(__file__).parents[1] / "real" / "fixtures"

RECORDS = """\
- {kind: organization, id: lender, title: Lender, legal_name: Lender, sector: credit, countries: [IE], ai_roles: [provider]}
- {kind: person, id: anna, title: Anna}
- kind: ai_system
  id: scoring
  title: Scoring
  role: provider
  purpose: p
  use_case: u
  autonomy: proposes
  risk_class: limited
  users: [staff]
  jurisdictions: [IE]
  stage: validation
  models: [model:pd]
- {kind: model, id: pd, title: PD, type: t, task: classification, origin: developed, intended_use: i}
- kind: indicator
  id: accuracy
  title: Accuracy
  of: [model:pd]
  category: performance
  metric: accuracy
  definition: d
  unit: share
  minimum: 0.7
  measure_every: P30D
  why_these_bounds: w
"""
RULES = """\
- id: validated
  title: It was tested, and within bounds
  owner: ai-governance
  rationale: What was not tried is not let on.
  applies_to: [validate]
  effect: allow
  when: has(tests.passed) && tests.passed >= 3 && indicators.unmeasured == 0
  message: It was tested and measured.
  obligations: [{id: watch, text: Watch it for a week.}]
  examples:
    - {title: Tested, facts: {tests.passed: 3, indicators.unmeasured: 0}, expect: fires}
    - {title: Not tested, facts: {}, expect: silent}
- id: failed
  title: Failed tests hold back
  owner: ai-governance
  rationale: A failed test says that something does not hold.
  applies_to: [validate]
  effect: deny
  when: (has(tests.failed) && tests.failed > 0) || indicators.out_of_bounds > 0
  message: Mend what fails, and run it again.
  examples:
    - {title: Failed, facts: {tests.failed: 1}, expect: fires}
    - {title: Fine, facts: {}, expect: silent}
"""
PASSING = '<testsuite name="all"><testcase name="a"/><testcase name="b"/><testcase name="c"/></testsuite>'
FAILING = PASSING.replace('<testcase name="a"/>', '<testcase name="a"><failure/></testcase>')
JUNIT = "junit=report.xml,topic=validation-test"
REPORT = "sklearn=report.json,topic=indicator,about=indicator:accuracy,only=accuracy"


class Shell:
    """A workspace, and commands run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: str, code: int = 0) -> Result:
        result = runner.invoke(app, [*words, "-C", str(self.root)])
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def gate(self, *words: str, code: int = 0) -> Result:
        return self.run("gate", "--stage", "validate", "--system", "scoring", *words, code=code)

    def pieces(self) -> list[Any]:
        return list(read_evidence(self.root / "evidence", read_keyring(self.root), self.root).accepted)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "all.yaml").write_text(RECORDS)
    (tmp_path / "policy" / "rules").mkdir(parents=True)
    (tmp_path / "policy" / "bundle.yaml").write_text("kybern: 1\n")
    (tmp_path / "policy" / "rules" / "own.yaml").write_text(RULES)
    (tmp_path / "report.xml").write_text(PASSING)
    (tmp_path / "report.json").write_text((FIXTURES / "sklearn" / "report.json").read_text())
    found = Shell(tmp_path)
    found.run("key", "new", "ci", "--kind", "pipeline", "--holder", "pipeline:ci", "--valid-from", "2026-01-01", "--valid-days", "36500")
    return found


def test_signed_results_let_it_on_and_the_outcome_is_signed_and_recorded(shell: Shell) -> None:
    out = shell.gate("--collect", JUNIT, "--collect", REPORT, "--key", "ci", "--record", "decisions.jsonl")
    assert out.stdout.startswith("validate: ai_system:scoring may go on (allow)\n  along with it: Watch it for a week.")
    assert "signed by pipeline:ci" in out.stdout
    found = {piece.topic: piece for piece in shell.pieces()}
    assert set(found) == {"validation-test", "indicator", "gate-decision"}
    assert found["gate-decision"].body["failed"] == 0
    assert found["indicator"].subjects[0].ref == "indicator:accuracy"
    with (shell.root / "decisions.jsonl").open("rb") as lines:
        (recorded,) = read_decisions(lines, "decisions.jsonl")
    assert recorded.effect.value == "allow"
    assert recorded.facts["tests.passed"] == 3
    assert "1 decisions, 0 come out otherwise." in shell.run("policy", "replay", "decisions.jsonl").stdout


def test_what_nobody_signed_does_not_let_it_on_and_holds_it_back(shell: Shell) -> None:
    out = shell.gate("--collect", JUNIT, "--collect", REPORT, code=1)
    assert "not signed, counts only against" in out.stdout
    assert "default: No rule lets it go on" in out.stdout
    assert shell.pieces() == []
    (shell.root / "report.xml").write_text(FAILING)
    assert "failed: Mend what fails" in shell.gate("--collect", JUNIT, code=1).stdout


def test_a_failure_that_nobody_signed_holds_back_what_signed_results_let_on(shell: Shell) -> None:
    shell.gate("--collect", JUNIT, "--collect", REPORT, "--key", "ci")
    shell.gate()
    (shell.root / "report.xml").write_text(FAILING)
    shell.gate("--collect", JUNIT, code=1)


def test_the_settings_of_the_workspace_say_what_is_collected(shell: Shell) -> None:
    spec = "kybern: 1\ncollect:\n  - {as: junit, files: ['*.xml'], topic: validation-test, stages: [validate]}\n"
    (shell.root / "policy" / "gate.yaml").write_text(spec)
    assert "collected: report.xml: test-run on validation-test" in shell.gate(code=1).stdout
    assert "collected" not in shell.run("gate", "--stage", "merge", "--system", "ai_system:scoring", code=1).stdout
    (shell.root / "report.xml").unlink()
    result = shell.gate(code=2)
    assert "policy/gate.yaml:3" in result.stderr


def test_every_form_is_written(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.gate("--sarif", "o.sarif", "--junit", "o.xml", "--summary", "o.md", code=1)
    log = json.loads((shell.root / "o.sarif").read_text())
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("records/all.yaml", 3)
    assert (shell.root / "o.xml").read_text().startswith("<?xml")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shell.root / "o.md"))
    shell.gate(code=1)
    assert (shell.root / "o.md").read_text().count("## ⛔ validate") == 2


def test_json_is_one_value_and_says_what_the_text_says(shell: Shell) -> None:
    found = json.loads(shell.gate("--json", "--collect", JUNIT, code=1).stdout)
    assert (found["allowed"], found["decision"]["effect"], found["system"]) == (False, "deny", "ai_system:scoring")
    assert found["collected"][0]["signed"] is False
    assert found["facts"]["evidence.unsigned"] == 1


def test_facts_that_the_caller_states_come_in_by_their_types(shell: Shell) -> None:
    found = json.loads(shell.gate("--json", "--fact", "change.substantial=true", "--fact", "request.actor=person", code=1).stdout)
    assert (found["facts"]["change.substantial"], found["facts"]["request.actor"]) == (True, "person")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--stage", "validte", "--system", "scoring"], "Did you mean validate?"),
        (["--system", "scoring"], "Name the stage"),
        (["--stage", "validate"], "Name the AI system"),
        (["--stage", "validate", "--system", "scorin"], "Did you mean scoring?"),
        (["--stage", "validate", "--system", "scoring", "--fact", "system.owned=true"], "comes from records"),
        (["--stage", "validate", "--system", "scoring", "--collect", "junit=none.xml,topic=x"], "finds no file"),
        (["--stage", "validate", "--system", "scoring", "--collect", "junit=kybern.yaml,topic=x"], "This is not XML"),
        (["--stage", "validate", "--system", "scoring", "--key", "nobody"], "cannot be read"),
        (["--stage", "validate", "--system", "scoring", "--key", "ci", "--as-of", "2026-11-01"], "is not signed"),
        (["--stage", "validate", "--system", "scoring", "--sarif", "no/where"], "cannot be written"),
    ],
)
def test_a_call_that_cannot_be_used_exits_2_and_says_what_would_be_right(shell: Shell, words: list[str], says: str) -> None:
    assert says in shell.run("gate", *words, code=2).stderr


def test_without_rules_there_is_no_gate(shell: Shell) -> None:
    (shell.root / "policy" / "bundle.yaml").unlink()
    assert "kybern policy init" in shell.gate(code=2).stderr


# --- evidence import ---------------------------------------------------------------------------------------------------------------


def test_import_shows_without_a_key_and_signs_with_one(shell: Shell) -> None:
    words = ["evidence", "import", "report.xml", "--as", "junit"]
    shown = shell.run(*words)
    assert "all  test-run  suite all, passed 3, failed 0, skipped 0" in shown.stdout
    assert shell.pieces() == []
    shell.run(*words, "--subject", "ai_system:scoring", "--topic", "validation-test", "--key", "ci", "--observed-at", "2026-11-01")
    (piece,) = shell.pieces()
    assert (piece.body["passed"], piece.strength.label, piece.observed_at.day) == (3, "measured and signed", 1)
    assert "SHA-256" in piece.body["note"]


def test_import_takes_one_figure_for_an_indicator_and_asks_for_what_is_not_stated(shell: Shell) -> None:
    words = ["evidence", "import", str(FIXTURES / "mlflow" / "mlruns"), "--as", "mlflow", "--subject", "indicator:accuracy", "--key", "ci"]
    words += ["--topic", "indicator"]
    assert "does not state unit" in shell.run(*words, code=2).stderr
    assert "cannot all be indicator:accuracy" in shell.run(*words, "-f", "unit=share", code=2).stderr
    out = json.loads(shell.run(*words, "-f", "unit=share", "--only", "accuracy_score", "--json").stdout)
    (piece,) = shell.pieces()
    assert out == [{"id": piece.id, "type": "measurement", "topic": "indicator"}]
    assert (piece.body["value"], piece.body["sample_size"], piece.body["unit"]) == (0.7345, 1000, "share")
    assert piece.body["collector"] == {"name": "mlflow", "version": "not stated"}


def test_import_knows_the_topic_of_what_has_one(shell: Shell) -> None:
    card = str(FIXTURES / "model-card" / "model-card.md")
    shell.run("evidence", "import", card, "--as", "model-card", "--about", "model:pd", "--key", "ci")
    assert [(piece.topic, piece.predicate.value) for piece in shell.pieces()] == [("model-card", "document")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report.xml", "--as", "junti"], "Did you mean junit?"),
        (["none.xml", "--as", "junit"], "cannot be read"),
        (["report.xml", "--as", "sarif"], "This is not JSON"),
        (["report.xml", "--as", "junit", "--key", "ci", "--topic", "x"], "about no record"),
        (["report.xml", "--as", "junit", "--key", "ci", "--about", "ai_system:scoring"], "no topic"),
        (["report.xml", "--as", "junit", "--key", "ci", "--about", "ai_system:scorin", "--topic", "x"], "Did you mean"),
        (["report.xml", "--as", "junit", "-f", "suite"], "has no value"),
    ],
)
def test_an_import_that_cannot_be_made_exits_2(shell: Shell, words: list[str], says: str) -> None:
    assert says in shell.run("evidence", "import", *words, code=2).stderr
    assert shell.pieces() == []
