"""Tables as CSV that spreadsheets read as it is meant: UTF-8 with its mark, and no cell that would be run."""

from __future__ import annotations

import csv
import io
from itertools import chain
from typing import TYPE_CHECKING, Final

from django.http import StreamingHttpResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from django.http import HttpResponse

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")
_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Excel reads UTF-8 only after this."""


def as_text(text: str) -> str:
    """Write a cell so that a spreadsheet takes it for text, never for a formula."""
    return f"'{text}" if text.startswith(_RUNS) else text


def csv_lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a head and rows, line by line."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    yield _MARK
    for row in chain([head], rows):
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def csv_answer(name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponse:
    """Answer with a file to be kept; cells are written as text."""
    lines = csv_lines(head, ([as_text(cell) for cell in row] for row in rows))
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer  # type: ignore[return-value]  # a response that streams is one to all who take it
