"""The rows that are made from the log: records as they stand, their references, the unit each belongs to."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from kybern.base.yaml import pointer
from kybern.records import Edge
from kybern.server.access.models import Placement, Unit
from kybern.server.store.models import RecordLink, RecordRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kybern.records import Record

_AT_ONCE: Final = 500
_MAX_TEXT: Final = 4000


def project(changes: Sequence[tuple[str, Record | None, int]], by: str, at: str) -> None:
    """Make the rows of records that were written: (name, content or None, the log's entry), by whom, and when the log took them in."""
    refs = [ref for ref, _, _ in changes]
    moment = datetime.fromisoformat(at)
    for start in range(0, len(refs), _AT_ONCE):
        RecordLink.objects.filter(source__in=refs[start : start + _AT_ONCE]).delete()
    gone = [ref for ref, record, _ in changes if record is None]
    RecordRow.objects.filter(ref__in=gone).delete()
    written = [(record, entry) for _, record, entry in changes if record is not None]
    RecordLink.objects.bulk_create([link for record, _ in written for link in _links(record)], batch_size=_AT_ONCE)
    root = root_unit()
    rows = [_row(record, entry, root, by, moment) for record, entry in written]
    for start in range(0, len(rows), _AT_ONCE):
        _upsert(rows[start : start + _AT_ONCE])
    place([record.ref for record, _ in written])


def _upsert(rows: Sequence[RecordRow]) -> None:
    there = dict(RecordRow.objects.filter(ref__in=[row.ref for row in rows]).values_list("ref", "version"))
    for row in rows:
        row.version = there.get(row.ref, 0) + 1
    RecordRow.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["ref"],
        update_fields=["title", "owner", "digest", "version", "entry", "changed_at", "changed_by", "content", "text"],
    )


def _row(record: Record, entry: int, unit: int, by: str, at: datetime) -> RecordRow:
    text = " ".join((record.ref, record.title, record.description or "", *record.tags)).lower()
    return RecordRow(
        ref=record.ref,
        kind=record.kind,
        title=record.title,
        owner=record.owner or "",
        unit=unit,
        digest=record.digest,
        entry=entry,
        changed_at=at,
        changed_by=by,
        content=record.content,
        text=text[:_MAX_TEXT],
    )


def _links(record: Record) -> Iterable[RecordLink]:
    for link in record.links():
        yield RecordLink(source=record.ref, target=link.target, edge=link.edge.value, path=pointer(link.path)[:200])


def root_unit() -> int:
    """Give the unit at the top, which is made where there is none."""
    found = Unit.objects.filter(parent=None).order_by("pk").values_list("pk", flat=True).first()
    if found is not None:
        return found
    return Unit.objects.create(slug="organization", name="Organisation", kind=Unit.Kind.ORGANIZATION).pk


def place(refs: Iterable[str] | None = None) -> None:
    """Work out which unit records belong to: where they were put, else where what they belong to stands, else the whole organisation.

    The nearest owner that was put somewhere decides; of several as near, the unit made first, so that the answer does not hang on
    order. With `refs`, which were just written, nothing is done where no record was ever put anywhere.
    """
    placed = dict(Placement.objects.values_list("ref", "unit_id"))
    if not placed and refs is not None:
        return
    found, level, owned = dict(placed), placed, _owned()
    while level:
        below: dict[str, int] = {}
        for owner, unit in level.items():
            for ref in owned.get(owner, ()):
                if ref not in found:
                    below[ref] = min(unit, below.get(ref, unit))
        found |= below
        level = below
    root, changed = root_unit(), []
    for row in RecordRow.objects.only("ref", "unit"):
        unit = found.get(row.ref, root)
        if row.unit != unit:
            row.unit = unit
            changed.append(row)
    RecordRow.objects.bulk_update(changed, ["unit"], batch_size=_AT_ONCE)


def _owned() -> dict[str, list[str]]:
    """Give what belongs to each record, by the references of both directions."""
    found: dict[str, list[str]] = {}
    edges = RecordLink.objects.filter(edge__in=[Edge.PART_OF.value, Edge.HAS.value])
    for source, target, edge in edges.values_list("source", "target", "edge"):
        owned, owner = (source, target) if edge == Edge.PART_OF.value else (target, source)
        found.setdefault(owner, []).append(owned)
    return found
