"""The gate: may this AI system go on to its next stage, by the evidence that there is and the rules of the workspace."""

from kybern.gate._admission import LABEL, Admission, NoReviewError, answer, read_admission
from kybern.gate._admission import MAX_BYTES as ADMISSION_BYTES
from kybern.gate._collected import Collected, Ground, Item, Wanted, collect, option_wants, stage_wants, together
from kybern.gate._facts import Asked, Gathered, Judged, gather, system_of
from kybern.gate._gate import ACTOR, Outcome, Question, facts_stated, judge
from kybern.gate._stages import FILE, STAGES, Collect, Due, GateSpec, Settings, StageName, at_gate, due_at, read_settings, shipped_stages
from kybern.gate._told import TOPIC, as_evidence, as_json, as_junit, as_markdown, as_sarif, because, held_by, mending, verdict

__all__ = [
    "ACTOR",
    "ADMISSION_BYTES",
    "FILE",
    "LABEL",
    "STAGES",
    "TOPIC",
    "Admission",
    "Asked",
    "Collect",
    "Collected",
    "Due",
    "GateSpec",
    "Gathered",
    "Ground",
    "Item",
    "Judged",
    "NoReviewError",
    "Outcome",
    "Question",
    "Settings",
    "StageName",
    "Wanted",
    "answer",
    "as_evidence",
    "as_json",
    "as_junit",
    "as_markdown",
    "as_sarif",
    "at_gate",
    "because",
    "collect",
    "due_at",
    "facts_stated",
    "gather",
    "held_by",
    "judge",
    "mending",
    "option_wants",
    "read_admission",
    "read_settings",
    "shipped_stages",
    "stage_wants",
    "system_of",
    "together",
    "verdict",
]
