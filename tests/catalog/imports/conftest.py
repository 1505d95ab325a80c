"""A small OSCAL catalog after NIST SP 800-53 Rev. 5, and spreadsheets made in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

HEAD = {
    "id": "HOUSE",
    "title": "House rules",
    "edition": "1",
    "publisher": "House",
    "source": "https://example.org/rules",
    "status_date": "2026-11-23",
    "rights": "own",
    "nature": "framework",
}
COLUMNS = ["id", "parent", "kind", "title", "statement", "normative", "layer", "bound", "since", "basis", "confidence"]
ROWS: list[list[Any]] = [
    ["1", None, "chapter", "Chats", "Chats have rules.", None, "L3", None, None, None, None],
    ["1.1", "1", "rule", "Say it", "Say that it is a machine.", "yes", "l6", "provider; deployer", "2027-01-01", "Rule 9", "High"],
    ["1.10", "1", "rule", "Why", "Because people\nwant to know.", "no", None, None, None, None, None],
]


def workbook(head: Mapping[str, Any] = HEAD, columns: Sequence[Any] = COLUMNS, rows: Sequence[Sequence[Any]] = ROWS) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Framework"
    sheet.append(["field", "value"])
    for name, value in head.items():
        sheet.append([name, value])
    table = book.create_sheet("Requirements")
    table.append(list(columns))
    for row in rows:
        table.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture(name="workbook")
def _workbook() -> Callable[..., bytes]:
    return workbook


@pytest.fixture
def rows() -> list[list[Any]]:
    return [list(row) for row in ROWS]


@pytest.fixture
def oscal() -> dict[str, Any]:
    """Made after the published schema and the form of NIST's own content: AC-1's text is NIST's, in the public domain."""
    return json.loads(Path(__file__).with_name("oscal_sample.json").read_bytes())  # type: ignore[no-any-return]
