"""Problems as SARIF 2.1.0, the form code hosts and editors read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from kybern.base import Severity
from kybern.workspace._rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kybern.base import Place, Problem

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def sarif(problems: Iterable[Problem], version: str) -> dict[str, Any]:
    """Write problems as a SARIF log of one run; `version` is Kybern's. Columns count Unicode code points."""
    found = list(problems)
    slugs = sorted({problem.rule for problem in found} | set(RULES))
    driver = {"name": "Kybern", "version": version, "rules": [_rule(slug) for slug in slugs]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, slugs.index(problem.rule)) for problem in found],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(slug: str) -> dict[str, Any]:
    rule = RULES.get(slug)
    if rule is None:
        return {"id": slug, "defaultConfiguration": {"level": Severity.ERROR.value}}
    return {"id": slug, "shortDescription": {"text": rule.sentence}, "defaultConfiguration": {"level": rule.severity.value}}


def _result(problem: Problem, index: int) -> dict[str, Any]:
    text = f"{problem.message} {problem.hint}".rstrip()
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": problem.severity.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(problem.place)}],
    }


def _location(place: Place) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(place.file)}}
    if place.line:
        location["region"] = {"startLine": place.line, "startColumn": place.column}
    return location
