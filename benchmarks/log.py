"""Append 100,000 records of 1 KiB to the evidence log, beside a plain SQLite hash chain with group commit, in one run.

    python benchmarks/log.py                     # 100,000 records
    python benchmarks/log.py --records 1000000   # the full size, a few minutes
    python benchmarks/log.py --json

Both append the same leaves in the same batches, each batch durable (WAL, synchronous=FULL) before the next. Then both are verified:
the chain by following it, the log by its full audit, which also reads every published file. The log's publishing is timed apart and
added.

Where pymerkle is installed (it is no dependency), its inclusion proofs are timed over the same leaves at the same indices, in its
fastest storage, which is memory; the log reads tiles from files and remembers them. Both prove each entry once before, so both are warm.
Like pymerkle's, a proof of the log is made for a given size; `Log.inclusion` without one also looks at the published checkpoint each time,
and `Log.prove` reads the leaf from the journal too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kybern.evidence import PrivateKey
from kybern.evidence.log import Log, Signer, audit, audit_since, includes, leaf_hash

START = datetime(2026, 11, 23, tzinfo=UTC)
RECORD_BYTES = 1024
BATCH = 1000
NEW = 10_000
PROOFS = 2_000
CHUNK = 20_000


class Record:
    """A leaf of exactly 1 KiB."""

    source, seq, unless = "tool:bench", None, None

    def __init__(self, number: int) -> None:
        """Take a number."""
        self._digest = hashlib.sha256(str(number).encode()).hexdigest()

    def leaf(self, seq: int, at: str) -> bytes:
        """Write it: the fields of a statement's leaf, and padding."""
        text = (
            f'{{"at":"{at}","envelope":"{self._digest}","pad":"%s","seq":{seq},"source":"{self.source}",'
            f'"statement":"{self._digest}","type":"statement","v":1}}'
        )
        return (text % ("x" * (RECORD_BYTES - len(text) + 2))).encode()


class Chain:
    """What many do: each row holds the hash over the row before and its own record."""

    def __init__(self, path: Path) -> None:
        """Make the table."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE chain (id INTEGER PRIMARY KEY, record BLOB NOT NULL, hash BLOB NOT NULL)")
        self._last, self._next = b"\0" * 32, 0

    def append(self, records: list[bytes]) -> None:
        """Append a batch in one commit."""
        rows = []
        for record in records:
            self._last = hashlib.sha256(self._last + record).digest()
            rows.append((self._next, record, self._last))
            self._next += 1
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO chain VALUES (?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def verify(self) -> int:
        """Follow the chain; give its length."""
        last, count = b"\0" * 32, 0
        for identity, record, found in self._connection.execute("SELECT id, record, hash FROM chain ORDER BY id"):
            last = hashlib.sha256(last + record).digest()
            if last != found or identity != count:
                sys.exit("the chain does not verify")
            count += 1
        return count


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Do it: what it gave, wall seconds, CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def batches(start: int, end: int) -> Iterator[list[Record]]:
    """Make records in batches."""
    for first in range(start, end, BATCH):
        yield [Record(number) for number in range(first, min(end, first + BATCH))]


def append_both(log: Log, chain: Chain, count: int) -> dict[str, float]:
    """Append the same leaves to both, in turns, so that the machine is as busy for one as for the other."""
    wall, cpu = dict.fromkeys(("log", "chain"), 0.0), dict.fromkeys(("log", "chain"), 0.0)
    # Both get records to write: the log writes leaves of its records, the chain is given the leaves.
    for first in range(0, count, CHUNK):
        end = min(count, first + CHUNK)
        drafts = list(batches(first, end))
        leaves = [[draft.leaf(first + 1, "2026-11-23T00:00:00.000000Z") for draft in batch] for batch in drafts]
        turns: list[tuple[str, Callable[[], object]]] = [
            ("log", lambda drafts=drafts: [log.append(batch, START) for batch in drafts]),  # type: ignore[misc]
            ("chain", lambda leaves=leaves: [chain.append(batch) for batch in leaves]),  # type: ignore[misc]
        ]
        for name, work in turns if first // CHUNK % 2 else turns[::-1]:
            _, seconds, spent = timed(work)
            wall[name] += seconds
            cpu[name] += spent
    return {f"{name}_append_{kind}": value[name] for kind, value in (("s", wall), ("cpu_s", cpu)) for name in ("log", "chain")}


def sample(count: int) -> list[int]:
    """Choose entries to prove."""
    return random.Random(1).sample(range(count), min(PROOFS, count))  # noqa: S311 - a sample


def each_ms(work: Callable[[int], Any], indices: list[int]) -> float:
    """Do it for each; give the median time in milliseconds."""
    spent = []
    for index in indices:
        start = time.perf_counter()
        work(index)
        spent.append(time.perf_counter() - start)
    return 1000 * statistics.median(spent)


def proofs(log: Log, count: int) -> dict[str, float]:
    """Time proofs, the first and the second time each, and verify them all."""
    head, indices = log.head().checkpoint, sample(count)
    found = {"proof_first_ms": each_ms(log.inclusion, indices), "proof_warm_ms": each_ms(log.inclusion, indices)}
    for index in indices:
        if not includes(leaf_hash(log.journal.leaf(index) or b""), index, head.size, log.inclusion(index), head.root):
            sys.exit("a proof does not verify")
    given = each_ms(lambda index: log.inclusion(index, head.size), indices)
    return found | {"proof_given_ms": given, "proof_whole_ms": each_ms(log.prove, indices)}


def pymerkle_proof_ms(log: Log, count: int) -> float | None:
    """Time pymerkle's inclusion proofs over the same leaves in memory, the second time each; None where it is not installed."""
    try:
        from pymerkle import InmemoryTree, verify_inclusion  # noqa: PLC0415
    except ImportError:
        return None
    tree = InmemoryTree(algorithm="sha256")
    for _, leaves in log.journal.blocks(0, count):
        for leaf in leaves:
            tree.append_entry(leaf)
    indices = sample(count)
    for index in indices[:20]:
        verify_inclusion(tree.get_leaf(index + 1), tree.get_root(count), tree.prove_inclusion(index + 1, count))
    each_ms(lambda index: tree.prove_inclusion(index + 1, count), indices)
    return each_ms(lambda index: tree.prove_inclusion(index + 1, count), indices)


def run(count: int, folder: Path) -> dict[str, float]:
    """Measure; every result is verified before it is told."""
    log = Log.create(folder / "log", folder / "journal.db", Signer("example.org/bench", PrivateKey(Ed25519PrivateKey.generate())), START)
    chain = Chain(folder / "chain.db")
    found = append_both(log, chain, count)
    _, found["log_publish_s"], found["log_publish_cpu_s"] = timed(lambda: log.publish(START + timedelta(seconds=1)))
    verified, _, found["chain_verify_cpu_s"] = timed(chain.verify)
    chain.close()
    whole, found["audit_s"], found["audit_cpu_s"] = timed(lambda: audit(log))
    if verified != count or not whole.holds or whole.entries != count:
        sys.exit("what was appended does not verify")
    found |= proofs(log, count)
    kept = log.head().note
    for batch in batches(count, count + NEW):
        log.append(batch, START + timedelta(seconds=2))
    log.publish(START + timedelta(seconds=3))
    since, _, found["audit_new_cpu_s"] = timed(lambda: audit_since(log, kept))
    if not since.holds or since.entries != NEW:
        sys.exit("the new entries do not verify")
    other = pymerkle_proof_ms(log, count)
    return found if other is None else found | {"pymerkle_proof_ms": other}


def tell(count: int, found: dict[str, float]) -> None:
    """Print what was measured, with ratios."""
    log, chain, publish = found["log_append_s"], found["chain_append_s"], found["log_publish_s"]
    print(f"{count:,} records of {RECORD_BYTES:,} bytes, {BATCH:,} a commit; both verified")
    print(f"append       log {log:8.2f} s   chain {chain:8.2f} s   chain / log {chain / log:.2f}")
    print(f"   CPU       log {found['log_append_cpu_s']:8.2f} s   chain {found['chain_append_cpu_s']:8.2f} s")
    print(f"   publish   log {publish:8.2f} s   with it: chain / log {chain / (log + publish):.2f}")
    print(f"verify CPU   log {found['audit_cpu_s']:8.2f} s   chain {found['chain_verify_cpu_s']:8.2f} s   (the log's is its full audit)")
    print(f"audit of {NEW:,} new entries {found['audit_new_cpu_s']:.3f} s CPU")
    given, warm, first, prove = (found[f"proof_{name}_ms"] for name in ("given", "warm", "first", "whole"))
    print(f"inclusion proof {given:.4f} ms for a given size, {warm:.4f} ms with a look at the checkpoint ({first:.4f} ms the first time)")
    print(f"   with leaf    {prove:.4f} ms (`Log.prove`)")
    if "pymerkle_proof_ms" in found:
        other = found["pymerkle_proof_ms"]
        print(f"pymerkle        {other:.4f} ms for a given size: pymerkle / log {other / given:.1f} (with the look {other / warm:.1f})")


def main() -> None:
    """Read the call and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kybern-bench-") as folder:
        found = run(asked.records, Path(folder))
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        tell(asked.records, found)


if __name__ == "__main__":
    main()
