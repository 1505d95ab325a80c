"""docs/handbook/frameworks.md says of each shipped framework what the files say."""

from __future__ import annotations

import frameworks_page
import pytest

from kybern.catalog import Catalog


@pytest.fixture(scope="module")
def page() -> str:
    return frameworks_page.PAGE.read_text(encoding="utf-8")


def test_tables_are_those_of_the_files(laws: Catalog, page: str) -> None:
    written = frameworks_page.split(page)[1].splitlines()
    counted = frameworks_page.tables(laws).splitlines()
    assert written == counted, "run: .venv/bin/python tests/catalog/frameworks_page.py"


def test_tables_tell_every_framework_twice(laws: Catalog) -> None:
    told = frameworks_page.tables(laws)
    assert {name: told.count(f"| `{name}` |") for name in laws.frameworks} == dict.fromkeys(laws.frameworks, 2)


def test_every_framework_is_explained_below_the_tables(laws: Catalog, page: str) -> None:
    below = frameworks_page.split(page)[2]
    assert [name for name in laws.frameworks if f"`{name}`" not in below] == []
