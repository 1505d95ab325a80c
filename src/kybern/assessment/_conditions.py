"""Conditions held against JSON-shaped content: the one place that says what an operator means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Any

from kybern.catalog import Condition, Operator, days

Content = Mapping[str, Any]
Bounds = tuple[float | None, float | None]
"""Minimum and maximum of a target record, either of them open."""
NO_BOUNDS: Bounds = (None, None)


class Verdict(IntEnum):
    """What a condition says: it holds, it does not, a date has gone by, or the content has nothing to say."""

    PASS = 0
    SILENT = 1
    LAPSED = 2
    FAIL = 3


Judge = Callable[[Content, Bounds], Verdict]


def judge_all(conditions: Sequence[Condition], as_of: datetime) -> Judge:
    """Make the function that holds content against all conditions: the worst verdict wins, none of them is a pass."""
    judges = tuple(_judge(condition, as_of) for condition in conditions)
    if len(judges) == 1:
        return judges[0]

    def judge(content: Content, bounds: Bounds) -> Verdict:
        worst = Verdict.PASS
        for one in judges:
            verdict = one(content, bounds)
            if verdict is Verdict.FAIL:
                return verdict
            worst = max(worst, verdict)
        return worst

    return judge


def look_up(content: Content, path: Sequence[str]) -> Any:
    """Follow a path into content; through a list it gathers what the items have. None where it leads nowhere."""
    value: Any = content
    for index, step in enumerate(path):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list | tuple):
            found = [look_up(item, path[index:]) for item in value if isinstance(item, Mapping)]
            return [item for item in found if item is not None] or None
        else:
            return None
    return value


def _judge(condition: Condition, as_of: datetime) -> Judge:
    """Compile one condition."""
    path = tuple(condition.field.split("."))
    operator = condition.operator
    if operator in (Operator.PRESENT, Operator.ABSENT):
        wanted = operator is Operator.PRESENT
        return lambda content, _: Verdict.PASS if _is_there(look_up(content, path)) is wanted else Verdict.FAIL
    if operator is Operator.WITHIN:
        return lambda content, bounds: _within(look_up(content, path), bounds)
    test = _test(operator, condition.value, as_of)
    if len(path) == 1:
        key = path[0]

        def judge_key(content: Content, _: Bounds) -> Verdict:
            value = content.get(key)
            return Verdict.SILENT if value is None else test(value)

        return judge_key

    def judge_path(content: Content, _: Bounds) -> Verdict:
        value = look_up(content, path)
        return Verdict.SILENT if value is None else test(value)

    return judge_path


def _is_there(value: object) -> bool:
    return value is not None and value not in ("", [], {}, ())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: object, right: object) -> bool:
    """Compare without letting `true` be 1 or `"1"` be 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right if _is_number(left) == _is_number(right) else False


def _within(value: object, bounds: Bounds) -> Verdict:
    low, high = bounds
    if not isinstance(value, int | float) or isinstance(value, bool) or (low is None and high is None):
        return Verdict.SILENT
    inside = (low is None or value >= low) and (high is None or value <= high)
    return Verdict.PASS if inside else Verdict.FAIL


def _test(operator: Operator, wanted: Any, as_of: datetime) -> Callable[[Any], Verdict]:
    """Give the test of a value that is there."""
    if operator in _ORDER:
        return _ordering(_ORDER[operator], wanted)
    tests: Mapping[Operator, Callable[[Any], Verdict]] = {
        Operator.EQ: lambda value: _holds(_same(value, wanted)),
        Operator.NE: lambda value: _holds(not _same(value, wanted)),
        Operator.IN: lambda value: _holds(any(_same(value, item) for item in wanted)),
        Operator.CONTAINS: lambda value: _contains(value, wanted),
        Operator.MAX_AGE: lambda value: _max_age(value, timedelta(days=days(wanted)), as_of),
        Operator.NOT_PAST: lambda value: _not_past(value, as_of),
    }
    return tests[operator]


_ORDER: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.LT: lambda left, right: left < right,
    Operator.LE: lambda left, right: left <= right,
    Operator.GT: lambda left, right: left > right,
    Operator.GE: lambda left, right: left >= right,
}


def _ordering(compare: Callable[[Any, Any], bool], wanted: Any) -> Callable[[Any], Verdict]:
    """Order numbers with numbers and texts (ISO dates among them) with texts; across the two there is nothing to say."""
    if _is_number(wanted):
        return lambda value: _holds(compare(value, wanted)) if _is_number(value) else Verdict.SILENT
    return lambda value: _holds(compare(value, wanted)) if isinstance(value, str) else Verdict.SILENT


def _holds(held: bool) -> Verdict:  # noqa: FBT001  (the truth is the argument)
    return Verdict.PASS if held else Verdict.FAIL


def _contains(value: object, wanted: object) -> Verdict:
    if isinstance(value, list | tuple):
        return _holds(any(_same(item, wanted) for item in value))
    if isinstance(value, str) and isinstance(wanted, str):
        return _holds(wanted in value)
    return Verdict.SILENT


def _moment(value: object, *, end_of_day: bool = False) -> datetime | None:
    """Read an ISO 8601 date or date-time; a bare date is the start, or the last moment, of that day in UTC."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) == len("2026-11-20"):
            start = datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
            return start + timedelta(days=1, microseconds=-1) if end_of_day else start
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _max_age(value: object, limit: timedelta, as_of: datetime) -> Verdict:
    first, last = _moment(value), _moment(value, end_of_day=True)
    if first is None or last is None or first > as_of:
        return Verdict.SILENT
    return Verdict.PASS if as_of - last <= limit else Verdict.LAPSED


def _not_past(value: object, as_of: datetime) -> Verdict:
    moment = _moment(value, end_of_day=True)
    if moment is None:
        return Verdict.SILENT
    return Verdict.PASS if moment >= as_of else Verdict.LAPSED
