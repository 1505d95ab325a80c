"""Old events go after a while; up to which number they went stays known, so that nobody misses some without being told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Max

from kybern.server.events.models import Event
from kybern.server.store.models import Setting

if TYPE_CHECKING:
    from datetime import datetime

KEPT_FOR: Final = timedelta(days=30)
_MARK: Final = "events-pruned"
_AT_ONCE: Final = 5000


def prune_events(now: datetime) -> int:
    """Delete events that are older than 30 days, some thousand at a time; gives how many went. The last event always stays."""
    last = Event.objects.aggregate(last=Max("pk"))["last"]
    gone = 0
    while last is not None:
        old = Event.objects.filter(at__lt=now - KEPT_FOR, pk__lt=last).order_by("pk").values_list("pk", flat=True)
        part = list(old[:_AT_ONCE])
        if not part:
            break
        with transaction.atomic():
            Event.objects.filter(pk__lte=part[-1], at__lt=now - KEPT_FOR).delete()
            Setting.objects.update_or_create(name=_MARK, defaults={"value": part[-1]})
        gone += len(part)
    return gone


def pruned_until() -> int:
    """Give the number of the last event that is not kept any more; 0 where all are."""
    found = Setting.objects.filter(pk=_MARK).values_list("value", flat=True).first()
    return found if isinstance(found, int) else 0
