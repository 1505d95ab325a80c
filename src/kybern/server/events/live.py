"""The log's size as it grows, for pages that are open: one poller for all streams of a process."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from kybern.server.store.models import LogHead

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import FrameType

_LOG: Final = logging.getLogger("kybern.events")
MOST_STREAMS: Final = 500
POLL_SECONDS: Final = 1.0
HEARTBEAT_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 600.0
_RETRY_MILLISECONDS: Final = 3000


class TooMany(Exception):  # noqa: N818 - it is an answer
    """As many streams are open as there may be."""


def read_size() -> int:
    """Ask the database how long the log is."""
    return LogHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0


class Listener:
    """Somebody who waits in an event loop for the size to change."""

    def __init__(self) -> None:
        """Belong to the event loop that runs."""
        self.loop = asyncio.get_running_loop()
        self.event = asyncio.Event()

    def wake(self) -> None:
        """Wake them, from any thread; a loop that has ended wakes nobody."""
        try:
            self.loop.call_soon_threadsafe(self.event.set)
        except RuntimeError:
            _LOG.debug("a listener's event loop has ended")

    async def wait(self, seconds: float) -> bool:
        """Wait until something changes, at most so long; tells whether it did."""
        try:
            await asyncio.wait_for(self.event.wait(), seconds)
        except TimeoutError:
            return False
        self.event.clear()
        return True


class Hub:
    """The listeners of this process, and the thread that polls for them while there are any."""

    def __init__(self, read: Callable[[], int] = read_size, most: int = MOST_STREAMS, every: float = POLL_SECONDS) -> None:
        """Take how the size is read, how many may listen, and how often to look."""
        self._read, self._most, self._every = read, most, every
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self.size: int | None = None
        """The size last seen; None before the first look."""
        self.heeds_signals = False
        """Whether streams end when the process is told to stop; the server's own hub is told so by `kybern.server.asgi`."""

    @property
    def full(self) -> bool:
        """Whether nobody more may listen."""
        return len(self._listeners) >= self._most

    @property
    def stopped(self) -> bool:
        """Whether the process is ending."""
        return self._stopped.is_set()

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Listen for as long as this is entered; raises `TooMany`."""
        listener = Listener()
        with self._lock:
            if self.full:
                raise TooMany
            self._listeners.add(listener)
            if self._thread is None:
                self.size = None
                self._thread = threading.Thread(target=self._poll, name="kybern-events", daemon=True)
                self._thread.start()
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def heed_signals(self) -> None:
        """End all streams when the process is told to stop, so that the server does not wait for readers who would stay for minutes.

        The event loop learns of a signal by its own channel, so the handlers it has go on to be called. To be called in the loop.
        """
        if not self.heeds_signals or threading.current_thread() is not threading.main_thread():
            return
        self.heeds_signals = False
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def told(number: int, frame: FrameType | None, before: object = before) -> None:
                self._stopped.set()
                threading.Thread(target=self._wake, daemon=True).start()  # the lock may be held by whom the signal interrupted
                if callable(before):
                    before(number, frame)

            signal.signal(number, told)
            signal.siginterrupt(number, False)  # noqa: FBT003 - it takes no name

    def stop(self) -> None:
        """End all streams: the process is told to stop."""
        self._stopped.set()
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for one in listeners:
            one.wake()

    def _poll(self) -> None:
        try:
            while self._wanted():
                self._look()
                self._stopped.wait(self._every)
        finally:
            connections.close_all()

    def _wanted(self) -> bool:
        with self._lock:
            if self._listeners and not self.stopped:
                return True
            self._thread = None
            return False

    def _look(self) -> None:
        try:
            found = self._read()
        except (DatabaseError, InterfaceError) as error:
            _LOG.warning("the log's size could not be read: %s", type(error).__name__)
            connections.close_all()
            return
        if found != self.size:
            self.size = found
            self._wake()


HUB: Final = Hub()


async def stream(hub: Hub, since: int | None, longest: float = LONGEST_SECONDS, heartbeat: float = HEARTBEAT_SECONDS) -> AsyncIterator[str]:
    """Give server-sent events: one for each change of the size, a comment where there is none for a while, and an end in time.

    `since` is the size that the reader knows of; without it only what comes from now on is told. What was polled before the reader's
    page was made is no news to it.
    """
    # The request's thread lives as long as the stream; the connection it used for the sign-in goes back now.
    await sync_to_async(close_old_connections)()
    hub.heed_signals()
    until = time.monotonic() + longest
    last = since
    try:
        with hub.listening() as listener:
            yield f"retry: {_RETRY_MILLISECONDS}\n\n"
            while not hub.stopped and (left := until - time.monotonic()) > 0:
                size = hub.size
                if size is not None and (last is None or size > last):
                    yield f"id: {size}\n\n" if last is None else f"id: {size}\nevent: changed\ndata: {size}\n\n"
                    last = size
                if not await listener.wait(min(heartbeat, left)):
                    yield ": nothing new\n\n"
    except TooMany:
        yield f"retry: {_RETRY_MILLISECONDS * 10}\n\n"
