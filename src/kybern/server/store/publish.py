"""Publishing the log: a signed checkpoint and the tiles under it, in a folder that anybody may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from kybern.evidence.log import CHECKPOINT, Log, Published, Signer
from kybern.server.events.outbox import tell_published
from kybern.server.store.journal import DatabaseJournal, locked_head
from kybern.server.store.keys import log_key, log_origin

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


class _TellingJournal(DatabaseJournal):
    """Tells of a checkpoint in the transaction that keeps it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def record(self, new: Published) -> None:
        with transaction.atomic():
            locked_head()
            last = self.last_published()
            super().record(new)
            if last is None or last.size < new.size:
                tell_published(new.size, new.root, self._now)


def log_folder() -> Path:
    """Give the folder that the log is published in."""
    folder: Path = settings.KYBERN_DATA / "log"
    return folder


def grew() -> bool:
    """Tell whether there is something to publish: entries since the last checkpoint, or a checkpoint that the folder lacks."""
    journal = DatabaseJournal()
    size = journal.size
    last = journal.last_published() if size else None
    return size > 0 and (last is None or last.size < size or not (log_folder() / CHECKPOINT).is_file())


def publish(now: datetime) -> int | None:
    """Publish what was appended; gives how many entries the checkpoint covers, None where nothing was to be done.

    Raises `Refused` where database and folder do not continue each other, and `OSError` where the disk fails.
    """
    if not grew():
        return None
    key = log_key(now)
    signer = Signer(log_origin(key), key)
    log_folder().mkdir(mode=0o755, parents=True, exist_ok=True)
    return Log(log_folder(), _TellingJournal(now), signer.verifier, signer).publish(now).size
