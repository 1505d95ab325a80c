"""A connector as a third party writes one: a file of lines, a name and a number each."""

from __future__ import annotations

from datetime import UTC, datetime

from kybern.catalog import PredicateType
from kybern.connect import Connector, Observation, Reading, Source

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def _read(source: Source) -> Reading:
    found = []
    for number, line in enumerate(source.data.decode().splitlines(), 1):
        name, _, text = line.partition(" ")
        try:
            fields = {"metric": name, "value": float(text)}
        except ValueError:
            raise source.fault("wrong-form", "A line is a name and a number.", line=number) from None
        found.append(Observation(name, PredicateType.MEASUREMENT, fields, "lines", "1"))
    return Reading(tuple(found))


CONNECTOR = Connector("lines", "Lines of a name and a number", _read)
