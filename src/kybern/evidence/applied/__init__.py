"""Records in the log: planned, applied as signed change sets, replayed at any moment, traced field by field, audited."""

from kybern.evidence.applied._apply import PERSONAL_KINDS, Applier, Plan, Signed, Step, change_file, entries_of, plan
from kybern.evidence.applied._audit import RecordAudit, audit_records
from kybern.evidence.applied._changeset import (
    CHANGE_SET,
    MAX_CHANGES,
    Applied,
    Base,
    Change,
    ChangeSet,
    change_set,
    list_of,
    open_change_set,
    read_change,
    read_change_set,
)
from kybern.evidence.applied._compare import FieldChange, compare, fields_of
from kybern.evidence.applied._history import Blamed, Told, blame, history
from kybern.evidence.applied._state import Applications, Contents, Reader, State, Unread, Version
from kybern.evidence.applied._store import CHANGES, CHANGES_SUFFIX, ChangeFile, ChangeStore, new_file, read_change_file, read_content

__all__ = [
    "CHANGES",
    "CHANGES_SUFFIX",
    "CHANGE_SET",
    "MAX_CHANGES",
    "PERSONAL_KINDS",
    "Applications",
    "Applied",
    "Applier",
    "Base",
    "Blamed",
    "Change",
    "ChangeFile",
    "ChangeSet",
    "ChangeStore",
    "Contents",
    "FieldChange",
    "Plan",
    "Reader",
    "RecordAudit",
    "Signed",
    "State",
    "Step",
    "Told",
    "Unread",
    "Version",
    "audit_records",
    "blame",
    "change_file",
    "change_set",
    "compare",
    "entries_of",
    "fields_of",
    "history",
    "list_of",
    "new_file",
    "open_change_set",
    "plan",
    "read_change",
    "read_change_file",
    "read_change_set",
    "read_content",
]
