"""One standing for a process: catalog, records, evidence and the assessment of them, at an entry of the log.

A request asks for the log's size, which is one look-up. Evidence that came since is added to the assessment piece by piece; records
that changed, or time that passed, make it anew. Where that takes long it is done aside and the last standing answers meanwhile:
whole, older, and saying of which entry it is.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import connection

from kybern.assessment import Assessment, EvidenceTable, assess, bears_on_all
from kybern.base import InputError
from kybern.catalog import Catalog, load_catalog
from kybern.evidence import Refused
from kybern.records import Record, RecordSet
from kybern.server.store.evidence import pieces_after
from kybern.server.store.models import LogHead, RecordRow, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kybern.evidence import Evidence

_LOG: Final = logging.getLogger("kybern.live")
FRAMEWORKS: Final = "frameworks"
_NEVER: Final = 1_000_000
_AT_ONCE: Final = 500
_DEFAULT_FRAMEWORKS: Final = ("ISO42001", "NIST_AI_RMF")
_QUICK_SECONDS: Final = 0.6
"""An assessment that takes less is made within the request that needs it."""
_ONE_BY_ONE: Final = 200
_FEW: Final = 40
"""Pieces of evidence up to which they are added one by one within a request: where the whole is quick, and where it is not."""
_BEHIND: Final = 2_000
"""Pieces of evidence up to which they are added to the table of a large organisation; of more, all is read anew."""
_MANY_ENTRIES: Final = 20_000
"""Entries from which on the first assessment is made aside, and nobody waits for it longer than this:"""
_PATIENCE_SECONDS: Final = 2.0
_STEPS: Final = (timedelta(minutes=1), timedelta(hours=1))
"""How often time alone makes the assessment anew: where it is quick, and where it is not."""


@dataclass(frozen=True)
class Standing:
    """What is known at an entry of the log: the assessment as of a moment, over everything the first `entries` entries brought."""

    assessment: Assessment
    frameworks: tuple[str, ...]
    entries: int
    record_entries: int
    took: float
    """CPU and waiting of the whole assessment, in seconds."""

    @property
    def as_of(self) -> datetime:
        """The moment the assessment speaks of."""
        return self.assessment.as_of

    @property
    def catalog(self) -> Catalog:
        """The catalog."""
        return self.assessment.catalog

    @property
    def records(self) -> RecordSet:
        """The records as they stand."""
        return self.assessment.records


class NotReady(Exception):  # noqa: N818 - it is an answer
    """The first assessment of a large organisation is still being made: ask again in some seconds."""


class _Live:
    """The standing of this process, and the lock under which it is renewed."""

    def __init__(self) -> None:
        self.standing: Standing | None = None
        self.catalog: Catalog | None = None
        self.lock = threading.Lock()
        self.made = threading.Event()
        self.working = False

    def current(self) -> Standing:
        """Give the standing at the log's present end, or the last one while the next is being made."""
        head = _head()
        there = self.standing
        if there is not None and _is_current(there, head):
            return there
        if there is None and head.size > _MANY_ENTRIES:
            self._renew_aside()
            self.made.wait(_PATIENCE_SECONDS)
            if self.standing is None:
                raise NotReady
            return self.standing
        with self.lock:
            if there is None or there.took < _QUICK_SECONDS:
                return self._renew()
            there = self.standing or there
            made = there if _is_current(there, head) else self._with_evidence(there, head, _FEW)
            if made is not None:
                self.standing = made
                return made
        self._renew_aside()
        return there

    def _renew(self) -> Standing:
        """Make the standing current; the caller holds the lock."""
        head, there = _head(), self.standing
        if there is None or not _is_current(there, head):
            self.standing = there = self._with_evidence(there, head, _ONE_BY_ONE) or self._whole()
        return there

    def _renew_aside(self) -> None:
        """Renew in a thread of its own; one at a time."""
        with self.lock:
            if self.working:
                return
            self.working = True
        threading.Thread(target=self._aside, name="kybern-assess", daemon=True).start()

    def _aside(self) -> None:
        try:
            made = self._whole()
            with self.lock:
                self.standing = made
            self.made.set()
        except (InputError, Refused):
            _LOG.exception("the assessment could not be renewed")
        finally:
            self.working = False
            connection.close()

    def _with_evidence(self, there: Standing | None, head: LogHead, most: int) -> Standing | None:
        """Add the evidence that came since, where nothing else changed; None where all has to be made anew."""
        if there is None or not _only_evidence(there, head):
            return None
        pieces = pieces_after(there.entries - 1, head.size, most + 1)
        known = there.assessment.evidence
        if len(pieces) > most or any(piece.observed_at > there.as_of or piece.id in known for piece in pieces):
            return None  # too many, not seen yet, or here already and signed by more now
        if there.took >= _QUICK_SECONDS and any(map(bears_on_all, pieces)):
            return None  # it would be made anew while readers wait
        return replace(there, assessment=there.assessment.plus_all(pieces), entries=head.size)

    def _whole(self) -> Standing:
        """Assess everything at the log's present end."""
        begun, head, there = time.perf_counter(), _head(), self.standing
        self.catalog = self.catalog or load_catalog()
        pieces = _grown(there, head)
        if there is None or pieces is None:
            records, pieces = _inputs(head)
        else:
            records = there.records if there.record_entries == head.records else RecordSet(_records_since(there.records))
        # The first of a large organisation holds as long as the next would, or the next would be begun within its first minute.
        step = _STEPS[1] if there is None and head.size > _MANY_ENTRIES else _step(there)
        found = assess(self.catalog, records, pieces, _ahead(datetime.now(UTC), step))
        if head.size > _MANY_ENTRIES:
            found.digests  # noqa: B018 - taken aside, so that nobody waits for the digest of a million pieces
        took = time.perf_counter() - begun
        return Standing(found, frameworks_asked(self.catalog), head.size, head.records, took)


_LIVE: Final = _Live()


def current() -> Standing:
    """Give the standing at the log's present end; where renewing it takes long, the last one while that goes on."""
    return _LIVE.current()


def warm() -> None:
    """Begin the first assessment aside, so that the first reader waits less."""
    _LIVE._renew_aside()  # noqa: SLF001 - its own module


def standing_if_ready() -> Standing | None:
    """Give the last standing, if one was ever made."""
    return _LIVE.standing


def forget() -> None:
    """Forget the standing: the next who asks has it made anew."""
    with _LIVE.lock:
        _LIVE.standing = None


def frameworks_asked(catalog: Catalog) -> tuple[str, ...]:
    """Name the frameworks that the organisation asks about, in its order."""
    found = Setting.objects.filter(pk=FRAMEWORKS).values_list("value", flat=True).first()
    names = found if isinstance(found, list) else _DEFAULT_FRAMEWORKS
    return tuple(name for name in names if name in catalog.frameworks) or _DEFAULT_FRAMEWORKS


def _head() -> LogHead:
    return LogHead.objects.filter(pk=1).first() or LogHead(pk=1)


def _is_current(there: Standing, head: LogHead) -> bool:
    return there.entries == head.size and _holds(there)


def _holds(there: Standing) -> bool:
    """Tell whether the moment of the assessment is still to come, and no further off than one step."""
    now = datetime.now(UTC)
    return now <= there.as_of <= now + _step(there)


def _only_evidence(there: Standing, head: LogHead) -> bool:
    return there.record_entries == head.records and there.entries <= head.size and _holds(there)


def _step(there: Standing | None) -> timedelta:
    return _STEPS[0] if there is None or there.took < _QUICK_SECONDS else _STEPS[1]


def _ahead(now: datetime, step: timedelta) -> datetime:
    """Give the end of the step that `now` lies in: what lapses within it counts as lapsed, never the other way round."""
    seconds = int(step.total_seconds())
    return datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC)


def _grown(there: Standing | None, head: LogHead) -> EvidenceTable | None:
    """Give the evidence at hand with what came since; None where all is to be read: much came, or a piece again with other signatures.

    A small log is read in no time, and one that a sample may be taken from is not only added to.
    """
    if there is None or head.sample or not _MANY_ENTRIES < there.entries <= head.size:
        return None
    pieces = pieces_after(there.entries - 1, head.size, _BEHIND + 1)
    table = there.assessment.evidence
    if len(pieces) > _BEHIND or any(piece.id in table for piece in pieces):
        return None
    for piece in pieces:
        table = table.plus(piece)
    return table


def _inputs(head: LogHead) -> tuple[RecordSet, EvidenceTable]:
    """Read all records and all evidence."""
    if head.size <= _MANY_ENTRIES:
        return RecordSet(_records()), EvidenceTable(_evidence(head.size))
    with _uncollected():
        records, pieces = RecordSet(_records()), EvidenceTable(_evidence(head.size))
        pieces.digest  # noqa: B018 - what it keeps is as much again
    return records, pieces


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the search for cycles away from millions of objects that have none: going through them stops every request for seconds.

    What others leave meanwhile is looked for among what is new; what was kept away before is looked through once now.
    """
    gc.unfreeze()
    gc.collect()
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(young, middle, old)


def _records() -> Iterable[Record]:
    for kind, content in RecordRow.objects.order_by("ref").values_list("kind", "content"):
        yield Record.registry[kind].model_validate_json(_json(content))


def _records_since(known: RecordSet) -> Iterator[Record]:
    """Read the records anew, in the same order; those that did not change are what is at hand."""
    listed = list(RecordRow.objects.order_by("ref").values_list("ref", "digest"))
    found = {ref: one for ref, digest in listed if (one := known.get(ref)) is not None and one.digest == digest}
    changed = [ref for ref, _digest in listed if ref not in found]
    for start in range(0, len(changed), _AT_ONCE):
        rows = RecordRow.objects.filter(ref__in=changed[start : start + _AT_ONCE])
        for ref, kind, content in rows.values_list("ref", "kind", "content"):
            found[ref] = Record.registry[kind].model_validate_json(_json(content))
    return (found[ref] for ref, _digest in listed if ref in found)


def _json(content: object) -> bytes:
    from kybern.base import canonical_json

    return canonical_json(content)


def _evidence(size: int) -> Iterable[Evidence]:
    """Read every piece that the first `size` entries brought, a few thousand at a time."""
    last, at_once = -1, 5000
    while True:
        pieces = pieces_after(last, size, at_once)
        if not pieces:
            return
        yield from pieces
        last = int(pieces[-1].source.rpartition(" ")[2])
