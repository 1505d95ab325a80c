"""Running the tasks that wait in the database (Django's task interface), each once, in a few threads."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from django.db import close_old_connections, transaction

if TYPE_CHECKING:
    from django_tasks_db.models import DBTaskResult

_LOG: Final = logging.getLogger("kybern.jobs")
BACKEND: Final = "default"
THREADS: Final = 4


def claim(worker: str) -> DBTaskResult[Any, Any] | None:
    """Take a task that is ready, so that nobody else runs it; None where there is none."""
    from django_tasks_db.models import DBTaskResult

    ready = DBTaskResult.objects.ready().filter(backend_name=BACKEND)
    if not ready.exists():  # a look that locks nothing
        return None
    with transaction.atomic():
        found = ready.get_locked()
        if found is not None:
            found.claim(worker)
    return found


def run(found: DBTaskResult[Any, Any]) -> None:
    """Run a task that was claimed, and write down what became of it."""
    try:
        given = found.args_kwargs
        result = found.task.call(*given["args"], **given["kwargs"])
    except Exception as error:  # noqa: BLE001 - whatever a task meets is its result
        _LOG.warning("a task failed: %s: %s: %s", found.task_path, type(error).__name__, error)
        found.set_failed(error)
    else:
        found.set_successful(result)


class Threads:
    """The threads of a process that run tasks; no more tasks are claimed than can be run at once."""

    def __init__(self, worker: str, threads: int = THREADS) -> None:
        """Make none yet."""
        self._worker = worker
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="kybern-task")
        self._free = threading.Semaphore(threads)
        self.closed = False
        """Whether no thread begins any more: the process is ending."""

    def run_ready(self) -> int:
        """Begin every task that is ready and for which there is a thread; gives how many."""
        begun = 0
        while self._free.acquire(blocking=False):
            found = None
            try:
                found = claim(self._worker)
                if found is None:
                    return begun
                self._pool.submit(self._run, found)
                begun += 1
            except RuntimeError:  # the interpreter is ending: what was claimed is found again as stale
                self.closed = True
                return begun
            finally:
                if found is None:
                    self._free.release()
        return begun

    def _run(self, found: DBTaskResult[Any, Any]) -> None:
        try:
            run(found)
        except Exception:  # noqa: BLE001 - the database went away: the task is found again as stale
            _LOG.exception("what became of a task could not be written down")
        finally:
            self._free.release()
            close_old_connections()

    def stop(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)
