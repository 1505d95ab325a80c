"""CycloneDX bills of materials in JSON: the document, its vulnerabilities, and what it says of machine-learning models."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field

from kybern.catalog import PredicateType
from kybern.connect._connector import Connector
from kybern.connect._json import Loose, read_json, shaped
from kybern.connect._observation import NOT_STATED, Observation, Reading, Source, moment_of

TOPIC: Final = "software-bill-of-materials"
VERSIONS: Final = ("1.4", "1.5", "1.6", "1.7")
_CLOSED: Final = frozenset(("resolved", "resolved_with_pedigree", "false_positive", "not_affected"))
_CRITICAL: Final = 9.0
_MODEL: Final = "machine-learning-model"


class _Interval(Loose):
    lowerBound: str | None = None  # noqa: N815 - the format's names
    upperBound: str | None = None  # noqa: N815


class _Performance(Loose):
    type: str = "unnamed"
    value: str | None = None
    slice: str | None = None
    confidenceInterval: _Interval = _Interval()  # noqa: N815


class _Analysis(Loose):
    performanceMetrics: tuple[_Performance, ...] = ()  # noqa: N815


class _ModelCard(Loose):
    quantitativeAnalysis: _Analysis = _Analysis()  # noqa: N815


class _Component(Loose):
    type: str
    name: str
    version: str | None = None
    components: tuple[_Component, ...] = ()
    modelCard: _ModelCard = _ModelCard()  # noqa: N815


class _Tool(Loose):
    name: str = ""
    version: str | None = None


class _Tools(Loose):
    components: tuple[_Tool, ...] = ()


class _Metadata(Loose):
    timestamp: str | None = None
    tools: _Tools | tuple[_Tool, ...] = ()
    component: _Component | None = None


class _Rating(Loose):
    severity: str | None = None
    score: float | str | None = None
    method: str | None = None


class _State(Loose):
    state: str | None = None


class _Vulnerability(Loose):
    ratings: tuple[_Rating, ...] = ()
    analysis: _State = _State()


class _Bom(Loose):
    format: str = Field(alias="bomFormat")
    spec: str = Field(alias="specVersion")
    version: int = 1
    metadata: _Metadata = _Metadata()
    components: tuple[_Component, ...] = ()
    vulnerabilities: tuple[_Vulnerability, ...] | None = None


def read(source: Source) -> Reading:
    """Read a bill: it is a document; whether it holds anything and how many critical vulnerabilities stand are facts of a gate.

    A bill that does not speak of vulnerabilities leaves it unknown whether there are any.
    """
    bom = shaped(_Bom, read_json(source), source, "The bill of materials")
    if bom.format != "CycloneDX":
        raise source.fault("wrong-format", "bomFormat is not CycloneDX.", pointer="/bomFormat")
    if bom.spec not in VERSIONS:
        raise source.fault("wrong-version", f"Read are the versions {', '.join(VERSIONS)}.", pointer="/specVersion")
    parts = tuple(_all(bom))
    facts: dict[str, bool | int] = {"bom.present": bool(parts)}
    if bom.vulnerabilities is not None:
        facts["vulnerabilities.critical"] = sum(map(_critical, bom.vulnerabilities))
    remarks = () if parts else ("it lists no component",)
    return Reading((_document(bom, source), *_figures(bom, parts)), facts, TOPIC, remarks)


def _all(bom: _Bom) -> Iterator[_Component]:
    left = [*bom.components]
    while left:
        one = left.pop()
        yield one
        left += one.components


def _critical(one: _Vulnerability) -> bool:
    """Tell whether a vulnerability is open and rated critical by anybody."""
    rated = any(
        rating.severity == "critical" or ((rating.method or "").startswith("CVSS") and (_number(rating.score) or 0.0) >= _CRITICAL)
        for rating in one.ratings
    )
    return rated and one.analysis.state not in _CLOSED


def _tool(bom: _Bom) -> tuple[str, str]:
    tools = bom.metadata.tools
    first = next(iter(tools.components if isinstance(tools, _Tools) else tools), _Tool())
    return first.name[:200] or "cyclonedx", first.version or NOT_STATED


def _document(bom: _Bom, source: Source) -> Observation:
    of = bom.metadata.component
    title = f"Bill of materials of {of.name}"[:300] if of is not None else "Bill of materials"
    fields = {"title": title, "sha256": source.digest, "version": str(bom.version)[:40]}
    name, version = _tool(bom)
    definition = f"A CycloneDX {bom.spec} bill of materials as it is written"
    return Observation("bom", PredicateType.DOCUMENT, fields, name, version, definition, moment_of(bom.metadata.timestamp or ""))


def _figures(bom: _Bom, parts: tuple[_Component, ...]) -> Iterator[Observation]:
    name, version = _tool(bom)
    at = moment_of(bom.metadata.timestamp or "")
    for part in parts:
        if part.type == _MODEL:
            for metric in part.modelCard.quantitativeAnalysis.performanceMetrics:
                fields = _fields(metric)
                if fields is not None:
                    label = f"{metric.type}[{metric.slice}]" if metric.slice else metric.type
                    said = "As the bill's author states it in the model card of the component"
                    yield Observation(label, PredicateType.MEASUREMENT, fields, name, version, said, at, part.name)


def _fields(metric: _Performance) -> dict[str, Any] | None:
    value = _number(metric.value)
    if value is None:
        return None
    found: dict[str, Any] = {"metric": metric.type[:300] or "unnamed", "value": value}
    found |= {"population": metric.slice[:300]} if metric.slice else {}
    low, high = _number(metric.confidenceInterval.lowerBound), _number(metric.confidenceInterval.upperBound)
    if low is not None and high is not None and low <= high:
        found |= {"lower": low, "upper": high}
    return found


def _number(text: str | float | None) -> float | None:
    """Read a number, which some tools write as a text."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


CONNECTOR = Connector("cyclonedx", "CycloneDX bills of materials (JSON)", read)
