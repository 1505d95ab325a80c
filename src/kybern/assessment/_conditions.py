"""Conditions held against JSON-shaped content: the one place that says what an operator means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Any

import numpy as np

from kybern.assessment._status import Ints
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


Test = Callable[[Any], Verdict]
"""What a condition says of the value its field has; None stands for a path that leads nowhere."""


def judge_all(conditions: Sequence[Condition], as_of: datetime) -> Callable[[Content, Bounds], Verdict]:
    """Make the function that holds content against all conditions: the worst verdict wins, no condition is a pass."""
    tests = [(tuple(one.field.split(".")), None if one.operator is Operator.WITHIN else compile_test(one, as_of)) for one in conditions]

    def judge(content: Content, bounds: Bounds) -> Verdict:
        said = (within(look_up(content, path), bounds) if test is None else test(look_up(content, path)) for path, test in tests)
        return max(said, default=Verdict.PASS)

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


def compile_test(condition: Condition, as_of: datetime) -> Test:
    """Compile a condition into the test of its field's value. `within` has no such test: it needs the bounds of a target."""
    operator = condition.operator
    if operator is Operator.PRESENT:
        return lambda value: _holds(_is_there(value))
    if operator is Operator.ABSENT:
        return lambda value: _holds(not _is_there(value))
    test = _test(operator, condition.value, as_of)
    return lambda value: Verdict.SILENT if value is None else test(value)


def judge_column(test: Test, values: Sequence[Any]) -> Ints:
    """Test every value of a column (n,): texts recur, so each is tested once."""
    known: dict[str, int] = {}
    said = []
    for value in values:
        if type(value) is str:
            verdict = known.get(value)
            if verdict is None:
                verdict = known[value] = int(test(value))
        else:
            verdict = int(test(value))
        said.append(verdict)
    return np.array(said, np.int64)


def _is_there(value: object) -> bool:
    return value is not None and value not in ("", [], {}, ())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: object, right: object) -> bool:
    """Compare without letting `true` be 1 or `"1"` be 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def within(value: object, bounds: Bounds) -> Verdict:
    """Hold a number against the bounds of a target; without a number or a bound there is nothing to say."""
    low, high = bounds
    if not isinstance(value, int | float) or isinstance(value, bool) or (low is None and high is None):
        return Verdict.SILENT
    inside = (low is None or value >= low) and (high is None or value <= high)
    return Verdict.PASS if inside else Verdict.FAIL


def _test(operator: Operator, wanted: Any, as_of: datetime) -> Test:
    """Give the test of a value that is there."""
    if operator in _ORDER:
        return _ordering(_ORDER[operator], wanted)
    tests: Mapping[Operator, Test] = {
        Operator.EQ: lambda value: _holds(_same(value, wanted)),
        Operator.NE: lambda value: _holds(not _same(value, wanted)),
        Operator.IN: _one_of(wanted) if operator is Operator.IN else _nothing_to_say,
        Operator.CONTAINS: lambda value: _contains(value, wanted),
        Operator.MAX_AGE: lambda value: _max_age(value, timedelta(days=days(wanted)), as_of),
        Operator.NOT_PAST: lambda value: _not_past(value, as_of),
    }
    return tests[operator]


def _one_of(wanted: Sequence[Any]) -> Test:
    if all(isinstance(item, str) for item in wanted):
        texts = frozenset(wanted)
        return lambda value: _holds(isinstance(value, str) and value in texts)
    return lambda value: _holds(any(_same(value, item) for item in wanted))


def _nothing_to_say(_: object) -> Verdict:
    return Verdict.SILENT


_ORDER: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.LT: lambda left, right: left < right,
    Operator.LE: lambda left, right: left <= right,
    Operator.GT: lambda left, right: left > right,
    Operator.GE: lambda left, right: left >= right,
}


def _ordering(compare: Callable[[Any, Any], bool], wanted: Any) -> Test:
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
