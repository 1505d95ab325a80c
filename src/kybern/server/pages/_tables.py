"""Tables, CSV or XLSX, as records of one kind: each row a record, each column a field, every problem at its cell."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from kybern.base import InputError, Place, Problem
from kybern.base.yaml import read_yaml
from kybern.server.forms import Field, Widget, check, draft_of, form_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kybern.records import Record

_MOST_ROWS: Final = 10_000
_MOST_COLUMNS: Final = 100
_LONGEST: Final = 30_000
_UNPACKED: Final = 64 << 20
_MOST_PROBLEMS: Final = 200
_STRUCTURED: Final = frozenset((Widget.PART, Widget.PARTS, Widget.FACTS))
_TRUTHS: Final = {"yes": "true", "true": "true", "x": "true", "1": "true", "no": "false", "false": "false", "0": "false"}
_NOT_IN_IDS: Final = re.compile(r"[^a-z0-9]+")
_TEXT_MARK: Final = re.compile(r"'(?=[=+\-@\t\r])")
"""What an export writes before a cell that a spreadsheet would run."""

Grid = list[list[str]]


@dataclass
class Rows:
    """Records made of a table, each with its place, and what is wrong with the rest."""

    records: list[tuple[Record, Place]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def is_table(name: str) -> bool:
    """Tell a table by its name."""
    return name.lower().endswith((".csv", ".xlsx"))


def read_table(name: str, data: bytes) -> Grid:
    """Read the rows of a table as texts, its headings first; `InputError` if it is none."""
    grid = _xlsx(name, data) if name.lower().endswith(".xlsx") else _csv(name, data)
    while grid and not any(grid[-1]):
        grid.pop()
    if len(grid) < 2:  # noqa: PLR2004 - headings and one row
        raise InputError.one("empty-file", "The table has no rows.", Place(name), "The first row names the columns.")
    return grid


def guess(grid: Grid, kind: str) -> dict[str, str]:
    """Say which field each column may be, by its heading."""
    known = {_name(text): one.name for one in form_of(kind).fields for text in (one.name, one.label)}
    taken: set[str] = set()
    found: dict[str, str] = {}
    for number, heading in enumerate(grid[0]):
        name = known.get(_name(heading))
        if name is not None and name not in taken:
            found[str(number)] = name
            taken.add(name)
    return found


def rows_of(file: str, grid: Grid, kind: str, mapping: Mapping[str, str]) -> Rows:
    """Make records of the rows; a row that makes none is told of at its cell. Without a column of ids they are made of the titles."""
    form = form_of(kind)
    table = _Table(file, kind, {int(number): one for number, name in mapping.items() if (one := form.field(name)) is not None})
    for index, row in enumerate(grid[1:], 2):
        if any(row) and len(table.found.problems) < _MOST_PROBLEMS:
            table.take(index, row)
    return table.found


@dataclass
class _Table:
    """A table that is read row by row."""

    file: str
    kind: str
    columns: Mapping[int, Field]
    found: Rows = field(default_factory=Rows)

    def take(self, index: int, row: Sequence[str]) -> None:
        """Make a record of a row, or tell what is wrong with it."""
        posted: dict[str, Sequence[str]] = {}
        parts: dict[str, Any] = {}
        problems: list[Problem] = []
        for number, one in self.columns.items():
            text = _TEXT_MARK.sub("", row[number] if number < len(row) else "", count=1).strip()
            if text == "[]" and one.none_is_said:
                parts[one.name] = []
            elif text and one.widget in _STRUCTURED:
                try:
                    parts[one.name] = read_yaml(text.encode(), self.file)[0].value
                except InputError as error:
                    problems.append(Problem("not-json", error.problems[0].message, self._cell(index, number), "Write it as JSON."))
            elif text:
                posted |= _posted(one, text)
        if "title" in posted and all(one.name != "id" for one in self.columns.values()):
            posted["id"] = [_id_of(posted["title"][0]) or f"row-{index}"]
        draft = draft_of(form_of(self.kind), posted)
        record, wrong = check(self.kind, {**draft.content, **parts})
        for name, told in {**wrong, **draft.problems}.items():
            place = self._cell(index, self._column(name))
            problems += [Problem(one.rule, one.message, place, one.hint) for one in told]
        if record is not None and not problems:
            self.found.records.append((record, self._cell(index, 0)))
        self.found.problems += problems

    def _column(self, name: str) -> int:
        """Find the column of a field by its name in the form; the first where it has none."""
        return next((number for number, one in self.columns.items() if one.name == name.partition(".")[0]), 0)

    def _cell(self, row: int, column: int) -> Place:
        return Place(self.file, row, column + 1)


def _id_of(title: str) -> str:
    return _NOT_IN_IDS.sub("-", title.lower()).strip("-")[:80].strip("-")


def _posted(one: Field, text: str) -> dict[str, Sequence[str]]:
    if one.widget in {Widget.LIST, Widget.CHOICES}:
        items = [part for part in map(str.strip, re.split(r"[;\n]", text)) if part]
        if one.widget is Widget.CHOICES:
            return {one.name: [_choice(one, item) for item in items]}
        return {f"{one.name}.{number}": [item] for number, item in enumerate(items)}
    if one.widget is Widget.TRUTH:
        return {one.name: [_TRUTHS.get(text.lower(), text)]}
    return {one.name: [_choice(one, text) if one.widget is Widget.CHOICE else text]}


def _choice(one: Field, text: str) -> str:
    """Take a choice as it is written in records, or as people read it."""
    return next((choice.value for choice in one.choices if text.casefold() in {choice.value.casefold(), choice.label.casefold()}), text)


def _name(text: str) -> str:
    return re.sub(r"[\s_*-]+", " ", text).strip().casefold()


def _csv(name: str, data: bytes) -> Grid:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.one("encoding", f"The file is not UTF-8 (byte {error.start}).", Place(name), "Save it as CSV UTF-8.") from None
    first = text.partition("\n")[0]
    between = max(",;\t", key=first.count)
    grid: Grid = []
    try:
        for row in csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=between, strict=True):
            grid.append(row)
            _bounded(grid, name)
    except csv.Error as error:
        raise InputError.one("not-csv", f"This is not CSV: {error}.", Place(name, len(grid) + 1, 1)) from None
    return grid


def _bounded(grid: Grid, name: str) -> None:
    if len(grid) > _MOST_ROWS + 1:
        raise InputError.one("too-large", f"The table has more than {_MOST_ROWS:,} rows.", Place(name), "Split it.")
    if len(grid[-1]) > _MOST_COLUMNS:
        raise InputError.one("too-large", f"The table has more than {_MOST_COLUMNS} columns.", Place(name, len(grid), 1))
    if any(len(cell) > _LONGEST for cell in grid[-1]):
        raise InputError.one("wrong-length", f"A cell has more than {_LONGEST:,} characters.", Place(name, len(grid), 1))


def _xlsx(name: str, data: bytes) -> Grid:
    """Read the first sheet of a workbook; formulas give the value they were saved with."""
    from openpyxl import load_workbook

    _looked_into(name, data)
    grid: Grid = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False).worksheets[0]
            sheet.reset_dimensions()
            for row in sheet.iter_rows(max_row=_MOST_ROWS + 2, max_col=_MOST_COLUMNS, values_only=True):
                grid.append([_text(cell) for cell in row])
                _bounded(grid, name)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the library raises whatever it meets in a broken workbook
        raise InputError.one("not-xlsx", f"This workbook cannot be read: {type(error).__name__}.", Place(name)) from None
    return grid


def _looked_into(name: str, data: bytes) -> None:
    """Look into the archive before anything else does: few parts, small when unpacked, no document types."""
    left = _UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for number, part in enumerate(archive.infolist()):
                with archive.open(part) as opened:
                    content = opened.read(left + 1)
                left -= len(content)
                if left < 0 or number > 500:  # noqa: PLR2004 - parts that a workbook of one table may have
                    raise InputError.one("too-large", "The workbook unpacks to too much.", Place(name), "Save the table alone.")
                if part.filename.endswith((".xml", ".rels")) and (b"<!DOCTYPE" in content or b"\0" in content):
                    raise InputError.one("not-xlsx", "A part of the workbook is not plain XML.", Place(name))
    except InputError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError, zlib.error) as error:
        message = f"This is not an XLSX workbook: {type(error).__name__}."
        raise InputError.one("not-xlsx", message, Place(name), "Save it as .xlsx without a password.") from None


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == cell.min.time() else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "".join(one for one in str(cell) if one.isprintable() or one == "\n")
