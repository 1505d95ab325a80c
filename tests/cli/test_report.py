"""`kybern report`: where the page lands, what is said, how the command fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kybern.cli._main import app

RECORDS = """\
kind: organization
id: acme
title: Acme & Sons
legal_name: Acme
sector: Lending
countries: [IE]
ai_roles: [deployer]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\nframeworks: [NIST_AI_RMF]\n", encoding="utf-8")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "acme.yaml").write_text(RECORDS, encoding="utf-8")
    return tmp_path


def test_the_page_is_written_and_its_path_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace)
    result = CliRunner().invoke(app, ["report", "--as-of", "2026-11-20"])
    assert result.exit_code == 0, result.output
    assert result.stdout == "kybern-report.html\n"
    page = (workspace / "kybern-report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "Acme &amp; Sons" in page
    assert "20 November 2026, 23:59 UTC" in page
    assert "req-NIST_AI_RMF-GOVERN" in page
    assert "req-ISO42001" not in page, "the workspace asks about one framework only"


def test_the_page_can_go_elsewhere(workspace: Path) -> None:
    target = workspace / "out.html"
    result = CliRunner().invoke(app, ["report", "--html", str(target), "-C", str(workspace), "--as-of", "2026-11-20T08:00:00Z"])
    assert result.stdout == f"{target}\n"
    assert "20 November 2026, 08:00 UTC" in target.read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_told(workspace: Path) -> None:
    result = CliRunner().invoke(app, ["report", "--html", str(workspace / "no" / "x.html"), "-C", str(workspace)])
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    assert "--html" in result.stderr


def test_no_workspace_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report", "-C", str(tmp_path)])
    assert result.exit_code == 2
    assert "kybern.yaml" in result.stderr
