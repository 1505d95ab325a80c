"""Analysis of rules by a solver: what they contradict, what a new version decides otherwise, what is proved of them.

A door of its own: the solver takes longer to load than a decision takes to be made.
"""

from kybern.policy._analyse import Analysis, Finding, analyse
from kybern.policy._diff import Change, NotComparable, differences, standing_out
from kybern.policy._prove import Verdict, prove
from kybern.policy._solve import EFFORT

__all__ = [
    "EFFORT",
    "Analysis",
    "Change",
    "Finding",
    "NotComparable",
    "Verdict",
    "analyse",
    "differences",
    "prove",
    "standing_out",
]
