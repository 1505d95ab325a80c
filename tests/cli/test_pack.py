"""`kybern pack` and `kybern verify` as they are typed: files, words, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from kybern.cli._main import app

RECORDS = """\
- {kind: organization, id: acme, title: Acme, legal_name: Acme, sector: Lending, countries: [IE], ai_roles: [deployer]}
- {kind: person, id: anna, title: Anna}
- {kind: scope, id: aims, title: Scope, statement: All of it}
"""
AS_OF = "2026-11-20"


def run(*words: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace")
    (root / "kybern.yaml").write_text("kybern: 1\nframeworks: [ISO42001]\n", encoding="utf-8")
    (root / "records").mkdir()
    (root / "records" / "acme.yaml").write_text(RECORDS, encoding="utf-8")
    run("key", "new", "anna", "--kind", "person", "--holder", "person:anna", "--valid-from", "2026-01-01", "-C", root)
    common = ("--observed-at", "2026-03-01T09:30:00Z", "--key", "anna", "-C", root)
    run("evidence", "add", "approval", "--about", "scope:aims", "--topic", "scope-approval", "-f", "decision=approved", *common)
    run("evidence", "add", "attestation", "--about", "person:anna", "--topic", "t", "-f", "statement=So.", "-f", "holds=true", *common)
    return root


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    """Give a copy to change."""
    return Path(shutil.copytree(made, tmp_path / "workspace"))


@pytest.fixture(scope="module")
def packed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "audit.zip"
    run("pack", "--as-of", AS_OF, "--out", out, "-C", made)
    return out


def test_pack_tells_where_it_is_and_what_its_id_is(made: Path, packed: Path, tmp_path: Path) -> None:
    result = run("pack", "--as-of", AS_OF, "--out", tmp_path / "b.zip", "-C", made)
    path, identity, size = result.stdout.splitlines()
    assert path == str(tmp_path / "b.zip")
    assert identity.split()[1] in run("verify", packed).stdout
    assert size.endswith("bytes")
    assert (tmp_path / "b.zip").read_bytes() == packed.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_no_private_key_gets_into_it(packed: Path, made: Path) -> None:
    assert (made / ".kybern" / "keys" / "anna.pem").exists()
    with zipfile.ZipFile(packed) as opened:
        assert not any(".kybern" in name for name in opened.namelist())
    assert b"PRIVATE" not in packed.read_bytes()


def test_verify_accepts_the_archive_and_the_unpacked_folder(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as opened:
        opened.extractall(tmp_path)
    text = run("verify", packed).stdout
    assert text == run("verify", tmp_path).stdout
    assert "The assessment is, to the byte, what catalog, records and evidence give." in text
    assert text.endswith("All that was checked holds.\n")


def test_an_unpacked_pack_is_a_workspace(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as opened:
        opened.extractall(tmp_path)
    assert "to the byte" in run("verify-assessment", tmp_path / "assessment.json", "-C", tmp_path).stdout
    assert "2 accepted, 0 refused" in run("evidence", "verify", "-C", tmp_path).stdout


def test_verify_in_json(packed: Path, tmp_path: Path) -> None:
    found = json.loads(run("verify", packed, "--json").stdout)
    assert (found["holds"], found["recomputed"], found["failed"]) == (True, True, [])
    with zipfile.ZipFile(packed) as opened:
        opened.extractall(tmp_path)
    (tmp_path / "README.txt").write_text("Trust me.", encoding="utf-8")
    found = json.loads(run("verify", tmp_path, "--json", code=1).stdout)
    assert (found["holds"], found["recomputed"]) == (False, False)
    assert found["failed"] == ["README.txt is not the file that MANIFEST.json names: it was changed"]


def test_what_did_not_hold_is_told(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as opened:
        opened.extractall(tmp_path)
    (tmp_path / ".DS_Store").touch()
    text = run("verify", tmp_path, code=1).stdout
    assert "  - .DS_Store is here and is not listed in MANIFEST.json\n" in text
    assert text.endswith("THE STATUSES WERE NOT RECOMPUTED.\n")


def test_without_records_statuses_are_not_recomputed_and_verify_says_so(made: Path, tmp_path: Path) -> None:
    run("pack", "--as-of", AS_OF, "--out", tmp_path / "a.zip", "--without-records", "-C", made)
    assert b"legal_name" not in (tmp_path / "a.zip").read_bytes()
    text = run("verify", tmp_path / "a.zip", code=1).stdout
    assert "What did not hold" not in text
    assert "the pack was made without the records" in text
    assert text.endswith("THE STATUSES WERE NOT RECOMPUTED.\n")


def test_frameworks_can_be_chosen(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    run("pack", "--out", out, "--framework", "NIST_AI_RMF", "--framework", "NIST_AI_RMF", "--as-of", AS_OF, "-C", made)
    with zipfile.ZipFile(out) as opened:
        assert json.loads(opened.read("assessment.json"))["frameworks"] == ["NIST_AI_RMF"]
    assert "[unknown-framework]" in run("pack", "--out", out, "--framework", "NIST", "-C", made, code=2).stderr


def test_refused_evidence_is_listed_and_not_packed_and_a_workspace_without_keys_has_a_pack(workspace: Path, tmp_path: Path) -> None:
    (workspace / "evidence" / "odd.json").write_text("{}", encoding="utf-8")
    (workspace / "keys.yaml").unlink()
    out = tmp_path / "a.zip"
    run("pack", "--out", out, "--as-of", AS_OF, "-C", workspace)
    with zipfile.ZipFile(out) as opened:
        assert not any(name.startswith("evidence/") or name == "keys.yaml" for name in opened.namelist())
        assert json.loads(opened.read("keys.json")) == {"keys": []}
        rules = {one["source"]: one["rule"] for one in json.loads(opened.read("refused.json"))}
    assert rules.pop("evidence/odd.json") == "wrong-payload-type"
    assert list(rules.values()) == ["unknown-key", "unknown-key"]
    assert "Evidence that was refused and is not in the pack: 3." in run("verify", out).stdout


@pytest.mark.parametrize("where", [".", "no/such/a.zip"])
def test_a_place_that_cannot_be_written_is_told(made: Path, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "[unwritable]" in run("pack", "--out", where, "--as-of", AS_OF, "-C", made, code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_a_pack_is_replaced_whole_or_not_at_all(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "a.zip"
    out.write_bytes(b"before")

    def full(_: Path, __: bytes) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert os.strerror(28) in run("pack", "--out", out, "--as-of", AS_OF, "-C", made, code=2).stderr
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.zip", b"before")]


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", b"{}"])
def test_what_is_no_pack_is_one_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    stderr = run("verify", tmp_path / "a.zip", code=2).stderr
    assert "[bad-pack]" in stderr
    assert "[bad-pack]" in run("verify", tmp_path / "none.zip", code=2).stderr
