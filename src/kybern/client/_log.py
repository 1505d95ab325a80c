"""What can be asked of the log, and the keys that evidence is verified by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from kybern.client._exchange import Call, query_of
from kybern.client._results import Key, Log, LogEntry, Page

if TYPE_CHECKING:
    import httpx

_KEYS: Final = TypeAdapter(tuple[Key, ...])
_ENTRIES: Final = TypeAdapter(tuple[LogEntry, ...])


def log() -> Call[Log]:
    """Tell how far the log has come, and what of it is published."""
    return Call("GET", "log/size", lambda answer: Log.model_validate_json(answer.content))


def checkpoint() -> Call[bytes]:
    """Give the last signed checkpoint, a note with its signatures. Raises `NotFound` before the log was first published."""
    return Call("GET", "log/checkpoint", lambda answer: answer.content)


def log_entries(start: int = 0, *, page_size: int = 500) -> Call[Page[LogEntry]]:
    """List the log's entries from one on, to the log's end."""
    return Call("GET", "log/entries", _read_entries, query_of(start=start, limit=page_size), turn="start")


def _read_entries(answer: httpx.Response) -> Page[LogEntry]:
    said = json.loads(answer.content)
    after = said["next"]
    return Page[LogEntry](items=_ENTRIES.validate_python(said["items"]), next=None if after is None else str(int(after)))


def trusted_keys() -> Call[tuple[Key, ...]]:
    """List the public keys whose signatures count."""
    return Call("GET", "keys", lambda answer: _KEYS.validate_json(answer.content))
