"""`kybern catalog template` and `import`: frameworks of the user's own out of spreadsheets and OSCAL catalogs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import fail, now, refuse

if TYPE_CHECKING:
    from kybern.catalog import Framework


def register(group: typer.Typer) -> None:
    """Add the commands to the group `kybern catalog`."""
    group.command()(template)
    group.command("import")(import_framework)


def template(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write to this file, .xlsx or .csv.")] = Path("framework.xlsx"),
) -> None:
    """Write an empty spreadsheet for a framework of your own, to be filled in and imported."""
    from kybern.catalog.imports import csv_template, xlsx_template  # noqa: PLC0415 - openpyxl and xlsxwriter are slow to import

    if out.suffix not in {".xlsx", ".csv"}:
        refuse("unknown-form", f"{out} is neither .xlsx nor .csv.", "Name the file with one of the two.")
    _write(out, xlsx_template() if out.suffix == ".xlsx" else csv_template().encode())


def import_framework(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A spreadsheet (.xlsx, .csv) or an OSCAL catalog (.json).")],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="A catalog folder, or a .yaml file.")] = Path("catalogs/own"),
    identity: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="What an OSCAL catalog is called in Kybern: NIST_800_53.")
    ] = None,
    status_date: Annotated[
        str | None, typer.Option("--status-date", metavar="DATE", help="The day an OSCAL catalog was taken. Default: today.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Make a framework's YAML of a spreadsheet or an OSCAL catalog. Exit 2 with every problem and its cell or JSON pointer."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.catalog.imports import to_yaml  # noqa: PLC0415

    try:
        framework = _imported(file, _bytes(file), identity, status_date)
        text = to_yaml(framework, (f"Imported from {ascii(file.name)[1:-1]} by `kybern catalog import`.",))
        _try(framework.id, text)
    except InputError as error:
        fail(error)
    place = out if out.suffix in {".yaml", ".yml"} else out / "frameworks" / f"{framework.id.lower()}.yaml"
    if place.exists() and not force:
        refuse("exists", f"{place} is there already.", "Take another place with --out, or write over it with --force.")
    _write(place, text.encode())
    typer.echo(f"{framework.id} has {len(framework.requirements)} entries. Name its folder in kybern.yaml, under catalogs, to use it.")


def _imported(file: Path, data: bytes, identity: str | None, status_date: str | None) -> Framework:
    """Read by what the file is called; `InputError` for what cannot be read."""
    from datetime import date  # noqa: PLC0415

    from kybern.catalog import imports  # noqa: PLC0415

    suffix = file.suffix.casefold()
    if suffix in {".xlsx", ".csv"}:
        if identity is not None or status_date is not None:
            refuse("no-such-option", "--id and --status-date are for OSCAL: a spreadsheet says both itself.", "Leave them out.")
        return imports.read_xlsx(data, str(file)) if suffix == ".xlsx" else imports.read_csv(data, str(file))
    if suffix != ".json":
        refuse("unknown-form", f"{file} is neither .xlsx, .csv nor .json.", "Save an older workbook as .xlsx.")
    if identity is None or not re.fullmatch(r"[A-Z0-9_]{1,60}", identity):
        refuse("missing-id", "An OSCAL catalog needs a name of capital letters, digits and underscores.", "Give it: --id NIST_800_53")
    try:
        day = now().date() if status_date is None else date.fromisoformat(status_date)
    except ValueError:
        refuse("status-date", f"--status-date does not read {status_date!r}.", "Write a day, 2026-11-20.")
    return imports.read_oscal(data, str(file), identity=identity, status_date=day)


_LARGEST = 64 * 2**20


def _bytes(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            refuse("too-large", f"{file} is larger than {_LARGEST // 2**20} MiB.", "Import a part of it.")
        return file.read_bytes()
    except OSError as error:
        refuse("unreadable", f"{file} cannot be read: {error.strerror}.", "Give a spreadsheet or an OSCAL catalog.")


def _try(identity: str, text: str) -> None:
    """Load the YAML beside the shipped catalog before anything is written; `InputError` where the two do not go together."""
    from kybern.catalog import CatalogFolder, load_catalog  # noqa: PLC0415

    load_catalog(also=[CatalogFolder("import", {f"frameworks/{identity.lower()}.yaml": text.encode()})])


def _write(place: Path, data: bytes) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    except OSError as error:
        refuse("unwritable", f"{place} cannot be written: {error.strerror}.", "Name another place with --out.")
    typer.echo(str(place))
