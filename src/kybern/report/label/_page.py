"""The page of a readiness statement: what it says, the reasons under it, and how to check it without trusting whoever shows it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kybern.assessment import Reason, Status, explain
from kybern.report._html import environment
from kybern.report.label._badge import badge, day

if TYPE_CHECKING:
    from kybern.assessment import Assessment, Score
    from kybern.catalog import Requirement

_MOST: Final = 60
"""Checks shown under a requirement; the report has all of them, down to each piece of evidence."""


@dataclass(frozen=True)
class Row:
    """A requirement with its status and the checks under it."""

    entry: Requirement
    score: Score
    checks: tuple[Reason, ...]
    left_out: int


@dataclass(frozen=True)
class Chapter:
    """The requirements under a clause or area."""

    title: str
    rows: tuple[Row, ...]


def label_page(
    document: Mapping[str, Any], jwt: str | None = None, assessment: Assessment | None = None, *, stem: str = "statement"
) -> str:
    """Write the page as one file that loads nothing. With the assessment the reasons are shown; `stem` is the statement's file name."""
    made = environment()
    made.filters["moment_day"] = day
    css = made.get_template("page.css").render() + made.get_template("label.css").render()
    text = json.dumps(document, ensure_ascii=False, indent=2)
    picture = badge(document)
    subject = document["credentialSubject"]
    values: dict[str, Any] = {
        "css": css,
        "css_digest": f"sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()}",
        "doc": document,
        "subject": subject,
        "counts": {status: int(subject["readiness"]["counts"].get(status.slug, 0)) for status in Status},
        "text": text,
        "json_uri": f"data:application/vc;base64,{base64.b64encode(text.encode()).decode()}",
        "jwt": jwt,
        "jwt_uri": None if jwt is None else f"data:application/vc+jwt;base64,{base64.b64encode(jwt.encode()).decode()}",
        "badge_uri": f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}",
        "stem": stem,
        "chapters": [] if assessment is None else list(_chapters(assessment, subject["framework"]["id"])),
    }
    return made.get_template("label.html.j2").render(values) + "\n"


def _chapters(assessment: Assessment, framework: str) -> Iterator[Chapter]:
    """Group what is asked by the first entry above it that has a title."""
    grouped: dict[str, list[Row]] = {}
    for ref in assessment.catalog.leaves(framework):
        score = assessment.requirement(ref)
        if score is not None:
            grouped.setdefault(_top(assessment, ref), []).append(_row(assessment, ref, score))
    for top, rows in grouped.items():
        entry = assessment.catalog.requirements[top]
        yield Chapter(f"{entry.id} {entry.title}", tuple(rows))


def _top(assessment: Assessment, ref: str) -> str:
    """Find the outermost entry above a requirement, the grouping of all of them left out."""
    framework, requirements = ref.partition(":")[0], assessment.catalog.requirements
    above = [ref]
    while (parent := requirements[above[-1]].parent) is not None:
        above.append(f"{framework}:{parent}")
    normative = [one for one in above if requirements[one].normative]
    return normative[-1] if len(normative) > 1 or len(above) == 1 else above[-1]


def _row(assessment: Assessment, ref: str, score: Score) -> Row:
    checks = [node for node in _checks(explain(assessment, ref)) if node.kind == "check" or node.status is not None]
    order = sorted(checks, key=lambda one: one.status is Status.MET)
    return Row(assessment.catalog.requirements[ref], score, tuple(order[:_MOST]), max(0, len(order) - _MOST))


def _checks(reason: Reason) -> Iterator[Reason]:
    """Find the checks and notes that count under a requirement."""
    if not reason.counts:
        return
    if reason.kind in {"check", "note"}:
        yield reason
        return
    for child in reason.children:
        yield from _checks(child)
