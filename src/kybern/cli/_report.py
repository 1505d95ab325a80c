"""`kybern report`: documents from an assessment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kybern.cli._shared import AsOfOption, WorkspaceOption, assess_workspace, refuse


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    html: Annotated[Path, typer.Option("--html", metavar="PATH", help="Write the page to this file.")] = Path("kybern-report.html"),
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
) -> None:
    """Write what the evidence shows as one HTML page that needs no network and no other file."""
    found = assess_workspace(directory, as_of)
    from kybern import __version__  # noqa: PLC0415 - templates are slow to import
    from kybern.report import html_report  # noqa: PLC0415

    page = html_report(found.assessment, found.refused, __version__, found.frameworks)
    try:
        html.write_text(page, encoding="utf-8")
    except OSError as error:
        refuse("unwritable", f"{html} cannot be written: {error.strerror}.", "Name another place with --html.")
    typer.echo(str(html))
