"""A witness: what C2SP says it answers, what it keeps, and that it never cosigns two pasts, whatever comes in whatever order."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import ORIGIN, SIGNER, Bench
from witness_bench import LATTICE, NOW, OTHER, WITNESS, post_into, signed, submission, tree, witness

from kybern.evidence import PrivateKey, Refused
from kybern.evidence.log import (
    EMPTY_ROOT,
    MAX_SUBMISSION,
    Came,
    Checkpoint,
    Kind,
    Log,
    Outcome,
    Post,
    Reply,
    Seen,
    Signer,
    Submission,
    Witness,
    ask,
    cosignatures,
    open_checkpoint,
)

LEAVES = [bytes([number]) for number in range(9)]
FORKED = [*LEAVES[:2], b"another", *LEAVES[3:]]


def said(one: Witness, old: int, leaves: list[bytes], signer: Signer = SIGNER) -> tuple[int, bytes]:
    answer = one.add_checkpoint(bytes(submission(old, leaves, signer)), NOW)
    return answer.status, answer.body


def test_it_cosigns_what_continues_what_it_cosigned() -> None:
    one, memory = witness()
    for old, new in ((0, 3), (3, 3), (3, 4), (4, 9)):
        status, body = said(one, old, LEAVES[:new])
        assert status == 200
        assert [found.key for found in cosignatures(signed(LEAVES[:new]) + body, [WITNESS.key, LATTICE.key])] == [WITNESS.key, LATTICE.key]
    assert memory.kept == []
    latest = memory.seen[ORIGIN][9]
    assert open_checkpoint(latest.note, SIGNER.verifier) == tree(LEAVES)
    assert len(cosignatures(latest.note, [WITNESS.key, LATTICE.key])) == 2


def test_it_answers_as_the_protocol_says() -> None:
    one, _ = witness()
    stranger = Signer(ORIGIN, PrivateKey.generate())
    assert said(one, 0, LEAVES[:3], Signer("example.org/unknown", PrivateKey.generate()))[0] == 404
    assert said(one, 0, LEAVES[:3], stranger)[0] == 403
    assert said(one, 4, LEAVES[:3])[0] == 400
    assert said(one, 0, LEAVES[:3])[0] == 200
    assert said(one, 0, LEAVES[:5]) == (409, b"3\n")
    assert one.add_checkpoint(bytes(submission(0, LEAVES[:5])), NOW).type == "text/x.tlog.size"
    assert said(one, 3, FORKED[:3]) == (409, b"3\n")
    assert said(one, 3, FORKED[:5])[0] == 422
    assert one.add_checkpoint(bytes(Submission(3, (bytes(32),), signed(LEAVES[:3]))), NOW).status == 422
    assert one.add_checkpoint(b"nothing\n\nof use", NOW).status == 400
    assert one.add_checkpoint(bytes(Submission(3, (), b"no note")), NOW).status == 400
    assert one.add_checkpoint(bytes(Submission(3, (), SIGNER.sign("no checkpoint\n"))), NOW).status == 400


def test_an_empty_log_is_cosigned_and_a_forged_empty_root_is_not() -> None:
    one, _ = witness()
    forged = SIGNER.sign(str(Checkpoint(ORIGIN, 0, bytes(32))))
    assert one.add_checkpoint(bytes(Submission(0, (), forged)), NOW).status == 422
    assert said(one, 0, [])[0] == 200
    assert one.add_checkpoint(bytes(Submission(0, (), forged)), NOW).status == 409
    assert said(one, 0, LEAVES)[0] == 200


def test_what_contradicts_is_kept_with_both_notes() -> None:
    one, memory = witness()
    said(one, 0, LEAVES[:3])
    said(one, 3, LEAVES[:6])
    said(one, 6, FORKED[:6])  # one size, two roots
    said(one, 0, FORKED[:3])  # a size cosigned long ago, another root
    said(one, 6, FORKED[:9])  # larger, and not a continuation
    said(one, 0, LEAVES[:5])  # smaller, never seen
    said(one, 0, LEAVES[:3])  # cosigned before: nothing wrong with it
    said(one, 0, LEAVES[:9])  # asks how far the witness is
    assert [found.kind for found in memory.kept] == [Kind.FORK, Kind.FORK, Kind.UNPROVEN, Kind.SMALLER]
    for found in memory.kept:
        held, shown = (open_checkpoint(note, SIGNER.verifier) for note in (found.held, found.shown))
        assert held != shown
        assert cosignatures(found.held, [WITNESS.key])
    assert max(memory.seen[ORIGIN]) == 6


def test_what_strangers_sign_is_neither_kept_nor_passed_on() -> None:
    one, memory = witness(WITNESS)
    junk = b"".join(f"\u2014 {ORIGIN} {base64.b64encode(bytes([number] * 9)).decode()}\n".encode() for number in range(30))
    note = signed(LEAVES[:3]) + junk + OTHER.cosign(tree(LEAVES[:3]), NOW)
    assert one.add_checkpoint(bytes(Submission(0, (), note)), NOW).status == 200
    assert memory.seen[ORIGIN][3].note == signed(LEAVES[:3]) + WITNESS.cosign(tree(LEAVES[:3]), NOW)
    said(one, 0, FORKED[:2], Signer(ORIGIN, PrivateKey.generate()))
    assert memory.kept == []


def test_its_time_does_not_run_backwards() -> None:
    one, memory = witness(WITNESS)
    one.add_checkpoint(bytes(submission(0, LEAVES[:3])), NOW)
    one.add_checkpoint(bytes(submission(3, LEAVES[:4])), NOW - 1000)
    assert memory.seen[ORIGIN][4].at == NOW


@given(st.binary(max_size=300) | st.builds(lambda head, proof, note: head + b"\n" + proof + b"\n\n" + note,
    st.sampled_from([b"old 0", b"old 3", b"old 00", b"old -1", b"old 9999999999999999999", b"Old 1", b"old  1", "old \u0661".encode()]),
    st.binary(max_size=60), st.sampled_from([signed(LEAVES[:3]), b"", b"\n\n"])))  # fmt: skip
def test_no_body_makes_a_witness_fail(body: bytes) -> None:
    one, memory = witness(WITNESS)
    answer = one.add_checkpoint(body, NOW)
    assert answer.status in {200, 400, 409, 422}
    assert (answer.status == 200) == (memory.seen.get(ORIGIN, {}) != {})
    try:
        again = Submission.parse(body)
    except Refused as refused:
        assert refused.rule == "bad-submission"  # noqa: PT017 - or it is read
    else:
        assert bytes(again) == body


def test_a_submission_has_bounds() -> None:
    assert len(Submission.parse(bytes(Submission(3, (bytes(32),) * 63, b"note"))).proof) == 63
    for body in (bytes(Submission(3, (bytes(32),) * 64, b"note")), bytes(Submission(1, (), b"x" * MAX_SUBMISSION))):
        with pytest.raises(Refused):
            Submission.parse(body)


# --- whatever comes in whatever order ---------------------------------------------------------------------------------------------------


class Hostile(RuleBasedStateMachine):
    """A log that signs anything, and a witness whose every cosignature is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.witness, self.memory = witness(WITNESS)
        self.pasts = [[b"a"], [b"b"]]
        self.cosigned: list[Checkpoint] = []
        self.largest = -1

    @rule(which=st.integers(0, 5), size=st.integers(0, 12), leaf=st.binary(min_size=1, max_size=1))
    def branch(self, which: int, size: int, leaf: bytes) -> None:
        if len(self.pasts) < 12:
            self.pasts.append([*self.pasts[which % len(self.pasts)][:size], leaf])

    @rule(which=st.integers(0, 11), size=st.integers(0, 13), old=st.integers(-1, 13), now=st.integers(1, 1 << 40))
    def submit(self, which: int, size: int, old: int, now: int) -> None:
        leaves = self.pasts[which % len(self.pasts)][:size]
        latest = self.memory.seen.get(ORIGIN, {})
        held = max(latest, default=0) if old < 0 else old
        answer = self.witness.add_checkpoint(bytes(submission(held, leaves)), now)
        if answer.status != 200:
            return
        found = cosignatures(signed(leaves) + answer.body, [WITNESS.key])
        assert len(found) == 1
        checkpoint = tree(leaves)
        assert checkpoint.size >= self.largest
        assert all(one.root == checkpoint.root for one in self.cosigned if one.size == checkpoint.size)
        assert all(tree(leaves[: one.size]).root == one.root for one in self.cosigned)  # it continues all that was cosigned
        self.cosigned.append(checkpoint)
        self.largest = checkpoint.size

    @invariant()
    def what_is_remembered_is_what_was_cosigned(self) -> None:
        seen: dict[int, Seen] = self.memory.seen.get(ORIGIN, {})
        assert {size: one.root for size, one in seen.items()} == {one.size: one.root for one in self.cosigned}

    @invariant()
    def what_was_kept_is_signed_and_two(self) -> None:
        for found in self.memory.kept:
            held, shown = (open_checkpoint(note, SIGNER.verifier) for note in (found.held, found.shown))
            assert (held.size, held.root) != (shown.size, shown.root)
            assert (found.kind is Kind.FORK) == (held.size == shown.size)


Hostile.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestHostile = Hostile.TestCase


# --- asking -----------------------------------------------------------------------------------------------------------------------------


def asked(log: Log, one: Witness, held: int = 0) -> Outcome:
    return ask(log, log.head(), [WITNESS.key, LATTICE.key], post_into(one), held)


def test_a_log_is_cosigned_and_shows_it_and_goes_on(tmp_path: Path) -> None:
    bench, (one, _) = Bench.at(tmp_path), witness()
    for count in (0, 3, 300, 1):
        bench.fill(count)
        outcome = asked(bench.log, one)
        assert outcome.came is Came.COSIGNED
        bench.log.add_cosignatures(bench.log.head().checkpoint.size, outcome.cosigned)
        assert {found.line for found in cosignatures(bench.log.head().note, [WITNESS.key, LATTICE.key])} == {
            found.line for found in outcome.cosigned
        }
    assert bench.log.journal.cosigned_by(WITNESS.key) == 304
    again = bench.reopened()
    assert again.publish(bench.moment).size == 304
    assert len(cosignatures(again.head().note, [WITNESS.key, LATTICE.key])) == 2
    bench.fill(1)
    assert cosignatures(bench.log.head().note, [WITNESS.key]) == ()  # not asked yet


def test_cosignatures_that_come_late_do_not_take_the_checkpoint_back(tmp_path: Path) -> None:
    bench, (one, _) = Bench.at(tmp_path), witness()
    bench.fill(3)
    outcome = asked(bench.log, one)
    bench.fill(4)
    bench.log.add_cosignatures(3, outcome.cosigned)
    assert bench.log.head().checkpoint.size == 7
    assert cosignatures(bench.log.head().note, [WITNESS.key]) == ()
    assert asked(bench.log, one, 3).came is Came.COSIGNED


def test_a_rolled_back_log_and_a_rewritten_one_are_refused(tmp_path: Path) -> None:
    one, memory = witness()
    honest, rolled, forked = (Bench.at(tmp_path / name) for name in ("honest", "rolled", "forked"))
    honest.fill(5)
    assert asked(honest.log, one).came is Came.COSIGNED
    rolled.fill(4)
    forked.moment = forked.moment.replace(hour=11)
    forked.fill(5)
    assert (asked(rolled.log, one).came, asked(rolled.log, one).rule) == (Came.REFUSED, "rollback")
    assert (asked(forked.log, one).came, asked(forked.log, one).rule) == (Came.REFUSED, "fork")
    forked.fill(3)
    assert (asked(forked.log, one).came, asked(forked.log, one).rule) == (Came.REFUSED, "fork")
    assert {found.kind for found in memory.kept} == {Kind.SMALLER, Kind.FORK, Kind.UNPROVEN}


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (Reply(200, "", b""), "bad-note"),
        (Reply(200, "", OTHER.cosign(tree([]), NOW)), "no-cosignature"),
        (Reply(200, "", WITNESS.cosign(tree(LEAVES), NOW)), "bad-signature"),
        (Reply(200, "", b"\xff"), "bad-note"),
        (Reply(404, "", b"who\x1b[2J?"), "no-cosignature"),
        (Reply(500, "", b""), "no-cosignature"),
        (Reply(409, "text/x.tlog.size", b"many\n"), "bad-answer"),
        (Reply(409, "text/x.tlog.size", b"2"), "bad-answer"),
        (Reply(409, "text/plain", b"2\n"), "bad-answer"),
    ],
)
def test_an_answer_of_no_use_is_told_in_words(tmp_path: Path, reply: Reply, rule: str) -> None:
    bench = Bench.at(tmp_path)
    outcome = ask(bench.log, bench.log.head(), [WITNESS.key], lambda _: reply)
    assert (outcome.came, outcome.rule) == (Came.SILENT, rule)
    assert outcome.message.isprintable()
    assert bench.log.head().checkpoint.root == EMPTY_ROOT


def test_a_witness_that_names_another_size_each_time_is_given_up(tmp_path: Path) -> None:
    bench = Bench.at(tmp_path)
    bench.fill(9)
    sizes = iter(range(1, 9))
    outcome = ask(bench.log, bench.log.head(), [WITNESS.key], lambda _: Reply(409, "text/x.tlog.size", f"{next(sizes)}\n".encode()))
    assert (outcome.came, outcome.rule, next(sizes)) == (Came.SILENT, "bad-answer", 5)


def test_one_that_does_not_answer_is_told(tmp_path: Path) -> None:
    def post(_: bytes) -> Reply:
        raise ConnectionRefusedError(111, "Connection refused")

    silent: Post = post
    outcome = ask(Bench.at(tmp_path).log, Bench.at(tmp_path / "b").log.head(), [WITNESS.key], silent)
    assert (outcome.came, outcome.message) == (Came.SILENT, "it does not answer: Connection refused")
