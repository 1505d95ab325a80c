"""Files that other tools wrote, and small ones made here."""

from __future__ import annotations

import gzip
from pathlib import Path

from kybern.connect import Observation, Reading, Source, connector_of, read_source

FIXTURES = Path(__file__).parents[1] / "real" / "fixtures"


def fixture(path: str) -> Source:
    """A file of `tests/real/fixtures`, unpacked where it is packed."""
    data = (FIXTURES / path).read_bytes()
    return Source(path, gzip.decompress(data) if path.endswith(".gz") else data)


def read(kind: str, source: Source | bytes) -> Reading:
    """Read a source with a connector."""
    return connector_of(kind).read(source if isinstance(source, Source) else Source("given", source))


def folder(kind: str, path: str) -> Reading:
    """Read a folder of the fixtures."""
    connector = connector_of(kind)
    return connector.read(read_source(FIXTURES / path, connector, path))


def by_name(reading: Reading) -> dict[str, Observation]:
    """The observations by their labels, which are all different."""
    found = {one.label: one for one in reading.observations}
    assert len(found) == len(reading.observations)
    return found
