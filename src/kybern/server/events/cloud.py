"""Events as CloudEvents 1.0 in JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kybern.server.events.models import Event

JSON: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"


def cloud_event(event: Event) -> dict[str, Any]:
    """Write an event; its id is its number, which is also the cursor of lists."""
    data = dict(event.data) if event.entry is None else {**event.data, "entry": event.entry}
    return written(str(event.pk), event.type, event.subject, event.at, data)


def written(identity: str, kind: str, subject: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """Write the parts of an event as CloudEvents has them; a subject that is empty is left out."""
    said: dict[str, Any] = {
        "specversion": "1.0",
        "id": identity,
        "source": settings.KYBERN_URL,
        "type": kind,
        "time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": dict(data),
    }
    return {**said, "subject": subject} if subject else said
