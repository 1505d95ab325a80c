"""The auditor's pack: what a stranger needs to check an assessment without us, in one archive that is the same bytes each time."""

from kybern.report.pack._again import roots_in
from kybern.report.pack._build import Inputs, build, files_of
from kybern.report.pack._recheck import Rechecked, assess_pack, own_catalogs, recheck
from kybern.report.pack.verify import FORMAT, Findings, NoPack, check, check_names, read_pack, words

__all__ = [
    "FORMAT",
    "Findings",
    "Inputs",
    "NoPack",
    "Rechecked",
    "assess_pack",
    "build",
    "check",
    "check_names",
    "files_of",
    "own_catalogs",
    "read_pack",
    "recheck",
    "roots_in",
    "words",
]
