"""The course of readiness, made aside: it is an assessment for each of its moments, so nobody waits for it in a request."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from kybern.assessment import Course, course, moments_around
from kybern.base import InputError

if TYPE_CHECKING:
    from kybern.server.live._standing import Standing

_LOG: Final = logging.getLogger("kybern.live")
_BACK, _AHEAD, _MOMENTS = 365, 365, 13
MOST_SECONDS: Final = 5.0
"""An organisation whose assessment takes longer than this has no course drawn: it would keep a core busy for minutes."""

_Key = tuple[str, str, tuple[str, ...], str]


class _Made:
    """The last course, and the one that is being made."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.key: _Key | None = None
        self.course: Course | None = None
        self.working: _Key | None = None


_MADE: Final = _Made()


def course_of(standing: Standing) -> Course | None:
    """Give the course of readiness as it stands today; None while it is being made, which this begins.

    The past is computed over the records as they stand now, with the evidence that there was; the page says so.
    """
    digests = standing.assessment.digests
    key = (digests["records"], digests["evidence"], standing.frameworks, standing.as_of.date().isoformat())
    with _MADE.lock:
        if _MADE.key == key:
            return _MADE.course
        if _MADE.working is None:
            _MADE.working = key
            threading.Thread(target=_make, args=(standing, key), name="kybern-course", daemon=True).start()
    return None


def is_drawn(standing: Standing) -> bool:
    """Tell whether a course is made for an organisation of this size."""
    return standing.took <= MOST_SECONDS


def _make(standing: Standing, key: _Key) -> None:
    try:
        moments = moments_around(standing.as_of, _BACK, _AHEAD, _MOMENTS)
        found = course(standing.catalog, standing.records, standing.assessment.evidence, standing.frameworks, moments, as_of=standing.as_of)
        with _MADE.lock:
            _MADE.key, _MADE.course = key, found
    except InputError:
        _LOG.exception("the course of readiness could not be made")
    finally:
        with _MADE.lock:
            _MADE.working = None
