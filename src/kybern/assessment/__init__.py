"""Status, readiness, reasons and gaps: pure functions of catalog, records, evidence and a moment."""

from kybern.assessment._absence import Absence, AbsenceKind, Rhythm, absence_json, absences, numbered, rhythms, stated
from kybern.assessment._assessment import Assessment, Readiness, Row, Score, assess
from kybern.assessment._board import bears_on_all
from kybern.assessment._carry import CarriedOver, Source, Standing, carry_over
from kybern.assessment._course import Course, CourseLine, CoursePoint, PlannedStep, RecordsThen, course, moments_around
from kybern.assessment._deadlines import DayAhead, DeadlineKind, deadlines
from kybern.assessment._documented import Documented, documented
from kybern.assessment._explain import Reason, explain
from kybern.assessment._export import FORMAT, assessment_schema, to_json
from kybern.assessment._gaps import Gap, Shortfall, gaps, shortfall_of
from kybern.assessment._losses import ExceedancePoint, LeftOut, LossCurve, Losses, LossQuantile, LossShare, NoLossCurve, loss_curve
from kybern.assessment._obligations import Ask, Binding, Owned, Register, Unsettled, obligations
from kybern.assessment._owners import Owed, named_owner, owed_by, owner_of
from kybern.assessment._recompute import differences
from kybern.assessment._schedule import Duty, ahead, duties
from kybern.assessment._status import Status
from kybern.assessment._table import EvidenceTable
from kybern.assessment._touched import StatusChange, TouchedRecord, status_changes, touched_controls, touched_records
from kybern.assessment._trace import Link, Step, TraceGraph
from kybern.assessment._words import describe

__all__ = [
    "FORMAT",
    "Absence",
    "AbsenceKind",
    "Ask",
    "Assessment",
    "Binding",
    "CarriedOver",
    "Course",
    "CourseLine",
    "CoursePoint",
    "DayAhead",
    "DeadlineKind",
    "Documented",
    "Duty",
    "EvidenceTable",
    "ExceedancePoint",
    "Gap",
    "LeftOut",
    "Link",
    "LossCurve",
    "LossQuantile",
    "LossShare",
    "Losses",
    "NoLossCurve",
    "Owed",
    "Owned",
    "PlannedStep",
    "Readiness",
    "Reason",
    "RecordsThen",
    "Register",
    "Rhythm",
    "Row",
    "Score",
    "Shortfall",
    "Source",
    "Standing",
    "Status",
    "StatusChange",
    "Step",
    "TouchedRecord",
    "TraceGraph",
    "Unsettled",
    "absence_json",
    "absences",
    "ahead",
    "assess",
    "assessment_schema",
    "bears_on_all",
    "carry_over",
    "course",
    "deadlines",
    "describe",
    "differences",
    "documented",
    "duties",
    "explain",
    "gaps",
    "loss_curve",
    "moments_around",
    "named_owner",
    "numbered",
    "obligations",
    "owed_by",
    "owner_of",
    "rhythms",
    "shortfall_of",
    "stated",
    "status_changes",
    "to_json",
    "touched_controls",
    "touched_records",
]
