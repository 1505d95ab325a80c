"""Documents: an assessment as one self-contained HTML page, a crosswalk as page, picture and rows."""

from __future__ import annotations

from collections.abc import Sequence

from kybern.assessment import Assessment
from kybern.evidence import Refusal
from kybern.report._calendar import CalendarEvent, calendar_file
from kybern.report._crosspage import crosswalk_page, crosswalk_svg, to_csv
from kybern.report._html import render
from kybern.report._view import page

__all__ = ["CalendarEvent", "calendar_file", "crosswalk_page", "crosswalk_svg", "html_report", "to_csv"]


def html_report(assessment: Assessment, refused: Sequence[Refusal] = (), version: str = "", frameworks: Sequence[str] | None = None) -> str:
    """Write the report on an assessment as one HTML page: no network, no other file, readable without its script.

    `refused` is evidence that was turned away, listed with its reasons; `version` names the Kybern that wrote the page; `frameworks`
    chooses some of the catalog's (`KeyError` for one it does not have). A pure function: the same assessment gives the same page.
    """
    return render(page(assessment, refused, version, tuple(frameworks or assessment.catalog.frameworks)))
