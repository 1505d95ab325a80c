"""`kybern policy export`: the rules in Cedar or Rego, and what those languages cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._policy import FALLS_SHORT, AsJson, app, policy_of
from kybern.cli._shared import WorkspaceOption, open_root, print_json, refuse

if TYPE_CHECKING:
    from kybern.policy.export import Export


@app.command()
def export(
    to: Annotated[str, typer.Option("--to", metavar="LANGUAGE", help="cedar or rego.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the files here. Without: the rules to standard output.")
    ] = None,
    directory: WorkspaceOption = Path(),
    as_json: AsJson = False,
) -> None:
    """Write the rules in Cedar or Rego. What a language cannot say is left out by name, with the reason.

    Exit 1 if a rule is left out; exit 2 if the order of effects cannot be said at all.
    """
    from kybern.policy.export import NotExpressible, to_cedar, to_rego  # noqa: PLC0415

    ways = {"cedar": to_cedar, "rego": to_rego}
    if to not in ways:
        refuse("unknown-language", f"Rules are not exported to {to}.", "There are cedar and rego.")
    try:
        found = ways[to](policy_of(open_root(directory)).bundle)
    except NotExpressible as why:
        refuse("not-expressible", f"The rules cannot be exported to {to}: {why}.")
    if out is not None:
        _write(out, found)
    if as_json:
        print_json(_as_json(found, written=out is not None))
    elif out is None:
        rules, *others = found.files
        typer.echo(found.files[rules].encode(), nl=False)
        for name in others:
            typer.echo(f"{name} goes with it: it is written with --out.", err=True)
    _tell(found)
    if not found.complete:
        raise typer.Exit(FALLS_SHORT)


def _write(out: Path, found: Export) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in found.files.items():
            (out / name).write_text(text, encoding="utf-8")
            typer.echo(str(out / name), err=True)
    except OSError as error:
        refuse("unwritable", f"{error.filename} cannot be written: {error.strerror}.")


def _as_json(found: Export, *, written: bool) -> dict[str, object]:
    return {
        "language": found.language,
        "complete": found.complete,
        "rules": [rule.id for rule in found.rules],
        "left_out": [{"rule": one.rule.id, "effect": one.rule.effect.value, "why": one.why} for one in found.left_out],
        "may_let_through": [rule.id for rule in found.lets_through],
        "may_hold_up": [rule.id for rule in found.holds_up],
        "files": sorted(found.files) if written else dict(found.files),
    }


def _tell(found: Export) -> None:
    """Say on standard error what is missing, and in which direction that errs."""
    for one in found.left_out:
        typer.echo(f"left out: {one.rule.id} ({one.rule.effect.value}): {one.why}", err=True)
    through, up = len(found.lets_through), len(found.holds_up)
    if through:
        typer.echo(f"PARTIAL: without {through} rules it may let go on what Kybern holds up or changes. Decide those elsewhere.", err=True)
    if up:
        typer.echo(f"PARTIAL: without {up} rules it may hold up what Kybern lets go on.", err=True)
    typer.echo(f"{len(found.rules)} rules in {found.language}, {len(found.left_out)} left out.", err=True)
