"""Looks at a server's database from beside it, in a process of its own: makes what the writers need, and checks what they were told.

python chaos_check.py make DATA            prints a token as JSON
python chaos_check.py check DATA ACKS      prints what does not hold as JSON; ACKS has what was acknowledged, one JSON a line
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kybern.server import run

Acks = list[dict[str, Any]]


def main() -> None:
    act, data = sys.argv[1], Path(sys.argv[2])
    run.prepare(data)
    said = make(data) if act == "make" else check(data, [json.loads(line) for line in Path(sys.argv[3]).read_text("utf-8").splitlines()])
    print(json.dumps(said))


def make(data: Path) -> dict[str, str]:
    """A token of the first user, and a trusted pipeline whose key signs evidence."""
    from kybern.evidence import PrivateKey
    from kybern.server.access.models import ApiToken, User
    from kybern.server.access.permissions import Permission
    from kybern.server.store.keys import trust

    now = datetime.now(UTC)
    key = PrivateKey.generate()
    trust([key.trusted(name="chaos", holder="pipeline:chaos", kind="pipeline", valid_from=now - timedelta(days=1))])
    del data
    user = User.objects.get(email=run.FIRST_USER)
    return {"token": ApiToken.issue(user, "chaos", sorted(Permission), now + timedelta(days=1))[1], "key": key.pem().decode()}


def check(data: Path, acks: Acks) -> dict[str, Any]:
    """Hold log and rows against what was acknowledged, make the rows again from the log, publish and audit."""
    from kybern.server.store.models import LogEntry, LogHead
    from kybern.server.store.rebuild import rebuild

    wrong: list[str] = []
    head = LogHead.objects.filter(pk=1).first()
    size = 0 if head is None else head.size
    indices = list(LogEntry.objects.order_by("idx").values_list("idx", flat=True))
    if indices != list(range(size)):
        wrong.append(f"the log's head says {size} entries, and there are {len(indices)}, the last {indices[-1:]}")
    counted = Counter(ack["entry"] for ack in acks if ack["entry"] is not None)
    wrong += [f"entry {entry} was acknowledged {times} times" for entry, times in counted.items() if times > 1]
    wrong += in_the_log(acks) + in_the_rows(acks)
    before = rows_digest()
    made = rebuild()
    wrong += [f"not rebuilt: {line}" for line in made.refused]
    if rows_digest() != before:
        wrong.append("the rows made again from the log are not those that stood")
    wrong += published(data)
    return {"wrong": wrong, "entries": size, "acknowledged": len(acks)}


def in_the_log(acks: Acks) -> list[str]:
    """Every acknowledged write has its entry."""
    from kybern.evidence.log import read_leaf
    from kybern.server.store.models import LogEntry

    leaves = {index: read_leaf(bytes(leaf)) for index, leaf in LogEntry.objects.values_list("idx", "leaf")}
    wrong = []
    for ack in acks:
        leaf = None if ack["entry"] is None else leaves.get(ack["entry"])
        if leaf is None:
            wrong.append(f"the acknowledged entry {ack['entry']} of {ack['ref']} is not in the log")
        elif "evidence" in ack:
            if leaf.statement != ack["evidence"]:
                wrong.append(f"entry {ack['entry']} is not of the evidence {ack['evidence'][:12]}")
        elif leaf.ref != ack["ref"] or (ack["digest"] is None) is not leaf.removed or (leaf.digest and leaf.digest != ack["digest"]):
            wrong.append(f"entry {ack['entry']} is of {leaf.ref}, {leaf.digest}, and not of {ack['ref']}, {ack['digest']}")
    return wrong


def in_the_rows(acks: Acks) -> list[str]:
    """Every record stands as last acknowledged, or as a later entry says that nobody could be told of any more."""
    from kybern.server.store.models import EvidenceRow, RecordRow

    evidence = set(EvidenceRow.objects.values_list("id", flat=True))
    wrong = [f"the evidence {ack['evidence'][:12]} has no row" for ack in acks if "evidence" in ack and ack["evidence"] not in evidence]
    last = {ack["ref"]: ack for ack in sorted(acks, key=lambda ack: ack["entry"] or 0) if "evidence" not in ack}
    rows = {row.ref: row for row in RecordRow.objects.only("ref", "digest", "entry")}
    for ref, ack in last.items():
        row = rows.get(ref)
        if ack["digest"] is None and row is not None and row.entry < ack["entry"]:
            wrong.append(f"{ref} was removed and stands")
        elif ack["digest"] is not None and row is None and not later(ref, ack["entry"]):
            wrong.append(f"{ref} was acknowledged and is not there")
        elif row is not None and row.digest != ack["digest"] and row.entry <= ack["entry"]:
            wrong.append(f"{ref} stands as {row.digest[:12]} of entry {row.entry}, acknowledged was {ack['digest']} in {ack['entry']}")
    return wrong


def later(ref: str, entry: int) -> bool:
    """Whether the log has a later entry of a record."""
    from kybern.evidence.log import term
    from kybern.server.store.journal import DatabaseJournal

    return any(index > entry for index, _ in DatabaseJournal().found_by(term("ref", ref)))


def rows_digest() -> str:
    """One digest over all rows that are made from the log."""
    from kybern.server.store.models import EvidenceRow, EvidenceSubject, RecordLink, RecordRow

    found = hashlib.sha256()
    for model in (RecordRow, RecordLink, EvidenceRow, EvidenceSubject):
        counted = model in (RecordLink, EvidenceSubject)  # their primary keys are numbers without a meaning
        names = [one.name for one in model._meta.concrete_fields if not (counted and one.primary_key)]
        for line in sorted(json.dumps(row, default=str, sort_keys=True) for row in model.objects.values(*names)):
            found.update(line.encode() + b"\n")
    return found.hexdigest()


def published(data: Path) -> list[str]:
    """Publish the log's tree and audit it from the journal."""
    from kybern.evidence.log import Log, Signer, audit
    from kybern.server.store.journal import DatabaseJournal
    from kybern.server.store.keys import log_key, log_origin

    now = datetime.now(UTC)
    key = log_key(now)
    signer = Signer(log_origin(key), key)
    journal = DatabaseJournal()
    if not journal.size:
        return []
    log = Log(data / "log", journal, signer.verifier, signer)
    log.publish(now)
    return [str(finding) for finding in audit(log).findings]


if __name__ == "__main__":
    main()
