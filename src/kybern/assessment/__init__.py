"""Status, readiness, reasons and gaps: pure functions of catalog, records, evidence and a moment."""

from kybern.assessment._assessment import Assessment, Readiness, Row, Score, assess
from kybern.assessment._documented import Documented, documented
from kybern.assessment._explain import Reason, explain
from kybern.assessment._export import FORMAT, assessment_schema, to_json
from kybern.assessment._gaps import Gap, Shortfall, gaps, shortfall_of
from kybern.assessment._recompute import differences
from kybern.assessment._status import Status
from kybern.assessment._table import EvidenceTable
from kybern.assessment._trace import Link, Step, TraceGraph
from kybern.assessment._words import describe

__all__ = [
    "FORMAT",
    "Assessment",
    "Documented",
    "EvidenceTable",
    "Gap",
    "Link",
    "Readiness",
    "Reason",
    "Row",
    "Score",
    "Shortfall",
    "Status",
    "Step",
    "TraceGraph",
    "assess",
    "assessment_schema",
    "describe",
    "differences",
    "documented",
    "explain",
    "gaps",
    "shortfall_of",
    "to_json",
]
