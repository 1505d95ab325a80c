"""Clocks: cases written from the law, and what holds for each of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kybern.base import Place
from kybern.base.yaml import read_yaml
from kybern.catalog.applicability import classify, load_rules, read_facts
from kybern.catalog.clocks import IncidentFacts, Running, load_clocks, run_clocks

HERE = Path(__file__).parent
FILE = read_yaml((HERE / "cases.yaml").read_bytes(), "cases.yaml")[0].value
KEYS = {"name", "like", "states", "as_of", "moments", "reports", "incident", "clocks", "asks", "moved_by", "at_once", "due"}
FIXED = date(2026, 11, 26)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


CASES = {case["name"]: case for case in FILE["cases"]}


@cache
def ran(name: str) -> dict[str, Running]:
    case = CASES[name]
    rules, clocks = load_rules(), load_clocks()
    known, problems = read_facts(rules.schema, FILE["situations"][case["like"]], Place)
    facts, more = read_facts(clocks.schema, case["incident"], Place)
    assert not [*problems, *more]
    moments = {name: moment(text) for name, text in case["moments"].items()}
    reports = {name: moment(text) for name, text in case.get("reports", {}).items()}
    as_of = moment(case["as_of"]) if "as_of" in case else max((*moments.values(), *reports.values())).astimezone(UTC)
    incident = IncidentFacts(case["name"], moments, facts, tuple(case.get("states", ["DE"])), reports)
    return {one.clock.id: one for one in run_clocks(clocks, incident, classify(rules, known, max(FIXED, as_of.date())), as_of)}


@pytest.mark.parametrize("case", FILE["cases"], ids=[case["name"] for case in FILE["cases"]])
def test_the_law_counts_so(case: dict[str, Any]) -> None:
    assert case.keys() <= KEYS
    found = ran(case["name"])
    for name, said in case["clocks"].items():
        one = found[name]
        if said[:1].isdigit():
            assert one.truth is True, (name, one.state, one.open)
            assert one.due is not None
            assert one.due.at == moment(said), (name, one.due)
        else:
            assert one.state == said, (name, one.state, one.due)
    for name, said in case.get("due", {}).items():
        due = found[name].due
        assert due is not None
        assert due.at == moment(said)
    for name, asked in case.get("asks", {}).items():
        assert set(asked) <= set(found[name].open), (name, found[name].open)
    for name, by in case.get("moved_by", {}).items():
        due = found[name].due
        assert due is not None
        assert list(due.moved_by) == by
    for name, since in case.get("at_once", {}).items():
        assert found[name].at_once == moment(since)


def test_there_are_cases_of_every_clock() -> None:
    assert len(FILE["cases"]) >= 40
    assert len({case["name"] for case in FILE["cases"]}) == len(FILE["cases"])
    named = {name for case in FILE["cases"] for name in case["clocks"]}
    assert named == set(load_clocks().clocks)


@pytest.mark.parametrize(
    ("breach", "risk", "relieved"), list(product([True, False], ["unlikely", "risk", "high", None], [True, False, None]))
)
def test_more_facts_never_take_an_answer_back(breach: bool, risk: str | None, relieved: bool | None) -> None:  # noqa: FBT001 - a case
    start = datetime(2026, 11, 2, tzinfo=UTC)
    less = {"personal_data_breach": breach}
    more = {**less, **({"breach_risk": risk} if risk else {}), **({"breach_relieved": relieved} if relieved is not None else {})}
    known, _ = read_facts(load_rules().schema, FILE["situations"]["controller"], Place)
    found = classify(load_rules(), known, FIXED)

    def of(facts: dict[str, Any]) -> dict[str, Any]:
        incident = IncidentFacts("i", {"aware_at": start}, facts, ("DE",))
        clocks = replace(load_clocks(), clocks={name: one for name, one in load_clocks().clocks.items() if name.startswith("gdpr")})
        return {one.clock.id: one.truth for one in run_clocks(clocks, incident, found, start)}

    before, after = of(less), of(more)
    assert all(after[name] is truth for name, truth in before.items() if truth is not None)


def test_what_is_open_names_what_would_settle_it_and_what_runs_does_not() -> None:
    for case in FILE["cases"]:
        for one in ran(case["name"]).values():
            if one.state == "cannot tell yet":
                assert one.open, (case["name"], one.clock.id)
            if one.truth is False:
                assert not one.open
            if one.truth is True and one.start is not None:
                assert not one.open
