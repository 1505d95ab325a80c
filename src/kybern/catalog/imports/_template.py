"""The empty spreadsheet to fill in: as XLSX with a guide and lists to choose from, as CSV with the bare headings."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

from kybern.catalog.imports._columns import COLUMNS, FRAMEWORK, GUIDE, HEAD, REQUIREMENTS, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROWS: Final = 2_000
"""Rows that offer lists to choose from."""

_GUIDE: Final = (
    "This workbook becomes a framework of Kybern: what a law, a standard, a contract or your own house rules ask, one row an entry.",
    "1. Fill in the sheet Framework: what it is, who publishes it, and on which day you held it against the source.",
    "2. Fill in the sheet Requirements. A row whose number stands as parent of others is a group: what it asks is in those others.",
    "3. Ids are text. The columns are formatted so; otherwise a spreadsheet makes 4.1 of 4.10.",
    "4. Write the statements yourself. The text of ISO and IEC standards is theirs, and must not be copied in.",
    "5. Import it: kybern catalog import FILE --out catalogs/house. Every problem is told with its sheet and cell.",
)


def csv_template() -> str:
    """Write the fields of the framework, an empty row, and the headings of the requirements."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows((column.name, "") for column in HEAD)
    writer.writerow(())
    writer.writerow(column.name for column in COLUMNS)
    return out.getvalue()


def xlsx_template() -> bytes:
    """Write the workbook; the same bytes each time."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only the template needs them

    import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": "A framework for Kybern", "created": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
    made = _Book(book)
    made.framework()
    made.requirements()
    made.guide()
    book.close()
    return out.getvalue()


class _Book:
    """The sheets and their formats."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._head = book.add_format({"bold": True, "bg_color": "#1D4F7C", "font_color": "#FFFFFF", "valign": "top"})
        self._text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self._soft = book.add_format({"font_color": "#565E69", "text_wrap": True, "valign": "top"})
        self._bold = book.add_format({"bold": True, "valign": "top"})

    def framework(self) -> None:
        """Write one row a field, with what it means beside it."""
        sheet = self._book.add_worksheet(FRAMEWORK)
        sheet.set_column(0, 0, 18, self._bold)
        sheet.set_column(1, 1, 60, self._text)
        sheet.set_column(2, 2, 80, self._soft)
        sheet.write_row(0, 0, ("field", "value", "what it is"), self._head)
        for row, column in enumerate(HEAD, 1):
            sheet.write_string(row, 0, column.name, self._bold)
            sheet.write_blank(row, 1, None, self._text)
            sheet.write_string(row, 2, _says(column), self._soft)
            _choices(sheet, (row, 1, row, 1), column)
        sheet.freeze_panes(1, 1)

    def requirements(self) -> None:
        """Write the headings, with what each means as a note that a screen reader reads too."""
        sheet = self._book.add_worksheet(REQUIREMENTS)
        for index, column in enumerate(COLUMNS):
            sheet.set_column(index, index, column.width, self._text)
            sheet.write_string(0, index, column.name, self._head)
            sheet.write_comment(0, index, _says(column), {"author": "Kybern", "x_scale": 2})
            _choices(sheet, (1, index, _ROWS, index), column)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, _ROWS, len(COLUMNS) - 1)

    def guide(self) -> None:
        """Say how it is filled in, with a small example."""
        sheet = self._book.add_worksheet(GUIDE)
        sheet.set_column(0, 0, 26, self._bold)
        sheet.set_column(1, 1, 110, self._soft)
        wrap = self._book.add_format({"text_wrap": True, "valign": "top"})
        for row, line in enumerate(_GUIDE):
            sheet.merge_range(row, 0, row, 1, line, wrap)
            sheet.set_row(row, 32)
        start = len(_GUIDE) + 1
        sheet.write_row(start, 0, ("column", "what it is"), self._head)
        for row, column in enumerate(COLUMNS, start + 1):
            sheet.write_string(row, 0, column.name, self._bold)
            sheet.write_string(row, 1, _says(column), self._soft)
        self._example(sheet, start + len(COLUMNS) + 2)

    def _example(self, sheet: Any, row: int) -> None:
        sheet.write_row(row, 0, ("example", "id | parent | kind | title | statement | layer"), self._head)
        sheet.write_string(row + 1, 1, "1 | | chapter | Chat assistants | Chat assistants are used by rules that everybody knows. | L3")
        sheet.write_string(row + 2, 1, "1.1 | 1 | rule | Say that it is a machine | An assistant tells each customer that it is one. | L6")


def _says(column: Column) -> str:
    choices = f" One of: {', '.join(column.choices)}." if column.choices else ""
    return f"{column.says}{choices}{' Must be there.' if column.needed else ''}"


def _choices(sheet: Any, area: Sequence[int], column: Column) -> None:
    """Offer a list where a field has one, and otherwise keep texts within what is read."""
    if column.choices:
        listed = {"validate": "list", "source": list(column.choices), "error_title": column.name, "error_message": _says(column)}
        sheet.data_validation(*area, listed)
    elif column.name == "id":
        asked = {"validate": "length", "criteria": "<=", "value": 60, "error_message": "An id has at most 60 characters."}
        sheet.data_validation(*area, asked)
