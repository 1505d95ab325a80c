"""Connectors: what other tools wrote down, read into observations that can be signed as evidence. One module a tool.

Connectors register by the entry-point group `kybern.connectors`; the built-in ones come through the same door as a third party's.
"""

from kybern.connect._collect import MAX_BYTES, MAX_FILES, read_source
from kybern.connect._connector import ENTRY_POINTS, Connector, connector_of, connectors
from kybern.connect._observation import Observation, Reading, Source, choose, lacking, predicate_of

__all__ = [
    "ENTRY_POINTS",
    "MAX_BYTES",
    "MAX_FILES",
    "Connector",
    "Observation",
    "Reading",
    "Source",
    "choose",
    "connector_of",
    "connectors",
    "lacking",
    "predicate_of",
    "read_source",
]
