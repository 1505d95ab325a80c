"""A small schema with every type, and strategies for conditions over it and for facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from kybern.policy import FactSchema, read_schema
from kybern.policy._core import (
    All,
    AnyOf,
    Compare,
    Expr,
    Fact,
    Gap,
    Has,
    In,
    Item,
    Lit,
    Matches,
    Not,
    Quantified,
    Shifted,
    Size,
    TextTest,
    Truth,
)
from kybern.policy._schema import FactSpec
from kybern.policy._types import DURATION, INT, STRING, TIMESTAMP, Base, Type

SCHEMA_YAML = b"""
id: sample
version: "1"
title: Facts of every type
actions: {deploy: A system goes live, call: An agent calls a tool}
providers: {clock: The clock, assessment: The assessment}
facts:
  - {name: request.time, label: the request time, type: timestamp, description: When, provider: clock, example: "2026-11-23T09:00:00Z"}
  - {name: system.risk, label: the system risk, type: string, values: [high, limited, minimal], description: Risk class, example: high}
  - {name: system.region, label: the system region, type: string, case: lower, description: Where, example: eu}
  - {name: system.owner, label: the system owner, type: string, case: exact, description: Who, example: Anna}
  - {name: system.live, label: the system live, type: bool, description: Live, example: false}
  - {name: cost.total, label: the cost total, type: number, unit: EUR, minimum: 0, maximum: 100, description: Cost, example: 5}
  - {name: score.auc, label: the score auc, type: number, minimum: -10, maximum: 10, description: Score, example: 0.5}
  - {name: tests.failed, label: the tests failed, type: int, minimum: 0, maximum: 9, description: Failed tests, example: 5}
  - {name: impact.approved, label: the impact approved, type: bool, optional: true, description: Approved, provider: assessment}
  - {name: impact.at, label: the impact at, type: timestamp, optional: true, description: When approved, provider: assessment}
  - {name: impact.window, label: the impact window, type: duration, description: How long it stands, example: 720h}
  - {name: approvals.roles, label: the approvals roles, type: list, items: string, values: [owner, dpo, board],
     description: Approvers, example: []}
  - {name: runs.failed, label: the runs failed, type: list, items: int, max_items: 5, description: Failures by run, example: [0]}
  - {name: tool.name, label: the tool name, type: string, case: exact, actions: [call], description: Tool, example: search}
"""
SCHEMA: FactSchema = read_schema(SCHEMA_YAML, "schema.yaml")

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
_TEXTS = ("", "a", "eu", "us-east", 'quo"te', "back\\slash", "eu ä", "Anna", "eu\nus")
_LOWER = tuple(text for text in _TEXTS if text == text.lower())
_PATTERNS = ("^(?s)eu.*$", "^[a-z-]+$", "^(?s)(?:us|eu).*$", "^(?s).$", "^(?i)ANNA$")


def fact(name: str) -> Fact:
    spec = SCHEMA.by_name[name]
    return Fact(name, spec.kind)


def _texts_of(spec: FactSpec) -> st.SearchStrategy[str]:
    return st.sampled_from(spec.values or (_LOWER if spec.case == "lower" else _TEXTS))


_MOMENTS = st.integers(-5, 5).map(lambda days: START + timedelta(days=days))
_SPANS = st.integers(-4, 4).map(lambda days: timedelta(days=days, hours=days % 3))


def _value(spec: FactSpec, kind: Type) -> st.SearchStrategy[Any]:
    if kind.item is not None:
        return st.lists(_value(spec, kind.item), max_size=3).map(tuple)
    numbers: dict[Base, st.SearchStrategy[Any]] = {
        Base.BOOL: st.booleans(),
        Base.INT: st.integers(0, 9),
        Base.NUMBER: st.sampled_from((0.0, 0.5, 1.0, 2.5, 10.0)),
        Base.TIMESTAMP: _MOMENTS,
        Base.DURATION: _SPANS,
    }
    return _texts_of(spec) if kind.base is Base.STRING else numbers[kind.base]


@st.composite
def values(draw: st.DrawFn, action: str = "deploy") -> dict[str, Any]:
    """Values as `Facts` holds them."""
    found: dict[str, Any] = {"action": action}
    for spec in SCHEMA.facts:
        if spec.actions and action not in spec.actions:
            continue
        if not spec.optional or draw(st.booleans()):
            found[spec.name] = draw(_value(spec, spec.kind))
    return found


def _lit(spec: FactSpec, kind: Type) -> st.SearchStrategy[Lit]:
    written = STRING if kind.base is Base.STRING else kind
    return _value(spec, kind).map(lambda value: Lit(value, written))


_SCALARS = ("system.risk", "system.region", "system.owner", "cost.total", "score.auc", "tests.failed", "request.time", "impact.window")
_NUMBERS = ("cost.total", "score.auc", "tests.failed", "request.time", "impact.window")


@st.composite
def _comparison(draw: st.DrawFn) -> Expr:
    spec = SCHEMA.by_name[draw(st.sampled_from(_SCALARS))]
    signs = ("==", "!=", "<", "<=", ">", ">=") if spec.name in _NUMBERS else ("==", "!=")
    sign: Any = draw(st.sampled_from(signs))
    return Compare(sign, Fact(spec.name, spec.kind), draw(_lit(spec, spec.kind)))


@st.composite
def _membership(draw: st.DrawFn) -> Expr:
    spec = SCHEMA.by_name[draw(st.sampled_from(_SCALARS))]
    found = draw(st.lists(_lit(spec, spec.kind), min_size=1, max_size=2, unique=True))
    return In(Fact(spec.name, spec.kind), tuple(found))


@st.composite
def _listed(draw: st.DrawFn) -> Expr:
    spec = SCHEMA.by_name[draw(st.sampled_from(("approvals.roles", "runs.failed")))]
    assert spec.kind.item is not None
    of, item = Fact(spec.name, spec.kind), Item(f"one@{spec.name}", spec.kind.item)
    one = draw(_lit(spec, spec.kind.item))
    body: Expr = Compare(draw(st.sampled_from(("==", "!="))), item, one)
    some = Compare(">", Size(of), Lit(0, INT))
    return draw(
        st.sampled_from(
            (
                In(one, of),
                Quantified("exists", of, item, body),
                All((some, Quantified("all", of, item, body))),
                Compare(draw(st.sampled_from(("==", "<", ">="))), Size(of), Lit(draw(st.integers(1, 3)), INT)),
            )
        )
    )


@st.composite
def _timed(draw: st.DrawFn) -> Expr:
    now, at, window = fact("request.time"), fact("impact.at"), fact("impact.window")
    span = Lit(draw(_SPANS), DURATION)
    test = draw(
        st.sampled_from(
            (
                Compare("<", Gap(now, at), span),
                Compare(">=", Shifted(at, "+", window), now),
                Compare("<=", Shifted(now, "-", span), at),
                Compare("==", at, Lit(draw(_MOMENTS), TIMESTAMP)),
            )
        )
    )
    return All((Has(at), test))


@st.composite
def _text(draw: st.DrawFn) -> Expr:
    spec = SCHEMA.by_name[draw(st.sampled_from(("system.region", "system.owner")))]
    of = Fact(spec.name, spec.kind)
    if draw(st.booleans()):
        return Matches(of, draw(st.sampled_from(_PATTERNS)))
    text = draw(_texts_of(spec).filter(bool))
    return TextTest(draw(st.sampled_from(("startsWith", "endsWith", "contains"))), of, text)


def _optional() -> Expr:
    return All((Has(fact("impact.approved")), Truth(fact("impact.approved"))))


def expressions() -> st.SearchStrategy[Expr]:
    """Conditions that check, though a few say something twice or nothing (the checker refuses those)."""
    leaves = st.one_of(
        _comparison(), _membership(), _listed(), _timed(), _text(), st.just(Truth(fact("system.live"))), st.builds(_optional)
    )  # fmt: skip
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=4, unique=True).map(lambda items: All(tuple(items))),
            st.lists(inner, min_size=2, max_size=4, unique=True).map(lambda items: AnyOf(tuple(items))),
        ),
        max_leaves=8,
    )
