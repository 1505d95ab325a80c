"""A condition means the same in every back end: closures, plain interpreter, the official CEL."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from policy_world import SCHEMA, expressions, values

from kybern.policy._check import check
from kybern.policy._compile import compile_test
from kybern.policy._core import Expr
from kybern.policy._durations import write_duration
from kybern.policy._interpret import holds
from kybern.policy._syntax import Fault
from kybern.policy._write import to_text

EXAMPLES = int(os.environ.get("KYBERN_EXAMPLES", "300"))


def checked(expr: Expr) -> Expr:
    """Write and read back; what the checker refuses (the same twice, what its bounds decide) is no case."""
    try:
        return check(to_text(expr), SCHEMA, ("deploy",), {})
    except Fault as fault:
        assume(fault.rule not in {"twice", "constant"})
        raise


@settings(max_examples=EXAMPLES, deadline=None)
@given(expressions())
def test_what_is_written_reads_back_as_what_it_was(expr: Expr) -> None:
    assert checked(expr) == expr


@settings(max_examples=EXAMPLES, deadline=None)
@given(expressions(), values())
def test_closures_agree_with_the_plain_interpreter(expr: Expr, facts: dict[str, Any]) -> None:
    found = checked(expr)
    assert compile_test(found, {})(facts) is holds(found, facts, {})


def nested(facts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in facts.items():
        root, _, leaf = name.partition(".")
        if leaf:
            found.setdefault(root, {})[leaf] = foreign(value)
    return found


def foreign(value: Any) -> Any:
    """The binding takes moments and timespans at the top only, so within a map they go as texts."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return write_duration(value)
    return list(value) if isinstance(value, tuple) else value


def as_cel(expr: Expr) -> str:
    text = to_text(expr, units=False)
    for name, spec in SCHEMA.by_name.items():
        if spec.type in {"timestamp", "duration"}:
            text = re.sub(rf"(?<!has\(){re.escape(name)}\b", f"{spec.type}({name})", text)
    return text


@pytest.mark.real
@settings(max_examples=EXAMPLES, deadline=None)
@given(expressions(), values())
def test_closures_agree_with_the_official_cel(expr: Expr, facts: dict[str, Any]) -> None:
    cel = pytest.importorskip("cel_expr_python.cel", reason="cel-expr-python is not installed")
    found = checked(expr)
    data = nested(facts)
    roots = {name.partition(".")[0] for name in SCHEMA.by_name}
    env = cel.NewEnv(variables={root: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) for root in roots})
    answer = env.compile(as_cel(found)).eval(data={root: data.get(root, {}) for root in roots}).plain_value()
    assert answer is compile_test(found, {})(facts), to_text(found)


def test_moments_compare_across_zones() -> None:
    found = check('request.time == timestamp("2026-11-23T10:00:00+01:00")', SCHEMA, ("deploy",), {})
    assert compile_test(found, {})({"request.time": datetime.fromisoformat("2026-11-23T09:00:00+00:00")})
