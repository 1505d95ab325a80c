"""How a serving command ends: when the system or a person says so."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def stop_when_told(stop: Callable[[], None]) -> None:
    """Call `stop` on SIGTERM and SIGINT, each of which a shell or a service manager may have set to be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # in a thread: `shutdown` waits for the loop that this handler interrupts
        signal.signal(number, lambda *_: threading.Thread(target=stop, daemon=True).start())
