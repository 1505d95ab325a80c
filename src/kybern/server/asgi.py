"""The ASGI application that granian serves."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kybern.server.settings")
application = get_asgi_application()

from kybern.server import _tracing  # noqa: E402 - Django is set up first
from kybern.server.events.live import HUB  # noqa: E402 - the same
from kybern.server.jobs import worker  # noqa: E402 - the same

_tracing.set_up()
HUB.heeds_signals = True
worker.start()
