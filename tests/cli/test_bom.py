"""`kybern bom`: to standard output or a file, in both formats, and refused where there is no such system."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kybern.cli import _bom, _evidence

app = typer.Typer()
_bom.register(app)
_evidence.register(app)
runner = CliRunner()

RECORDS = """\
- {kind: organization, id: acme, title: Acme, legal_name: Acme Ltd, sector: Lending, countries: [IE], ai_roles: [deployer]}
- kind: ai_system
  id: credit
  title: Credit
  role: deployer
  purpose: Estimates default
  use_case: Scores each application
  autonomy: advises
  users: [Underwriters]
  jurisdictions: [IE]
  stage: operation
  models: [model:pd]
- {kind: model, id: pd, title: Default model, type: Logistic regression, task: classification, origin: bought, intended_use: Loans}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "all.yaml").write_text(RECORDS)
    return tmp_path


def test_cyclonedx_goes_to_standard_output_and_names_itself_by_its_inputs(root: Path) -> None:
    first, second = (runner.invoke(app, ["bom", "credit", "-C", str(root), "--as-of", "2026-11-20"]) for _ in range(2))
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.7")
    assert found["serialNumber"] == json.loads(second.stdout)["serialNumber"]
    assert "declarations" not in found


def test_spdx_goes_to_a_file(root: Path) -> None:
    out = root / "bom.json"
    done = runner.invoke(app, ["bom", "ai_system:credit", "--format", "spdx", "--out", str(out), "-C", str(root), "--as-of", "2026-11-20"])
    assert (done.exit_code, done.stdout.strip()) == (0, str(out))
    assert json.loads(out.read_text())["@context"].endswith("/3.0.1/spdx-context.jsonld")


def test_an_unknown_system_is_told_with_what_is_near(root: Path) -> None:
    done = runner.invoke(app, ["bom", "credits", "-C", str(root)])
    assert done.exit_code == 2
    assert "Did you mean ai_system:credit?" in done.stderr
