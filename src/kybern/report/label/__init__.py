"""The Kybern readiness statement: what evidence showed of a framework at a moment, signed, revocable, and recomputed by its reader."""

from kybern.report.label._badge import badge
from kybern.report.label._check import MAX_BYTES, Checked, Opened, check, open_list, open_statement, recomputed
from kybern.report.label._criteria import TOPIC, Criteria, Shortfall, accountable, approval_of, shortfalls
from kybern.report.label._keys import Issuer
from kybern.report.label._page import label_page
from kybern.report.label._proof import as_jwt, check_proof, open_jwt, proven
from kybern.report.label._statement import NAME, LogHead, Place, claim, claim_digest, compared, ends, issue, subject_name
from kybern.report.label._status import StatusList, bits_of, index_of, status_credential

__all__ = [
    "MAX_BYTES",
    "NAME",
    "TOPIC",
    "Checked",
    "Criteria",
    "Issuer",
    "LogHead",
    "Opened",
    "Place",
    "Shortfall",
    "StatusList",
    "accountable",
    "approval_of",
    "as_jwt",
    "badge",
    "bits_of",
    "check",
    "check_proof",
    "claim",
    "claim_digest",
    "compared",
    "ends",
    "index_of",
    "issue",
    "label_page",
    "open_jwt",
    "open_list",
    "open_statement",
    "proven",
    "recomputed",
    "shortfalls",
    "status_credential",
    "subject_name",
]
