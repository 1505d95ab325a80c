"""The typed records: what an organisation states about its AI management system, one module a layer.

Kinds register by the entry-point group `kybern.records`; the built-in ones come through the same door as a third party's.
"""

from importlib.metadata import entry_points

from kybern.records._base import Part, Record, Text
from kybern.records._facts import KnownFacts, facts_of, facts_of_organization
from kybern.records._incidents import incident_of
from kybern.records._merge import ABSENT, Absent, Conflict, Merged, diff_words, merge
from kybern.records._refs import CatalogRef, Edge, Link, RefTo
from kybern.records._set import RecordSet

for _entry in entry_points(group="kybern.records"):
    _entry.load()

__all__ = [
    "ABSENT",
    "Absent",
    "CatalogRef",
    "Conflict",
    "Edge",
    "KnownFacts",
    "Link",
    "Merged",
    "Part",
    "Record",
    "RecordSet",
    "RefTo",
    "Text",
    "diff_words",
    "facts_of",
    "facts_of_organization",
    "incident_of",
    "merge",
]
