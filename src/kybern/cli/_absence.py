"""`kybern absence` and `kybern schedule`: what was due and did not come, and what falls due next."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._evidence_add import file_piece
from kybern.cli._key import PassphraseOption, keyring_of, signing_key
from kybern.cli._log_sync import own_numbers
from kybern.cli._shared import AsOfOption, WorkspaceOption, assess_workspace, now, print_json, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.assessment import Absence, Duty, Rhythm
    from kybern.cli._shared import Assessed

FALLS_SHORT = 1


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(absence)
    app.command()(schedule)


def absence(
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    sign: Annotated[
        str | None, typer.Option("--sign", metavar="KEY", help="Sign the findings with this key and file them as evidence.")
    ] = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit 1 if there is a finding.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Show this many of each kind; 0 shows all.")] = 20,
    passphrase_env: PassphraseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Show what was due and did not come: overdue and never seen, sources that fell silent, numbers that are missing."""
    from kybern.assessment import absence_json, absences, rhythms  # noqa: PLC0415 - see the docstring of `_shared`

    found = assess_workspace(directory, as_of)
    assessment = found.assessment
    listed = absences(assessment, own_numbers(found.workspace.root, assessment.as_of), found.frameworks)
    sources = rhythms(assessment.evidence, assessment.as_of)
    if as_json:
        print_json(
            {
                "as_of": assessment.as_of.isoformat().replace("+00:00", "Z"),
                "findings": [absence_json(one) for one in listed],
                "sources": [_source_json(one) for one in sources],
            }
        )
    else:
        _tell(listed, sources, limit)
    if sign is not None:
        _sign(found, listed, sign, passphrase_env)
    if fail and listed:
        raise typer.Exit(FALLS_SHORT)


def _source_json(one: Rhythm) -> dict[str, object]:
    return {
        "source": one.source,
        "last": one.last.isoformat(),
        "intervals": one.intervals,
        "every_days": one.every,
        "silent_from": None if one.silent_from is None else one.silent_from.isoformat(),
    }


_HEADS = {
    "overdue": "OVERDUE: it was there and was not renewed",
    "never": "NEVER: it is due and nothing ever came",
    "silent": "SILENT: a source that used to deliver stopped",
    "missing": "MISSING: a source counts, and a number never came",
}


def _tell(listed: Sequence[Absence], sources: Sequence[Rhythm], limit: int) -> None:
    for kind, head in _HEADS.items():
        ones = [one for one in listed if one.kind == kind]
        if ones:
            typer.echo(f"{head} ({len(ones)})")
        shown = ones[:limit] if limit else ones
        for one in shown:
            since = f"since {one.since:%Y-%m-%d}" if one.since is not None else "since nobody knows when"
            typer.echo(f"  {one.about}  {one.check or ''}  {since if kind != 'never' else ''}".rstrip())
            typer.echo(f"    {one.text}")
            typer.echo(f"    closes it: {one.closes}")
            typer.echo(f"    owed by: {one.owner}")
        if len(shown) < len(ones):
            typer.echo(f"  … and {len(ones) - len(shown)} more: --limit 0 shows all.")
    for source in (one for one in sources if one.every is None):
        few = "interval is" if source.intervals == 1 else "intervals are"
        typer.echo(f"unknown: the rhythm of {source.source}, last heard of on {source.last}: {source.intervals} {few} too few to tell.")
    if not listed:
        typer.echo("Nothing that was due is missing.")


def _sign(found: Assessed, listed: Sequence[Absence], key: str, passphrase_env: str | None) -> None:
    """File the findings as one signed statement about the organisation."""
    from kybern import __version__  # noqa: PLC0415
    from kybern.assessment import stated  # noqa: PLC0415
    from kybern.evidence import AbsenceFound, Subject, parse_predicate  # noqa: PLC0415

    root, organization = found.workspace.root, found.assessment.records.organization
    if found.assessment.as_of > now():
        refuse("as-of", "What will be missing cannot be signed: --as-of lies in the future.", "Sign as of now, or of a day that is over.")
    if organization is None:
        refuse("no-organization", "The statement is about the organisation, and the workspace does not state exactly one.")
    predicate = parse_predicate(AbsenceFound, stated(found.assessment, listed, {"name": "kybern", "version": __version__}))
    file_piece(
        root,
        predicate,
        [Subject(organization.ref, organization.digest)],
        signing_key(root, key, passphrase_env),
        keyring_of(root),
        err=True,
    )


def schedule(
    directory: WorkspaceOption = Path(),
    as_of: AsOfOption = None,
    days: Annotated[int, typer.Option("--ahead", min=0, max=3660, metavar="DAYS", help="Look this many days ahead.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")] = False,
) -> None:
    """Show which evidence falls due next, by day, and who owes it."""
    from kybern.assessment import ahead  # noqa: PLC0415

    found = assess_workspace(directory, as_of)
    assessment = found.assessment
    listed = ahead(assessment, timedelta(days=days), found.frameworks)
    if as_json:
        print_json([_duty_json(one) for one in listed])
        return
    for one in listed:
        typer.echo(f"{one.due:%Y-%m-%d}  {one.name}  {one.about}")
        typer.echo(f"            {one.check.title} ({one.ground.replace('_', ' ')}); owed by {one.owner}")
    if not listed:
        typer.echo(f"Nothing falls due in the {days} days after {assessment.as_of:%Y-%m-%d}. What is overdue: kybern absence.")


def _duty_json(one: Duty) -> dict[str, Any]:
    return {
        "due": None if one.due is None else one.due.isoformat().replace("+00:00", "Z"),
        "check": one.name,
        "title": one.check.title,
        "about": one.about,
        "subjects": list(one.subjects),
        "ground": one.ground,
        "last": None if one.last is None else one.last.id,
        "owner": one.owner,
        "owner_ref": one.owner_ref,
    }
