"""The page of the handbook that says which test shows which item: every test that it names is there, and no item is left out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "handbook" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PAGES = re.compile(r"\]\((?:\.\./)*[\w./-]+\.md(?:#[\w-]+)?\)")
NUMBER = re.compile(r"(\d+\.\d+)\.(\d+)(?: – (?:\d+\.\d+\.)(\d+))?")
ITEMS: Final = {
    "1.1": "1-7", "1.2": "1-4", "1.4": "1 4 5", "1.5": "1-4", "1.6": "1-4", "1.7": "1-2", "1.8": "1-2", "1.9": "1-2", "1.10": "1",
    "1.11": "1-2", "1.12": "2", "1.14": "1-6",
    "2.1": "1-12", "2.2": "1-3", "2.3": "1-3", "2.4": "1-5", "2.5": "1-7", "2.6": "1-3", "2.7": "1-6", "2.8": "1-6", "2.9": "1-3",
    "2.10": "1-4",
    "3.1": "1", "3.2": "1-4", "3.3": "1-4", "3.4": "1-5", "3.5": "1-3", "3.7": "1",
    "4.1": "1-3 5", "4.2": "1-2", "4.3": "1-3",
    "5.1": "1-5", "5.2": "1-8", "5.3": "1-10", "5.4": "1-3", "5.5": "1-4",
    "6.1": "1-3", "6.2": "1-6", "6.3": "1-2", "6.4": "1-2",
    "7.1": "1-4", "7.2": "1-2", "7.3": "1 3 4", "7.4": "1-3",
    "8.1": "1-4", "8.2": "1-3", "8.3": "1-8",
    "9.1": "1-3", "9.2": "1-4",
    "10.2": "1-2", "10.3": "1-3",
    "11.1": "1-8",
    "12.1": "1-3", "12.2": "1", "12.3": "1-6", "12.4": "1-2", "12.5": "1-2", "12.6": "1",
    "13.1": "1 3-5", "13.2": "1-3 5 6", "13.3": "1-2", "13.4": "1-2",
    "14.1": "1-4", "14.2": "1-6", "14.3": "2 3", "14.4": "1-7", "14.5": "1-4",
}  # fmt: skip
"""The items of ASVS 4.0.3 at level 1 and 2, by section: without those that were deleted, and those of level 3 alone."""


@cache
def _tests_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name.startswith("test_"))


def _spread(section: str, said: str) -> set[str]:
    found = set()
    for part in said.split():
        first, _dash, last = part.partition("-")
        found |= {f"{section}.{number}" for number in range(int(first), int(last or first) + 1)}
    return found


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"\| \d+\.\d+", line)]


def _items(row: str) -> list[str]:
    cell = row.split("|")[1]
    return [f"{section}.{number}" for section, first, last in NUMBER.findall(cell) for number in range(int(first), int(last or first) + 1)]


def _parts() -> tuple[str, str, str]:
    """Give what is shown, what is open, and what is not Kybern's."""
    shown, _, rest = PAGE.read_text(encoding="utf-8").partition("## What is open")
    left, _, others = rest.partition("## What is not listed")
    assert others
    return shown, left, others


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert len(named) > 100
    missing = [f"{file}::{name}" for file, name in named if not (ROOT / file).is_file() or name not in _tests_of(file)]
    assert not missing


def test_every_item_has_its_test() -> None:
    """Each line of a table names a test, or a page where it is of how Kybern is built, or stands under what is open."""
    rows = _rows(_parts()[0])
    assert len(rows) > 80
    assert not [row for row in rows if not NAMED.search(row) and not (row.startswith("| 1.") and PAGES.search(row))]


def test_every_item_of_the_standard_has_its_place() -> None:
    shown, left, others = ([one for row in _rows(part) for one in _items(row)] for part in _parts())
    asked = set[str]().union(*(_spread(section, said) for section, said in ITEMS.items()))
    assert {*shown, *left, *others} == asked
    for found in (shown, left, others):
        twice = sorted(one for one in set(found) if found.count(one) > 1)
        assert not twice
    assert not set(others) & {*shown, *left}
