"""`kybern catalog diff`: what changed between two states of law, and whom in a workspace that touches."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from kybern.cli._catalog_shared import AsJson, lay_out, load
from kybern.cli._shared import AsOfOption, fail, near, print_json, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from kybern.assessment import Status, StatusChange, TouchedRecord
    from kybern.catalog import Catalog, EntryChange, Framework, Relation

DIFFERS = 1
Controls: TypeAlias = "Mapping[str, tuple[tuple[str, Relation], ...]]"
"""For each changed entry the controls that answer it, and how."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHOWN = 8
"""Entries named in a row of dates that moved; `--full` names all."""


@dataclass(frozen=True)
class _Side:
    """One side of the comparison: frameworks in the state asked for, and how to call it."""

    label: str
    frameworks: Mapping[str, Framework]
    on: date


@dataclass(frozen=True)
class _Touched:
    """What the changes touch: controls by entry; records and statuses only where a workspace was named."""

    controls: Controls
    records: tuple[TouchedRecord, ...] = ()
    statuses: tuple[StatusChange, ...] = ()

    @property
    def systems(self) -> tuple[str, ...]:
        """The AI systems that touched records name."""
        return tuple(dict.fromkeys(system for record in self.records for system in record.systems))


def diff_law(
    old: Annotated[str, typer.Argument(metavar="OLD", help="ID, ID@DAY (EU_AI_ACT@2026-07-26), a YAML file or a catalog folder.")],
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="The same; by default OLD as it stands in the catalog today.")] = None,
    directory: Annotated[
        Path | None, typer.Option("-C", "--directory", metavar="DIR", help="Say whom it touches in the workspace of this folder.")
    ] = None,
    as_of: AsOfOption = None,
    full: Annotated[bool, typer.Option("--full", help="Show old and new wording, and every entry.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 if anything changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two states of law: what was added, removed and changed, by which act, and which controls, records and systems that touches.

    Exits 0 whether or not they differ; with --exit-code 1 if they do; 2 if a side cannot be read.
    """
    from kybern.catalog import diff  # noqa: PLC0415 - pydantic and the record models are slow to import

    catalog = load()
    sides = _side(old, catalog), _side(_split(old)[0] if new is None else new, catalog)
    changes = diff(sides[0].frameworks, sides[1].frameworks, (sides[0].on, sides[1].on))
    touched = _touch(changes, sides, catalog, directory, as_of)
    if as_json:
        print_json(_as_json(changes, sides, touched))
    else:
        _print(_page(changes, sides, touched, workspace=directory is not None, full=full))
    if exit_code and changes:
        raise typer.Exit(DIFFERS)


def _side(text: str, catalog: Catalog) -> _Side:
    """Read one side: a framework of the catalog, else a file or folder; a day rolls it back. Exits 2 for anything else."""
    from kybern.base import InputError  # noqa: PLC0415
    from kybern.catalog import load_frameworks  # noqa: PLC0415

    name, on = _split(text)
    path = Path(name)
    if name in catalog.frameworks:
        found: Mapping[str, Framework] = {name: catalog.frameworks[name]}
    elif name and path.exists():
        try:
            found = load_frameworks(path)
        except InputError as error:
            fail(error)
    else:
        hint = near(name, tuple(catalog.frameworks))
        refuse("unknown-law", f"{name} is no framework of the catalog, no file and no folder.", hint)
    if not found:
        refuse("no-framework", f"There is no framework in {name}.", "Name a framework's YAML file, or a folder with frameworks/*.yaml.")
    label = f"{name} as known on {on}" if on != date.max else f"{name} as it stands"
    return _Side(label, {key: framework.as_known(on) for key, framework in found.items()}, on)


def _split(text: str) -> tuple[str, date]:
    """Split a side into its name and its day; without a day all law counts that is known."""
    name, _, day = text.rpartition("@")
    if not _DAY.fullmatch(day):
        return text, date.max
    try:
        return name, date.fromisoformat(day)
    except ValueError:
        refuse("bad-day", f"There is no day {day}.", "Write it like EU_AI_ACT@2026-07-26.")


def _touch(
    changes: Sequence[EntryChange], sides: tuple[_Side, _Side], catalog: Catalog, directory: Path | None, as_of: str | None
) -> _Touched:
    from kybern.assessment import touched_controls  # noqa: PLC0415

    controls = touched_controls(changes, catalog.controls.values())
    if directory is None:
        return _Touched(controls)
    return _touch_workspace(changes, sides, controls, directory, as_of)


def _touch_workspace(
    changes: Sequence[EntryChange], sides: tuple[_Side, _Side], controls: Controls, directory: Path, as_of: str | None
) -> _Touched:
    """Assess the workspace under either law, with the same records and evidence, and compare."""
    from kybern.assessment import assess, status_changes, touched_records  # noqa: PLC0415
    from kybern.cli._shared import assess_workspace  # noqa: PLC0415

    now = assess_workspace(directory, as_of).assessment
    names = {name for answers in controls.values() for name, _ in answers}
    records = touched_records(changes, names, now.records)
    laws = (now.catalog.with_frameworks(side.frameworks) for side in sides)
    before, after = (assess(law, now.records, now.evidence, now.as_of) for law in laws)
    frameworks = dict.fromkeys(name for side in sides for name in side.frameworks)
    return _Touched(controls, records, status_changes(before, after, frameworks))


def _as_json(changes: Sequence[EntryChange], sides: tuple[_Side, _Side], touched: _Touched) -> dict[str, Any]:
    return {
        "old": _side_json(sides[0]),
        "new": _side_json(sides[1]),
        **{how: [_change_json(change) for change in changes if change.how == how] for how in ("added", "removed", "changed")},
        "touched": {
            "controls": [
                {"requirement": ref, "control": name, "relation": relation}
                for ref, answers in touched.controls.items()
                for name, relation in answers
            ],
            "records": [asdict(record) for record in touched.records],
            "systems": list(touched.systems),
            "statuses": [
                {"requirement": one.ref, "subject": one.subject, "old": _status(one.old), "new": _status(one.new)}
                for one in touched.statuses
            ],
        },
    }


def _side_json(side: _Side) -> dict[str, Any]:
    return {"frameworks": list(side.frameworks), "as_known_on": None if side.on == date.max else str(side.on)}


def _change_json(change: EntryChange) -> dict[str, Any]:
    told = asdict(change)
    told["amendments"] = [{**one, "until": str(one["until"])} for one in told["amendments"]]
    return {name: value for name, value in told.items() if name != "how"}


def _status(status: Status | None) -> str | None:
    return None if status is None else status.slug


def _print(parts: Iterable[RenderableType]) -> None:
    from kybern.cli._tables import console  # noqa: PLC0415

    printer = console()
    for part in parts:
        printer.print(part, markup=False)


def _page(
    changes: Sequence[EntryChange], sides: tuple[_Side, _Side], touched: _Touched, *, workspace: bool, full: bool
) -> Iterator[RenderableType]:
    """Lay out the whole answer."""
    counts = {how: sum(change.how == how for change in changes) for how in ("added", "removed", "changed")}
    dated = sum(not _beyond_dates(change) for change in changes if change.how == "changed")
    only = f" ({dated} only in their dates)" if dated else ""
    yield f"{sides[0].label}, against {sides[1].label}:"
    added = "1 entry" if counts["added"] == 1 else f"{counts['added']} entries"
    yield f"{added} added, {counts['removed']} removed, {counts['changed']} changed{only}."
    acts = dict.fromkeys(f"{one.act} (known since {one.until + timedelta(days=1)})" for change in changes for one in change.amendments)
    if acts:
        yield f"By {'; '.join(acts)}."
    yield from _entries(changes, touched, full=full, named=len(acts) > 1)
    moved = list(_moved(changes, full=full))
    if moved:
        yield lay_out(("Dates", "From", "To", "Entries"), moved)
    yield from _whom(changes, touched, workspace=workspace)


def _entries(changes: Sequence[EntryChange], touched: _Touched, *, full: bool, named: bool) -> Iterator[RenderableType]:
    """Lay out what came, went and changed in more than its dates; `named` tells the act with each sentence."""
    for how in ("added", "removed", "changed"):
        rows = [
            (change.ref, change.title, _what(change, full=full, named=named), _controls(change, touched))
            for change in changes
            if change.how == how and (how != "changed" or _beyond_dates(change))
        ]
        if rows:
            yield lay_out((how.capitalize(), "Title", "What changed", "Controls"), rows)


def _beyond_dates(change: EntryChange) -> bool:
    return change.how == "changed" and (bool(change.amendments) or any(not one.is_date for one in change.fields))


def _what(change: EntryChange, *, full: bool, named: bool) -> str:
    """Say what changed: the sentences of the amendments, and the fields that differ, with their texts where nothing else tells."""
    said = [f"{one.act}: {one.change}" if named else one.change for one in change.amendments]
    fields = [one for one in change.fields if not one.is_date]
    if full or not change.amendments:
        said += [f"{one.field}: {one.old or 'nothing'} -> {one.new or 'nothing'}" for one in fields]
    elif fields:
        said.append(f"Differs in {', '.join(one.field for one in fields)}.")
    if change.how == "added":
        said += [f"{one.field[0].upper()}{one.field[1:]} {one.new}." for one in change.fields if one.is_date]
    return "\n".join(said)


def _controls(change: EntryChange, touched: _Touched) -> str:
    return ", ".join(name for name, _ in touched.controls.get(change.ref, ()))


def _moved(changes: Sequence[EntryChange], *, full: bool) -> Iterator[tuple[str, str, str, str]]:
    """Gather the entries whose dates moved in the same way."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        for one in change.fields:
            if one.is_date and change.how == "changed":
                groups.setdefault((one.field, one.old or "no date", one.new or "no date"), []).append(change.ref.partition(":")[2])
    for key, names in groups.items():
        shown = names if full else names[:_SHOWN]
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        yield *key, f"{len(names)}: {', '.join(shown)}{more}"


def _whom(changes: Sequence[EntryChange], touched: _Touched, *, workspace: bool) -> Iterator[RenderableType]:
    """Say whom the changes touch."""
    names = dict.fromkeys(name for answers in touched.controls.values() for name, _ in answers)
    if changes:
        yield f"Controls that answer what changed: {', '.join(names) or 'none'}."
    if not workspace:
        return
    if touched.records:
        rows = [
            (one.ref, one.title, ", ".join(one.because[:_SHOWN]) + (" …" if len(one.because) > _SHOWN else "")) for one in touched.records
        ]
        yield lay_out(("Record", "Title", "Names"), rows)
    else:
        yield "No record of the workspace names what changed."
    yield f"AI systems that these records name: {', '.join(touched.systems) or 'none'}."
    statuses = [(one.ref, one.subject, *("–" if side is None else side.label for side in (one.old, one.new))) for one in touched.statuses]
    if statuses:
        yield lay_out(("Status", "Subject", "Old law", "New law"), statuses)
    else:
        yield "No status changes."
