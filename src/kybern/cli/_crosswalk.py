"""`kybern crosswalk`: one framework beside another, what stays uncovered, and how far the evidence there is carries over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kybern.cli._shared import AsOfOption, assess_workspace, catalog_here, near, print_json, refuse, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kybern.assessment import Assessment, CarriedOver
    from kybern.catalog import Catalog, Covered, Crossing, Pair


class Format(StrEnum):
    """What the answer is written as."""

    TABLE = "table"
    CSV = "csv"
    MATRIX = "matrix"
    SANKEY = "sankey"
    JSON = "json"


FormOption = Annotated[Format, typer.Option("--format", help="matrix, sankey: an HTML page, or the picture alone where FILE ends in .svg.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(crosswalk)


def crosswalk(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The framework there is evidence for, as ISO42001.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The framework it is held against, as EU_AI_ACT.")],
    form: FormOption = Format.TABLE,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file.")] = None,
    uncovered: Annotated[bool, typer.Option("--uncovered", help="Only what of TARGET no row reaches.")] = False,
    via: Annotated[str | None, typer.Option("--via", metavar="ID", help="Go through this framework, rows between the two or not.")] = None,
    directory: Annotated[
        Path | None, typer.Option("-C", "--directory", metavar="DIR", help="Tell how the sources stand in this workspace.")
    ] = None,
    as_of: AsOfOption = None,
) -> None:
    """Set a framework beside another: which entries share content, what stays uncovered, how far evidence carries over.

    A row suggests evidence and establishes nothing. Only an entry that includes another carries a status over to it.
    """
    if as_of is not None and directory is None:
        refuse("as-of", "--as-of asks how a workspace stood.", "Name the workspace with -C.")
    found = _find(source, target, via, directory, as_of)
    if form in (Format.MATRIX, Format.SANKEY):
        if uncovered:
            refuse("uncovered-picture", "--uncovered makes a list, not a picture.", "Use it with --format table, csv or json.")
        _picture(found, form, out)
    elif form is Format.JSON:
        value = _json(found, uncovered=uncovered)
        if out is None:
            print_json(value)
        else:
            write_json(out, value)
    elif form is Format.CSV:
        _write(out, _csv(found, uncovered=uncovered))
    elif out is not None:
        refuse("table-file", "A table is for the terminal.", "Write a file with --format csv, json, matrix or sankey.")
    else:
        _print(found, uncovered=uncovered)


@dataclass(frozen=True)
class _Found:
    """The crosswalk, and with a workspace what its evidence comes to."""

    crossing: Crossing
    assessment: Assessment | None
    carried: tuple[CarriedOver, ...]

    def title(self, ref: str) -> str:
        return self.crossing.catalog.requirements[ref].title

    def standing(self, ref: str) -> str:
        """Say how an entry stands in the workspace; nothing where it asks nothing."""
        if self.assessment is None or not self.crossing.catalog.requirements[ref].normative:
            return ""
        score = self.assessment.requirement(ref)
        return score.status.label if score else ""

    @property
    def uncovered(self) -> list[Covered]:
        from kybern.catalog import Reach  # noqa: PLC0415

        return [one for one in self.crossing.coverage if one.reach is Reach.NONE]


def _find(source: str, target: str, via: str | None, directory: Path | None, as_of: str | None) -> _Found:
    from kybern.assessment import carry_over  # noqa: PLC0415
    from kybern.catalog import crosswalk as crossing_of  # noqa: PLC0415

    assessment = None if directory is None else assess_workspace(directory, as_of).assessment
    catalog = catalog_here(Path()) if assessment is None else assessment.catalog
    _check(catalog, source, target, via)
    crossing = crossing_of(catalog, source, target, via=via)
    return _Found(crossing, assessment, () if assessment is None else carry_over(assessment, crossing))


def _check(catalog: Catalog, source: str, target: str, via: str | None) -> None:
    known = tuple(catalog.frameworks)
    for name in (source, target, *([] if via is None else [via])):
        if name not in known:
            refuse("unknown-framework", f"There is no framework {name}.", near(name, known))
    if source == target:
        refuse("same-framework", f"{source} beside itself says nothing.", "Name two frameworks.")
    if via in (source, target):
        refuse("same-framework", f"{via} is one of the two.", "Name another framework with --via, or leave it out.")


def _write(out: Path | None, text: str) -> None:
    if out is None:
        typer.echo(text.encode(), nl=False)
        return
    try:
        out.write_bytes(text.encode())
    except OSError as error:
        refuse("unwritable", f"{out} cannot be written: {error.strerror}.", "Name another place with --out.")
    typer.echo(str(out))


def _picture(found: _Found, form: Format, out: Path | None) -> None:
    from kybern.report import crosswalk_page, crosswalk_svg  # noqa: PLC0415

    kind: Any = form.value
    if out is not None and out.suffix == ".svg":
        _write(out, crosswalk_svg(found.crossing, kind))
        return
    standing = {pair.source: words for pair in found.crossing.pairs if (words := found.standing(pair.source))}
    _write(out, crosswalk_page(found.crossing, kind, standing))


_COLUMNS = ("source", "source_title", "relation", "target", "target_title", "confidence", "basis", "via")


def _csv(found: _Found, *, uncovered: bool) -> str:
    from kybern.report import to_csv  # noqa: PLC0415

    if uncovered:
        return to_csv(("target", "target_title"), ((one.ref, found.title(one.ref)) for one in found.uncovered))
    more = () if found.assessment is None else ("source_status", "target_status")
    return to_csv((*_COLUMNS, *more), (_cells(found, pair) for pair in found.crossing.pairs))


def _cells(found: _Found, pair: Pair) -> Sequence[str]:
    said = (pair.source, found.title(pair.source), pair.words, pair.target, found.title(pair.target), pair.confidence.value, pair.basis)
    here = () if found.assessment is None else (found.standing(pair.source), found.standing(pair.target))
    return (*said, " ".join(pair.via), *here)


def _json(found: _Found, *, uncovered: bool) -> dict[str, Any]:
    crossing = found.crossing
    listed = found.uncovered if uncovered else crossing.coverage
    value: dict[str, Any] = {
        "source": crossing.source,
        "target": crossing.target,
        "hubs": list(crossing.hubs),
        "pairs": [] if uncovered else [_pair_json(pair) for pair in crossing.pairs],
        "asks": len(crossing.coverage),
        "reached": dict(_reached(crossing)),
        "entries": [
            {"ref": one.ref, "reach": one.reach.name.lower(), "confidence": one.confidence, "sources": [pair.source for pair in one.pairs]}
            for one in listed
        ],
    }
    if found.assessment is not None:
        value["as_of"] = found.assessment.as_of.isoformat().replace("+00:00", "Z")
        value["standing"] = dict(Counter(one.standing.value for one in found.carried))
        value["carried"] = [_carried_json(one) for one in found.carried]
    return value


def _reached(crossing: Crossing) -> Iterator[tuple[str, int]]:
    from kybern.catalog import Reach  # noqa: PLC0415

    return ((reach.name.lower(), crossing.count(reach)) for reach in Reach)


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "source": pair.source,
        "target": pair.target,
        "relation": pair.relation,
        "carries": pair.carries,
        "confidence": pair.confidence,
        "basis": pair.basis,
        "via": list(pair.via),
    }


def _carried_json(one: CarriedOver) -> dict[str, Any]:
    return {
        "ref": one.covered.ref,
        "standing": one.standing.value,
        "status": one.own.status.slug if one.own else None,
        "sources": [
            {"ref": source.pair.source, "relation": source.pair.relation, "status": source.score.status.slug if source.score else None}
            for source in one.sources
        ],
    }


def _print(found: _Found, *, uncovered: bool) -> None:
    from kybern.cli._tables import console  # noqa: PLC0415

    out, crossing = console(), found.crossing
    if not crossing.pairs:
        out.print(f"No row joins {crossing.source} and {crossing.target}, and none of one hub joins both.", markup=False)
    elif uncovered:
        out.print(_uncovered_table(found))
    else:
        if crossing.hubs:
            out.print(f"Composed through {', '.join(crossing.hubs)}, not from rows between the two.", markup=False)
        out.print(_table(found))
    for line in _summary(found):
        out.print(line, markup=False)


def _table(found: _Found) -> Any:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 1), header_style="bold")
    here = found.assessment is not None
    for header in (found.crossing.source, "", *(["stands"] if here else []), "relation", found.crossing.target, "", "confidence"):
        table.add_column(header, no_wrap=header != "")
    last = ""
    for pair in found.crossing.pairs:
        dim = "dim" if pair.confidence == "low" or pair.relation is None else ""
        first = ("", "") if pair.source == last else (pair.source.partition(":")[2], found.title(pair.source))
        stands = (found.standing(pair.source),) if here else ()
        cells = (*first, *stands, pair.words, pair.target.partition(":")[2], found.title(pair.target), pair.confidence.value)
        table.add_row(*(Text(cell, style=dim) for cell in cells))
        last = pair.source
    return table


def _uncovered_table(found: _Found) -> Any:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column(found.crossing.target, no_wrap=True)
    table.add_column("that no row reaches")
    for one in found.uncovered:
        table.add_row(Text(one.ref.partition(":")[2]), Text(found.title(one.ref)))
    return table


def _summary(found: _Found) -> Iterator[str]:
    """Say how much of the target is reached, and what the evidence comes to."""
    from kybern.catalog import Reach  # noqa: PLC0415

    crossing = found.crossing
    said = ", ".join(f"{crossing.count(reach)} {reach.value} ({crossing.share(reach):.0%})" for reach in Reach)
    yield f"\nOf {len(crossing.coverage)} entries of {crossing.target} that ask something: {said}."
    low = sum(one.confidence == "low" for one in crossing.coverage)
    if low:
        yield f"{low} of them are reached with low confidence only."
    if found.assessment is not None:
        counts = Counter(one.standing.value for one in found.carried)
        yield f"As of {found.assessment.as_of:%Y-%m-%d %H:%M} UTC: {', '.join(f'{count} {word}' for word, count in counts.most_common())}."
    yield "A row suggests evidence; it does not establish that anything is met."
