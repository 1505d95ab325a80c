"""The assessment as JSON: versioned, with a published schema; its consumers are pipelines, pages and auditors' tools."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from kybern.assessment._assessment import Assessment, Readiness, Row, Score
from kybern.assessment._explain import Reason, explain
from kybern.assessment._status import Status
from kybern.evidence import Refusal

FORMAT = "kybern.assessment/1"
"""Name and version of the format; a change that breaks a reader changes the number."""

_DECIMALS = 6


def assessment_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of what `to_json` returns."""
    text = files("kybern.assessment").joinpath("assessment.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def to_json(
    assessment: Assessment,
    frameworks: Iterable[str] | None = None,
    subject: str | None = None,
    refused: Iterable[Refusal] = (),
    log: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put an assessment into JSON shape, for some frameworks and one subject if named.

    Holds `as_of`, the digests of the inputs, readiness, and `requirements`: one object for each normative requirement and subject, with
    the checks under it as reasons. Coverage and freshness are shares 0 to 1, strength 1 to 5, None (null) where there is no evidence;
    all three to six decimals, so that whoever recomputes them on another machine gets the same bytes. Where the records are those that
    were applied, `log` names the log's size and root and the change set; otherwise there is no such field.
    """
    names = tuple(frameworks) if frameworks is not None else tuple(assessment.catalog.frameworks)
    answering = assessment.catalog.answering(names)
    return {
        "format": FORMAT,
        "as_of": assessment.as_of.isoformat().replace("+00:00", "Z"),
        "frameworks": list(names),
        "subject": subject,
        "organization": assessment.organization,
        "systems": list(assessment.systems),
        "digests": assessment.digests,
        **({} if log is None else {"log": dict(log)}),
        "readiness": [
            {"framework": name, "subject": subject or assessment.organization, **_readiness(assessment, name, subject)} for name in names
        ],
        "requirements": [_row(assessment, row) for name in names for row in assessment.rows(name, subject)],
        "controls": [
            one for identity in assessment.catalog.controls if identity in answering for one in _controls(assessment, identity, subject)
        ],
        "refused": [{"source": one.source, "rule": one.rule, "message": one.message} for one in refused],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, _DECIMALS)


def _readiness(assessment: Assessment, framework: str, subject: str | None) -> dict[str, Any]:
    found: Readiness = assessment.readiness(framework, subject)
    return {
        "coverage": _rounded(found.coverage),
        "strength": _rounded(found.strength),
        "freshness": _rounded(found.freshness),
        "applicable": found.applicable,
        "counts": {status.slug: found.counts[status] for status in Status},
    }


def _numbers(score: Score) -> dict[str, Any]:
    return {
        "status": score.status.slug,
        "coverage": _rounded(score.coverage),
        "strength": _rounded(score.strength),
        "freshness": _rounded(score.freshness),
        "evidence_count": score.evidence,
    }


def _row(assessment: Assessment, row: Row) -> dict[str, Any]:
    group = not assessment.catalog.is_leaf(row.ref)
    reasons = _children(assessment, row) if group else list(_checks(explain(assessment, row.ref, row.subject), row.subject))
    return {"framework": row.framework, "id": row.id, "subject": row.subject, "group": group, **_numbers(row.score), "reasons": reasons}


def _controls(assessment: Assessment, identity: str, subject: str | None) -> Iterator[dict[str, Any]]:
    for one in assessment.subjects if subject is None else (subject,):
        score = assessment.control(identity, one)
        if score is not None:
            yield {"id": identity, "subject": one, **_numbers(score)}


def _children(assessment: Assessment, row: Row) -> list[dict[str, Any]]:
    """Name the parts of a group as its reasons."""
    found = []
    for child in assessment.catalog.children(row.ref):
        score = assessment.requirement(child, row.subject) if assessment.catalog.requirements[child].normative else None
        if score is not None:
            found.append(
                {"ref": child, "subject": row.subject, "status": score.status.slug, "text": assessment.catalog.requirements[child].title}
            )
    return found


def _checks(node: Reason, subject: str) -> Iterator[dict[str, Any]]:
    """Flatten a tree of reasons to its checks and notes, each with the evidence and records that decide it."""
    if not node.counts:
        return
    if node.kind == "subject":
        subject = node.ref
    if node.kind in {"check", "note"} or (node.kind == "record" and node.status is not None):
        deciding = [one for one in node.walk() if one.counts]
        yield {
            "ref": node.ref,
            "subject": subject,
            "status": node.status.slug if node.status is not None else "unknown",
            "text": node.text,
            "evidence": sorted({one.ref for one in deciding if one.kind == "evidence"}),
            "records": sorted({one.ref for one in deciding if one.kind in {"record", "target"}}),
        }
        return
    for child in node.children:
        yield from _checks(child, subject)
