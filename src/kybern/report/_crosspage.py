"""A crosswalk for people: a page with its picture and the tables that say the same, the picture alone, and rows for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

from kybern.catalog import Crossing, Framework, Reach
from kybern.report._areas import Flows, flows_of
from kybern.report._crossmatrix import STEPS, matrix
from kybern.report._html import digest_of, environment
from kybern.report._sankey import sankey

Kind = Literal["matrix", "sankey"]
_DRAW: Final = {"matrix": matrix, "sankey": sankey}
_CAPTION: Final = {
    "matrix": "Rows between areas: the number is how many, the shade follows it. Each cell leads to its rows.",
    "sankey": "Each band joins two areas and is as thick as there are rows between them. It leads to those rows.",
}


@dataclass(frozen=True)
class View:
    """Everything the page says."""

    crossing: Crossing
    kind: Kind
    flows: Flows
    svg: Markup
    standing: Mapping[str, str]
    """How the sources stand in a workspace, in words, by name; empty without one."""

    @property
    def source(self) -> Framework:
        """The framework that is read from."""
        return self.crossing.catalog.frameworks[self.crossing.source]

    @property
    def target(self) -> Framework:
        """The framework that is read to."""
        return self.crossing.catalog.frameworks[self.crossing.target]

    @property
    def hubs(self) -> tuple[str, ...]:
        """What it was composed through."""
        return self.crossing.hubs

    @property
    def steps(self) -> tuple[int, ...]:
        """From how many rows on a cell has which shade."""
        return STEPS

    @property
    def shown(self) -> frozenset[str]:
        """How far the flows of the picture reach: what its key has to explain."""
        return frozenset(flow.reach.value for flow in self.flows.flows)

    @property
    def caption(self) -> str:
        """What the picture shows."""
        return _CAPTION[self.kind]

    @property
    def reaches(self) -> list[tuple[Reach, int, float]]:
        """How many entries of the target are reached how far."""
        return [(reach, self.crossing.count(reach), self.crossing.share(reach)) for reach in Reach]

    @property
    def uncovered(self) -> tuple[str, ...]:
        """What nothing reaches."""
        return tuple(one.ref for one in self.crossing.coverage if one.reach is Reach.NONE)


def crosswalk_page(crossing: Crossing, kind: Kind, standing: Mapping[str, str] | None = None) -> str:
    """Write a crosswalk as one HTML page without script: numbers, picture, tables. The same crosswalk gives the same page."""
    view = _view(crossing, kind, standing or {})
    made = environment()
    styles = "".join(made.get_template(name).render() for name in ("crosswalk.css", "crosswalk_page.css"))
    template = made.get_template("crosswalk.html.j2")
    return template.render(view=view, titles=crossing.catalog.requirements, css_digest=digest_of(styles)) + "\n"


def crosswalk_svg(crossing: Crossing, kind: Kind) -> str:
    """Write the picture alone, with its style in it; its links would lead nowhere there, so they are none."""
    style = f"<style>{environment().get_template('crosswalk.css').render()}</style>"
    back = '<rect width="100%" height="100%" fill="var(--surface)"/>'
    drawn = re.sub(' href="#flow-[0-9]+"', "", str(_view(crossing, kind, {}).svg))
    head, rest = drawn.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">{style}{back}{rest}\n'


def _view(crossing: Crossing, kind: Kind, standing: Mapping[str, str]) -> View:
    flows = flows_of(crossing)
    drawn = _DRAW[kind](flows, crossing.source, crossing.target)
    return View(crossing, kind, flows, drawn, standing)


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows as CSV (RFC 4180). What a spreadsheet would take for a formula starts with an apostrophe, so that it stays text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(map(_tame, columns))
    writer.writerows(map(_tame, row) for row in rows)
    return out.getvalue()


def _tame(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" \u00a0\u3000")[:1] in _FORMULA and text else text


_FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What spreadsheets take for the start of a formula, full-width forms among them."""
