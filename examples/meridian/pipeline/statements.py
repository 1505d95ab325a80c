"""What people stated and decided (people.yaml), and which document answers which question (documents.yaml), signed by each."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, cast

from signing import VERSION, Emitter

from kybern.base.yaml import read_yaml
from kybern.evidence import PREDICATES, Collector, DocumentSeen, parse_predicate
from kybern.records import Record, RecordSet
from kybern.records.people import Document

HEAD = ("type", "by", "about", "without", "at")
_WITH_AUTHOR = ("attestation", "approval", "decision", "audit")
ISSUED = time(9, 0, tzinfo=UTC)


def people_speak(emitter: Emitter) -> int:
    """Sign each statement of `people.yaml` with the key of the person who made it; give back how many there were."""
    stated = _read(emitter.root / "people.yaml")
    for entry in stated:
        holder = f"person:{entry['by']}"
        body = {key: value for key, value in entry.items() if key not in HEAD} | {
            "observed_at": entry["at"],
            "collector": {"name": "person", "version": VERSION},
        }
        if entry["type"] in _WITH_AUTHOR:
            body["by"] = holder
        if entry["type"] == "training":
            body["share_passed"] = body["passed"] / body["due"]
        model = next(model for kind, model in PREDICATES.items() if kind.value == entry["type"])
        about = resolve(emitter.records, entry["about"], entry.get("without", []))
        emitter.write(parse_predicate(model, body), about, holder, "people")
    return len(stated)


def resolve(records: RecordSet, patterns: Iterable[str], without: Iterable[str] = ()) -> list[str]:
    """Find the records that patterns like `risk:cs-*` name. Raises `KeyError` for a pattern that names none."""
    left_out, found = tuple(without), list[str]()
    for pattern in patterns:
        hits = [record.ref for record in records if fnmatch.fnmatchcase(record.ref, pattern)]
        if not hits:
            msg = f"no record is named {pattern}"
            raise KeyError(msg)
        found += [ref for ref in hits if not any(fnmatch.fnmatchcase(ref, other) for other in left_out)]
    return list(dict.fromkeys(found))


def documents_seen(emitter: Emitter) -> int:
    """Sign the digest of each document under each topic it answers, as issued on the day of its last review, by its author."""
    count = 0
    for entry in _read(emitter.root / "documents.yaml"):
        record = cast("Document", emitter.records.get(f"document:{entry['document']}"))
        for topic, about in entry["answers"].items():
            emitter.write(_seen(emitter.root, record, topic), resolve(emitter.records, about), str(record.author), "documents")
            count += 1
    return count


def _seen(root: Path, record: Document, topic: str) -> DocumentSeen:
    content = (root / str(record.path)).read_bytes()
    return DocumentSeen(
        topic=topic,
        observed_at=datetime.combine(cast("date", record.reviewed_on), ISSUED),
        collector=Collector(name="document control", version=VERSION),
        title=record.title,
        sha256=hashlib.sha256(content).hexdigest(),
        path=record.path,
        version=record.version,
        words=len(content.split()),
    )


def trained(emitter: Emitter, since: date, until: date) -> tuple[int, int]:
    """Add up due and passed over the training results signed between two days."""
    results = [entry for entry in _read(emitter.root / "people.yaml") if entry["type"] == "training"]
    kept = [entry for entry in results if since <= datetime.fromisoformat(entry["at"]).date() <= until]
    return sum(entry["due"] for entry in kept), sum(entry["passed"] for entry in kept)


def _read(path: Path) -> list[dict[str, Any]]:
    value: Any = read_yaml(path.read_bytes(), path.name)[0].value
    return list(value)


def record_of(records: RecordSet, ref: str) -> Record:
    """Look up a record that must be there. Raises `KeyError`."""
    record = records.get(ref)
    if record is None:
        raise KeyError(ref)
    return record
