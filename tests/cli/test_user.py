"""Users by the program: added, listed, given a new password, and told in words what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("server") / "data"
    assert "Sign in as admin@kybern.local" in kybern("up", "--prepare-only", data=folder)[1]
    return folder


def kybern(*words: str, data: Path) -> tuple[int, str, str]:
    command = [sys.executable, "-c", "from kybern.cli import main; main()", *words, "--data", str(data)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KYBERN_D")}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return found.returncode, found.stdout, found.stderr


def test_a_user_is_added_and_gets_another_password(data: Path) -> None:
    code, said, _ = kybern("user", "add", "Anna@Example.org", "--role", "governance-lead", data=data)
    assert (code, "anna@example.org is governance-lead in organization and signs as person:anna" in said) == (0, True)
    first = re.findall(r"password is (\S+)", said)
    code, said, _ = kybern("user", "password", "anna@example.org", data=data)
    assert code == 0
    assert re.findall(r"is (\S+)$", said.strip()) != first
    assert "anna@example.org  person:anna  governance-lead in organization" in kybern("user", "list", data=data)[1]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("add", "ben@example.org", "--role", "enginer"), "unknown-role"),
        (("add", "ben@example.org", "--unit", "nowhere"), "unknown-unit"),
        (("add", "ben"), "not-an-address"),
        (("add", "admin@kybern.local"), "user-exists"),
        (("password", "nobody@example.org"), "unknown-user"),
    ],
)
def test_what_is_wrong_is_told_in_words(data: Path, words: tuple[str, ...], rule: str) -> None:
    code, _, said = kybern("user", *words, data=data)
    assert (code, f"[{rule}]" in said, "Traceback" in said) == (2, True, False)
