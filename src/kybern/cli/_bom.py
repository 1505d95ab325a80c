"""`kybern bom`: the bill of materials of an AI system, as CycloneDX or SPDX."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kybern.cli._shared import AsOfOption, WorkspaceOption, assess_workspace, near, now, print_json, refuse, write_json

if TYPE_CHECKING:
    from kybern.cli._shared import Assessed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bom)


def bom(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="The AI system, credit or ai_system:credit.")],
    format_: Annotated[
        Literal["cyclonedx", "spdx"], typer.Option("--format", help="CycloneDX 1.7 or SPDX 3.0.1, both JSON.")
    ] = "cyclonedx",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file. Default: standard output.")] = None,
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
) -> None:
    """Write the bill of materials of an AI system: models, data, suppliers, measurements, and the evidence behind each claim.

    Every value comes from records or verified evidence; what is unknown is left out. The same inputs give the same serial number.
    """
    from kybern import __version__  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.report.bom import Origin, cyclonedx, facts_of, spdx  # noqa: PLC0415

    found = assess_workspace(directory, as_of)
    ref = _system(found, system)
    facts = facts_of(found.assessment, ref, found.frameworks)
    origin = Origin(_serial(found, ref, format_), now(), __version__)
    value = cyclonedx(facts, origin) if format_ == "cyclonedx" else spdx(facts, origin)
    if out is None:
        print_json(value)
        return
    write_json(out, value)
    typer.echo(str(out))


def _system(found: Assessed, name: str) -> str:
    ref, known = name if ":" in name else f"ai_system:{name}", found.assessment.systems
    if ref not in known:
        meant = near(ref, known)
        hint = f"In scope: {', '.join(known[:6])}." if known else "The workspace has no AI system in scope."
        refuse("unknown-system", f"No AI system {ref} is in scope.", meant if meant.startswith("Did") else hint)
    return ref


def _serial(found: Assessed, ref: str, format_: str) -> str:
    """Name the document by what it follows from: the same system, inputs and moment are the same document."""
    inputs = {"system": ref, "format": format_, "as_of": found.assessment.as_of.isoformat(), **found.assessment.digests}
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:kybern:bom:{json.dumps(inputs, sort_keys=True)}").urn
