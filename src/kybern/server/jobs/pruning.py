"""What is kept for a while only, and goes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from kybern.server.events.pruning import prune_events
from kybern.server.jobs.models import Delivery
from kybern.server.pages.models import Upload
from kybern.server.traffic.models import Answer
from kybern.server.traffic.once import KEPT
from kybern.server.traffic.shared import forget

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_UPLOADS: Final = timedelta(days=1)
_DELIVERIES: Final = timedelta(days=30)
_TASKS: Final = timedelta(hours=6)
_STALE: Final = timedelta(hours=2)


def _sessions(now: datetime) -> int:
    gone: int = Session.objects.filter(expire_date__lt=now).delete()[0]
    return gone


def _user_sessions(now: datetime) -> int:
    ended = UserSession.objects.filter(last_seen_at__lt=now - timedelta(days=1))
    gone: int = ended.exclude(session_key__in=Session.objects.values("session_key")).delete()[0]
    return gone


def _uploads(now: datetime) -> int:
    return Upload.objects.filter(created__lt=now - _UPLOADS).delete()[0]


def _answers(now: datetime) -> int:
    return Answer.objects.filter(at__lt=now - KEPT).delete()[0]


def _deliveries(now: datetime) -> int:
    return Delivery.objects.filter(made_at__lt=now - _DELIVERIES, next_at=None).delete()[0]


def _tasks(now: datetime) -> int:
    from django_tasks_db.models import DBTaskResult

    done = DBTaskResult.objects.finished().filter(finished_at__lt=now - _TASKS).delete()[0]
    # A process that died left it running: what it was to do is found anew where it is kept.
    left = DBTaskResult.objects.running().filter(started_at__lt=now - _STALE).delete()[0]
    return int(done + left)


_PRUNERS: Final[dict[str, Callable[[datetime], int]]] = {
    "sessions": _sessions,
    "user_sessions": _user_sessions,
    "uploads": _uploads,
    "answers": _answers,
    "shared": forget,
    "events": prune_events,
    "deliveries": _deliveries,
    "tasks": _tasks,
}


def prune_all(now: datetime) -> dict[str, int]:
    """Delete all that is past its time; gives how many of each."""
    return {name: pruned(now) for name, pruned in _PRUNERS.items()}
