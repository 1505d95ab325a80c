"""What the page shows, as plain values: everything is read from the assessment, nothing is computed anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kybern.assessment import Assessment, Documented, Gap, Readiness, Reason, Score, Status, documented, explain, gaps
from kybern.assessment import Link as _Link  # noqa: F401
from kybern.report._heatmap import HeatMap, heat_map
from kybern.report._tree import Node, tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kybern.catalog import Control, Framework, Requirement, Satisfies
    from kybern.evidence import Refusal
    from kybern.report._system import SystemPage
