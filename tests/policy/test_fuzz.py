"""No input hangs the parser or escapes it: a condition loads, or is one fault at a place within it."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from policy_rules import text
from policy_world import SCHEMA, SCHEMA_YAML

from kybern.base import InputError
from kybern.policy import load_bundle, read_schema
from kybern.policy._check import check
from kybern.policy._syntax import MAX_LENGTH, Fault, parse
from kybern.policy._write import to_text

WORDS = (
    "system.live", "system.risk", "tests.failed", "approvals.roles", "impact.at", "has", "size", "timestamp", "quantity", ".exists",
    ".all", ".matches", "(", ")", "[", "]", ",", ".", "&&", "||", "!", "-", "+", "==", "!=", "<", "in", "true", "null", "1", "2.5",
    "1e9", '"high"', "'x'", '"^a$"', "r", "predicate", "\\", '"', "\x00", "ä", "=", "and",
)  # fmt: skip


def survives(condition: str) -> None:
    found = fault = None
    try:
        found = check(condition, SCHEMA, ("deploy",), {})
    except Fault as raised:
        fault = raised
    if fault is not None:
        assert 0 <= fault.at <= len(condition)
        assert fault.message
    if found is not None:
        assert check(to_text(found), SCHEMA, ("deploy",), {}) == found


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
@example("(" * 5000)
@example("!" * 900 + "system.live")
@example("-" * 900 + "1")
@example("a" * MAX_LENGTH)
@example("a" * (MAX_LENGTH + 1))
@example("system.live" + ".a" * 700)
@example("system.owner" + ".contains('a')" * 200)
@example(" && ".join(["system.live"] * 500))
@example("tests.failed == 1" + "0" * 300)
@example('"' + "\\" * 500)
@example('system.owner.matches("^' + "(a*)*" * 50 + '$")')
@example('system.owner.matches("^a{1000}{1000}$")')
def test_a_condition_of_words_loads_or_is_one_fault(condition: str) -> None:
    survives(condition)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=200))
def test_any_text_loads_or_is_one_fault(condition: str) -> None:
    survives(condition)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 600))
def test_any_file_of_rules_loads_or_says_what_is_wrong(noise: bytes, at: int) -> None:
    data = text("tests.failed > 8", fires="{tests.failed: 9}")
    for given_ in (noise, data[:at] + noise + data[at + len(noise) :]):
        with suppress(InputError):
            load_bundle(SCHEMA, [("rules.yaml", given_)])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 1400))
def test_any_schema_loads_or_says_what_is_wrong(noise: bytes, at: int) -> None:
    with suppress(InputError):
        read_schema(SCHEMA_YAML[:at] + noise + SCHEMA_YAML[at + len(noise) :], "schema.yaml")


def test_the_longest_condition_is_read_in_a_moment() -> None:
    start = time.process_time()
    for condition in ("(" * MAX_LENGTH, "!" * MAX_LENGTH, '"' * MAX_LENGTH, "1." * (MAX_LENGTH // 2), " " * MAX_LENGTH):
        with pytest.raises(Fault):
            parse(condition)
    assert time.process_time() - start < 1


def test_a_pattern_that_hangs_others_answers_at_once() -> None:
    found = check('system.owner.matches("^(a+)+$")', SCHEMA, ("deploy",), {})
    from kybern.policy._compile import compile_test  # noqa: PLC0415 - the one test that runs it

    start = time.process_time()
    assert not compile_test(found, {})({"system.owner": "a" * 50_000 + "b"})
    assert time.process_time() - start < 1
