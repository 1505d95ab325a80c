"""A connection has an end: whoever sends one byte now and then does not hold it for ever."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def within(seconds: float, connection: socket.socket) -> Iterator[None]:
    """Shut a connection down if what is done with it takes longer than this."""
    timer = threading.Timer(seconds, _shut, (connection,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself meanwhile
        connection.shutdown(socket.SHUT_RDWR)
