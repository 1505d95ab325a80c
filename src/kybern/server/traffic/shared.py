"""What all processes know for a while, as Django's cache: how often passwords were guessed, which codes were used. It lies in the database.

Only who signs in or sets up a second factor reads or writes it. Values are JSON: whoever edits the database makes no objects here.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from kybern.server.traffic.models import Shared


class SharedCache(BaseCache):
    """A cache in the table of `Shared`."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        """Take what Django's settings say; there is one table, so the location says nothing."""
        del location
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Give what is known by a key."""
        found = list(_known().filter(name=self._name(key, version)).values_list("value", flat=True)[:1])
        return found[0] if found else default

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value where none is; of several who try at once, exactly one is told that it did."""
        name = self._name(key, version)
        _rows().filter(name=name, until__lte=timezone.now()).delete()
        try:
            with transaction.atomic():
                _rows().create(name=name, value=value, until=self._until(timeout))
        except IntegrityError:
            return False
        return True

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep a value."""
        _rows().update_or_create(name=self._name(key, version), defaults={"value": value, "until": self._until(timeout)})

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep a value for longer."""
        return bool(_known().filter(name=self._name(key, version)).update(until=self._until(timeout)))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Keep it no more."""
        return bool(_rows().filter(name=self._name(key, version)).delete()[0])

    def clear(self) -> None:
        """Keep nothing."""
        _rows().all().delete()

    def _name(self, key: str, version: int | None) -> str:
        return hashlib.sha256(self.make_key(key, version).encode()).hexdigest()

    def _until(self, timeout: Any) -> datetime | None:
        ends = self.get_backend_timeout(timeout)
        return None if ends is None else datetime.fromtimestamp(ends, UTC)


def forget(now: datetime) -> int:
    """Take away what is known no more; gives how much."""
    return _rows().filter(until__lte=now).delete()[0]


def _known() -> QuerySet[Shared]:
    return _rows().filter(Q(until=None) | Q(until__gt=timezone.now()))


def _rows() -> QuerySet[Shared]:
    from kybern.server.traffic.models import Shared

    return Shared.objects.all()
