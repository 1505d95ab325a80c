"""Analysis of rules by a solver: what they contradict, what a new version decides otherwise, what is proved of them.

A door of its own: the solver takes longer to load than a decision takes to be made.
"""

from kybern.policy._analyse import Analysis, Finding, analyse
from kybern.policy._coverage import Asset, Covered, assets_of, coverage, unattached_models
from kybern.policy._diff import Change, NotComparable, differences, standing_out
from kybern.policy._prove import Verdict, prove
from kybern.policy._solve import EFFORT

__all__ = [
    "EFFORT",
    "Analysis",
    "Asset",
    "Change",
    "Covered",
    "Finding",
    "NotComparable",
    "Verdict",
    "analyse",
    "assets_of",
    "coverage",
    "differences",
    "prove",
    "standing_out",
    "unattached_models",
]
