"""Spreadsheets become frameworks; every problem is named by sheet and cell, and no workbook does harm."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kybern.base import InputError
from kybern.catalog import CatalogFolder, Confidence, Framework, Layer, load_catalog
from kybern.catalog.imports import csv_template, read_csv, read_xlsx, to_yaml, xlsx_template
from kybern.catalog.imports._columns import COLUMNS, HEAD
from kybern.catalog.imports._mapped import clean
from kybern.catalog.imports._sheet import cell_name

on_books = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def problems(data: bytes, read: Callable[[bytes, str], Framework] = read_xlsx) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        read(data, "my.xlsx")
    return [(one.rule, one.place.pointer) for one in caught.value.problems]


def test_a_workbook_becomes_a_framework(workbook: Callable) -> None:
    found = read_xlsx(workbook(), "my.xlsx")
    assert (found.id, found.title, found.edition, found.status_date) == ("HOUSE", "House rules", "1", date(2026, 11, 23))
    assert [(one.id, one.parent, one.normative) for one in found.requirements] == [
        ("1", None, True),
        ("1.1", "1", True),
        ("1.10", "1", False),
    ]
    said = found.requirements[1]
    assert (said.layer, said.bound, said.confidence) == (Layer.L6, ("provider", "deployer"), Confidence.HIGH)
    assert [(row.since, row.basis) for row in said.dates] == [(date(2027, 1, 1), "Rule 9")]


def test_what_is_written_is_what_was_read(workbook: Callable) -> None:
    found = read_xlsx(workbook(), "my.xlsx")
    loaded = load_catalog(CatalogFolder("c", {"frameworks/house.yaml": to_yaml(found, ["From my.xlsx."]).encode()}))
    assert loaded.frameworks["HOUSE"] == found


def change(rows: list[list[Any]], row: int, column: int, value: Any) -> list[list[Any]]:
    return [[value if (row, column) == (r, c) else cell for c, cell in enumerate(cells)] for r, cells in enumerate(rows)]


@pytest.mark.parametrize(
    ("row", "column", "value", "rule", "cell"),
    [
        (1, 0, 4.1, "wrong-type", "Requirements!A3"),
        (1, 1, "7", "unknown-parent", "Requirements!B3"),
        (1, 0, "1", "duplicate-requirement", "Requirements!A3"),
        (0, 1, "1.1", "parent-cycle", "Requirements!B2"),
        (1, 3, None, "missing-field", "Requirements!D3"),
        (2, 4, " ", "missing-field", "Requirements!E4"),
        (1, 5, "perhaps", "unknown-value", "Requirements!F3"),
        (1, 6, "L9", "unknown-value", "Requirements!G3"),
        (1, 2, "A Rule", "wrong-form", "Requirements!C3"),
        (1, 8, "soon", "wrong-type", "Requirements!I3"),
        (1, 9, None, "missing-field", "Requirements!J3"),
        (1, 4, "x" * 20_001, "wrong-length", "Requirements!E3"),
        (1, 3, "#REF!", "wrong-type", "Requirements!D3"),
        (1, 7, "a b", "wrong-form", "Requirements!H3"),
    ],
)
def test_a_problem_is_named_by_its_cell(  # noqa: PLR0913, PLR0917 - one column a parameter
    workbook: Callable, rows: list, row: int, column: int, value: Any, rule: str, cell: str
) -> None:
    found = problems(workbook(rows=change(rows, row, column, value)))
    assert (rule, cell) in found


@pytest.mark.parametrize(
    ("change_", "expected"),
    [
        (
            {"columns": ["id", "parent", "kind", "titel", "statement"]},
            {("unknown-field", "Requirements!D1"), ("no-heading", "Requirements!A1")},
        ),
        ({"columns": ["id", "id", "kind", "title", "statement"]}, {("duplicate-heading", "Requirements!B1")}),
        ({"columns": ["id", None, "kind", "title", "statement"]}, {("no-heading", "Requirements!B3"), ("no-heading", "Requirements!B4")}),
        ({"rows": []}, {("wrong-length", "Requirements!A1")}),
        ({"head": {"id": "HOUSE"}}, {("missing-field", "Framework!A1")}),
        ({"head": {"identity": "HOUSE"}}, {("unknown-field", "Framework!A2")}),
    ],
)
def test_a_problem_of_the_sheet_is_named(workbook: Callable, change_: dict, expected: set) -> None:
    if "columns" in change_:
        change_["rows"] = [["1", None, "rule", "T", "S"], ["1.1", "1", "rule", "T", "S"], ["1.2", "1", "rule", "T", "S"]]
    assert expected <= set(problems(workbook(**change_)))


def test_ids_of_whole_numbers_and_dates_as_cells_are_taken(workbook: Callable) -> None:
    rows = [[1, None, "rule", "T", "S.", True, None, None, datetime(2027, 1, 1), "B", None]]  # noqa: DTZ001 - as a spreadsheet has it
    found = read_xlsx(workbook(rows=rows), "my.xlsx").requirements[0]
    assert (found.id, found.normative, found.dates[0].since) == ("1", True, date(2027, 1, 1))


def test_a_workbook_without_the_sheets_is_told_so() -> None:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    assert problems(out.getvalue()) == [("no-sheet", ""), ("no-sheet", "")]


# --- the template ----------------------------------------------------------------------------------------------------------------


def test_the_template_has_every_field_a_guide_and_lists_to_choose_from() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_template()))
    assert book.sheetnames == ["Framework", "Requirements", "Guide"]
    assert [row[0].value for row in book["Framework"].iter_rows(min_row=2)] == [column.name for column in HEAD]
    assert [cell.value for cell in book["Requirements"][1]] == [column.name for column in COLUMNS]
    assert all(cell.comment for cell in book["Requirements"][1])
    lists = {str(one.sqref) for one in book["Requirements"].data_validations.dataValidation if one.type == "list"}
    assert len(lists) == sum(bool(column.choices) for column in COLUMNS)
    assert xlsx_template() == xlsx_template()


def test_the_template_filled_in_imports(workbook: Callable) -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_template()))
    wanted = read_xlsx(workbook(), "my.xlsx")
    fill(book, wanted)
    out = io.BytesIO()
    book.save(out)
    assert read_xlsx(out.getvalue(), "my.xlsx").requirements[0].title == "Chats"


def fill(book: Any, wanted: Framework) -> None:
    value = wanted.model_dump(mode="json")
    for row, column in enumerate(HEAD, 2):
        book["Framework"].cell(row, 2, "; ".join(value[column.name]) if column.sort == "list" else value[column.name])
    for index, name in enumerate(("id", "parent", "kind", "title", "statement"), 1):
        book["Requirements"].cell(2, index, value["requirements"][0][name])


def test_the_untouched_template_says_what_is_missing() -> None:
    found = problems(xlsx_template())
    assert ("missing-field", "Framework!B2") in found
    assert ("wrong-length", "Requirements!A1") in found


def test_csv_goes_the_same_way() -> None:
    rows = list(csv.reader(io.StringIO(csv_template(), newline="")))
    for row, value in zip(rows, ["HOUSE", "T", "1", "P", "S", "2026-11-23", "R", "law", "eu; us-ca"], strict=False):
        row[1] = value
    rows.append(["4.10", "", "rule", "T", "S."])
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    found = read_csv(b"\xef\xbb\xbf" + out.getvalue().encode(), "my.csv")
    assert (found.requirements[0].id, found.jurisdictions) == ("4.10", ("eu", "us-ca"))
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([[cell.replace(";", ",") for cell in row] for row in rows[:8]] + rows[9:])
    assert read_csv(out.getvalue().encode(), "my.csv").requirements == found.requirements


@pytest.mark.parametrize(
    ("data", "rule", "place"),
    [(b"\xff", "encoding", ""), (b'a,"b', "not-csv", ""), (b"id,HOUSE\r\n\r\nid,kind\r\n", "no-heading", "A3"), (b"", "no-heading", "A2")],
)
def test_a_csv_file_that_cannot_be_used_is_told(data: bytes, rule: str, place: str) -> None:
    assert (rule, place) in problems(data, read_csv)


# --- hostile ---------------------------------------------------------------------------------------------------------------------


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("way", ["bomb", "many", "entities", "wide", "nothing", "cut", "text", "part gone"])
def test_a_workbook_that_would_do_harm_is_refused(workbook: Callable, way: str) -> None:
    good = parts(workbook())
    sheet = "xl/worksheets/sheet2.xml"
    data = {
        "bomb": lambda: packed({**good, "xl/media/a": b"\0" * (65 * 2**20)}),
        "many": lambda: packed({f"{number}": b"" for number in range(501)}),
        "entities": lambda: packed({**good, sheet: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + good[sheet]}),
        "wide": lambda: packed({**good, sheet: good[sheet].decode("utf-8").encode("utf-16")}),
        "nothing": lambda: b"",
        "cut": lambda: workbook()[:-200],
        "text": lambda: b"id,title",
        "part gone": lambda: packed({name: data for name, data in good.items() if name != sheet}),
    }[way]()
    assert problems(data)[0][0] in {"too-large", "not-xlsx", "no-sheet"}


def test_a_sheet_of_too_many_rows_is_refused(workbook: Callable) -> None:
    assert problems(workbook(rows=[["1"]] * 10_002)) == [("too-large", "Requirements")]


@on_books
@given(data=st.data())
def test_a_broken_workbook_is_an_input_error_or_a_framework(workbook: Callable, data: st.DataObject) -> None:
    good = parts(workbook())
    name = data.draw(st.sampled_from(sorted(good)))
    at = data.draw(st.integers(0, len(good[name]) - 1))
    broken = good[name][:at] + bytes([data.draw(st.integers(0, 255))]) + good[name][at + 1 :]
    with suppress(InputError):
        assert read_xlsx(packed({**good, name: broken}), "my.xlsx").requirements


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=9)
CELLS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), TEXTS)


@on_books
@given(rows=st.lists(st.lists(CELLS, min_size=5, max_size=11), min_size=1, max_size=4))
def test_whatever_cells_hold_is_told_or_read(workbook: Callable, rows: list[list[Any]]) -> None:
    try:
        found = read_xlsx(workbook(rows=[row for row in rows if not any(str(cell).startswith("=") for cell in row)]), "my.xlsx")
    except InputError:
        return
    assert load_catalog(CatalogFolder("c", {"frameworks/a.yaml": to_yaml(found).encode()})).frameworks["HOUSE"] == found


@given(st.text())
def test_cleaning_settles_and_keeps_what_can_be_read(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert all(char.isprintable() or char == "\n" for char in once)


@given(st.integers(0, 5000), st.integers(0, 2000))
def test_cells_are_named_as_spreadsheets_do(row: int, column: int) -> None:
    assert cell_name(row, column) == f"{openpyxl.utils.get_column_letter(column + 1)}{row + 1}"
