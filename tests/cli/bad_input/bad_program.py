"""The program under bad input: a small workspace in order, commands run on it, and what a refusal looks like."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from kybern.cli._main import app
from kybern.evidence import PREDICATES, Predicate, PrivateKey, Subject, parse_predicate, sign, statement, with_key

ROOT = Path(__file__).parents[3]
MERIDIAN = ROOT / "examples" / "meridian"
PROGRAM = Path(sys.executable).parent / "kybern"

ORGANIZATION = """\
kind: organization
id: acme
title: Acme
legal_name: Acme
sector: retail
countries: [DE]
ai_roles: [deployer]
"""
DOCUMENT = "kind: document\nid: a\ntitle: A\ntype: policy\n"
KEY = PrivateKey(Ed25519PrivateKey.from_private_bytes(b"\7" * 32))
BODY: dict[str, Any] = {
    "topic": "ai-policy",
    "observed_at": "2026-03-01T09:30:00Z",
    "collector": {"name": "kybern", "version": "1"},
    "title": "AI policy",
    "sha256": "d" * 64,
}
SUBJECT = Subject("organization:acme", "c" * 64)

LINT = ("lint",)
ANSWERS = (
    ("assess",),
    ("explain", "ISO42001:A.7.4"),
    ("gaps",),
    ("documents",),
    ("trace", "ISO42001:A.7.4"),
    ("report", "--html", "{out}"),
)
EVIDENCE = (("evidence", "list"), ("evidence", "verify"))
READERS = {
    "records": (LINT, *ANSWERS),
    "kybern.yaml": (LINT, *ANSWERS),
    "keys.yaml": (*ANSWERS, *EVIDENCE),
}
"""The commands that read each input."""


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n".encode() for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


def workspace(folder: Path) -> Path:
    """Make a small workspace in order, with one piece of evidence that verifies."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "records").mkdir(parents=True)
    (folder / "evidence").mkdir()
    (folder / "kybern.yaml").write_text("kybern: 1\n")
    (folder / "records/a.yaml").write_text(ORGANIZATION)
    (folder / "keys.yaml").write_bytes(keys())
    (folder / "evidence/good.dsse.json").write_bytes(envelope())
    return folder


@cache
def keys() -> bytes:
    return with_key(b"", KEY.trusted(name="tool", holder="tool:seen", kind="tool", valid_from=datetime(1, 1, 1, tzinfo=UTC)))


def envelope(key: PrivateKey = KEY, **fields: Any) -> bytes:
    model: type[Predicate] = next(model for kind, model in PREDICATES.items() if kind.value == "document")
    return sign(statement(parse_predicate(model, BODY | fields), [SUBJECT]), key)


def run(*args: object) -> Said:
    """Run the program in this process; anything raised but its exit is a failure, and so is a traceback."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    assert result.exit_code in {0, 1, 2}
    return Said(result.exit_code, result.stdout, result.stderr)


def on(root: Path, command: tuple[str, ...], *more: object) -> Said:
    out = root.parent / "page.html"
    return run(*(str(out) if part == "{out}" else part for part in command), "-C", root, *more)


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = ((path, path.lstat()) for path in sorted(folder.rglob("*")))
    return {str(path): (one.st_mode, one.st_size, one.st_mtime_ns) for path, one in found}


def refused(root: Path, command: tuple[str, ...], place: str, rule: str, *more: object) -> None:
    """One error, on standard error, that starts with its place; nothing written."""
    before = state(root.parent)
    said = on(root, command, *more)
    assert (said.code, said.out) == (2, ""), (command, said)
    assert said.err.startswith(f"{place}: error: "), said.err
    assert said.err.count(": error: ") == 1, said.err
    assert f"[{rule}]\n" in said.err, said.err
    assert state(root.parent) == before


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
