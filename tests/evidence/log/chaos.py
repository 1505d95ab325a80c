"""Crashes, over and over: a process that appends and publishes is killed or its disk fails, at every step there is; then all is checked.

    python tests/evidence/log/chaos.py --rounds 500 [--seed N]
    python tests/evidence/log/chaos.py --writers 16

What must hold after each round, before anything is mended: no acknowledged entry is lost, no half entry is visible, no index is
missing or double, the published checkpoint is not ahead of the journal and shows its cosignatures, and the audit holds. Then publishing
goes on.
A kill leaves what the system has taken in; that nothing is named before it is flushed, test_log.py shows.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import resource
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import ORIGIN, SIGNER, START, Bench, digest, entries
from witness_bench import NOW, WITNESS

from kybern.evidence import Refused
from kybern.evidence.log import CHECKPOINT, Log, audit, audit_since, cosignatures, open_checkpoint, read_leaf

MODES = ("kill-at-step", "kill-at-time", "fail-at-step", "full-disk")
ROUNDS_A_LOG = 25
STEPS = ("write", "fsync", "replace", "mkdir", "unlink", "open")
Said = dict[str, Any]


class Steps:
    """Counts the steps of the program and does something at one of them, or at several in a row."""

    def __init__(self, at: range, act: Callable[[], None]) -> None:
        self.count, self.at, self.act = 0, at, act
        self._statement = ""

    def step(self) -> None:
        self.count += 1
        if self.count in self.at:
            self.act()

    def arm(self, log: Log) -> None:
        """Put a step before every call that changes the disk and, where it is to kill, before every statement of SQLite.

        The rows of one insertion are one step: they would outnumber all others.
        """
        for name in STEPS:
            setattr(os, name, self._stepping(name, getattr(os, name)))
        if self.act is die:
            log.journal._write.set_trace_callback(self._traced)

    def _traced(self, statement: str) -> None:
        before, self._statement = self._statement, statement[:20]
        if self._statement != before:
            self.step()

    def _stepping(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if name == "write" and self.count + 1 in self.at:  # half of it arrives
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            self.step()
            return real(*args, **options)

        return call


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def no_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def work(root: Path, mode: str, seed: int, tell: Callable[[Said], None]) -> None:
    """Append and publish until it ends or is ended; tell of everything that was acknowledged."""
    rng = random.Random(seed)  # noqa: S311 - faults, not keys
    log = Log.open(root / "log", root / "journal.db", SIGNER)
    if mode.endswith("at-step"):
        at = rng.randint(1, 160 if mode.startswith("kill") else 60)
        Steps(range(at, at + rng.choice((1, 2, 30))), die if mode.startswith("kill") else no_space).arm(log)
    elif mode == "kill-at-time":
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.0005, 0.06))
    else:
        largest = max(path.stat().st_size for path in root.rglob("*") if path.is_file())
        limit = rng.randint(1, largest + 200_000)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for number in range(8):
        count = rng.choice((1, 3, 40, 200, 300))
        first = seed * 10_000 + number * 1_000
        moment = START + timedelta(seconds=seed * 10 + number)
        try:
            tell({"appended": log.append(entries(first, count), moment), "first": first})
            if rng.random() < 0.6:
                tell({"published": log.publish(moment).size})
                if rng.random() < 0.5:
                    tell({"cosigned": cosign(log)})
        except (OSError, Refused) as error:
            tell({"refused": str(error)})


def cosign(log: Log) -> int:
    """Have the head cosigned; give its size."""
    head = log.head()
    lines = (
        cosignatures(head.note + WITNESS.cosign(head.checkpoint, NOW), [WITNESS.key]) if WITNESS.key.name.encode() not in head.note else ()
    )
    log.add_cosignatures(head.checkpoint.size, lines)
    return head.checkpoint.size


def in_child(run: Callable[[Callable[[Said], None]], None]) -> tuple[int, int]:
    """Run something in a process of its own: its id, and the pipe on which it tells."""
    inward, outward = os.pipe()
    child = os.fork()
    if child:
        os.close(outward)
        return child, inward
    write = os.write
    try:
        run(lambda said: (write(outward, (json.dumps(said) + "\n").encode()), None)[1])
    finally:
        os._exit(0)


def told(inward: int) -> list[Said]:
    with os.fdopen(inward, "rb") as pipe:
        return [json.loads(line) for line in pipe if line.endswith(b"\n")]


def fail(why: str) -> NoReturn:
    sys.exit(f"chaos: {why}")


def check(root: Path, expected: dict[int, str]) -> Log:
    """Hold what is on disk against what was acknowledged."""
    log = Log.open(root / "log", root / "journal.db", SIGNER)
    leaves = [read_leaf(leaf) for _, block in log.journal.blocks(0, log.journal.size) for leaf in block]
    for index, statement in expected.items():
        if index >= len(leaves) or leaves[index].statement != statement:
            fail(f"entry {index} was acknowledged and is not there")
    double = [name for name, count in Counter(leaf.statement for leaf in leaves).items() if count > 1]
    if double:
        fail(f"{len(double)} statements are there twice")
    shown = open_checkpoint((root / "log" / CHECKPOINT).read_bytes(), SIGNER.verifier)
    if shown.size > len(leaves):
        fail(f"the checkpoint tells of {shown.size} entries, the journal has {len(leaves)}")
    found = audit(log)
    if not found.holds:
        fail(f"the audit found {[*map(str, found.findings)]}")
    return log


def one_round(bench: Bench, mode: str, seed: int, expected: dict[int, str]) -> tuple[str, int]:
    """Let a process run into its fault and check; give how it ended and how much was acknowledged."""
    before = bench.log.head().note
    child, inward = in_child(lambda tell: work(bench.root, mode, seed, tell))
    said = told(inward)
    status = os.waitpid(child, 0)[1]
    for one in said:
        expected |= {index: digest(one["first"] + number) for number, index in enumerate(one.get("appended", ()))}
    log = check(bench.root, expected)
    published = max((one.get("published", 0) for one in said), default=0)
    if log.head().checkpoint.size < published:
        fail("a checkpoint was acknowledged and is not shown")
    cosigned = max((one.get("cosigned", -1) for one in said), default=-1)
    if log.head().checkpoint.size == cosigned and not cosignatures(log.head().note, [WITNESS.key]):
        fail("a cosignature was acknowledged and is not shown")
    size = log.journal.size
    if log.publish(START + timedelta(seconds=seed * 10 + 9)).size != size:
        fail("publishing does not go on")
    for found in (audit(log), audit_since(log, before)):
        if not found.holds:
            fail(f"after publishing on, the audit found {[*map(str, found.findings)]}")
    bench.log.journal.close()
    bench.log = log
    refused = any("refused" in one for one in said)
    return "killed" if os.WIFSIGNALED(status) else "refused" if refused else "unharmed", len(said)


def rounds(count: int, seed: int) -> None:
    """Run many rounds, each log over several, so that each crash meets what the one before left."""
    ends: Counter[str] = Counter()
    done = 0
    while done < count:
        with tempfile.TemporaryDirectory(prefix="kybern-chaos-") as folder:
            bench, expected = Bench.at(Path(folder)), dict[int, str]()
            for number in range(done, min(count, done + ROUNDS_A_LOG)):
                mode = MODES[number % len(MODES)]
                end, _ = one_round(bench, mode, seed + number, expected)
                ends[f"{mode} {end}"] += 1
            bench.log.journal.close()
        done += ROUNDS_A_LOG
    sys.stdout.write(f"{count} rounds, all held: {', '.join(f'{name} {number}' for name, number in sorted(ends.items()))}\n")


def write(root: Path, number: int, tell: Callable[[Said], None]) -> None:
    log = Log.open(root / "log", root / "journal.db", SIGNER)
    for batch in range(6):
        first = number * 10_000 + batch * 100
        tell({"appended": log.append(entries(first, 1 + (number + batch) % 30, f"tool:{number}"), START), "first": first})
        if number % 4 == 0:
            tell({"published": log.publish(START).size})


def writers(count: int) -> None:
    """Let processes write and publish at the same time."""
    with tempfile.TemporaryDirectory(prefix="kybern-chaos-") as folder:
        bench = Bench.at(Path(folder))
        children = [in_child(lambda tell, number=number: write(bench.root, number, tell)) for number in range(count)]  # type: ignore[misc]
        expected: dict[int, str] = {}
        total = 0
        for child, inward in children:
            for one in told(inward):
                expected |= {index: digest(one["first"] + number) for number, index in enumerate(one.get("appended", ()))}
                total += len(one.get("appended", ()))
            if os.waitpid(child, 0)[1]:
                fail("a writer failed")
        if sorted(expected) != list(range(total)):
            fail("an index is missing or double")
        log = check(bench.root, expected)
        if log.publish(START).size != total or not audit(log).holds:
            fail("the log does not hold in the end")
        sys.stdout.write(f"{count} writers, {total} entries of {ORIGIN}: no gap, no double\n")


def main() -> None:
    """Read the call and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writers", type=int, default=0)
    asked = parser.parse_args()
    if asked.writers:
        writers(asked.writers)
    if asked.rounds:
        rounds(asked.rounds, asked.seed)


if __name__ == "__main__":
    main()
