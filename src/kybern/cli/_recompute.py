"""`kybern verify-assessment`: recompute an assessment somebody hands over, and say whether it is what its inputs give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._shared import WorkspaceOption, assess_workspace, near, print_json, refuse

if TYPE_CHECKING:
    from kybern.cli._shared import Assessed

DIFFERS = 1

_LARGEST = 256 * 1024 * 1024
"""Bytes of an assessment that are read; more is refused before reading."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify-assessment")(verify_assessment)


def verify_assessment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `kybern assess --json` printed, here or on another machine.")],
    directory: WorkspaceOption = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Recompute an assessment from this workspace's records and evidence, at the moment it names, and compare to the byte.

    If it names the log, the records are those that were applied by then. Exits 0 if the two are identical, 1 if not, with what differs.
    """
    from kybern.assessment import differences, to_json  # noqa: PLC0415

    stated = _read(file)
    found = assess_workspace(directory, str(stated["as_of"]), from_disk="log" not in stated)
    _check_frameworks(file, stated, tuple(found.assessment.catalog.frameworks))
    recomputed = to_json(found.assessment, stated["frameworks"], _subject(stated, found), found.refused, found.log)
    try:
        differing = differences(stated, recomputed)
    except (ValueError, RecursionError) as error:
        refuse("bad-assessment", f"{file} cannot be compared: {error}.", _HINT)
    if as_json:
        print_json(
            {"identical": not differing, "as_of": recomputed["as_of"], "digests": recomputed["digests"], "differences": list(differing)}
        )
    elif differing:
        typer.echo(f"{file} is not what this workspace gives as of {recomputed['as_of']}:")
        for one in differing:
            typer.echo(f"  {one}")
    else:
        typer.echo(f"{file} is what this workspace gives as of {recomputed['as_of']}, to the byte.")
        for name, digest in recomputed["digests"].items():
            typer.echo(f"  {name:<8} {digest}")
    if differing:
        raise typer.Exit(DIFFERS)


_HINT = "Give what `kybern assess --json` printed."


def _read(file: Path) -> dict[str, Any]:
    """Read the stated assessment as far as the recomputation needs it; exits 2 for what is none."""
    from kybern.assessment import FORMAT  # noqa: PLC0415

    try:
        if file.stat().st_size > _LARGEST:
            refuse("too-large", f"{file} is larger than {_LARGEST // 2**20} MiB.", _HINT)
        value = json.loads(file.read_bytes())
    except OSError as error:
        refuse("unreadable", f"{file} cannot be read: {error.strerror}.", _HINT)
    except (ValueError, RecursionError):
        refuse("not-json", f"{file} is not JSON.", _HINT)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        refuse("bad-assessment", f"{file} is not an assessment in the format {FORMAT}.", _HINT)
    names = value.get("frameworks")
    if not isinstance(value.get("as_of"), str) or not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        refuse("bad-assessment", f"{file} does not say as_of and frameworks.", _HINT)
    return value


def _check_frameworks(file: Path, stated: dict[str, Any], known: tuple[str, ...]) -> None:
    for one in stated["frameworks"]:
        if one not in known:
            refuse("unknown-framework", f"{file} asks about {one}, which the catalog does not have.", near(one, known))


def _subject(stated: dict[str, Any], found: Assessed) -> str | None:
    subject = stated.get("subject")
    if subject is not None and subject not in found.assessment.subjects:
        refuse(
            "unknown-system", f"It asks about {str(subject)[:80]}, which is not in scope here.", "Is this the workspace it was made from?"
        )
    return None if subject is None else str(subject)
