"""Records of decisions: chained, read back, decided again."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_rules import bundle_of
from policy_world import SCHEMA, values

from kybern.base import InputError
from kybern.policy import Effect, Facts, decide, decide_on
from kybern.policy._record import DecisionLog, Link, Recorded, read_decisions
from kybern.policy._replay import replay, tally

RULES = bundle_of("tests.failed > 4", 'system.risk == "high" && system.live', effects=("deny", "allow"))


def written(samples: list[dict[str, Any]]) -> tuple[bytes, Link]:
    file = io.BytesIO()
    log = DecisionLog(file)
    for facts in samples:
        log.append(decide(RULES, Facts(facts, SCHEMA)), facts)
    return file.getvalue(), log.head


def read(data: bytes, head: Link | None = None) -> list[Recorded]:
    return list(read_decisions(io.BytesIO(data), "decisions.jsonl", head))


@settings(max_examples=60, deadline=None)
@given(st.lists(values(), min_size=1, max_size=6))
def test_what_is_recorded_is_decided_again_alike(samples: list[dict[str, Any]]) -> None:
    data, head = written(samples)
    found = read(data)
    assert (len(found), found[-1].digest) == (head.count, head.digest)
    again = list(replay(RULES, found))
    assert not any(one.differs for one in again)
    assert [tuple(rule.id for rule in one.now.in_order) for one in again] == [one.fired for one in found]


@settings(max_examples=60, deadline=None)
@given(st.lists(values(), min_size=3, max_size=5), st.data())
def test_one_changed_byte_or_lost_line_breaks_the_chain(samples: list[dict[str, Any]], data: st.DataObject) -> None:
    whole, _ = written(samples)
    lines = whole.splitlines(keepends=True)
    lost = data.draw(st.integers(0, len(lines) - 2))
    with pytest.raises(InputError):
        read(b"".join(lines[:lost] + lines[lost + 1 :]))
    at = data.draw(st.integers(0, len(whole) - len(lines[-1]) - 2))
    with pytest.raises(InputError):
        read(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])


def test_a_changed_rule_is_told_by_what_comes_out() -> None:
    samples = [{"action": "deploy", "tests.failed": number, "system.risk": "high", "system.live": True} for number in range(9)]
    door = SCHEMA.doors["deploy"]
    whole = [{name: SCHEMA.read(name, SCHEMA.by_name[name].example) for name in door.needed} | one for one in samples]
    data, _ = written(whole)
    stricter = bundle_of("tests.failed > 2", 'system.risk == "high" && system.live', effects=("deny", "allow"))
    assert tally(replay(stricter, read(data))) == {("allow", "allow"): 3, ("allow", "deny"): 2, ("deny", "deny"): 4}


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b"nonsense", b"{" * 100_000, b'{"n": 1}', b"\xff", b" " * (1 << 21)])
def test_a_line_that_is_no_record_is_refused_with_its_place(line: bytes) -> None:
    with pytest.raises(InputError) as error:
        read(line + b"\n")
    assert error.value.problems[0].place.line == 1


def test_a_file_goes_on_from_where_it_stood() -> None:
    file = io.BytesIO()
    facts = {"action": "deploy", "tests.failed": 1}
    decision = decide(RULES, Facts({**facts, "system.risk": "high", "system.live": True}, SCHEMA))
    first = DecisionLog(file).append(decision, facts)
    second = DecisionLog(file, first).append(decision, facts)
    assert [one.number for one in read(file.getvalue())] == [1, 2]
    assert read(file.getvalue().splitlines(keepends=True)[1], first)[0].digest == second.digest


def _line_with(before: bytes, after: bytes) -> bytes:
    whole, _ = written([{"action": "deploy", "tests.failed": 1, "system.risk": "high", "system.live": True}])
    assert before in whole
    return whole.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"effect":"allow"', b'"effect":"deny","effect":"allow"'),
        (b'"tests.failed":1', b'"tests.failed":9,"tests.failed":1'),
        (b'"tests.failed":1', b'"tests.failed":1e400'),
        (b'"tests.failed":1', b'"tests.failed":0.10000000000000000001'),
        (b'"tests.failed":1', b'"tests.failed": 1'),
        (b'"n":1', b'"n":true'),
        (b'"n":1', b'"n":1.0'),
        (b'"high"', b'"\\u0068igh"'),
    ],
)
def test_a_record_has_one_form_and_says_one_thing(before: bytes, after: bytes) -> None:
    with pytest.raises(InputError) as error:
        read(_line_with(before, after))
    assert error.value.problems[0].rule == "bad-record"


def test_a_denial_of_strange_facts_is_recorded_all_the_same() -> None:
    strange: list[dict[Any, Any]] = [
        {"action": "\ud800"}, {"score.auc": float("inf")}, {"score.auc": float("nan")}, {"system.owner": {3, "a"}}, {3: 4, "a": 5},
        {(1,): object()},
    ]  # fmt: skip
    file = io.BytesIO()
    log = DecisionLog(file)
    for facts in strange:
        log.append(decide_on(RULES, facts, {}), facts)
    assert [one.effect for one in read(file.getvalue())] == [Effect.DENY] * len(strange)
    file.getvalue().decode("utf-8")
