"""Bad input of every sort gives one clear error with its place, exit code 2, and never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import kybern.catalog
from kybern.catalog import Catalog

sys.path.insert(0, str(Path(__file__).parent))

from bad_program import workspace


@pytest.fixture(scope="session", autouse=True)
def _catalog_once() -> Iterator[None]:
    """Read the catalog once instead of at every call; it does not change."""
    real = kybern.catalog.load_catalog
    shipped = cache(real)

    def load(*args: Any, **options: Any) -> Catalog:
        return real(*args, **options) if args or options else shipped()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kybern.catalog, "load_catalog", load)
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return workspace(tmp_path / "w")
