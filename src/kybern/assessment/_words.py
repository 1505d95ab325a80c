"""Plain words for conditions, evidence and moments: what an explanation says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kybern.assessment._conditions import Bounds, look_up
from kybern.assessment._table import FOREVER
from kybern.catalog import Condition, EvidenceCheck, Operator, PredicateType
from kybern.evidence import Evidence
from kybern.records import Record

_SHOWN: Mapping[PredicateType, Callable[[Mapping[str, Any]], str]] = {
    PredicateType.MEASUREMENT: lambda b: f"{b['metric']} = {b['value']:.4g} {b['unit']}{_interval(b)}, n = {b['sample_size']}",
    PredicateType.TEST_RUN: lambda b: f"{b['suite']}: {b['passed']} passed, {b['failed']} failed",
    PredicateType.DOCUMENT: lambda b: f"“{b['title']}”",
    PredicateType.ATTESTATION: lambda b: f"{b['by']} states: {b['statement']}",
    PredicateType.APPROVAL: lambda b: f"{b['decision'].replace('-', ' ')} by {b['by']}",
    PredicateType.DECISION: lambda b: f"{b['question']}: {b['outcome']} ({b['by']})",
    PredicateType.TRAINING: lambda b: f"{b['course']}: {b['passed']} of {b['due']} passed",
    PredicateType.ABSENCE: lambda b: f"{b['overdue']} overdue, {b['never']} never came, {b['silent']} silent, {b['missing']} missing",
    PredicateType.AUDIT: lambda b: f"{b['major']} major, {b['minor']} minor findings by {b['by']}",
    PredicateType.VERIFICATION: lambda b: f"{b['verifier']} found {', '.join(b['properties'])}",
    PredicateType.CONTROL_EVIDENCE: lambda b: (
        f"{b['control']} {b['result']}, exceptions: {b['exceptions']} in {b['sample_size']} of {b['population_size']}, "
        f"error rate {b['error_rate']:.3g}{_interval(b)}"
    ),
}


def describe(item: Evidence) -> str:
    """Say in a few words what a piece of evidence is: type, when, how strong, what it shows."""
    try:
        shown = _SHOWN[item.predicate](item.body)
    except (KeyError, TypeError, ValueError, AttributeError):
        shown = item.topic
    return f"{item.predicate.replace('-', ' ')} of {item.observed_at.astimezone(UTC):%Y-%m-%d}, {item.strength.label}: {shown}"


def _interval(body: Mapping[str, Any]) -> str:
    lower, upper = body.get("lower"), body.get("upper")
    return f" [{lower:.4g}, {upper:.4g}]" if lower is not None and upper is not None else ""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def day(moment: int) -> str:
    """Say the day of a moment in microseconds since 1970; what lies beyond the calendar is on its last day."""
    return f"{_EPOCH + timedelta(microseconds=min(moment, _LAST)):%Y-%m-%d}"


def until(moment: int) -> str:
    """Say until when something stands."""
    return "without an end" if moment == FOREVER else f"until {day(moment)}"


def value(found: object) -> str:
    """Say a value found in content."""
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, list | tuple):
        return ", ".join(map(value, found))
    return f"{found:.4g}" if isinstance(found, float) else str(found)


_OPERATORS: Mapping[Operator, str] = {
    Operator.PRESENT: "is stated",
    Operator.ABSENT: "is not stated",
    Operator.EQ: "is",
    Operator.NE: "is not",
    Operator.LT: "is below",
    Operator.LE: "is at most",
    Operator.GT: "is above",
    Operator.GE: "is at least",
    Operator.IN: "is one of",
    Operator.CONTAINS: "includes",
    Operator.MAX_AGE: "is not older than",
    Operator.NOT_PAST: "is not past",
    Operator.WITHIN: "is within its bounds",
}


def _name(field: str) -> str:
    """Say a field: `gates.gate` is the gate, `inputs.topic` the inputs' topic."""
    *above, last = field.split(".")
    if above and above[-1] == f"{last}s":
        above.pop()
    return " ".join([*above, last]).replace("_", " ")


def phrase(condition: Condition) -> str:
    """Say a condition: `sample size is at least 100`."""
    name, wanted = _name(condition.field), condition.value
    if condition.operator is Operator.MAX_AGE:
        return f"{name} {_OPERATORS[condition.operator]} {str(wanted)[1:-1]} days"
    tail = "" if wanted is None else f" {value(wanted)}"
    return f"{name} {_OPERATORS[condition.operator]}{tail}"


def asked(condition: Condition, bounds: Bounds) -> str:
    """Say what a condition asks of a target with these bounds."""
    if condition.operator is not Operator.WITHIN:
        return f"asked is: {phrase(condition)}"
    low, high = bounds
    parts = [f"at least {value(low)}"] if low is not None else []
    parts += [f"at most {value(high)}"] if high is not None else []
    return "asked is " + " and ".join(parts)


def states(record: Record, condition: Condition) -> str:
    """Say how a record falls short of a condition: `policy:ai does not state approved on`."""
    found, name = look_up(record.content, condition.field.split(".")), _name(condition.field)
    if found is None or found in ("", [], ()):
        return f"{record.ref} does not state {name}"
    return f"{record.ref} states {name} {value(found)}; asked is: {phrase(condition)}"


def wanted(check: EvidenceCheck) -> str:
    """Say what evidence would speak for a check."""
    topic = f" on {check.topic}" if check.topic else ""
    conditions = ", ".join(phrase(one) for one in (*check.match, *check.require))
    age = f", not older than {check.max_age[1:-1]} days" if check.max_age else ""
    pinned = ", naming the present version" if check.pinned else ""
    kind = check.predicate.replace("-", " ")
    return f"{kind}{topic}, {check.min_strength.label} or stronger{age}{pinned}{': ' if conditions else ''}{conditions}"
