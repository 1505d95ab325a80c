"""The commands on a workspace's files: `lint`, `fmt`, `schema`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._shared import (
    AsOfOption,
    WorkspaceOption,
    catalog_here,
    fail,
    open_root,
    open_workspace,
    parse_as_of,
    print_json,
    refuse,
    show,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.base import Problem
    from kybern.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(lint)
    app.command()(fmt)
    app.command()(schema)


def lint(
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the problems as JSON.")] = False,
    sarif: Annotated[Path | None, typer.Option("--sarif", metavar="FILE", help="Write them as SARIF 2.1.0 too.")] = None,
) -> None:
    """Check the records of a workspace: exit 0 without errors, 1 with errors, 2 if they cannot be read."""
    moment = parse_as_of(as_of)
    from kybern import workspace as room  # noqa: PLC0415 - the record models are slow to import

    found = open_workspace(directory)
    problems = room.lint(found, _catalog_ids(found), moment.date())
    if sarif is not None:
        write_json(sarif, room.sarif(problems, _version()))
    _tell(problems, found.root, as_json=as_json)
    levels = {problem.severity.value for problem in problems}
    if "error" in levels or (strict and "warning" in levels):
        raise typer.Exit(1)


def _catalog_ids(workspace: Workspace) -> Any:
    """Gather what records may name; the statement of applicability goes through the controls of the frameworks that were chosen."""
    from kybern.workspace import CatalogIds  # noqa: PLC0415

    catalog = catalog_here(workspace.root)
    asked = workspace.settings.frameworks
    chosen = [(ref, entry) for ref, entry in catalog.requirements.items() if ref.partition(":")[0] in asked]
    groups = frozenset(ref for ref, entry in catalog.requirements.items() if entry.normative and not catalog.is_leaf(ref))
    reference = frozenset(ref for ref, entry in chosen if entry.normative and entry.kind == "control")
    clauses = frozenset(ref for ref, entry in catalog.requirements.items() if entry.kind == "clause" and catalog.is_leaf(ref))
    return CatalogIds(frozenset(catalog.controls), frozenset(catalog.requirements), groups, reference, clauses)


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415

    return version("kybern")


def _tell(problems: Sequence[Problem], root: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"problems": [_as_json(problem) for problem in problems]})
        return
    show(problems, root)
    errors = sum(problem.severity.value == "error" for problem in problems)
    typer.echo(f"{_counted(errors, 'error')}, {_counted(len(problems) - errors, 'warning')}.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _as_json(problem: Problem) -> dict[str, Any]:
    place = problem.place
    at = {"file": place.file, "line": place.line, "column": place.column, "pointer": place.pointer}
    return {"rule": problem.rule, "severity": problem.severity.value, "message": problem.message, "hint": problem.hint, **at}


def fmt(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Record files; none means every one of the workspace.")
    ] = None,
    directory: WorkspaceOption = Path(),
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if a file would change.")] = False,
) -> None:
    """Bring record files into their canonical form, comments kept."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.workspace import format_files, list_records  # noqa: PLC0415

    root = Path() if files else open_root(directory)
    try:
        names = [str(path) for path in files] if files else list_records(root)
        changed = [(root / name, after) for name, before, after in format_files(root, names) if before != after]
    except InputError as error:
        fail(error, root)
    for path, after in changed:
        typer.echo(f"{'would change' if check else 'changed'}: {path}")
        if not check:
            _write(path, after)
    if check and changed:
        raise typer.Exit(1)


def _write(path: Path, data: bytes) -> None:
    """Put the new text in the file's place at once, so that a crash leaves the old or the new."""
    try:
        handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
        fresh = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            fresh.chmod(path.stat().st_mode & 0o777)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")


def schema(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="A record kind; none means a record file of any kinds.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file.")] = None,
) -> None:
    """Write the JSON Schema of record files, for editors: `# yaml-language-server: $schema=FILE`."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.workspace import json_schema, record_schema  # noqa: PLC0415

    try:
        found = record_schema(kind) if kind else json_schema()
    except InputError as error:
        fail(error)
    if out is None:
        print_json(found)
    else:
        write_json(out, found)
