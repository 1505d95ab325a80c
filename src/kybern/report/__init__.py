"""Documents and pictures: an assessment as one self-contained HTML page, a crosswalk as page, picture and rows, charts for any page.

The pictures are pure: SVG out of values, with classes whose style is in `templates/page.css` and `static/pictures.css`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kybern.assessment import Assessment
from kybern.evidence import Refusal
from kybern.report._calendar import CalendarEvent, calendar_file
from kybern.report._crosspage import crosswalk_page, crosswalk_svg, to_csv
from kybern.report._heatmap import HeatMap, heat_map
from kybern.report._html import render
from kybern.report._losscurve import LossRow, loss_curve_svg, loss_rows, loss_words
from kybern.report._matrix import Mark, matrix
from kybern.report._tracegraph import TraceEdge, TraceGraphView, TraceNode, trace_graph
from kybern.report._trend import TrendRow, trend_rows, trend_svg, trend_words
from kybern.report._view import page

__all__ = [
    "CalendarEvent",
    "HeatMap",
    "LossRow",
    "Mark",
    "TraceEdge",
    "TraceGraphView",
    "TraceNode",
    "TrendRow",
    "calendar_file",
    "crosswalk_page",
    "crosswalk_svg",
    "heat_map",
    "html_report",
    "loss_curve_svg",
    "loss_rows",
    "loss_words",
    "matrix",
    "to_csv",
    "trace_graph",
    "trend_rows",
    "trend_svg",
    "trend_words",
]


def html_report(assessment: Assessment, refused: Sequence[Refusal] = (), version: str = "", frameworks: Sequence[str] | None = None) -> str:
    """Write the report on an assessment as one HTML page: no network, no other file, readable without its script.

    `refused` is evidence that was turned away, listed with its reasons; `version` names the Kybern that wrote the page; `frameworks`
    chooses some of the catalog's (`KeyError` for one it does not have). A pure function: the same assessment gives the same page.
    """
    return render(page(assessment, refused, version, tuple(frameworks or assessment.catalog.frameworks)))
