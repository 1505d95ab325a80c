"""A witness that is killed, over and over, while threads and processes ask it: it never cosigns two pasts.

    python tests/cli/witness_chaos.py --rounds 200 [--seed N]

Each round a process cosigns branches of a log that signs anything, and is killed at a statement of SQLite, or at a moment. Every
cosignature that came out is checked against all others of the log's life: sizes and roots of one past only, remembered in the file.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[1] / "evidence" / "log"))

from log_bench import ORIGIN, SIGNER
from witness_bench import NOW, WITNESS, submission, tree

from kybern.cli import _witness_memory
from kybern.cli._witness_memory import WitnessMemory
from kybern.evidence.log import Witness

ROUNDS_A_WITNESS = 20
MODES = ("kill-at-statement", "kill-at-time", "processes")


def fail(why: str) -> NoReturn:
    sys.exit(f"chaos: {why}")


def leaves(branch: int, size: int) -> list[bytes]:
    """Give a branch: all share what is even, so that some continue each other for a while."""
    return [b"%d" % (number if number < 3 or branch == 0 else number * 100 + branch) for number in range(size)]


def ask(memory: WitnessMemory, rng: random.Random, outward: int) -> None:
    """Ask for anything, most often for what continues; tell of every cosignature."""
    witness = Witness([WITNESS], memory)
    for _ in range(12):
        latest = memory.latest(ORIGIN)
        held = 0 if latest is None else latest.size
        branch, size = rng.randrange(3), held + rng.randrange(-1, 4)
        if size >= held and witness.add_checkpoint(bytes(submission(held, leaves(branch, size))), NOW).status == 200:
            os.write(outward, f"{size} {tree(leaves(branch, size)).root.hex()}\n".encode())


def arm(at: int) -> None:
    """Kill the process at a statement of SQLite."""
    count = [0]

    def traced(_: str) -> None:
        count[0] += 1
        if count[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    real = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = real(*args, **options)
        connection.set_trace_callback(traced)
        return connection

    _witness_memory.sqlite3.connect = connect  # type: ignore[assignment]


def work(path: Path, mode: str, seed: int, outward: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - faults, not keys
    if mode == "kill-at-statement":
        arm(rng.randint(1, 90))
    elif mode == "kill-at-time":
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.0005, 0.05))
    memory = WitnessMemory(path)
    threads = [threading.Thread(target=ask, args=(memory, random.Random(seed * 10 + one), outward)) for one in range(2)]  # noqa: S311
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def one_round(path: Path, mode: str, seed: int) -> tuple[list[tuple[int, str]], str]:
    """Let processes run into their ends; give what they cosigned."""
    inward, outward = os.pipe()
    children = []
    for number in range(3 if mode == "processes" else 1):
        child = os.fork()
        if not child:
            with suppress(BaseException):
                work(path, mode, seed * 100 + number, outward)
            os._exit(0)
        children.append(child)
    os.close(outward)
    with os.fdopen(inward) as pipe:
        said = [(int(size), root) for size, root in (line.split() for line in pipe if line.endswith("\n"))]
    killed = [os.WIFSIGNALED(os.waitpid(child, 0)[1]) for child in children]
    return said, "killed" if any(killed) else "unharmed"


def check(path: Path, cosigned: list[tuple[int, str]]) -> None:
    """Hold every cosignature of this log's life against the others and the memory."""
    roots: dict[int, str] = {}
    for size, root in cosigned:
        if roots.setdefault(size, root) != root:
            fail(f"two roots of size {size} were cosigned")
    memory = WitnessMemory(path)
    with memory.turn(ORIGIN) as turn:
        for size, root in roots.items():
            seen = turn.at(size)
            if seen is None or seen.root.hex() != root:
                fail(f"size {size} was cosigned and is not remembered")
        latest = turn.latest()
    if roots and (latest is None or latest.size < max(roots)):
        fail("the memory went back")
    past = [one for one in range(3) if all(tree(leaves(one, size)).root.hex() == root for size, root in roots.items())]
    if not past:
        fail("what was cosigned is not one past")


def rounds(count: int, seed: int) -> None:
    """Run many rounds, each witness over several, so that each crash meets what the one before left."""
    ends: Counter[str] = Counter()
    total = 0
    for first in range(0, count, ROUNDS_A_WITNESS):
        with tempfile.TemporaryDirectory(prefix="kybern-witness-") as folder:
            path = Path(folder) / "memory.db"
            WitnessMemory.create(path).add(SIGNER.verifier)
            cosigned: list[tuple[int, str]] = []
            for number in range(first, min(count, first + ROUNDS_A_WITNESS)):
                mode = MODES[number % len(MODES)]
                said, end = one_round(path, mode, seed + number)
                ends[f"{mode} {end}"] += 1
                cosigned += said
                check(path, cosigned)
            total += len(cosigned)
    sys.stdout.write(
        f"{count} rounds, {total} cosignatures, one past: {', '.join(f'{name} {number}' for name, number in sorted(ends.items()))}\n"
    )


def main() -> None:
    """Read the call and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rounds(asked.rounds, asked.seed)


if __name__ == "__main__":
    main()
