"""What happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from kybern.client._exchange import Call, query_of
from kybern.client._results import Event, Page

if TYPE_CHECKING:
    from collections.abc import Collection

    import httpx

_EVENTS: Final = TypeAdapter(tuple[Event, ...])


def events(after: int | str = 0, *, types: Collection[str] | None = None, page_size: int = 500) -> Call[Page[Event]]:
    """List what happened after an event, the oldest first, up to now: CloudEvents such as `org.kybern.record.changed`.

    Raises `Gone` where what came after it is kept no more: read what stands, then go on from there.
    """
    query = query_of(after=int(after), types=None if types is None else ",".join(types), limit=page_size)
    return Call("GET", "events", _read_events, query, turn="after")


def _read_events(answer: httpx.Response) -> Page[Event]:
    found = _EVENTS.validate_json(answer.content)
    return Page[Event](items=found, next=found[-1].id if found and "next" in answer.links else None)
