"""The gate itself: assess what is due, gather the facts, decide by the rules, and say what falls short and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kybern.assessment import Reason, Shortfall, Status, assess, explain, shortfall_of
from kybern.base import InputError, Place
from kybern.catalog import SubjectKind
from kybern.evidence import Evidence
from kybern.gate._collected import Collected
from kybern.gate._facts import Asked, Judged, gather
from kybern.gate._stages import Due
from kybern.policy import ACTION, CALLER, Bundle, Decision, FactSchema, Rule, decide_on
from kybern.records import RecordSet
from kybern.records.lifecycle import AISystem

_FINE = frozenset((Status.MET, Status.NOT_APPLICABLE))
ACTOR = "request.actor"


@dataclass(frozen=True)
class Outcome:
    """What a gate came to: the decision with the facts it rests on, the controls due, and what falls short."""

    stage: str
    system: AISystem
    at: datetime
    decision: Decision
    given: Mapping[str, Any]
    provided: Mapping[str, Any]
    counted: Mapping[str, tuple[str, ...]]
    """For facts that are counts, what was counted."""
    controls: tuple[Reason, ...]
    """The controls that are due and apply, each with the tree of its reasons."""
    shortfalls: tuple[Shortfall, ...]
    collected: Collected

    @property
    def allowed(self) -> bool:
        """Whether the system may go on."""
        return self.decision.allowed

    @property
    def asked(self) -> tuple[Rule, ...]:
        """The rules that speak of this stage."""
        return tuple(rule for rule in self.decision.bundle.rules if self.stage in rule.spec.applies_to)

    @property
    def holding(self) -> tuple[Rule, ...]:
        """The rules that hold the system back: those that decided, and those that could not be tested."""
        return () if self.allowed else (*(one.rule for one in self.decision.failures), *self.decision.deciding)

    @property
    def facts(self) -> dict[str, Any]:
        """All facts as they were decided on, for the record."""
        return {**self.given, **self.provided}


@dataclass(frozen=True)
class Question:
    """What a gate is asked: which system, at which moment, what is due, by which rules, and what the caller states."""

    records: RecordSet
    system: AISystem
    due: Due
    bundle: Bundle
    at: datetime
    given: Mapping[str, Any]


def judge(question: Question, accepted: Iterable[Evidence], refused: int, collected: Collected) -> Outcome:
    """Judge a gate: a pure function of the workspace, its evidence, what was collected, and the moment.

    Raises `InputError` where the system is in no scope, or the rules speak of no such stage.
    """
    stage, system = question.due.stage, question.system
    schema = question.bundle.schema
    if stage not in schema.actions:
        raise InputError.one("unknown-stage", f"The facts {schema.ref} know no action {stage}.", Place("policy/bundle.yaml"))
    evidence = tuple({piece.id: piece for piece in (*collected.evidence, *accepted)}.values())
    judged = _assessed(question, evidence)
    asked = Asked(question.records, system, question.at, evidence, question.due.approval, refused, dict(collected.facts))
    found = gather(asked, judged)
    given = {ACTION: stage, **question.given}
    provided = {name: value for name, value in found.facts.items() if _supplied(schema, name, stage)}
    decision = decide_on(question.bundle, given, provided)
    return Outcome(stage, system, question.at, decision, given, provided, found.counted, judged.trees, judged.shortfalls, collected)


def _supplied(schema: FactSchema, name: str, stage: str) -> bool:
    """Tell whether a fact is one that providers supply at this stage: a schema of the workspace's own may ask for fewer."""
    spec = schema.by_name.get(name)
    return spec is not None and spec.provider != CALLER and (not spec.actions or stage in spec.actions)


def _assessed(question: Question, evidence: Sequence[Evidence]) -> Judged:
    assessment = assess(question.due.catalog, question.records, evidence, question.at)
    if question.system.ref not in assessment.systems:
        hint = "Name it in the scope's `systems`."
        raise InputError.one("out-of-scope", f"{question.system.ref} is in no scope, so it is not assessed.", Place("kybern"), hint)
    trees: list[Reason] = []
    shortfalls: list[Shortfall] = []
    for control in question.due.catalog.controls.values():
        own = all(kind is SubjectKind.ORGANIZATION for kind in control.applies_to)
        subject = assessment.organization if own else question.system.ref
        tree = explain(assessment, control.id, subject)
        if tree.status is Status.NOT_APPLICABLE:
            continue
        trees.append(tree)
        if tree.status not in _FINE:
            shortfalls.append(shortfall_of(assessment, control, subject, tree))
    return Judged(assessment, tuple(trees), tuple(shortfalls))


def facts_stated(schema: FactSchema, texts: Sequence[str], stage: str) -> dict[str, Any]:
    """Read `name=value` as facts of the caller, each by its type; `InputError` for every one that is none.

    Truths are true and false, numbers are numbers, lists are separated by commas; whether the caller may state a fact is the schema's word.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError.one("bad-fact", f"{text!r} states no value.", Place("--fact"), "Write --fact change.substantial=true.")
        found[name] = _typed(schema, name, value, stage)
    return found


def _typed(schema: FactSchema, name: str, text: str, stage: str) -> Any:
    from kybern.base.suggest import Suggester  # noqa: PLC0415 - only where something is wrong

    spec = schema.by_name.get(name)
    door = schema.doors.get(stage)
    if spec is None or (door is not None and name not in door.caller):
        known = sorted(door.caller - {ACTION}) if door is not None else []
        why = f"comes from {spec.provider}: a caller cannot state it" if spec is not None and spec.provider != CALLER else "is no fact here"
        raise InputError.one("bad-fact", f"{name} {why}.", Place("--fact"), Suggester().hint(name, known, f"There are {', '.join(known)}."))
    value: Any = [_scalar(spec.items or "", one) for one in text.split(",")] if spec.type == "list" else _scalar(spec.type, text)
    try:
        schema.read(name, value)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError.one("bad-fact", f"{name}: {error}.", Place("--fact"), f"It is {spec.kind}: {spec.description}.") from None
    return value


def _scalar(kind: str, text: str) -> Any:
    """Read a text as a value of a type; what does not read stays text, and the schema says what is wrong with it."""
    if kind == "bool":
        return {"true": True, "false": False}.get(text, text)
    if kind in {"int", "number"}:
        try:
            return int(text) if kind == "int" else float(text)
        except ValueError:
            return text
    return text
