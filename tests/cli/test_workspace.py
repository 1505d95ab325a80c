"""The commands `lint`, `fmt` and `schema`, as a person or a pipeline runs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kybern.cli import _workspace
from kybern.cli._shared import parse_as_of

ORGANIZATION = "kind: organization\nid: acme\ntitle: Acme\nlegal_name: Acme\nsector: s\ncountries: [DE]\nai_roles: [deployer]\n"
POLICY = "kind: policy\nid: p\ntitle: P\ntype: ai\nstatement: s\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "records").mkdir()
    (tmp_path / "kybern.yaml").write_text("kybern: 1\n")
    (tmp_path / "records/a.yaml").write_text(ORGANIZATION)
    return tmp_path


def run(*args: object) -> tuple[int, str, str]:
    app = typer.Typer()
    _workspace.register(app)
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_sound_workspace_exits_0(root: Path) -> None:
    assert run("lint", "-C", root) == (0, "0 errors, 0 warnings.\n", "")


def test_warnings_exit_0_and_with_strict_1(root: Path) -> None:
    (root / "records/b.yaml").write_text(POLICY)
    code, out, _ = run("lint", "-C", root / "records")
    assert code == 0
    assert out.startswith("records/b.yaml:1:1: warning: policy:p has no owner. [no-owner]\n    kind: policy\n    ^\n  hint: ")
    assert run("lint", "-C", root, "--strict")[0] == 1


def test_errors_exit_1_and_are_written_as_json_and_sarif(root: Path, tmp_path: Path) -> None:
    (root / "records/b.yaml").write_text(f"{POLICY}owner: role:none\n")
    code, out, _ = run("lint", "-C", root, "--json", "--sarif", tmp_path / "out.sarif")
    assert code == 1
    (problem,) = json.loads(out)["problems"]
    assert (problem["rule"], problem["file"], problem["line"], problem["column"]) == ("broken-reference", "records/b.yaml", 6, 8)
    log = json.loads((tmp_path / "out.sarif").read_text())
    assert log["runs"][0]["results"][0]["ruleId"] == "broken-reference"


def test_the_day_is_an_argument(root: Path) -> None:
    (root / "records/b.yaml").write_text(
        f"{POLICY}owner: organization:acme\n".replace("owner: organization:acme\n", "") + "review_every: P10D\nreviewed_on: 2026-01-01\n"
    )
    assert "review-overdue" not in run("lint", "-C", root, "--as-of", "2026-01-11")[1]
    assert "review-overdue" in run("lint", "-C", root, "--as-of", "2026-01-12T00:00:00Z")[1]


def test_unreadable_input_exits_2_with_every_problem(root: Path) -> None:
    (root / "records/b.yaml").write_text("kind: polcy\n")
    (root / "records/c.yaml").write_text("")
    code, out, err = run("lint", "-C", root)
    assert (code, out) == (2, "")
    assert err == (
        "records/b.yaml:1:7: error: There is no record kind polcy. [unknown-kind]\n"
        "    kind: polcy\n          ^\n  hint: Did you mean policy?\n"
        "records/c.yaml: error: The file is empty. [empty-file]\n  hint: Write at least one value, or remove the file.\n"
    )


def test_no_workspace_and_no_date_exit_2(tmp_path: Path, root: Path) -> None:
    empty = tmp_path / "empty"
    assert run("lint", "-C", "/")[0] == 2
    code, _, err = run("lint", "-C", root, "--as-of", "tomorrow")
    assert code == 2
    assert "2026-11-20T09:30:00Z" in err
    assert not empty.exists()


def test_a_day_means_its_end_and_a_moment_needs_a_zone() -> None:
    assert parse_as_of("2026-11-20") == datetime(2026, 11, 20, 23, 59, 59, 999999, UTC)
    assert parse_as_of("2026-11-20T10:00:00+02:00") == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert parse_as_of(None).tzinfo is UTC
    for text in ("2026-11-20T10:00:00", "2026-02-30", "20261120", "", "0001-01-01T00:00:00+10:00"):
        with pytest.raises(typer.Exit) as caught:
            parse_as_of(text)
        assert caught.value.exit_code == 2


def test_fmt_checks_then_changes_then_is_content(root: Path) -> None:
    file = root / "records/b.yaml"
    file.write_text("id: p   # name\nkind: person\ntitle:  P\n")
    file.chmod(0o640)
    assert run("fmt", "-C", root, "--check") == (1, f"would change: {file}\n", "")
    assert file.read_text().startswith("id:")
    assert run("fmt", "-C", root) == (0, f"changed: {file}\n", "")
    assert file.read_text() == "kind: person\nid: p   # name\ntitle: P\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert run("fmt", "-C", root, "--check") == (0, "", "")
    assert sorted(path.name for path in (root / "records").iterdir()) == ["a.yaml", "b.yaml"]


def test_fmt_takes_files(root: Path) -> None:
    file = root / "records/b.yaml"
    file.write_text("id: p\nkind: person\n")
    assert run("fmt", "--check", file)[0] == 1
    file.write_text("id: p\nid: q\n")
    code, _, err = run("fmt", file)
    assert code == 2
    assert f"{file}:2:1: error: The key id stands twice" in err


def test_schema_of_all_and_of_one_kind(tmp_path: Path) -> None:
    code, out, _ = run("schema")
    assert code == 0
    assert "oneOf" in json.loads(out)
    assert run("schema", "role", "--out", tmp_path / "role.json")[0] == 0
    assert json.loads((tmp_path / "role.json").read_text())["title"] == "Kybern record: role"
    assert run("schema", "rol")[0] == 2
    assert run("schema", "--out", tmp_path / "no" / "where.json")[0] == 2
