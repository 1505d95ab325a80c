"""`kybern classify`: which law applies to an AI system, what it makes of it, what binds from when, and what is still to be told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kybern.cli._shared import AsOfOption, WorkspaceOption, fail, near, open_workspace, parse_as_of, print_json, refuse, whole_catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kybern.base import Place
    from kybern.catalog.applicability import Classification, FactValue, Rules
    from kybern.records.lifecycle import AISystem
    from kybern.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(classify)


def classify(
    system: Annotated[str | None, typer.Argument(metavar="[SYSTEM]", help="An AI system of the workspace: credit-scoring.")] = None,
    directory: WorkspaceOption = Path(),
    facts: Annotated[Path | None, typer.Option("--facts", metavar="FILE", help="A YAML file of facts, without a workspace.")] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for what is open, the most decisive first, while it can still matter.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the facts, with what was answered, into this file.")
    ] = None,
    regime: Annotated[
        list[str] | None, typer.Option("--regime", metavar="NAME", help="Only this regime: eu_ai_act. May be given again.")
    ] = None,
    as_of: AsOfOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every duty, every reason and every open question.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a file of facts, and nothing else.")] = False,
) -> None:
    """Say which law applies to an AI system, what it makes of it, which duties bind from when, and why.

    Facts come from the records of the workspace, or from a file. What is not known stays open: the answer then names the facts that would
    settle it. This is no legal advice.
    """
    from kybern.catalog.applicability import classify as conclude  # noqa: PLC0415
    from kybern.catalog.applicability import facts_schema, load_rules  # noqa: PLC0415

    rules, day = load_rules(), parse_as_of(as_of).date()
    if schema:
        print_json(facts_schema(rules.schema))
        return
    chosen = _regimes(rules, regime or [])
    title, known = _known(rules, system, facts, directory, ask=ask)
    found = conclude(rules, known, day)
    if ask:
        from kybern.cli._interview import interview  # noqa: PLC0415

        found = interview(found, chosen)
    if out is not None:
        _write(out, rules, found.known)
    _tell(found, chosen, title, everything=everything, as_json=as_json)


def _regimes(rules: Rules, asked: list[str]) -> tuple[str, ...]:
    """Check the regimes asked for; all where none is."""
    for name in asked:
        if name not in rules.regimes:
            refuse("unknown-regime", f"There are no rules for {name}.", f"There are rules for {', '.join(rules.regimes)}.")
    return tuple(name for name in rules.regimes if not asked or name in asked)


def _known(rules: Rules, system: str | None, file: Path | None, directory: Path, *, ask: bool) -> tuple[str, Mapping[str, FactValue]]:
    """Find the facts: of a file, of a system, or none at the start of an interview."""
    if system is not None and file is not None:
        refuse("two-sources", "A system and --facts are given: facts come from one of them.", "Leave one of them out.")
    if file is not None:
        return file.name, _from_file(rules, file)
    if system is not None:
        return _from_workspace(open_workspace(directory), system)
    if not ask:
        refuse("nothing-to-classify", "Say what to classify.", "Name a system, or give --facts FILE, or --ask to be asked.")
    return "a system to be asked about", {}


def _from_file(rules: Rules, file: Path) -> Mapping[str, FactValue]:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.base.yaml import DEFAULT_LIMITS, read_yaml  # noqa: PLC0415
    from kybern.catalog.applicability import contradictions, read_facts  # noqa: PLC0415

    try:
        with file.open("rb") as opened:
            document = read_yaml(opened.read(DEFAULT_LIMITS.max_bytes + 1), str(file))[0]
    except OSError as error:
        refuse("unreadable", f"{file} cannot be read: {error.strerror}.", "Name a YAML file of facts.")
    except InputError as error:
        fail(error)
    if not isinstance(document.value, dict):
        refuse("not-facts", f"{file} is no mapping of facts.", "Write one line a fact, `profiling: true`; --schema describes them.")

    def place(name: str) -> Place:
        return document.place((name,), key=name not in rules.schema.facts)

    known, problems = read_facts(rules.schema, document.value, place)
    against = contradictions(rules.schema, known, lambda about: place(next((name for name in about if name in known), about[0])))
    if found := [*problems, *against]:
        fail(InputError(found))
    return known


def _from_workspace(workspace: Workspace, name: str) -> tuple[str, Mapping[str, FactValue]]:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.records import facts_of  # noqa: PLC0415

    found = facts_of(_system(workspace, name), workspace.records, workspace.places.of)
    if found.problems:
        fail(InputError(found.problems), workspace.root)
    return f"ai_system:{name.partition(':')[2] or name}", found.values


def _system(workspace: Workspace, name: str) -> AISystem:
    """Find a system by its name, with or without its kind; exits 2 where there is none."""
    from typing import cast  # noqa: PLC0415

    ref = name if name.startswith("ai_system:") else f"ai_system:{name}"
    record = workspace.records.get(ref)
    if record is None:
        known = tuple(one.id for one in workspace.records.of_kind("ai_system"))
        hint = near(name, known) if near(name, known).startswith("Did") else f"There are {', '.join(known) or 'none'}."
        refuse("unknown-system", f"There is no AI system {name}.", hint)
    return cast("AISystem", record)


def _write(file: Path, rules: Rules, known: Mapping[str, FactValue]) -> None:
    """Write facts as YAML, in the order of the schema, each with its question."""
    import json  # noqa: PLC0415

    from kybern.catalog.applicability import written  # noqa: PLC0415

    lines = [f"# Facts, version {rules.schema.version}: `kybern classify --facts {file.name}`."]
    for name, fact in rules.schema.facts.items():
        if name in known:
            lines += [f"# {fact.question}", f"{name}: {json.dumps(written(known[name]))}"]
    try:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        refuse("unwritable", f"{file} cannot be written: {error.strerror}.")


def _tell(found: Classification, regimes: tuple[str, ...], title: str, *, everything: bool, as_json: bool) -> None:
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.catalog.applicability import duties  # noqa: PLC0415
    from kybern.cli._classified import Shown, classified_json, print_classified  # noqa: PLC0415

    try:
        catalog = whole_catalog()
    except InputError as error:
        fail(error)
    bound = duties(catalog, found, regimes)
    if as_json:
        print_json(classified_json(found, bound, regimes, title))
    else:
        print_classified(Shown(found, catalog, everything=everything), bound, regimes, title)
