"""`kybern clocks`: for an incident every report that law asks for, from when, until when, to whom, and what is still unknown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import AsOfOption, WorkspaceOption, fail, near, open_workspace, parse_as_of, print_json, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kybern.catalog.applicability import FactValue
    from kybern.catalog.clocks import IncidentFacts, Running
    from kybern.records.assurance import Incident
    from kybern.workspace import Workspace

FALLS_SHORT = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(clocks)


@dataclass(frozen=True)
class Subject:
    """An incident with one system it is about: what both are known by, and how the clocks stand."""

    name: str
    system: str
    incident: IncidentFacts
    known: Mapping[str, FactValue]
    running: tuple[Running, ...] = ()


def clocks(
    incident: Annotated[str | None, typer.Argument(metavar="[INCIDENT]", help="An incident of the workspace: wrong-fee.")] = None,
    directory: WorkspaceOption = Path(),
    facts: Annotated[
        Path | None, typer.Option("--facts", metavar="FILE", help="A YAML file about an incident, without a workspace.")
    ] = None,
    as_of: AsOfOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Show the clocks that do not run, and what each report says.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    ics: Annotated[Path | None, typer.Option("--ics", metavar="FILE", help="Write the deadlines as an iCalendar file.")] = None,
    fail_overdue: Annotated[bool, typer.Option("--fail", help="Exit 1 if a clock is overdue.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a file about an incident, and nothing else.")] = False,
) -> None:
    """Run the reporting clocks of every law for an incident: start, deadline, recipient, and what is still unknown.

    What is not known stays open, with the fact that would settle it. This is no legal advice: the deadlines are the latest, and most laws
    want the report sooner.
    """
    from kybern.catalog.clocks import State, load_clocks, sheet_schema  # noqa: PLC0415 - see the docstring of `_shared`
    from kybern.cli import _clock_words  # noqa: PLC0415

    if schema:
        print_json(sheet_schema(load_clocks()))
        return
    moment = parse_as_of(as_of)
    subjects = [_run(one, moment) for one in _subjects(incident, facts, directory)]
    if ics is not None:
        _write(ics, _clock_words.calendar(subjects, moment))
    if as_json:
        print_json([_clock_words.clocks_json(one, moment) for one in subjects])
    else:
        for one in subjects:
            _clock_words.print_clocks(one, moment, everything=everything)
    if fail_overdue and any(clock.state is State.OVERDUE for one in subjects for clock in one.running):
        raise typer.Exit(FALLS_SHORT)


def _run(subject: Subject, moment: datetime) -> Subject:
    from kybern.catalog.applicability import classify, load_rules  # noqa: PLC0415
    from kybern.catalog.clocks import load_clocks, run_clocks  # noqa: PLC0415

    found = classify(load_rules(), subject.known, moment.date())
    running = run_clocks(load_clocks(), subject.incident, found, moment)
    return Subject(subject.name, subject.system, subject.incident, subject.known, running)


def _subjects(incident: str | None, file: Path | None, directory: Path) -> list[Subject]:
    if incident is not None and file is not None:
        refuse("two-sources", "An incident and --facts are given: facts come from one of them.", "Leave one of them out.")
    if file is not None:
        return [_from_file(file)]
    if incident is None:
        refuse("no-incident", "Say which incident.", "Name one of the workspace, or give --facts FILE.")
    return _from_workspace(open_workspace(directory), incident)


def _from_file(file: Path) -> Subject:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.base.yaml import DEFAULT_LIMITS, read_yaml  # noqa: PLC0415
    from kybern.catalog.clocks import load_clocks, read_sheet  # noqa: PLC0415

    try:
        with file.open("rb") as opened:
            document = read_yaml(opened.read(DEFAULT_LIMITS.max_bytes + 1), str(file))[0]
        sheet = read_sheet(load_clocks(), document)
    except OSError as error:
        refuse("unreadable", f"{file} cannot be read: {error.strerror}.", "Name a YAML file about an incident.")
    except InputError as error:
        fail(error)
    return Subject(file.name, "", sheet.incident, sheet.facts)


def _from_workspace(workspace: Workspace, name: str) -> list[Subject]:
    """Take an incident with each system it is about; exits 2 with every problem of their facts."""
    from typing import cast  # noqa: PLC0415

    from kybern.base import InputError  # noqa: PLC0415
    from kybern.records import facts_of, incident_of  # noqa: PLC0415
    from kybern.records.lifecycle import AISystem  # noqa: PLC0415

    ref = name if name.startswith("incident:") else f"incident:{name}"
    record = workspace.records.get(ref)
    if record is None:
        known = tuple(one.id for one in workspace.records.of_kind("incident"))
        hint = near(name, known) if near(name, known).startswith("Did") else f"There are {', '.join(known) or 'none'}."
        refuse("unknown-incident", f"There is no incident {name}.", hint)
    incident = cast("Incident", record)
    stated, problems = incident_of(incident, workspace.places.of)
    systems = [one for system in incident.systems if isinstance(one := workspace.records.get(system), AISystem)]
    facts = [facts_of(system, workspace.records, workspace.places.of) for system in systems]
    told = dict.fromkeys([*problems, *(problem for one in facts for problem in one.problems)])
    if told:
        fail(InputError(told), workspace.root)
    return [Subject(ref, system.ref, stated, known.values) for system, known in zip(systems, facts, strict=True)]


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        refuse("unwritable", f"{file} cannot be written: {error.strerror}.")
