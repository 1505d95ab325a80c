"""`kybern catalog`: look into law as data, and check a catalog against itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli import _catalog_import
from kybern.cli._catalog_diff import diff_law
from kybern.cli._catalog_shared import AsJson, lay_out, load, print_parts
from kybern.cli._shared import WorkspaceOption, catalog_here, fail, print_json, refuse, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from kybern.catalog import Catalog, Check, Condition, Control, EvidenceCheck, Requirement

app = typer.Typer(help="Look into the catalog: frameworks, requirements, controls and their checks.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the command group of this module."""
    _catalog_import.register(app)
    root.add_typer(app, name="catalog")


@app.command("list")
def list_frameworks(as_json: AsJson = False, directory: WorkspaceOption = Path()) -> None:
    """List the frameworks: edition, how much they hold and ask, their source and the day they were last held against it."""
    catalog = catalog_here(directory)
    rows = [_framework_row(catalog, name) for name in catalog.frameworks]
    if as_json:
        print_json({"digest": catalog.digest, "controls": len(catalog.controls), "frameworks": rows})
        return
    columns = {
        "id": "Framework",
        "edition": "Edition",
        "entries": "Entries",
        "asks": "Ask",
        "controls": "Controls",
        "status_date": "Checked",
    }
    shown = lay_out(columns.values(), ([row[name] for name in columns] for row in rows))
    print_parts(shown, *(f"{row['id']}: {row['title']}. {row['publisher']}, {row['source']}" for row in rows))


@app.command()
def show(
    ref: Annotated[str, typer.Argument(metavar="REF", help="A requirement, ISO42001:A.7.4 or A.7.4, or a control, RSK-01.")],
    as_json: AsJson = False,
    directory: WorkspaceOption = Path(),
) -> None:
    """Show a requirement with its controls and their checks, or a control with everything."""
    catalog = catalog_here(directory)
    control = catalog.controls.get(ref)
    name = "" if control else _find_requirement(catalog, ref)
    if as_json:
        print_json(control.model_dump(mode="json", exclude_none=True) if control else _requirement_json(catalog, name))
    else:
        print_parts(*(_control_page(control) if control else _requirement_page(catalog, name)))


@app.command()
def lint(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A catalog of your own, checked together with the shipped one.")
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Check DIR without the shipped catalog.")] = False,
    directory: WorkspaceOption = Path(),
) -> None:
    """Check a catalog against itself: shapes, ids, references, record kinds. Exit 2 with every problem and its place.

    Without DIR: the shipped catalog with those that the workspace's `kybern.yaml` names.
    """
    if alone and folder is None:
        refuse("no-folder", "--alone needs a folder.", "Write: kybern catalog lint --alone DIR")
    catalog = load(folder, directory, alone=alone)
    _check_rules(catalog)
    rows = sum(len(crosswalk.rows) for crosswalk in catalog.crosswalks)
    counts = f"{len(catalog.frameworks)} frameworks, {len(catalog.requirements)} requirements, {len(catalog.controls)} controls"
    typer.echo(f"The catalog holds together: {counts}, {rows} crosswalk rows.")


@app.command()
def schema(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="framework, control (a file is a list of them) or crosswalk.")
    ] = "framework",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file.")] = None,
) -> None:
    """Write the JSON Schema of catalog files, for editors: `# yaml-language-server: $schema=FILE`."""
    from kybern.base import InputError  # noqa: PLC0415 - pydantic is slow to import
    from kybern.catalog import catalog_schema  # noqa: PLC0415

    try:
        found = catalog_schema(kind)
    except InputError as error:
        fail(error)
    if out is None:
        print_json(found)
    else:
        write_json(out, found)


app.command("diff")(diff_law)


def _check_rules(catalog: Catalog) -> None:
    """Check rules of applicability and clocks against the catalog, and what its entries name of them; exits 2 with every problem."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.catalog.applicability import check_catalog, load_rules  # noqa: PLC0415
    from kybern.catalog.clocks import check_clocks, load_clocks  # noqa: PLC0415

    problems = (*check_catalog(load_rules(), catalog), *check_clocks(load_clocks(), catalog))
    if problems:
        fail(InputError(problems))


def _framework_row(catalog: Catalog, name: str) -> dict[str, Any]:
    """Gather what is told of a framework: how much it holds, how much of that asks something, how many controls count for it."""
    framework = catalog.frameworks[name]
    about = framework.model_dump(mode="json", include={"id", "title", "edition", "publisher", "source", "status_date", "rights"})
    answering = {control.id for ref in catalog.leaves(name) for control, mapping in catalog.controls_for(ref) if _counts(mapping.relation)}
    return {**about, "entries": len(framework.requirements), "asks": len(catalog.leaves(name)), "controls": len(answering)}


def _find_requirement(catalog: Catalog, ref: str) -> str:
    """Find a requirement by its name, or by its id alone where only one framework has it; exits 2 otherwise."""
    found = [name for name in catalog.requirements if ref in {name, name.partition(":")[2]}]
    if len(found) > 1:
        refuse("ambiguous", f"{ref} is in several frameworks.", f"Write one of {', '.join(found)}.")
    if not found:
        refuse("unknown-ref", f"There is no requirement or control {ref}.", _near(catalog, ref))
    return found[0]


def _near(catalog: Catalog, ref: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415

    bare = {name.partition(":")[2]: name for name in catalog.requirements}
    close = get_close_matches(ref.upper(), [*catalog.controls, *catalog.requirements, *bare], n=1)
    return f"Did you mean {bare.get(close[0], close[0])}?" if close else "kybern catalog list names the frameworks."


def _counts(relation: str) -> bool:
    """Tell whether a relation counts to status."""
    return relation != "intersects"


def _requirement_json(catalog: Catalog, name: str) -> dict[str, Any]:
    entry = catalog.requirements[name].model_dump(mode="json", exclude_none=True)
    answers = [
        {
            "relation": m.relation.value,
            "weight": m.weight,
            "counts": _counts(m.relation),
            **c.model_dump(mode="json", exclude={"satisfies"}, exclude_none=True),
        }
        for c, m in catalog.controls_for(name)
    ]
    related = [{"requirement": other, "relation": row.relation, "confidence": row.confidence} for other, row in _related(catalog, name)]
    return {"ref": name, **entry, "children": list(catalog.children(name)), "controls": answers, "related": related}


def _related(catalog: Catalog, name: str) -> Iterator[tuple[str, Any]]:
    """Go through the crosswalk rows that name a requirement, with the entry at the other end."""
    for crosswalk in catalog.crosswalks:
        for row in crosswalk.rows:
            if name in {row.source, row.target}:
                yield (row.target if row.source == name else row.source), row


def _requirement_page(catalog: Catalog, name: str) -> Iterator[RenderableType]:
    entry = catalog.requirements[name]
    yield f"{name}  {entry.title}"
    yield f"{catalog.framework_of(name).publisher}, edition {catalog.framework_of(name).edition}; {_about(entry)}"
    yield f"\n{entry.statement}"
    if entry.documented_information:
        yield f"\nTo be documented: {entry.documented_information}."
    yield from _law(entry)
    if entry.note:
        yield f"\nNote: {entry.note}"
    below = [(child, catalog.requirements[child].title) for child in catalog.children(name)]
    if below:
        yield lay_out(("Entry", "Title"), below)
    answers = catalog.controls_for(name)
    if answers:
        yield lay_out(("Control", "Title", "Relation", "Weight"), ((c.id, c.title, _relation(m.relation), m.weight) for c, m in answers))
        yield _checks_table([control for control, _ in answers])
    if entry.no_control:
        yield f"\nNo control answers it: {entry.no_control}"
    related = [(other, catalog.requirements[other].title, row.relation, row.confidence) for other, row in _related(catalog, name)]
    if related:
        yield lay_out(("Related", "Title", "Relation", "Confidence"), related)


def _law(entry: Requirement) -> Iterator[str]:
    """Say who is bound, from when, on what penalty, and how the entry came to be as it is."""
    from datetime import date  # noqa: PLC0415

    if entry.bound:
        yield f"\nBound: {', '.join(entry.bound)}"
    if entry.classes:
        yield f"About: {', '.join(entry.classes)}"
    for row in entry.dates_as_known(date.max):
        route = f" on the route {row.route}" if row.route else ""
        yield f"Applies from {row.since}{f' until {row.until}' if row.until else ''}{route}: {row.basis}"
    if entry.penalty:
        yield f"Penalty: {entry.penalty}"
    if entry.repealed:
        yield f"No longer law from {entry.repealed}."
    for past in entry.earlier:
        yield f"Until {past.until}{' not there' if past.absent else ' otherwise'}; {past.by}: {past.change}"
    if entry.status:
        yield f"Status on {entry.status_date}: {entry.status}" if entry.status_date else f"Status: {entry.status}"
    if entry.cites:
        yield f"Cites: {', '.join(entry.cites)}"
    if entry.confidence != "high":
        yield f"Confidence: {entry.confidence}"


def _about(entry: Requirement) -> str:
    kind = entry.kind.replace("_", " ")
    layer = f", layer {entry.layer} {entry.layer.label}" if entry.layer else ""
    return f"{kind}{layer}" if entry.normative else f"{kind}; asks nothing by itself"


def _relation(relation: str) -> str:
    return relation if _counts(relation) else f"{relation} (does not count)"


def _control_page(control: Control) -> Iterator[RenderableType]:
    yield f"{control.id}  {control.title}"
    yield f"layer {control.layer} {control.layer.label}; owner {control.owner_role}; every {control.cadence[1:-1]} days"
    yield f"applies to {', '.join(control.applies_to)}{_conditions(' when', control.applies_when)}; without any: {control.absent}"
    yield f"\n{control.statement}\n\nWhy: {control.why}"
    yield lay_out(("Requirement", "Relation", "Weight"), ((m.requirement, _relation(m.relation), m.weight) for m in control.satisfies))
    yield _checks_table([control])


def _checks_table(controls: Sequence[Control]) -> RenderableType:
    rows = ((f"{control.id}/{check.id}", check.title, _wants(check)) for control in controls for check in control.checks)
    return lay_out(("Check", "Title", "Wants"), rows)


def _wants(check: Check) -> str:
    """Say in a line what a check looks at and what it asks."""
    if check.type == "records":
        return (
            f"records: at least {check.minimum} {check.kind}{_conditions(' where', check.where)}{_conditions(', each with', check.require)}"
        )
    what = f"{check.predicate} {check.topic}" if check.topic else f"{check.predicate}"
    about = f" about each {check.on}{_conditions(' where', check.where)}" if check.on else ""
    asked = f"{_conditions(', matching', check.match)}{_conditions(', requiring', check.require)}"
    return f"evidence: {what}{about}{asked}{_trust(check)}"


def _trust(check: EvidenceCheck) -> str:
    strength = f", at least {check.min_strength.label}" if check.min_strength > 1 else ""
    age = f", at most {check.max_age[1:-1]} days old" if check.max_age else ""
    pinned = ", of the present version" if check.pinned else ""
    return f"{strength}{age}{pinned}"


def _conditions(lead: str, conditions: Iterable[Condition]) -> str:
    said = [" ".join((c.field, c.operator, *([] if c.value is None else [str(c.value)]))) for c in conditions]
    return f"{lead} {' and '.join(said)}" if said else ""
