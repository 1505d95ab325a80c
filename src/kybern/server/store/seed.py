"""Taking a governance repository in: its keyring, its records as one change set, its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kybern.evidence import FOLDER, SUFFIX, read_keyring
from kybern.server.access.models import Unit
from kybern.server.live import forget
from kybern.server.store.evidence import MAX_BATCH, take_evidence
from kybern.server.store.keys import trust
from kybern.server.store.models import LogHead, Setting
from kybern.server.store.projection import root_unit
from kybern.server.store.records import Write, write_records
from kybern.workspace import load_workspace

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@dataclass(frozen=True)
class Seeded:
    """What was taken in."""

    records: int
    accepted: int
    refused: int


def seed_workspace(root: Path, by: str, now: datetime, *, sample: bool = False) -> Seeded:
    """Take a workspace in, in somebody's name; what is here already is left as it is. Raises `InputError` as `load_workspace`."""
    workspace = load_workspace(root)
    trust(read_keyring(root))
    writes = [Write(record.ref, record.content) for record in workspace.records]
    written = write_records(writes, by, f"Taken in from {root.name}", now)
    envelopes = [path.read_bytes() for path in sorted((root / FOLDER).rglob(f"*{SUFFIX}"))]
    taken = [one for start in range(0, len(envelopes), MAX_BATCH) for one in take_evidence(envelopes[start : start + MAX_BATCH], now)]
    Setting.objects.update_or_create(name="frameworks", defaults={"value": list(workspace.settings.frameworks)})
    organization = workspace.records.organization
    if organization is not None:
        Unit.objects.filter(pk=root_unit()).update(name=organization.title)
    LogHead.objects.filter(pk=1).update(sample=sample)
    forget()
    return Seeded(
        sum(one.entry is not None for one in written),
        sum(one.outcome == "accepted" for one in taken),
        sum(one.outcome == "refused" for one in taken),
    )
