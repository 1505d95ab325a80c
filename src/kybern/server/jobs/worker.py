"""The thread of background work: every process runs tasks, and the one that holds the lease says which are due."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.utils import timezone

from kybern.server.jobs import lease
from kybern.server.jobs.queue import BACKEND, Threads

if TYPE_CHECKING:
    from django_tasks.base import Task

_LOG: Final = logging.getLogger("kybern.jobs")
LEADER: Final = "leader"
LEASE_SECONDS: Final = 20.0
_EVERY: Final = 1.0
_PUBLISH_SECONDS: Final = 60.0
_PRUNE_SECONDS: Final = 3600.0
_AFTER_TROUBLE: Final = 5.0


class Worker:
    """Background work of one process."""

    def __init__(self, lease_seconds: float = LEASE_SECONDS, every: float = _EVERY, publish_seconds: float = _PUBLISH_SECONDS) -> None:
        """Do nothing yet; `start` does it in a thread, `run` in the caller's."""
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.leads = False
        self._lease_seconds, self._every, self._publish_seconds = lease_seconds, every, publish_seconds
        self._renew_at = self._publish_at = self._prune_at = 0.0
        self._stopped = threading.Event()
        self._threads = Threads(self.name)

    def start(self) -> threading.Thread:
        """Work in a thread of its own, which ends with the process."""
        thread = threading.Thread(target=self.run, name="kybern-jobs", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()

    def run(self) -> None:
        """Work until stopped. A database that is away is waited for."""
        while not self._stopped.is_set() and not self._threads.closed:
            wait = self._every
            try:
                self.tick()
            except (DatabaseError, InterfaceError, OSError) as error:
                _LOG.warning("background work waits: %s: %s", type(error).__name__, error)
                self.leads, self._renew_at, wait = False, 0.0, _AFTER_TROUBLE
                connections.close_all()
            except Exception:  # noqa: BLE001 - one bad round ends nothing
                _LOG.exception("background work met what it does not know")
                wait = _AFTER_TROUBLE
            close_old_connections()
            self._stopped.wait(wait)
        self._end()

    def _end(self) -> None:
        self._threads.stop()
        with suppress(DatabaseError, InterfaceError):
            lease.let_go(LEADER, self.name)
        connections.close_all()

    def tick(self) -> None:
        """Do one round: hold the lease, say what is due if it is ours, run what waits."""
        self._hold()
        if self.leads:
            self._schedule()
        self._threads.run_ready()

    def _hold(self) -> None:
        now = time.monotonic()
        if now < self._renew_at:
            return
        led, self.leads = self.leads, lease.hold(LEADER, self.name, self._lease_seconds)
        self._renew_at = now + self._lease_seconds / 4
        if self.leads and not led:
            _LOG.info("this process leads the background work")

    def _schedule(self) -> None:
        from kybern.server.jobs import delivery, tasks
        from kybern.server.store.publish import grew

        now = time.monotonic()
        if now >= self._publish_at:
            self._publish_at = now + self._publish_seconds
            if grew():
                enqueue_once(tasks.publish_log)
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_SECONDS
            enqueue_once(tasks.prune)
        delivery.fan_out(timezone.now())
        delivery.send_due(timezone.now())


def enqueue_once(task: Task[Any, Any]) -> bool:
    """Enqueue a task unless it waits or runs already; tells whether it was. One that has run for hours died with its process."""
    from django_tasks_db.models import DBTaskResult

    there = DBTaskResult.objects.filter(backend_name=BACKEND, task_path=task.module_path, status__in=("READY", "RUNNING"))
    if there.filter(enqueued_at__gt=timezone.now() - timedelta(minutes=15)).exists():
        return False
    task.enqueue()
    return True


def start() -> Worker | None:
    """Begin the background work of this process, unless KYBERN_JOBS=0 leaves it to others."""
    if not settings.ENVIRONMENT.jobs:
        return None
    worker = Worker()
    worker.start()
    return worker
