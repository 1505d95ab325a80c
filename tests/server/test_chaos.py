"""A short form of `make chaos`: kill -9 under load, a full disk, a lost connection, two nodes at once, and no half state on a page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

from chaos import SCENES, Skipped  # noqa: E402 - the folder is on the path by conftest


@pytest.mark.parametrize("scene", SCENES)
def test_what_was_acknowledged_is_there(scene: str, tmp_path: Path) -> None:
    try:
        assert SCENES[scene](os.environ.get("KYBERN_DATABASE_URL", ""), tmp_path, 2, 3, 7)
    except Skipped as why:
        pytest.skip(str(why))
