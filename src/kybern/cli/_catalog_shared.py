"""What the commands of `kybern catalog` share: loading the catalog, laying out tables, printing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import catalog_here, fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from kybern.catalog import Catalog

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def load(folder: Path | None = None, directory: Path = Path(), *, alone: bool = False) -> Catalog:
    """Load the catalog with what is the user's own; tells every problem and exits 2 where that fails."""
    from kybern.base import InputError  # noqa: PLC0415 - pydantic and the record models are slow to import
    from kybern.catalog import load_catalog  # noqa: PLC0415
    from kybern.records import Record  # noqa: PLC0415

    if folder is None:
        return catalog_here(directory, Record.registry)
    own = [] if alone else [folder]
    try:
        return load_catalog(folder if alone else None, also=own, record_kinds=Record.registry)
    except InputError as error:
        fail(error)


def lay_out(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> RenderableType:
    """Lay rows out; the first column, a name to copy, is never broken."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def print_parts(*parts: RenderableType) -> None:
    """Print the parts of a page."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False, markup=False, emoji=False)
    for part in parts:
        console.print(part)
