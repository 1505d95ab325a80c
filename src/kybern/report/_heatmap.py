"""The main picture: the seven layers by the chapters of a framework, each cell a link."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from kybern.assessment import Assessment, Readiness, Status
from kybern.catalog import Layer
from kybern.report._svg import Value, element, glyph, group, link, picture, rect, text, wrapped
from kybern.report._words import THIN, percent, plural, requirement_anchor, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LABEL: Final = 140
_WIDTH: Final = 1000
_WIDEST: Final = 130.0
_GAP: Final = 4
_SMALL: Final = 5.0
"""About how wide a letter of a column's title is."""
_ROW: Final = 44
_HEAD: Final = 50
_LINE: Final = 11


@dataclass(frozen=True, slots=True)
class Column:
    """A chapter of a framework: a clause, a control area, a function."""

    ref: str
    id: str
    title: str
    band: str
    """What stands over its columns: `Clauses`, `Annex A`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a layer and a chapter meet."""

    column: Column
    layer: Layer
    readiness: Readiness

    @property
    def status(self) -> Status:
        """The requirements of the cell, combined."""
        return status_of(self.readiness.counts)

    @property
    def label(self) -> str:
        """The cell in words."""
        count = sum(self.readiness.counts.values())
        numbers = f"{self.status.label}, coverage {percent(self.readiness.coverage)}, {plural(count, 'requirement')}"
        return f"{self.layer} {self.layer.label}, {self.column.id} {self.column.title}: {numbers}"


def _in_page(cell: Cell) -> str | None:
    """Lead to the requirements of the chapter in the page the picture stands in."""
    return f"#{requirement_anchor(cell.column.ref)}"


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A framework's picture and the table that says the same; None where no requirement lies."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Layer, tuple[Cell | None, ...]], ...]

    @property
    def svg(self) -> Markup:
        """The picture, its cells leading to places of the same page."""
        return self.draw()

    def draw(self, href: Callable[[Cell], str | None] = _in_page) -> Markup:
        """Draw the picture with its cells leading where `href` says; a cell that it gives None is no link."""
        return _draw(self, href)


def heat_map(assessment: Assessment, framework: str) -> HeatMap:
    """Sum up a framework for the organisation by layer and chapter."""
    columns = tuple(_columns(assessment, framework))
    rows = tuple((layer, tuple(_cell(assessment, framework, column, layer) for column in columns)) for layer in Layer)
    return HeatMap(columns, rows)


def _columns(assessment: Assessment, framework: str) -> Iterator[Column]:
    """Take a framework's normative roots; an annex that is made of areas stands for these."""
    catalog = assessment.catalog
    for root in catalog.roots(framework):
        entry = catalog.requirements[root]
        if not entry.normative:
            continue
        areas = [ref for ref in catalog.children(root) if catalog.requirements[ref].normative]
        whole = entry.kind != "annex" or not areas or any(map(catalog.is_leaf, areas))
        band = f"{entry.kind.replace('_', ' ').capitalize()}{'es' if entry.kind == 'annex' else 's'}" if whole else f"Annex {entry.id}"
        for ref in (root,) if whole else areas:
            yield Column(ref, catalog.requirements[ref].id, catalog.requirements[ref].title, band)


def _cell(assessment: Assessment, framework: str, column: Column, layer: Layer) -> Cell | None:
    found = assessment.readiness(framework, layer=layer, under=column.ref)
    return Cell(column, layer, found) if any(found.counts.values()) else None


def _draw(found: HeatMap, href: Callable[[Cell], str | None]) -> Markup:
    name = max((8.0 * len(column.id) + 4 for column in found.columns), default=0.0)
    step = max(58.0, name, min(_WIDEST, _WIDTH / max(len(found.columns), 1)))
    titles = [_title(column, step) for column in found.columns]
    head = _HEAD + _LINE * max(map(len, titles), default=0)
    heads = (_head(_LABEL + step * at, found.columns[at].id, lines, step) for at, lines in enumerate(titles))
    parts = [*_bands(found.columns, step), *heads]
    for row, (layer, cells) in enumerate(found.rows):
        y = head + _ROW * row
        parts += [_layer(y, layer), *(_box(cell, _LABEL + step * at, y, step, href) for at, cell in enumerate(cells))]
    width, height = _LABEL + step * len(found.columns), head + _ROW * len(found.rows)
    label = "Coverage in percent by layer and chapter; each cell leads to its requirements"
    size = "heat many" if width > 2 * _WIDTH else "heat few" if step == _WIDEST else "heat"
    return picture(label, width, height, *parts, class_=size, links=True)


def _bands(columns: Sequence[Column], step: float) -> list[Markup]:
    found, at = [], 0
    for name, run in groupby(columns, key=lambda column: column.band):
        size = len(list(run))
        left, wide = _LABEL + step * at, step * size - _GAP
        found.append(group(rect(left, 18, wide, 2, class_="band"), text(left, 12, name, class_="h-band")))
        at += size
    return found


def _title(column: Column, step: float) -> list[str]:
    return [] if column.id.casefold() == column.title.casefold() else wrapped(column.title, int(step / 5.4), 3)


def _head(x: float, identity: str, lines: Sequence[str], step: float) -> Markup:
    small = (text(x, 51 + _LINE * row, part, class_="h-small", **_squeezed(part, step - 2 * _GAP)) for row, part in enumerate(lines))
    return group(text(x, 37, identity, class_="h-id"), *small)


def _squeezed(part: str, room: float) -> dict[str, Value]:
    """Set a long word, as other languages have them, narrower, so that it does not touch the next column's."""
    return {"textLength": room, "lengthAdjust": "spacingAndGlyphs"} if len(part) * _SMALL > room else {}


def _layer(y: float, layer: Layer) -> Markup:
    lines = wrapped(layer.label, 14, 2)
    top = y + (_ROW - _GAP) / 2 + 4 - 7 * (len(lines) - 1)
    names = (text(27, top + 14 * at, one, class_="h-layer") for at, one in enumerate(lines))
    return group(text(0, top, layer.value, class_="h-id"), *names)


def _box(cell: Cell | None, x: float, y: float, step: float, href: Callable[[Cell], str | None]) -> Markup:
    wide, high = step - _GAP, _ROW - _GAP
    if cell is None:
        return rect(x, y, wide, high, rx=5, class_="none")
    share = max(0.0, min(1.0, cell.readiness.coverage)) * (wide - 14)
    marks = [
        rect(x, y, wide, high, rx=5, class_="cell"),
        text(x + 7, y + 21, percent(cell.readiness.coverage).rstrip(f"{THIN}%"), class_="h-num"),
        glyph(cell.status, x + wide - 20, y + 9, 13),
        rect(x + 7, y + high - 10, wide - 14, 4, rx=2, class_="track"),
        rect(x + 7, y + high - 10, share, 4, rx=2, class_="share"),
    ]
    where = href(cell)
    if where is None:
        return group(element("title", cell.label), *marks, class_=cell.status.slug, data_layer=cell.layer.value)
    return link(where, cell.label, *marks, class_=cell.status.slug, data_layer=cell.layer.value)
