"""Starting the server, as far as that goes without serving: migrated apart, and every fault told in words."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from kybern.cli._up import _shown


def kybern(*words: object, **environment: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", "from kybern.cli import main; main()", *map(str, words)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KYBERN_")}
    found = subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=60)
    return found.returncode, found.stdout, found.stderr


def test_a_server_that_does_not_migrate_says_what_is_missing_until_it_was_migrated(tmp_path: Path) -> None:
    start = ("up", "--no-migrate", "--prepare-only", "--data", tmp_path / "data")
    code, _, said = kybern(*start)
    assert (code, "[not-migrated]" in said, "kybern migrate --data" in said, "Traceback" in said) == (2, True, True, False)
    code, said, _ = kybern("migrate", "--data", tmp_path / "data")
    assert (code, said.endswith("migrations were applied.\n"), int(said.split()[0]) > 20) == (0, True, True)
    assert kybern("migrate", "--data", tmp_path / "data")[1] == "Every migration of this version was applied already.\n"
    code, said, _ = kybern(*start)
    assert (code, "Sign in as admin@kybern.local with the password" in said) == (0, True)


def test_a_database_that_cannot_be_used_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kybern.db").write_text("This is no database, and long enough to be looked at as one.\n" * 20, encoding="ascii")
    code, _, said = kybern("up", "--prepare-only", "--data", tmp_path / "data")
    assert (code, "[database]" in said, "Traceback" in said) == (2, True, False)


def test_an_environment_that_cannot_be_used_is_told_in_words(tmp_path: Path) -> None:
    code, _, said = kybern("up", "--prepare-only", "--data", tmp_path / "data", KYBERN_DATABASE_URL="mysql://somewhere/else")
    assert (code, "[environment]" in said, "postgresql://" in said) == (2, True, True)


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, said = kybern("up", "--prepare-only", "--data", tmp_path / "file" / "data")
    assert (code, "[unwritable]" in said, "Traceback" in said) == (2, True, False)


def test_a_port_that_is_taken_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said, told = kybern("up", "--data", tmp_path / "data", "--port", taken.getsockname()[1])
    assert (code, "[cannot-listen]" in told, "already in use" in told, said) == (2, True, True, "")
    assert not (tmp_path / "data").exists()


def test_a_host_that_is_not_this_machines_is_told(tmp_path: Path) -> None:
    code, _, told = kybern("up", "--data", tmp_path / "data", "--host", "192.0.2.1")
    assert (code, "[cannot-listen]" in told) == (2, True)


def test_a_workspace_that_cannot_be_taken_in_keeps_no_password_from_anybody(tmp_path: Path) -> None:
    start = ("up", "--prepare-only", "--data", tmp_path / "data")
    (tmp_path / "none").mkdir()
    assert kybern(*start, "--from", tmp_path / "none")[0] == 2
    assert "Sign in as admin@kybern.local with the password" in kybern(*start)[1]


def test_the_address_told_is_one_that_a_browser_here_can_ask_for() -> None:
    told = {host: _shown(host) for host in ("127.0.0.1", "0.0.0.0", "::", "::1", "kybern.example.org")}  # noqa: S104 - nothing is bound
    assert list(told.values()) == ["127.0.0.1", "127.0.0.1", "[::1]", "[::1]", "kybern.example.org"]
