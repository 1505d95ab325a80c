"""The page of the handbook that says which test shows which item: every test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "handbook" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"))


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 50
    missing = [f"{file}::{name}" for file, name in named if not (ROOT / file).is_file() or name not in _tests_of(file)]
    assert not missing


def test_every_item_has_its_test() -> None:
    """Each line of a table either names a test or stands under what is open."""
    shown, _, _left = PAGE.read_text(encoding="utf-8").partition("## What is open")
    rows = [line for line in shown.splitlines() if re.match(r"\| \d+\.\d+", line)]
    assert len(rows) > 30
    assert not [row for row in rows if not NAMED.search(row)]
