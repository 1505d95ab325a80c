"""scikit-learn's classification report as JSON: `classification_report(..., output_dict=True)`.

The file names no version and no time; what its figures mean is scikit-learn's documentation, put in `definition`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kybern.catalog import PredicateType
from kybern.connect._connector import Connector
from kybern.connect._json import read_json
from kybern.connect._observation import NOT_STATED, Observation, Reading, Source

MAX_CLASSES: Final = 2_000
_TOOL: Final = "scikit-learn"
_MEANS: Final = {
    "precision": "true positives over all that were taken for the class",
    "recall": "true positives over all that are of the class",
    "f1-score": "harmonic mean of precision and recall",
}
_OVERALL: Final = {
    "accuracy": "cases put in the right class over all cases",
    "micro avg": "over all cases together",
    "macro avg": "mean of the classes, each counting as one",
    "weighted avg": "mean of the classes, weighed by their cases",
    "samples avg": "mean over the cases, each with its labels",
}
_WEIGHTED: Final = "weighted avg"


def read(source: Source) -> Reading:
    """Read a report: accuracy where there is one, and precision, recall and F1 of every class and average."""
    value = read_json(source)
    if not isinstance(value, dict) or not value:
        raise source.fault("no-report", "This is no classification report: a mapping of classes.", "Write output_dict=True as JSON.")
    if len(value) > MAX_CLASSES:
        raise source.fault("too-many", f"It has {len(value):,} entries; at most {MAX_CLASSES:,} are read.")
    total = _support(value.get(_WEIGHTED))
    found = [one for name, entry in value.items() for one in _entry(source, name, entry, total)]
    return Reading(tuple(found))


def _support(entry: object) -> int | None:
    support = entry.get("support") if isinstance(entry, dict) else None
    return int(support) if isinstance(support, int | float) and not isinstance(support, bool) and support >= 0 else None


def _entry(source: Source, name: str, entry: object, total: int | None) -> Iterator[Observation]:
    if name == "accuracy" and not isinstance(entry, dict):
        yield _measured(name, _figure(source, (name,), entry), total, None, _OVERALL[name])
        return
    if not isinstance(entry, dict):
        raise source.fault("wrong-type", "An entry is a mapping with precision, recall, f1-score and support.", pointer=_pointer(name))
    support = _support(entry)
    if support is None:
        raise source.fault("missing-field", "The entry states no support.", "Is this a classification report?", pointer=_pointer(name))
    where = _OVERALL.get(name)
    population = None if where else f"class {name}"[:200]
    for metric, means in _MEANS.items():
        if metric in entry:
            value = _figure(source, (name, metric), entry[metric])
            yield _measured(f"{name}/{metric}", value, support, population, f"{means}; {where or 'one class'}")


def _pointer(*path: str) -> str:
    from kybern.base.yaml import pointer  # noqa: PLC0415 - only where something is wrong

    return pointer(path)


def _figure(source: Source, path: tuple[str, ...], value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise source.fault("out-of-range", "This is no share from 0 to 1.", pointer=_pointer(*path))
    return float(value)


def _measured(name: str, value: float, size: int | None, population: str | None, definition: str) -> Observation:
    fields: dict[str, Any] = {"metric": name[:300], "value": value, "unit": "share"}
    fields |= {} if size is None else {"sample_size": size}
    fields |= {} if population is None else {"population": population}
    return Observation(name, PredicateType.MEASUREMENT, fields, _TOOL, NOT_STATED, f"classification_report: {definition}")


CONNECTOR = Connector("sklearn", "scikit-learn's classification report (JSON)", read)
