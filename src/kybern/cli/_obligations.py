"""`kybern obligations`: what binds the organisation and each AI system, from when, why, what shows it, who owes it; deadlines ahead."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import AsOfOption, WorkspaceOption, assess_workspace, fail, near, print_json, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.assessment import DayAhead, Register
    from kybern.base import Place
    from kybern.catalog.applicability import Classification
    from kybern.cli._shared import Assessed

_YEAR = 365


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(obligations)


def obligations(
    directory: WorkspaceOption = Path(),
    system: Annotated[str | None, typer.Option("--system", metavar="ID", help="Only this AI system.")] = None,
    regime: Annotated[
        list[str] | None, typer.Option("--regime", metavar="NAME", help="Only this regime: eu_ai_act. May be given again.")
    ] = None,
    as_of: AsOfOption = None,
    in_effect: Annotated[bool, typer.Option("--in-effect", help="Only what binds on the day asked about.")] = False,
    unmet: Annotated[bool, typer.Option("--unmet", help="Only what the evidence here does not show.")] = False,
    ahead: Annotated[
        int | None, typer.Option("--ahead", min=0, max=3660, metavar="DAYS", help="Show the deadlines of this many days instead.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Unfold each requirement: statement, provisions, penalty, evidence.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write what is shown as CSV, one row a requirement.")] = None,
    ics: Annotated[
        Path | None, typer.Option("--ics", metavar="FILE", help="Write the deadlines ahead as iCalendar; a year of them without --ahead.")
    ] = None,
) -> None:
    """List what binds the organisation and each AI system: from when, why, what would show it, how it stands, who owes it.

    It rests on the facts in the records (`kybern classify`) and the evidence there is. What the facts leave open is told as open. This is
    no legal advice.
    """
    from kybern.assessment import deadlines  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.cli import _obligation_words as words  # noqa: PLC0415

    found = assess_workspace(directory, as_of)
    chosen = words.filtered(_register(found, system, regime), in_effect=in_effect, unmet=unmet)
    listed = deadlines(chosen, found.assessment, timedelta(days=_YEAR if ahead is None else ahead)) if ahead is not None or ics else ()
    kept = _of_subject(listed, chosen, found) if system is not None else listed
    if csv is not None:
        _write(csv, words.to_rows(chosen).encode())
    if ics is not None:
        _write(ics, words.calendar(kept, found.assessment.as_of))
    if as_json:
        print_json(words.days_json(kept) if ahead is not None else words.register_json(chosen))
    elif ahead is not None:
        words.print_days(kept, chosen.as_of, ahead)
    elif csv is None and ics is None:
        words.print_register(chosen, found.assessment, everything=everything)


def _of_subject(listed: tuple[DayAhead, ...], chosen: Register, found: Assessed) -> tuple[DayAhead, ...]:
    """Keep the deadlines of one system: about it, or about what belongs to it."""
    subjects = {one.subject for one in chosen.bindings} | {ref for owned in chosen.owned for ref in owned.subjects} | set(chosen.free)
    inside = {ref for subject in subjects if ":" in subject for ref in found.assessment.records.belonging_to(subject)}
    return tuple(one for one in listed if set(one.about.split(", ")) & (subjects | inside))


def _register(found: Assessed, system: str | None, regimes: list[str] | None) -> Register:
    from kybern.assessment import obligations as register_of  # noqa: PLC0415

    classifications = _classified(found)
    if system is not None:
        ref = system if system.startswith("ai_system:") else f"ai_system:{system}"
        if ref not in classifications:
            known = tuple(name.partition(":")[2] for name in found.assessment.systems)
            hint = near(system, known) if near(system, known).startswith("Did") else f"In scope: {', '.join(known) or 'none'}."
            refuse("unknown-system", f"No AI system {system} is in scope.", hint)
        classifications = {ref: classifications[ref]}
    chosen = register_of(classifications, found.assessment, _regimes(regimes))
    if system is None:
        return chosen
    from dataclasses import replace  # noqa: PLC0415

    return replace(chosen, owned=tuple(one for one in chosen.owned if not {*one.subjects}.isdisjoint(classifications)))


def _regimes(asked: list[str] | None) -> tuple[str, ...] | None:
    from kybern.catalog.applicability import load_rules  # noqa: PLC0415

    known = load_rules().regimes
    for name in asked or ():
        if name not in known:
            refuse("unknown-regime", f"There are no rules for {name}.", f"There are rules for {', '.join(known)}.")
    return tuple(asked) if asked else None


def _classified(found: Assessed) -> Mapping[str, Classification]:
    """Classify the organisation and each system in scope by the facts in the records; exits 2 with every problem of them."""
    from typing import cast  # noqa: PLC0415

    from kybern.base import InputError, Place  # noqa: PLC0415
    from kybern.catalog.applicability import classify, load_rules  # noqa: PLC0415
    from kybern.records import facts_of, facts_of_organization  # noqa: PLC0415
    from kybern.records.lifecycle import AISystem  # noqa: PLC0415

    records, places = found.assessment.records, found.workspace.places

    def at(ref: str, path: tuple[str | int, ...]) -> Place:
        return places.of(ref, path) if ref in places and not found.past else Place(ref)

    known = {}
    if records.organization is not None:
        known[records.organization.ref] = facts_of_organization(records.organization, at)
    for ref in found.assessment.systems:
        known[ref] = facts_of(cast("AISystem", records.get(ref)), records, at)
    problems = dict.fromkeys(problem for one in known.values() for problem in one.problems)
    if problems:
        fail(InputError(problems), found.workspace.root)
    return {ref: classify(load_rules(), one.values, found.assessment.as_of.date()) for ref, one in known.items()}


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        refuse("unwritable", f"{file} cannot be written: {error.strerror}.")
    typer.echo(str(file), err=True)
