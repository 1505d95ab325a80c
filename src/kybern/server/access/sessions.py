"""Sessions in Django's own table that end twelve hours after the sign-in, however much happens in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

BEGAN: Final = "signed_in_at"


class SessionStore(DatabaseStore):
    """Django writes anew when a session ends each time it keeps it; one that somebody signed in to keeps its end."""

    def begin(self) -> None:
        """Count from now on: somebody has signed in."""
        self[BEGAN] = timezone.now().isoformat()

    def get_expiry_date(self, **said: Any) -> datetime:
        """Give the earlier end: the one since the last change, and the one since the sign-in."""
        ends: datetime = super().get_expiry_date(**said)
        began = self.get(BEGAN)
        if not began:
            return ends
        return min(ends, datetime.fromisoformat(began) + timedelta(seconds=settings.SESSION_COOKIE_AGE))
