"""The sample organisation: whether it is here, and taking it away whole."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.apps import apps
from django.conf import settings
from django.db import transaction

from kybern.evidence import VAULT, Refused
from kybern.server.access.models import Placement
from kybern.server.events.models import Event
from kybern.server.live import forget
from kybern.server.store.journal import locked_head
from kybern.server.store.keys import LOG_HOLDER
from kybern.server.store.models import (
    ChangeSetRow,
    Envelope,
    EvidenceRow,
    EvidenceSubject,
    HeldKey,
    LogCheckpoint,
    LogCosignature,
    LogEntry,
    LogHead,
    LogPlace,
    LogSource,
    RecordLink,
    RecordRow,
    Setting,
    TrustedKeyRow,
)

_TABLES: Final = (
    LogEntry,
    LogPlace,
    LogSource,
    LogCheckpoint,
    LogCosignature,
    Envelope,
    ChangeSetRow,
    RecordRow,
    RecordLink,
    EvidenceRow,
    EvidenceSubject,
    Placement,
    Event,
)
"""All that hangs on the log. Users, roles, units, tokens and settings are the server's own and stay."""
_BESIDE: Final = ("events.Event", "jobs.Delivery", "pages.Upload", "traffic.Answer")
"""What other rooms keep that names records of the log, or quotes them."""
_SETTINGS: Final = ("trust", "trust-published")
"""What is published of the sample, and what was chosen for it."""
_FOLDERS: Final = (VAULT.as_posix(), "log", "policy")


@dataclass(frozen=True)
class Sample:
    """What a sample holds, with what was written on top of it."""

    entries: int
    records: int
    evidence: int


def sample_here() -> bool:
    """Tell whether the log began with a sample."""
    return LogHead.objects.filter(pk=1, sample=True).exists()


def count_sample() -> Sample:
    """Count what taking the sample away takes away."""
    size = LogHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0
    return Sample(size, RecordRow.objects.count(), EvidenceRow.objects.count())


def remove_sample() -> Sample:
    """Take the sample away with everything written on top of it, and begin a new log under a new key.

    The log's key goes too: one key must never sign two histories. The keys that the server holds for people stay; those that the
    sample brought do not. Raises `Refused` (`no-sample`) where the log is an organisation's own: nothing of that is ever deleted.
    """
    with transaction.atomic():
        head = locked_head()
        if not head.sample:
            raise Refused(rule="no-sample", message="the log did not begin with a sample, so nothing of it is taken away")
        found = count_sample()
        for model in _TABLES:
            model.objects.all().delete()
        for label in _BESIDE:
            apps.get_model(label)._default_manager.all().delete()  # noqa: SLF001 - Django's own door to a model
        Setting.objects.filter(pk__in=_SETTINGS).delete()
        HeldKey.objects.filter(pk=LOG_HOLDER).delete()
        TrustedKeyRow.objects.exclude(keyid__in=HeldKey.objects.values("keyid")).delete()
        LogHead.objects.filter(pk=1).update(size=0, records=0, at="", sample=False)
        for name in _FOLDERS:
            transaction.on_commit(partial(shutil.rmtree, settings.KYBERN_DATA / name, ignore_errors=True))
    forget()
    return found
