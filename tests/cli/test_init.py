"""`kybern init` as a new user meets it: with flags, by interview, and where it must refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kybern.cli import _assess, _init, _workspace
from kybern.workspace import load_workspace, profile_ids

FLAGS = ["--profile", "sme", "--name", "Acme", "--country", "DE", "--lead", "Ada Lovelace", "--top-manager", "Grace Hopper"]


@pytest.fixture
def app() -> typer.Typer:
    found = typer.Typer()
    for group in (_init, _workspace, _assess):
        group.register(found)
    return found


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_init, "at_terminal", lambda: True)


@pytest.mark.parametrize("profile", profile_ids())
def test_flags_alone_make_a_workspace_that_passes_lint_and_fmt(app: typer.Typer, runner: CliRunner, tmp_path: Path, profile: str) -> None:
    root = tmp_path / "new" / "aims"
    made = runner.invoke(app, ["init", str(root), *FLAGS, "--profile", profile])
    assert made.exit_code == 0, made.output
    assert "38  soa entry" in made.output
    assert f"kybern lint -C {root}" in made.output
    lint = runner.invoke(app, ["lint", "--strict", "-C", str(root)])
    assert (lint.exit_code, lint.output) == (0, "0 errors, 0 warnings.\n")
    assert runner.invoke(app, ["fmt", "--check", "-C", str(root)]).exit_code == 0


def test_the_gap_list_can_be_read_right_away(app: typer.Typer, runner: CliRunner, tmp_path: Path) -> None:
    runner.invoke(app, ["init", str(tmp_path), *FLAGS])
    gaps = runner.invoke(app, ["gaps", "--limit", "3", "-C", str(tmp_path)])
    assert gaps.exit_code == 0
    assert "GOV-12 AI policy" in gaps.output
    assert "Managing director (Grace Hopper)" in gaps.output


def test_yes_takes_every_default(app: typer.Typer, runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "Bakery & Sons"
    root.mkdir()
    monkeypatch.chdir(root)
    made = runner.invoke(app, ["init", "--yes"])
    assert made.exit_code == 0, made.output
    organization = load_workspace(root).records.organization
    assert organization is not None
    assert (organization.title, organization.profile) == ("Bakery & Sons", "sme")
    assert "kybern lint  " in made.output


def test_without_a_terminal_missing_answers_are_one_error(app: typer.Typer, runner: CliRunner, tmp_path: Path) -> None:
    refused = runner.invoke(app, ["init", str(tmp_path), "--name", "Acme"])
    assert refused.exit_code == 2
    assert refused.stderr.count("error:") == 1
    for flag in ("--profile", "--country", "--lead", "--top-manager"):
        assert flag in refused.stderr
    assert "--name" not in refused.stderr.split("hint")[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("terminal")
def test_the_interview_asks_what_is_missing(app: typer.Typer, runner: CliRunner, tmp_path: Path) -> None:
    typed = ["9", "3", "Stadt Köln", "", "", "de", "1200", "ada@stadt.example", 'Grace: "the" Hopper', "", "", "", "", "", "clerks, heads"]
    typed += ["n", "Modelco", "us", "", "ISO42001"]
    made = runner.invoke(app, ["init", str(tmp_path), "--lead", "Ada Lovelace"], input="\n".join(typed) + "\n")
    assert made.exit_code == 0, made.output
    assert "is none of 1, 2, 3" in made.output
    assert "Public sector: " in made.output
    found = load_workspace(tmp_path)
    organization, system = found.records.organization, found.records.systems_in_scope[0]
    assert organization is not None
    assert (organization.title, organization.profile, organization.countries, organization.employees) == (
        "Stadt Köln",
        "public-sector",
        ("DE",),
        1200,
    )
    assert (system.title, system.users, system.personal_data) == ("Application triage", ("clerks", "heads"), False)
    assert {one.title for one in found.records.of_kind("person")} == {"Ada Lovelace", 'Grace: "the" Hopper'}
    assert [one.title for one in found.records.of_kind("supplier")] == ["Modelco"]
    assert found.settings.frameworks == ("ISO42001",)
    assert not found.records.of_kind("risk")


@pytest.mark.usefixtures("terminal")
def test_an_answer_that_cannot_be_is_asked_again(app: typer.Typer, runner: CliRunner, tmp_path: Path) -> None:
    given = [*FLAGS, "--employees", "3", "--system-name", "X", "--system-purpose", "Y", "--system-role", "user"]
    given += ["--system-stage", "operation", "--autonomy", "advises", "--user", "us", "--personal-data", "--supplier", "M"]
    given += ["--assessor", "Ada Lovelace", "--framework", "ISO42001"]
    answers = ["", "", "ada", "ada@acme.example", "Utopia", "FR"]
    made = runner.invoke(app, ["init", str(tmp_path), *given], input="\n".join(answers) + "\n")
    assert made.exit_code == 0, made.output
    assert "write it like name@example.org" in made.output
    assert "use ISO 3166" in made.output


def test_what_is_there_is_kept(app: typer.Typer, runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    refused = runner.invoke(app, ["init", str(tmp_path), *FLAGS])
    assert refused.exit_code == 2
    assert "kybern.yaml" in refused.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["kybern.yaml"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--profile", "bakery"], "There is no profile 'bakery'"),
        (["--country", "Germany"], "ISO 3166"),
        (["--framework", "ISO9"], "There is no framework ISO9"),
        (["--name", "  "], "empty"),
        (["--system-role", "king"], "system_role"),
    ],
)
def test_a_wrong_flag_is_told(app: typer.Typer, runner: CliRunner, tmp_path: Path, extra: list[str], said: str) -> None:
    refused = runner.invoke(app, ["init", str(tmp_path), *FLAGS, *extra])
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_hostile_names_do_no_harm(app: typer.Typer, runner: CliRunner, tmp_path: Path) -> None:
    name = 'O\'Brien: "<script>alert(1)</script>" & [x](javascript:1) {today} 日本\n- kind: role'
    made = runner.invoke(app, ["init", str(tmp_path), *FLAGS, "--name", name])
    assert made.exit_code == 0, made.output
    assert runner.invoke(app, ["lint", "--strict", "-C", str(tmp_path)]).exit_code == 0
    readme = (tmp_path / "README.md").read_text()
    assert "<script>" not in readme
    assert "[x](" not in readme
