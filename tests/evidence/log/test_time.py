"""Bounds: held against histories in which the truth is known; and the parsers of requests, responses and authorities."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kybern.base import InputError
from kybern.evidence import Refused
from kybern.evidence.log import Stamp, answers, bounds, parse_authorities, read_authorities, request_for

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class History:
    """What truly happened, second by second: entries, checkpoints, tokens that are made now or late, and logged or not."""

    appended: list[int] = field(default_factory=list)
    published: list[int] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)

    def act(self, second: int, what: str, drift: int, pick: int) -> None:
        if what == "append":
            self.appended.append(second)
        elif what == "publish":
            self.published.append(len(self.appended))
        elif self.published:
            size = self.published[pick % len(self.published)]  # an old checkpoint may be stamped late
            logged = None
            if what == "stamp and log":
                logged = len(self.appended)
                self.appended.append(second)
            at = START + timedelta(seconds=second, milliseconds=drift)
            self.stamps.append(Stamp("tsa", size, at, timedelta(seconds=1), logged))


ACTS = st.tuples(st.sampled_from(["append", "append", "publish", "stamp", "stamp and log"]), st.integers(-1000, 1000), st.integers(0, 5))


@given(st.lists(ACTS, max_size=40), st.integers(0, 1))
def test_the_truth_lies_within_the_bounds(acts: list[tuple[str, int, int]], pace: int) -> None:
    history = History()
    for number, act in enumerate(acts):
        history.act(number * pace, *act)
    for index, second in enumerate(history.appended):
        truth, found = START + timedelta(seconds=second), bounds(index, history.stamps)
        assert found.not_before is None or found.not_before.earliest <= truth
        assert found.not_after is None or truth <= found.not_after.latest
        assert not found.contradict


@given(st.lists(ACTS, max_size=40))
def test_bounds_are_the_narrowest_and_grow_with_the_index(acts: list[tuple[str, int, int]]) -> None:
    history = History()
    for number, act in enumerate(acts):
        history.act(number, *act)
    last: tuple[datetime, datetime] | None = None
    for index in range(len(history.appended)):
        found = bounds(index, history.stamps)
        lows = [one.earliest for one in history.stamps if one.logged is not None and one.logged <= index]
        highs = [one.latest for one in history.stamps if one.size > index]
        assert (found.not_before and found.not_before.earliest) == max(lows, default=None)
        assert (found.not_after and found.not_after.latest) == min(highs, default=None)
        now = (max(lows, default=datetime.min.replace(tzinfo=UTC)), min(highs, default=datetime.max.replace(tzinfo=UTC)))
        assert last is None or (last[0] <= now[0] and last[1] <= now[1])
        last = now


def test_a_token_on_an_earlier_checkpoint_is_no_bound_from_below_unless_it_is_in_the_log() -> None:
    late = Stamp("tsa", 1, START + timedelta(hours=3), timedelta(seconds=1))
    assert bounds(1, [late]).not_before is None
    assert bounds(0, [late]).not_after == late


def test_tokens_that_leave_no_moment_contradict_each_other() -> None:
    low = Stamp("a", 1, START + timedelta(hours=1), timedelta(seconds=1), logged=1)
    high = Stamp("b", 9, START, timedelta(seconds=1))
    assert bounds(3, [low, high]).contradict
    assert not bounds(0, [low, high]).contradict


def test_an_end_of_the_calendar_is_no_error() -> None:
    edge = Stamp("a", 1, datetime.max.replace(tzinfo=UTC), timedelta(days=1))
    assert (edge.latest, edge.earliest) == (edge.at, edge.at - timedelta(days=1))


def test_two_requests_for_one_note_differ_by_their_nonce() -> None:
    assert request_for(b"note") != request_for(b"note")


@given(st.binary(max_size=300) | st.binary(max_size=120).map(b"\x30\x82\x01\x00\x30\x03\x02\x01\x00\x30".__add__))
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    with contextlib.suppress(Refused):
        assert not answers(data, request_for(b"note"))


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_changed_request_is_another_one_or_none(place: int, byte: int) -> None:
    request = request_for(b"note")
    changed = request[:place] + bytes([byte]) + request[place + 1 :]
    with contextlib.suppress(Refused):
        answers(b"", changed)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"authorities: 7", "authorities"),
        (b"authorities:\n  - {name: a, certificate: x}\n", "PEM form"),
        (b"authorities:\n  - {name: a, certificate: x, url: 'file:///etc/passwd'}\n", "url"),
        (b"authorities: []\n---\nauthorities: []\n", "one document"),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_file_of_authorities_that_cannot_be_used_is_refused_in_words(text: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_authorities(text)


@given(st.binary(max_size=80) | st.text(max_size=60).map(lambda text: f"authorities:\n  - {{name: a, certificate: {text!r}}}\n".encode()))
def test_any_bytes_are_a_file_of_authorities_or_refused(data: bytes) -> None:
    with contextlib.suppress(InputError):
        assert parse_authorities(data) == ()


def test_a_workspace_without_the_file_trusts_no_clock_and_a_link_is_refused(tmp_path: Path) -> None:
    assert read_authorities(tmp_path) == ()
    (tmp_path / "authorities.yaml").symlink_to("elsewhere")
    with pytest.raises(InputError, match="no ordinary file"):
        read_authorities(tmp_path)
