"""What every command group shares: finding the workspace, telling problems, the clock, JSON on standard output.

Heavy rooms are imported inside the functions, so that `kybern --help` stays quick.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from kybern.assessment import Assessment
    from kybern.base import InputError, Problem
    from kybern.catalog import Catalog, CatalogFolder
    from kybern.cli._applied import Chosen
    from kybern.evidence import Refusal
    from kybern.workspace import Workspace

WorkspaceOption = Annotated[Path, typer.Option("-C", "--directory", metavar="DIR", help="Work in this folder, or the workspace above it.")]
"""The option that every command on a workspace has; give it the default `Path()`."""

AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Answer as of the end of this day (UTC), or this moment (RFC 3339). Default: now."),
]
"""The option that every answer in time has; read it with `parse_as_of`."""

UNREADABLE = 2
"""Exit code for input that cannot be used."""


def now() -> datetime:
    """Read the clock; no other function of Kybern does."""
    return datetime.now(UTC)


def parse_as_of(text: str | None) -> datetime:
    """Read `--as-of`: a day means its end in UTC, a moment needs its zone, nothing means now. Exits 2 for anything else."""
    moment = now() if text is None else read_moment(text, time.max)
    if moment is None:
        hint = "Write a day, 2026-11-20, or a moment with its zone, 2026-11-20T09:30:00Z."
        refuse("as-of", f"--as-of does not read {text!r}.", hint)
    return moment


def read_moment(text: str, in_day: time) -> datetime | None:
    """Read a moment with its zone, or a day, of which `in_day` is meant in UTC; None for anything else."""
    try:
        if len(text) == len("2026-11-20"):
            return datetime.combine(date.fromisoformat(text), in_day, UTC)
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def open_workspace(directory: Path) -> Workspace:
    """Find and load the workspace that a folder lies in; tells every problem and exits 2 where that fails."""
    from kybern.base import InputError  # noqa: PLC0415 - see the module's docstring
    from kybern.workspace import load_workspace  # noqa: PLC0415

    root = open_root(directory)
    try:
        return load_workspace(root)
    except InputError as error:
        fail(error, root)


def open_root(directory: Path) -> Path:
    """Find the root of the workspace that a folder lies in; exits 2 where there is none."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.workspace import find_root  # noqa: PLC0415

    try:
        return find_root(directory)
    except InputError as error:
        fail(error)


def fail(error: InputError, root: Path | None = None) -> NoReturn:
    """Tell the problems on standard error, with the source line where the files lie under `root`, and exit 2."""
    show(error.problems, root or Path(), err=True)
    raise typer.Exit(UNREADABLE)


def refuse(rule: str, message: str, hint: str = "") -> NoReturn:
    """Tell one problem with how the command was called, and exit 2."""
    fail(_input_error(rule, message, hint))


def show(problems: Iterable[Problem], root: Path, *, err: bool = False) -> None:
    """Write problems with their source lines, on standard output or standard error."""
    from kybern.workspace import SourceLines, render  # noqa: PLC0415

    typer.echo(render(problems, SourceLines(root)), nl=False, err=err)


def print_json(value: Any) -> None:
    """Write a value as JSON on standard output, in UTF-8 whatever the terminal."""
    typer.echo((json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode(), nl=False)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON into a file; exits 2 where that cannot be done."""
    try:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.")


def write_whole(path: Path, data: bytes | str, hint: str = "") -> None:
    """Write a file whole or not at all; exits 2 where that cannot be done."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        fresh.write_bytes(data.encode() if isinstance(data, str) else data)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        refuse("unwritable", f"{path} cannot be written: {error.strerror}.", hint)


def _input_error(rule: str, message: str, hint: str) -> InputError:
    from kybern.base import InputError, Place  # noqa: PLC0415

    return InputError.one(rule, message, Place("kybern"), hint)


@dataclass(frozen=True)
class Assessed:
    """A workspace with its assessment, the evidence that was refused, and the frameworks the workspace asks about."""

    workspace: Workspace
    assessment: Assessment
    refused: tuple[Refusal, ...]
    frameworks: tuple[str, ...]
    log: dict[str, Any] | None = None
    """The log's size and root, and the change set, where the records are those that were applied."""
    past: bool = False
    """Whether the records are those applied by an earlier moment, and not those on disk."""
    catalogs: tuple[CatalogFolder, ...] = ()
    """The workspace's own catalogs, as they were read for the assessment."""


def assess_workspace(directory: Path, as_of: str | None, *, from_disk: bool = False) -> Assessed:
    """Load the workspace that a folder lies in, verify its evidence and assess it; tells every problem and exits 2 where that fails.

    For a moment in the past the records are those applied by then, if the log has any; `from_disk` takes those on disk all the same.
    """
    from kybern.assessment import assess  # noqa: PLC0415
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.evidence import FOLDER, read_evidence, read_keyring  # noqa: PLC0415
    from kybern.workspace import read_catalogs  # noqa: PLC0415

    moment, workspace = parse_as_of(as_of), open_workspace(directory)
    try:
        read = read_evidence(workspace.root / FOLDER, read_keyring(workspace.root), workspace.root)
        own = read_catalogs(workspace.root)
        catalog = whole_catalog(own)
        _check_frameworks(workspace, tuple(catalog.frameworks))
        chosen = _choose(workspace, moment, asked=as_of is not None, from_disk=from_disk)
        assessment = assess(catalog, chosen.records, read.accepted, moment)
    except InputError as error:
        fail(error, workspace.root)
    frameworks = tuple(workspace.settings.frameworks)
    return Assessed(replace(workspace, records=chosen.records), assessment, read.refused, frameworks, chosen.log, chosen.past, own)


def _choose(workspace: Workspace, moment: datetime, *, asked: bool, from_disk: bool) -> Chosen:
    """Choose the records, and say on standard error which they are; exits 2 where the log cannot be read."""
    from kybern.cli._applied import Chosen, choose  # noqa: PLC0415
    from kybern.evidence import Refused  # noqa: PLC0415

    if from_disk:
        return Chosen(workspace.records)
    try:
        chosen = choose(workspace, moment, now(), asked=asked)
    except Refused as refused:
        refuse(refused.rule, f"{refused.message[:1].upper()}{refused.message[1:]}.")
    except OSError as error:
        refuse("unreadable", f"{error.filename or 'The log'} cannot be read: {error.strerror}.")
    for note in chosen.notes:
        typer.echo(note, err=True)
    return chosen


def cache_folder() -> Path | None:
    """Say where compiled catalogs lie: `KYBERN_CACHE`, or the user's folder for such things; None where `KYBERN_CACHE` is empty or off."""
    named = os.environ.get("KYBERN_CACHE")
    if named is not None:
        return None if named in {"", "off"} else Path(named).absolute() / "catalog"
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "kybern" / "catalog"
    except RuntimeError:  # nobody's home
        return None


def whole_catalog(own: Sequence[CatalogFolder] = (), record_kinds: Collection[str] | None = None) -> Catalog:
    """Load the shipped catalog with the workspace's own, quickly where it was loaded before; `InputError` with every problem."""
    from kybern.catalog import load_catalog  # noqa: PLC0415

    return load_catalog(also=own, record_kinds=record_kinds, cache=cache_folder())


def catalog_here(directory: Path, record_kinds: Collection[str] | None = None) -> Catalog:
    """Load the catalog as the workspace that a folder lies in has it, or as it is shipped where there is none; exits 2 where that fails."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.workspace import find_root, read_catalogs  # noqa: PLC0415

    try:
        root = find_root(directory)
    except InputError as error:
        if directory != Path():
            fail(error)
        root = None
    try:
        return whole_catalog(read_catalogs(root) if root else (), record_kinds)
    except InputError as error:
        fail(error, root)


def _check_frameworks(workspace: Workspace, known: tuple[str, ...]) -> None:
    """Raise `InputError` where `kybern.yaml` names a framework that the catalog does not have."""
    from kybern.base import InputError, Problem  # noqa: PLC0415

    problems = [
        Problem(
            "unknown-framework", f"The catalog has no framework {name}.", workspace.places.setting(("frameworks", index)), near(name, known)
        )
        for index, name in enumerate(workspace.settings.frameworks)
        if name not in known
    ]
    if problems:
        raise InputError(problems)


def near(name: str, known: tuple[str, ...]) -> str:
    """Name what is spelt alike, or where to look."""
    import difflib  # noqa: PLC0415

    found = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(found)}?" if found else "`kybern catalog list` shows what there is."
