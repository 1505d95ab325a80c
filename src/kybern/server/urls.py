"""Every address of the server."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from django.urls import URLPattern, URLResolver, include, path

from kybern.server import health
from kybern.server.api import api
from kybern.server.scim import urls as scim

PAGES: Final = (
    "controls",
    "home",
    "gaps",
    "soa",
    "changes",
    "calendar",
    "crosswalk",
    "readiness",
    "requirements",
    "approvals",
    "evidence",
    "systems",
    "risks",
    "rules",
    "trace",
    "trust",
    "settings_pages",
    "webhooks",
    "suggest",
    "palette",
    "sample",
    "editor",
    "history",
    "imports",
    "records",
    "record",
)
"""The modules of the pages; each has its `ROUTES`."""


def _routes() -> list[URLPattern | URLResolver]:
    return [route for name in PAGES for route in import_module(f"kybern.server.pages.{name}").ROUTES]


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("accounts/", include("kybern.server.access.accounts")),
    path("i18n/", include("django.conf.urls.i18n")),
    *health.ROUTES,
    *scim.ROUTES,
    *_routes(),
]
handler404 = "kybern.server.pages.errors.not_found"
handler500 = "kybern.server.pages.errors.broken"
