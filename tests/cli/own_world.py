"""A workspace with a catalog of its own, for the tests of the commands on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from kybern.cli._main import app

RECORDS = """\
- {kind: organization, id: acme, title: Acme, legal_name: Acme, sector: Lending, countries: [IE], ai_roles: [deployer]}
- {kind: person, id: anna, title: Anna}
- {kind: scope, id: aims, title: Scope, statement: All of it}
"""
HEAD = """\
edition: "1"
publisher: House
source: https://example.org/rules
status_date: "2026-11-23"
rights: own
requirements:
"""
"""What the head of a framework has below its id and title."""


def control(answers: str) -> str:
    """Write a control that answers a requirement by an attestation on the topic `house-said`."""
    return f"""\
- id: HSE-01
  layer: L6
  title: It is said
  statement: It is said.
  why: People want to know.
  owner_role: host
  cadence: P30D
  applies_to: [organization]
  satisfies: [{{requirement: "{answers}", relation: equal}}]
  checks:
    - type: evidence
      id: said
      title: It was said
      predicate: attestation
      topic: house-said
      require: [{{field: holds, operator: eq, value: true}}]
"""


def run(*words: str | Path, code: int = 0) -> Result:
    """Run a command that ends with this code, and never in a traceback."""
    result = CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def workspace(root: Path, texts: Mapping[str, str]) -> Path:
    """Make a workspace in which the organisation attests that it is said."""
    for name, text in {"records/acme.yaml": RECORDS, **texts}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    run("key", "new", "anna", "--kind", "person", "--holder", "person:anna", "--valid-from", "2026-01-01", "-C", root)
    said = ("--about", "organization:acme", "--topic", "house-said", "-f", "statement=So.", "-f", "holds=true")
    result = run("evidence", "add", "attestation", *said, "--observed-at", "2026-03-01T09:30:00Z", "--key", "anna", "-C", root)
    assert "no check of the catalog" not in result.stderr
    return root
