"""What the assessment, the catalog and the rules give back."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from kybern.client._results import Result


class Score(Result):
    """A status with its three numbers, from 0 to 1, and how many pieces of evidence rest under it. None: there is nothing to measure."""

    status: str
    coverage: float
    strength: float | None
    freshness: float | None
    evidence: int


class Readiness(Result):
    """A framework in numbers, and how many requirements have which status. `gaps` is None for one that is not asked about."""

    framework: str
    title: str
    asked: bool
    """Whether the organisation asks about it."""
    coverage: float
    strength: float | None
    freshness: float | None
    counts: dict[str, int]
    gaps: int | None


class Assessment(Result):
    """The assessment of the organisation at a moment, over the first so many entries of the log."""

    as_of: datetime
    entries: int
    organization: str
    systems: int
    digests: dict[str, str]
    frameworks: tuple[Readiness, ...]


class SystemAssessment(Result):
    """How an AI system stands."""

    as_of: datetime
    ref: str
    title: str
    frameworks: tuple[Readiness, ...]


class Requirement(Result):
    """A requirement and how it stands; `owners` owe what is open of it, `parts` says whether it stands for those below it."""

    ref: str
    title: str
    layer: str | None
    parts: bool
    owners: tuple[str, ...]
    score: Score


class Reason(Result):
    """A node of the tree of reasons; `left_out` counts the children that are not here."""

    kind: str
    ref: str
    title: str
    status: str | None
    text: str
    score: Score | None
    decides: bool
    children: tuple[Reason, ...]
    left_out: int


class ControlAssessment(Result):
    """How a control stands for a subject, who owes it, and why."""

    as_of: datetime
    control: str
    title: str
    subject: str
    owner: str
    owner_ref: str | None
    owner_refs: tuple[str, ...]
    score: Score | None
    reasons: Reason


class ToDo(Result):
    """A check that does not hold: who owes it, and whether evidence or a record meets it."""

    control: str
    check: str
    title: str
    status: str
    text: str
    owner: str
    owner_ref: str | None
    owner_refs: tuple[str, ...]
    by: str


class RequirementDetail(Result):
    """A requirement with how it stands, why, and what would close it."""

    as_of: datetime
    ref: str
    framework: str
    title: str
    statement: str
    layer: str | None
    subject: str
    parts: tuple[str, ...]
    score: Score | None
    reasons: Reason
    gaps: tuple[ToDo, ...]


class Missing(Result):
    """A check that does not hold."""

    ref: str
    title: str
    status: str | None
    text: str


class Gap(Result):
    """A control that falls short, and what doing it would bring: the requirements it closes alone, the coverage each framework wins."""

    control: str
    title: str
    status: str
    owner: str
    owner_ref: str | None
    owner_refs: tuple[str, ...]
    subjects: tuple[str, ...]
    subjects_count: int
    requirements: tuple[str, ...]
    closes: tuple[str, ...]
    gain: dict[str, float]
    effort: int
    short: int
    planned_on: date | None
    missing: tuple[Missing, ...]


class Binding(Result):
    """A requirement that binds a subject: from when and why, who owes it, how it stands (None where no control answers it)."""

    subject: str
    requirement: str
    regime: str
    title: str | None
    statement: str
    since: date | None
    until: date | None
    before: date | None
    in_effect: bool
    basis: str | None
    because: tuple[str, ...]
    chain: tuple[str, ...]
    penalty: str | None
    owner: str | None
    owner_ref: str | None
    stated: tuple[str, ...]
    score: Score | None


class Unsettled(Result):
    """Requirements of a regime that may bind a subject, and the facts that would settle it."""

    subject: str
    regime: str
    requirements: tuple[str, ...]
    facts: tuple[str, ...]


class Step(Result):
    """A node of a trace: how it was reached, and what comes after it."""

    ref: str
    kind: str
    title: str
    relation: str
    date: str | None
    digest: str | None
    children: tuple[Step, ...]


class Framework(Result):
    """A law, standard or practice, with its source and the day its content was checked."""

    id: str
    title: str
    edition: str
    publisher: str
    source: str
    status_date: date
    rights: str
    nature: str
    jurisdictions: tuple[str, ...]
    requirements: int
    """How many of its entries ask something by themselves."""


class Answer(Result):
    """A control that answers a requirement, or the other way round: the relation of the control to it, and its weight."""

    control: str
    requirement: str
    relation: str
    weight: float


class Effect(Result):
    """From which day until which a requirement binds, and what sets it."""

    since: date
    until: date | None
    route: str | None
    basis: str


class Entry(Result):
    """An entry of a framework, in Kybern's own words."""

    ref: str
    id: str
    parent: str | None
    kind: str
    title: str
    statement: str
    normative: bool
    layer: str | None
    documented_information: str | None
    dates: tuple[Effect, ...]
    penalty: str | None
    cites: tuple[str, ...]
    repealed: date | None
    status: str | None
    confidence: str
    note: str | None
    controls: tuple[Answer, ...]


class FrameworkDetail(Framework):
    """A framework with its entries, in its order."""

    entries: tuple[Entry, ...]


class Control(Result):
    """A control of the library."""

    id: str
    layer: str
    title: str
    statement: str
    owner_role: str
    cadence: str
    applies_to: tuple[str, ...]


class ControlDetail(Control):
    """A control with why it is there, what it answers, and its checks as the catalog writes them."""

    why: str
    applies_when: tuple[dict[str, Any], ...]
    satisfies: tuple[Answer, ...]
    checks: tuple[dict[str, Any], ...]


class Crosswalk(Result):
    """A crosswalk that the catalog has."""

    id: str
    source: str
    target: str
    status_date: date
    rows: int


class Pair(Result):
    """What is known of two entries of two frameworks, and whether a status carries over. `via` names what it was composed through."""

    source: str
    target: str
    relation: str | None
    confidence: str
    basis: str
    via: tuple[str, ...]
    carries: bool


class Rule(Result):
    """A rule: for which actions, what follows where its condition holds, and how it reads in words."""

    id: str
    title: str
    effect: str
    applies_to: tuple[str, ...]
    when: str
    words: str
    message: str
    owner: str
    rationale: str
    controls: tuple[str, ...]
    requirements: tuple[str, ...]
    approvers: tuple[str, ...]
    since: date | None
    until: date | None


class Rules(Result):
    """The rules that decide, in which order their effects win, and what follows where none fires."""

    profile: str
    schema_ref: str
    digest: str
    order: tuple[str, ...]
    default: str
    items: tuple[Rule, ...]


class Fired(Result):
    """A rule that fired."""

    id: str
    title: str
    effect: str
    message: str
    deciding: bool


class Obligation(Result):
    """What is to be done along with what was decided."""

    id: str
    text: str
    parameters: dict[str, Any]


class Shortfall(Result):
    """A control that is due at the gate and not met."""

    control: str
    title: str
    about: str
    status: str
    owner: str
    waived: bool


class Decision(Result):
    """What was decided, with every reason. `approvals`: of each one role has to approve. `trial`: the facts were the caller's alone."""

    effect: str
    allowed: bool
    trial: bool
    action: str
    system: str | None
    at: datetime
    fired: tuple[Fired, ...]
    reasons: tuple[str, ...]
    approvals: tuple[tuple[str, ...], ...]
    obligations: tuple[Obligation, ...]
    modifications: dict[str, Any]
    facts: dict[str, Any]
    shortfalls: tuple[Shortfall, ...]
    schema_ref: str
    digest: str
