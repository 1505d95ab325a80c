"""What entries say of their sources: missing numbers, against sets; and signatures by keys that had been revoked."""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import KEY, START, digest

from kybern.evidence import Keyring, Refused, Subject, TestRun, sign, statement
from kybern.evidence.log import Entry, count_sources, signed_late
from kybern.evidence.log._leaf import moment_text
from kybern.evidence.log._policy import moment


def leaf(source: str, seq: int) -> bytes:
    return Entry(digest(seq), digest((source, seq)), source).leaf(seq, moment_text(START))


@given(st.dictionaries(st.sampled_from(["tool:a", "tool:b", "person:c"]), st.sets(st.integers(1, 60), min_size=1)), st.randoms())
def test_a_number_is_missing_if_it_lies_between_and_is_not_there(numbers: dict[str, set[int]], rng: random.Random) -> None:
    waiting = {source: sorted(there) for source, there in numbers.items()}
    order = [source for source, there in numbers.items() for _ in there]
    rng.shuffle(order)
    found = count_sources(leaf(source, waiting[source].pop(0)) for source in order)
    assert [one.source for one in found] == sorted(numbers)
    for one in found:
        there = numbers[one.source]
        assert (one.entries, one.first, one.last) == (len(there), min(there), max(there))
        missing = {number for first, last in one.missing for number in range(first, last + 1)}
        assert missing == set(range(min(there), max(there) + 1)) - there
        assert (one.gaps == "") == (not missing)


def test_a_hundred_gaps_are_enough_and_what_is_no_leaf_is_refused() -> None:
    (one,) = count_sources(leaf("tool:a", 2 * number + 1) for number in range(150))
    assert (len(one.missing), one.entries, one.gaps[:9]) == (100, 150, "2, 4, 6, ")
    with pytest.raises(Refused):
        count_sources([b"{}"])


def test_a_key_that_was_revoked_before_the_log_took_it_in_is_named() -> None:
    revoked = START + timedelta(days=10)
    fields = {"topic": "fairness", "observed_at": START.isoformat(), "collector": {"name": "t", "version": "1"}}
    envelope = sign(
        statement(TestRun.model_validate(fields | {"suite": "s", "passed": 1, "failed": 0}), [Subject("ai_system:a", "0" * 64)]), KEY
    )
    key = KEY.trusted(name="ci", holder="pipeline:ci", kind="pipeline", valid_from=START - timedelta(days=1))
    ring = Keyring((key.model_copy(update={"revoked_on": revoked, "revoked_because": "lost"}),))
    late = signed_late(envelope, ring, revoked)
    assert late is not None
    assert late.name == "ci"
    assert signed_late(envelope, ring, revoked - timedelta(seconds=1)) is None
    assert signed_late(envelope, Keyring((key,)), revoked) is None
    assert signed_late(envelope, Keyring(()), revoked) is None


def test_a_time_beyond_the_calendar_is_told_as_it_is() -> None:
    assert (moment(0), moment((1 << 63) - 1)) == ("1970-01-01T00:00:00Z", f"second {(1 << 63) - 1}")
