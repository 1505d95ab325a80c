"""Lets the tests of this folder import the small organisation they report on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from report_world import FRAMEWORKS, REFUSED, Parsed, assessed

from kybern.assessment import Assessment
from kybern.report import html_report


@pytest.fixture(scope="session")
def found() -> Assessment:
    return assessed()


@pytest.fixture(scope="session")
def page(found: Assessment) -> str:
    return html_report(found, REFUSED, "9.9.9", FRAMEWORKS)


@pytest.fixture(scope="session")
def parsed(page: str) -> Parsed:
    return Parsed(page)
