"""`kybern catalog template` and `import` as they are typed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the helper module beside the tests

from own_world import run

OSCAL = Path(__file__).parents[1] / "catalog" / "imports" / "oscal_sample.json"


def filled(path: Path) -> Path:
    """A template in CSV, filled in."""
    run("catalog", "template", "--out", path)
    text = path.read_text(encoding="utf-8")
    for name, value in {"id": "HOUSE", "title": "T", "edition": "1", "publisher": "P", "source": "S", "rights": "R"}.items():
        text = text.replace(f"{name},\n", f"{name},{value}\n", 1)
    text = text.replace("status_date,\n", "status_date,2026-11-23\n").replace("nature,\n", "nature,law\n")
    path.write_text(text + "1.1,,rule,Say it,Say that it is a machine.\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["my.xlsx", "my.csv"])
def test_a_template_is_written_and_asks_to_be_filled_in(tmp_path: Path, name: str) -> None:
    assert run("catalog", "template", "--out", tmp_path / name).stdout.strip() == str(tmp_path / name)
    said = run("catalog", "import", tmp_path / name, code=2).stderr
    assert "[missing-field]" in said
    assert ("Framework!B2" if name.endswith("xlsx") else "#B1") in said


def test_a_spreadsheet_is_imported_into_a_workspace_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kybern.yaml").write_text("kybern: 1\ncatalogs: [catalogs/house]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run("catalog", "import", filled(tmp_path / "my.csv"), "--out", "catalogs/house")
    assert (tmp_path / "catalogs/house/frameworks/house.yaml").is_file()
    assert "Say that it is a machine." in run("catalog", "show", "HOUSE:1.1").stdout
    assert "[exists]" in run("catalog", "import", "my.csv", "--out", "catalogs/house", code=2).stderr
    run("catalog", "import", "my.csv", "--out", "catalogs/house", "--force")


def test_an_oscal_catalog_is_imported_under_a_name(tmp_path: Path) -> None:
    run("catalog", "import", OSCAL, "--id", "NIST_800_53", "--status-date", "2026-11-26", "--out", tmp_path / "n.yaml")
    text = (tmp_path / "n.yaml").read_text(encoding="utf-8")
    assert 'id: "AC-2(1)"' in text
    assert 'status_date: "2026-11-26"' in text


def test_a_profile_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"profile": {}}), encoding="utf-8")
    said = run("catalog", "import", tmp_path / "p.json", "--id", "X", code=2).stderr
    assert "[no-oscal-catalog]" in said
    assert "Resolve it first" in said


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("template", "--out", "x.ods"), "unknown-form"),
        (("template", "--out", "/proc/none/x.csv"), "unwritable"),
        (("import", "/nowhere.csv"), "unreadable"),
        (("import", str(OSCAL)), "missing-id"),
        (("import", str(OSCAL), "--id", "nist"), "missing-id"),
        (("import", str(OSCAL), "--id", "X", "--status-date", "soon"), "status-date"),
        (("import", str(OSCAL), "--id", "ISO42001"), "duplicate-framework"),
        (("import", str(Path(__file__)), "--id", "X"), "unknown-form"),
    ],
)
def test_what_cannot_be_done_is_refused(words: tuple[str, ...], rule: str) -> None:
    assert f"[{rule}]" in run("catalog", *words, code=2).stderr


def test_options_of_oscal_are_not_for_spreadsheets(tmp_path: Path) -> None:
    assert "[no-such-option]" in run("catalog", "import", filled(tmp_path / "a.csv"), "--id", "X", code=2).stderr


def test_what_does_not_go_with_the_shipped_catalog_is_not_written(tmp_path: Path) -> None:
    file = filled(tmp_path / "a.csv")
    file.write_text(file.read_text(encoding="utf-8").replace("HOUSE", "ISO42001"), encoding="utf-8")
    run("catalog", "import", file, "--out", tmp_path / "out", code=2)
    assert not (tmp_path / "out").exists()
