"""An address of every page that there is: where a route takes arguments, some of the tests' world."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from server_world import PROJECT_SYSTEM

_SYSTEM: Final = PROJECT_SYSTEM.partition(":")[2]

EXAMPLES: Final = {
    "readiness/<str:name>": ("readiness/ISO42001", "readiness/NIST_AI_RMF?status=partly_met"),
    "requirements/<str:ref>": ("requirements/ISO42001:A.7.4", "requirements/ISO42001:6.1.2"),
    "controls/<str:identity>": ("controls/DAT-04",),
    "systems/<str:identity>": tuple(
        f"systems/{_SYSTEM}{tab}" for tab in ("", "?tab=law", "?tab=risks", "?tab=parts", "?tab=indicators", "?tab=gates", "?tab=evidence")
    ),
    "records/<str:kind>/": ("records/risk/", "records/person/", "records/ai_system/?q=credit"),
    "records/<str:kind>/new": ("records/risk/new", "records/ai_system/new"),
    "records/<str:kind>/<str:identity>": ("records/risk/cs-drift", "records/risk/cs-drift?view=yaml"),
    "records/<str:kind>/<str:identity>/edit": ("records/risk/cs-drift/edit", "records/risk/cs-drift/edit?view=yaml"),
    "records/<str:kind>/<str:identity>/history": ("records/risk/cs-drift/history",),
    "records/<str:kind>/<str:identity>/remove": ("records/risk/cs-drift/remove",),
    "evidence/<str:identity>": ("evidence/{evidence}",),
    "risks": ("risks", "risks?overdue=any&sort=-before", "risks?q=nothing-like-it"),
    "rules/<str:name>": ("rules/system-without-owner", "rules/stopped-agent-does-nothing"),
    "rules/<str:name>/analysis": ("rules/system-without-owner/analysis",),
    "trace": ("trace", "trace?from=ISO42001:6.1.2", f"trace?from={PROJECT_SYSTEM}&way=law", "trace?q=inventory"),
    "soa/<str:identity>": ("soa/A.2.2",),
    "crosswalk": ("crosswalk", "crosswalk?source=ISO42001&target=EU_AI_ACT&view=sankey&flow=3"),
    "calendar": ("calendar", "calendar?month=2027-12"),
    "settings/users/<str:number>": ("settings/users/{user}",),
    "settings/webhooks/<str:uid>": ("settings/webhooks/{webhook}",),
}
"""Addresses by route. `{evidence}`, `{user}` and `{webhook}` are filled in from the database."""

NO_PAGES: Final = frozenset(
    (
        "events",
        "palette",
        "records/suggest",
        "readiness/trend",
        "templates",
        "evidence/<str:identity>/envelope",
        "evidence/<str:identity>/keys",
        "evidence/<str:identity>/proof",
        "import/<int:number>/",
        "settings/sample",
        "trace/<path:ref>",
        "trust",
        "trust.json",
        "trust/<str:name>",
        "trust/statement/<str:name>",
        "gaps.csv",
        "soa.csv",
        "calendar.ics",
        "crosswalk.csv",
    )
)
"""Routes that give data or a part of a page, or a page that needs a step before it: tests of their own open them."""

ENTRANCE: Final = ("accounts/login/", "accounts/password/change/", "accounts/2fa/", "accounts/sessions/")
"""Pages of signing in and of one's account."""


def addresses() -> list[str]:
    """Give an address, or some, of every page; raises `AssertionError` where a route has no example."""
    from kybern.server.access.models import User
    from kybern.server.store.models import EvidenceRow
    from kybern.server.urls import PAGES

    known = {
        "evidence": EvidenceRow.objects.order_by("id").values_list("id", flat=True)[0],
        "user": User.objects.get(handle="viewer").pk,
        "webhook": _webhook(),
    }
    found: list[str] = []
    for route in sorted({route for name in PAGES for route in _routes(name)} - NO_PAGES):
        examples = EXAMPLES.get(route, () if "<" in route else (route,))
        assert examples, f"{route} has no example in tests/server/every_page.py: add an address of it"
        found += [f"/{one.format_map(known)}" for one in examples]
    return [*found, *(f"/{one}" for one in ENTRANCE)]


def _webhook() -> str:
    """Make a webhook with a message that was taken."""
    from kybern.server.access.models import Unit
    from kybern.server.jobs.models import Webhook

    now, root = datetime.now(UTC), Unit.objects.get(parent=None)
    said = {"name": "Tickets", "url": "https://example.org/hook", "secret": b"", "unit": root, "created_at": now}
    found, _ = Webhook.objects.get_or_create(uid="0" * 24, defaults=said)
    taken = {"payload": "{}", "made_at": now, "since": now, "delivered_at": now, "status": 200}
    found.deliveries.get_or_create(event_id="1", type="org.kybern.record.changed", defaults=taken)
    return str(found.uid)


def _routes(name: str) -> list[str]:
    from importlib import import_module

    return [str(one.pattern) for one in import_module(f"kybern.server.pages.{name}").ROUTES]
