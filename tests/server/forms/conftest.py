"""The strategies that tests here share, and Jinja as the server sets it up."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

import kybern.server.forms

sys.path.insert(0, str(Path(__file__).parent))

TEMPLATES = Path(kybern.server.forms.__file__).parents[1] / "pages" / "templates"


@pytest.fixture(scope="session")
def jinja() -> Environment:
    from kybern.server.jinja import environment

    return environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
