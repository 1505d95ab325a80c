"""What the server counts, in Prometheus' form.

Counters and histograms are each process's own. With several workers `kybern up` names a folder (PROMETHEUS_MULTIPROC_DIR) in which each
process keeps its numbers, and whoever answers `/metrics` adds them up; what the database knows is asked when the numbers are asked for.
"""

from __future__ import annotations

import os
import time
from collections import Counter as Tally
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import DatabaseError, InterfaceError, connection, transaction
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from kybern import __version__
from kybern.server.failures import failure_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
NO_ROUTE: Final = "(none)"
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's own
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS: Final = Counter("kybern_http_requests", "Requests answered.", ("route", "method", "status"))
SECONDS: Final = Histogram("kybern_http_request_seconds", "Seconds until an answer began.", ("route", "method"), buckets=_BUCKETS)
EVIDENCE: Final = Counter("kybern_evidence", "Pieces of evidence that came in, by what became of them.", ("outcome",))
RECORDS: Final = Counter("kybern_records_written", "Records written, by what became of them.", ("act",))
DATABASE_ERRORS: Final = Counter("kybern_database_errors", "Failures of database and disk that requests met.", ("kind",))


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request; what is no known method is one of all others."""
    said = method if method in _METHODS else "OTHER"
    REQUESTS.labels(route, said, f"{status // 100}xx").inc()
    SECONDS.labels(route, said).observe(seconds)


def count_failure(error: BaseException | None) -> None:
    """Count a failure of database or disk; everything else is passed over."""
    failure = failure_of(error)
    if failure is not None:
        DATABASE_ERRORS.labels(failure.slug).inc()


def count_evidence(outcomes: Iterable[str]) -> None:
    """Count pieces of evidence once they are committed."""
    _count(EVIDENCE, outcomes)


def count_records(acts: Iterable[str]) -> None:
    """Count written records once they are committed."""
    _count(RECORDS, acts)


def _count(what: Counter, said: Iterable[str]) -> None:
    found = Tally(said)

    def counted() -> None:
        for label, times in found.items():
            what.labels(label).inc(times)

    transaction.on_commit(counted)


def written_metrics() -> bytes:
    """Write everything that is counted."""
    counted: CollectorRegistry = REGISTRY
    if os.environ.get(FOLDER):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]  # the library's own
    asked = CollectorRegistry()
    asked.register(_Asked())
    return generate_latest(counted) + generate_latest(asked)


class _Asked:
    """The numbers that are asked for when they are wanted."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give them; of a database that does not answer, only that."""
        yield _gauge("kybern_info", "The version that answers.", 1, version=__version__)
        yield from _assessment()
        try:
            found = list(_of_database())
        except (DatabaseError, InterfaceError):
            yield _gauge("kybern_database_up", "Whether the database answers.", 0)
            return
        yield _gauge("kybern_database_up", "Whether the database answers.", 1)
        yield from found


def _gauge(name: str, words: str, value: float, **labels: str) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, words, labels=list(labels))
    found.add_metric(list(labels.values()), value)
    return found


def _assessment() -> Iterator[GaugeMetricFamily]:
    from kybern.server.live import standing_if_ready

    standing = standing_if_ready()
    if standing is None:
        return
    age = (datetime.now(UTC) - standing.as_of).total_seconds()
    yield _gauge("kybern_assessment_age_seconds", "Seconds since the moment the assessment speaks of; below 0 where that is ahead.", age)
    yield _gauge("kybern_assessment_seconds", "How long the last whole assessment took.", standing.took)
    yield _gauge("kybern_assessment_entries", "Entries of the log that the assessment covers.", standing.entries)


def _of_database() -> Iterator[GaugeMetricFamily]:
    from kybern.server.store.models import EvidenceRow, LogCheckpoint, LogHead, RecordRow

    begun = time.perf_counter()
    head = LogHead.objects.filter(pk=1).first()
    last = LogCheckpoint.objects.order_by("-size").first()
    size, shown = (0 if head is None else head.size), (0 if last is None else last.size)
    yield _gauge("kybern_log_entries", "Entries of the log.", size)
    yield _gauge("kybern_log_published_entries", "Entries that the last signed checkpoint covers.", shown)
    yield _gauge("kybern_log_unpublished_entries", "Entries since the last signed checkpoint.", size - shown)
    if last is not None:
        age = (datetime.now(UTC) - datetime.fromisoformat(last.at)).total_seconds()
        yield _gauge("kybern_log_published_age_seconds", "Seconds since the last checkpoint was signed.", age)
    yield _gauge("kybern_records", "Records that stand.", RecordRow.objects.count())
    yield _gauge("kybern_evidence_pieces", "Pieces of evidence that are kept.", EvidenceRow.objects.count())
    yield from _backlog()
    yield _gauge("kybern_database_seconds", "How long the database took to tell these numbers.", time.perf_counter() - begun)


def _backlog() -> Iterator[GaugeMetricFamily]:
    """Count what waits to be done: tasks of the queue, and deliveries of webhooks where there are any."""
    from django.apps import apps

    waiting: Any
    for label, model, words in (
        ("django_tasks_database", "DBTaskResult", "Tasks that wait to be run."),
        ("jobs", "Delivery", "Webhook deliveries that wait to be made."),
    ):
        try:
            found: Any = apps.get_model(label, model)
        except LookupError:
            continue
        if label == "django_tasks_database":
            yield _gauge("kybern_tasks_waiting", words, found.objects.filter(status="READY").count())
        elif "delivered_at" in {field.name for field in found._meta.get_fields()}:  # noqa: SLF001 - Django's own door to a model
            waiting = found.objects.filter(delivered_at=None, given_up_at=None).count()
            yield _gauge("kybern_webhooks_waiting", words, waiting)


def database_vendor() -> str:
    """Name the kind of database, for traces."""
    return str(connection.vendor)
