"""Spreadsheets as frameworks: XLSX and CSV after the template, every problem named by sheet and cell."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from openpyxl import load_workbook

from kybern.base import InputError, Place, Problem
from kybern.base.suggest import Suggester
from kybern.catalog._models import Framework
from kybern.catalog.imports._columns import COLUMNS, FRAMEWORK, HEAD, REQUIREMENTS, Column
from kybern.catalog.imports._mapped import LONGEST, Mapped, Path, checked, clean

MAX_BYTES: Final = 16 * 2**20
_MOST_ROWS: Final = 10_000
_MOST_COLUMNS: Final = 60
_MOST_PARTS: Final = 500
_UNPACKED: Final = 64 * 2**20
_PROBLEMS: Final = 100

Grid = list[tuple[Any, ...]]


def read_xlsx(data: bytes, file: str) -> Framework:
    """Read a workbook with the sheets Framework and Requirements; `InputError` with every problem found."""
    _unzipped(data, file)
    grids = _grids(data, file)
    reader = _Reader(file)
    for name in (FRAMEWORK, REQUIREMENTS):
        if name not in grids:
            hint = f"It has {', '.join(grids) or 'none'}. `kybern catalog template` writes an empty one."
            reader.problem("no-sheet", f"There is no sheet {name}.", "", hint)
    reader.stop()
    return reader.framework(_Sheet(FRAMEWORK, 0, grids[FRAMEWORK]), _Sheet(REQUIREMENTS, 0, grids[REQUIREMENTS]))


def read_csv(data: bytes, file: str) -> Framework:
    """Read a CSV file: rows of field and value about the framework, an empty row, then the requirements under their headings."""
    if len(data) > MAX_BYTES:
        raise InputError.one("too-large", f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} are read.", Place(file))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "Save it as CSV UTF-8."
        raise InputError.one("encoding", f"The file is not UTF-8 (byte {error.start}).", Place(file), hint) from None
    rows = _csv_rows(text, file)
    cut = next((index for index, row in enumerate(rows) if not any(cell.strip() for cell in row)), len(rows))
    reader = _Reader(file)
    return reader.framework(_Sheet("", 0, list(rows[:cut])), _Sheet("", cut + 1, list(rows[cut + 1 :])))


def _csv_rows(text: str, file: str) -> list[tuple[str, ...]]:
    first = text.partition("\n")[0]
    rows: list[tuple[str, ...]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in first and "," not in first else ",", strict=True):
            rows.append(tuple(row))
            if len(rows) > _MOST_ROWS:
                raise InputError.one("too-large", f"The table has more than {_MOST_ROWS:,} rows.", Place(file))
    except csv.Error as error:
        raise InputError.one("not-csv", f"This is not CSV: {error}.", Place(file, len(rows) + 1, 1)) from None
    return rows


def _unzipped(data: bytes, file: str) -> None:
    """Look into the archive before anything else does: few parts, small when unpacked, no document types."""
    if len(data) > MAX_BYTES:
        raise InputError.one("too-large", f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} are read.", Place(file))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > _MOST_PARTS:
                raise InputError.one("too-large", f"The workbook has more than {_MOST_PARTS} parts.", Place(file))
            left = _UNPACKED
            for part in archive.infolist():
                with archive.open(part) as opened:
                    content = opened.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise InputError.one("too-large", f"The workbook unpacks to more than {_UNPACKED:,} bytes.", Place(file))
                if part.filename.endswith((".xml", ".rels")) and (b"<!DOCTYPE" in content or b"\0" in content):
                    raise InputError.one("not-xlsx", "A part of the workbook is not plain XML.", Place(file))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError, zlib.error) as error:
        hint = "Save it as .xlsx without a password."
        raise InputError.one("not-xlsx", f"This is not an XLSX workbook: {error}.", Place(file), hint) from None


def _grids(data: bytes, file: str) -> dict[str, Grid]:
    """Read the cells of the sheets that count; formulas give the value they were saved with."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            return {sheet.title: _cells(sheet, file) for sheet in book.worksheets if sheet.title in (FRAMEWORK, REQUIREMENTS)}
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever it meets in a broken workbook
        raise InputError.one("not-xlsx", f"This workbook cannot be read: {type(error).__name__}.", Place(file)) from None


def _cells(sheet: Any, file: str) -> Grid:
    sheet.reset_dimensions()
    found: Grid = []
    for row in sheet.iter_rows(max_row=_MOST_ROWS + 2, max_col=_MOST_COLUMNS, values_only=True):
        found.append(tuple(row))
        if len(found) > _MOST_ROWS + 1:
            raise InputError.one("too-large", f"The sheet has more than {_MOST_ROWS:,} rows.", Place(file, pointer=sheet.title))
    return found


def cell_name(row: int, column: int) -> str:
    """Name a cell as spreadsheets do, counted from 0: B7."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


@dataclass(frozen=True)
class _Sheet:
    """Rows of a sheet, of which the first is row `start` of the file."""

    name: str
    start: int
    rows: Sequence[tuple[Any, ...]]

    def at(self, row: int, column: int) -> str:
        name = cell_name(self.start + row, column)
        return f"{self.name}!{name}" if self.name else name


@dataclass
class _Reader:
    """Turns cells into fields, and keeps where each came from."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    where: dict[Path, str] = field(default_factory=dict)

    def problem(self, rule: str, message: str, at: str, hint: str = "") -> None:
        self.problems.append(Problem(rule, message, Place(self.file, pointer=at), hint))
        if len(self.problems) >= _PROBLEMS:
            self.stop()

    def stop(self) -> None:
        """Raise what was found so far."""
        if self.problems:
            raise InputError(self.problems)

    def framework(self, head: _Sheet, table: _Sheet) -> Framework:
        """Make the framework; problems of cells are told before those of the whole."""
        value = dict(self._head(head))
        entries = list(self._entries(table))
        self.stop()
        self.where.setdefault((), table.at(0, 0))
        return checked(Mapped(self.file, {**value, "requirements": entries}, self.where | {("requirements",): table.at(0, 0)}))

    def _head(self, sheet: _Sheet) -> Iterator[tuple[str, Any]]:
        """Read rows of a field's name and its value."""
        known = {column.name: column for column in HEAD}
        self.where |= {(name,): sheet.at(0, 0) for name in known}
        for row, cells in enumerate(sheet.rows):
            name = _name(cells[0]) if cells else ""
            if not name or (row == 0 and name == "field"):
                continue
            if name not in known:
                self.problem("unknown-field", f"A framework has no field {name[:60]}.", sheet.at(row, 0), Suggester().hint(name, known, ""))
                continue
            self.where[name,] = sheet.at(row, 1)
            value = self._value(known[name], cells[1] if len(cells) > 1 else None, sheet.at(row, 1))
            if value is not None:
                yield name, value

    def _entries(self, sheet: _Sheet) -> Iterator[dict[str, Any]]:
        columns = self._headings(sheet)
        count = 0
        for row, cells in enumerate(sheet.rows[1:], 1):
            if not any(_filled(cell) for cell in cells):
                continue
            at: Path = ("requirements", count)
            self.where[at] = sheet.at(row, 0)
            entry = {}
            for index, cell in enumerate(cells):
                column = columns.get(index)
                if column is None:
                    if _filled(cell):
                        self.problem("no-heading", "This cell stands under no heading.", sheet.at(row, index), "Name the column.")
                    continue
                self.where[(*at, column.name)] = sheet.at(row, index)
                value = self._value(column, cell, sheet.at(row, index))
                if value is not None:
                    entry[column.name] = value
            yield self._dated(entry, at)
            count += 1

    def _dated(self, entry: dict[str, Any], at: Path) -> dict[str, Any]:
        """Put the day from which an entry binds, and the provision that sets it, where the catalog has them."""
        since, basis = entry.pop("since", None), entry.pop("basis", None)
        if since or basis:
            row = {"since": since, "basis": basis}
            for name in row:
                self.where[(*at, "dates", 0, name)] = self.where.get((*at, name), self.where[at])
            entry["dates"] = [{name: value for name, value in row.items() if value is not None}]
        return entry

    def _headings(self, sheet: _Sheet) -> dict[int, Column]:
        known = {column.name: column for column in COLUMNS}
        found: dict[int, Column] = {}
        for index, cell in enumerate(sheet.rows[0] if sheet.rows else ()):
            name = _name(cell)
            if name in known and known[name] not in found.values():
                found[index] = known[name]
            elif name in known:
                self.problem("duplicate-heading", f"The heading {name} stands twice.", sheet.at(0, index), "Keep one.")
            elif name:
                hint = Suggester().hint(name, known, "")
                self.problem("unknown-field", f"A requirement has no field {name[:60]}.", sheet.at(0, index), hint)
        missing = [column.name for column in COLUMNS if column.needed and column not in found.values()]
        if missing:
            self.problem("no-heading", f"There is no heading {', '.join(missing)}.", sheet.at(0, 0), "The headings stand in the first row.")
        return found

    def _value(self, column: Column, cell: Any, at: str) -> Any:
        """Read a cell; None for an empty one and for one that cannot be used, which is told."""
        if not _filled(cell):
            return None
        if isinstance(cell, float) and column.sort == "id":
            hint = "A spreadsheet makes 4.1 of 4.10: format the column as text and write it again."
            self.problem("wrong-type", f"The {column.name} is a number, {cell}.", at, hint)
            return None
        text = _text(cell)
        if len(text) > LONGEST:
            self.problem("wrong-length", f"The cell has {len(text):,} characters; at most {LONGEST:,} are read.", at, "Shorten it.")
            return None
        if text in _ERRORS:
            self.problem("wrong-type", f"The cell holds the error {text}.", at, "Write the value itself.")
            return None
        return self._typed(column, text, at)

    def _typed(self, column: Column, text: str, at: str) -> Any:
        if column.sort == "list":
            return [part for part in map(str.strip, re.split(r"[;\n]", text)) if part]
        if column.sort == "truth":
            if text.casefold() in _TRUTHS:
                return _TRUTHS[text.casefold()]
            self.problem("unknown-value", f"{column.name} cannot be {text[:60]}.", at, "Write yes or no.")
            return None
        if column.sort == "choice":
            return next((one for one in column.choices if one.casefold() == text.casefold()), text)
        return text


_ERRORS: Final = frozenset(("#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"))
_TRUTHS: Final = {"yes": True, "true": True, "x": True, "1": True, "no": False, "false": False, "0": False}


def _name(cell: Any) -> str:
    return clean(str(cell)).casefold().replace(" ", "_").strip("*") if _filled(cell) else ""


def _filled(cell: Any) -> bool:
    return cell is not None and bool(str(cell).strip())


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return clean(str(cell))
