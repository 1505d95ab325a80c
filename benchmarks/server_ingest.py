"""Take in signed evidence: pieces a second, into SQLite and into a PostgreSQL of its own, every signature verified.

    python benchmarks/server_ingest.py                       # SQLite
    python tools/with_postgres.py python benchmarks/server_ingest.py
    python benchmarks/server_ingest.py --pieces 20000 --batch 2000 --processes 2

Pieces are signed beforehand, each about one of 200 AI systems. As many processes as there are cores take them in at once, as the
server's do. Seconds are wall time from the first piece to the last, and CPU of these processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

SYSTEMS = 200


def main() -> None:
    """Make the database, sign, let the processes take in, say how fast."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part is not None:
        _take_part(asked.folder, asked.part, asked.batch)
        return
    with tempfile.TemporaryDirectory(prefix="kybern-ingest-") as folder:
        _measure(Path(folder), asked.pieces, asked.batch, asked.processes)


def _measure(folder: Path, pieces: int, batch: int, processes: int) -> None:
    _ready(folder)
    from django.db import connection  # noqa: PLC0415 - Django is set up by now

    from kybern.server.store.models import EvidenceRow  # noqa: PLC0415

    envelopes = _signed(pieces)
    for part in range(processes):
        (folder / f"{part}.ndjson").write_bytes(b"".join(envelopes[part::processes]))
    command = [sys.executable, __file__, "--folder", str(folder), "--batch", str(batch), "--part"]
    running = [subprocess.Popen([*command, str(part)], stdout=subprocess.PIPE) for part in range(processes)]  # noqa: S603 - ourselves
    while len(list(folder.glob("*.ready"))) < processes:
        time.sleep(0.01)
    (folder / "go").touch()
    said = [json.loads(one.communicate()[0]) for one in running]
    accepted = sum(one["accepted"] for one in said)
    assert accepted == pieces == EvidenceRow.objects.count()  # noqa: S101 - a benchmark of something wrong is worth nothing
    wall = max(one["end"] for one in said) - min(one["begun"] for one in said)
    cpu = sum(one["cpu"] for one in said)
    print(f"{connection.vendor}: {pieces:,} signed pieces in batches of {batch:,}, {processes} processes on {os.cpu_count()} cores")
    print(f"  {pieces / wall:,.0f} a second ({wall:.1f} s of wall time); {cpu / pieces * 1e6:,.0f} µs CPU a piece, the database's apart")


def _ready(folder: Path) -> None:
    from kybern.server import run  # noqa: PLC0415 - Django is set up here

    run.prepare(folder)
    run.migrate()


def _take_part(folder: Path, part: int, batch: int) -> None:
    """Take in one part, when all are ready, and print what was done as JSON."""
    _ready(folder)
    from kybern.server.store.evidence import take_evidence  # noqa: PLC0415 - Django is set up by now

    envelopes = (folder / f"{part}.ndjson").read_bytes().splitlines(keepends=True)
    (folder / f"{part}.ready").touch()
    while not (folder / "go").exists():
        time.sleep(0.001)
    begun, cpu, accepted = time.time(), _cpu(), 0
    for start in range(0, len(envelopes), batch):
        taken = take_evidence(envelopes[start : start + batch], datetime.now(UTC))
        accepted += sum(one.outcome == "accepted" for one in taken)
    print(json.dumps({"begun": begun, "end": time.time(), "cpu": _cpu() - cpu, "accepted": accepted}))


def _cpu() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


def _signed(pieces: int) -> list[bytes]:
    from kybern.catalog import PredicateType  # noqa: PLC0415
    from kybern.evidence import PREDICATES, PrivateKey, Subject, parse_predicate, sign, statement  # noqa: PLC0415
    from kybern.server.store.keys import trust  # noqa: PLC0415

    key = PrivateKey.generate()
    trust([key.trusted(name="bench", holder="pipeline:bench", kind="pipeline", valid_from=datetime(2026, 1, 1, tzinfo=UTC))])
    found = []
    for number in range(pieces):
        said = {
            "topic": "validation-test",
            "observed_at": "2026-11-20T09:00:00Z",
            "collector": {"name": "bench", "version": "1"},
            "metric": "accuracy",
            "value": 0.9,
            "unit": "share",
            "sample_size": number,
        }
        subject = Subject(f"ai_system:s{number % SYSTEMS}", f"{number % SYSTEMS:064x}")
        found.append(sign(statement(parse_predicate(PREDICATES[PredicateType.MEASUREMENT], said), [subject]), key))
    return found


if __name__ == "__main__":
    main()
