"""Fairlearn's `MetricFrame.by_group`, written by pandas as JSON or CSV: each metric in each group, and the widest gap of each.

The file names no version, unit or time. A column `count` (`fairlearn.metrics.count`) says how many cases a group has.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kybern.catalog import PredicateType
from kybern.connect._connector import Connector
from kybern.connect._json import read_json
from kybern.connect._observation import NOT_STATED, Observation, Reading, Source

MAX_CELLS: Final = 100_000
_TOOL: Final = "fairlearn"
_COUNT: Final = "count"
_MAX_TEXT: Final = 200

_Frame = Mapping[str, Mapping[str, float | None]]
"""Metric, then group."""


def read(source: Source) -> Reading:
    """Read every figure of every group, and for each metric the largest minus the smallest."""
    frame = _from_json(source) if source.data.lstrip()[:1] == b"{" else _from_csv(source)
    if sum(map(len, frame.values())) > MAX_CELLS:
        raise source.fault("too-many", f"It has more than {MAX_CELLS:,} figures.")
    counts = frame.get(_COUNT, {})
    found = [one for metric, groups in frame.items() if metric != _COUNT for one in _metric(metric, groups, counts)]
    if not found:
        raise source.fault("no-report", "It holds no figure of any group.", "Write `metric_frame.by_group.to_json(...)` or `.to_csv(...)`.")
    return Reading(tuple(found))


def _from_json(source: Source) -> _Frame:
    value = read_json(source)
    frame: dict[str, dict[str, float | None]] = {}
    for metric, groups in value.items():
        if not isinstance(groups, dict):
            raise source.fault("wrong-type", "A metric is a mapping of groups.", "Write it with `orient='columns'`.", pointer=_at(metric))
        frame[metric] = {group: _number(source, one, _at(metric, group)) for group, one in groups.items()}
    return frame


def _at(*path: str) -> str:
    from kybern.base.yaml import pointer  # noqa: PLC0415 - only where something may be wrong

    return pointer(path)


def _number(source: Source, value: object, at: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise source.fault("wrong-type", "This is no number.", pointer=at)
    return float(value)


def _from_csv(source: Source) -> _Frame:
    """Read columns of numbers as metrics, and the columns before them as what tells the groups apart."""
    try:
        rows = [row for row in csv.reader(io.StringIO(source.data.decode("utf-8-sig"), newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise source.fault("not-csv", f"This is neither JSON nor CSV: {error}.") from None
    head = rows[0] if rows else []
    uneven = next((number for number, row in enumerate(rows, 1) if len(row) != len(head)), None)
    if uneven is not None:
        raise source.fault("not-csv", "The row has not as many cells as the head.", line=uneven)
    body = rows[1:]
    first = next((at for at in range(len(head)) if body and all(_is_number(row[at]) for row in body)), len(head))
    if not 0 < first < len(head) or len(set(head)) != len(head):
        raise source.fault("not-csv", "It has not a column that names the groups and columns of numbers after it.", line=1)
    frame: dict[str, dict[str, float | None]] = {head[at]: {} for at in range(first, len(head))}
    for number, row in enumerate(body, 2):
        group = ", ".join(row[:first])
        for at in range(first, len(head)):
            if not _is_number(row[at]):
                raise source.fault("wrong-type", f"The cell of {head[at][:60]} is no number.", line=number)
            frame[head[at]][group] = _finite(row[at])
    return frame


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def _finite(text: str) -> float | None:
    value = float(text or "nan")
    return value if math.isfinite(value) else None


def _metric(metric: str, groups: Mapping[str, float | None], counts: Mapping[str, float | None]) -> Iterator[Observation]:
    for group, value in groups.items():
        if value is not None:
            yield _measured(f"{metric}[{group}]", metric, value, counts.get(group), f"group {group}"[:_MAX_TEXT], "of one group")
    known = [value for value in groups.values() if value is not None]
    if len(known) == len(groups) > 1:
        sizes = [counts.get(group) for group in groups]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        gap = max(known) - min(known)
        if math.isfinite(gap):
            yield _measured(f"{metric}_difference", f"{metric}_difference", gap, total, None, "largest minus smallest of the groups")


def _measured(  # noqa: PLR0913, PLR0917 - what makes a figure
    name: str, metric: str, value: float, size: float | None, population: str | None, definition: str
) -> Observation:
    fields: dict[str, Any] = {"metric": metric[:_MAX_TEXT] or "unnamed", "value": value}
    if size is not None and size >= 0:
        fields["sample_size"] = int(size)
    if population is not None:
        fields["population"] = population
    return Observation(name, PredicateType.MEASUREMENT, fields, _TOOL, NOT_STATED, f"MetricFrame.by_group: {definition}")


CONNECTOR = Connector("fairlearn", "Fairlearn's MetricFrame.by_group (JSON or CSV)", read)
