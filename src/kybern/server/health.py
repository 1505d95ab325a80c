"""How the server is: whether the process answers, whether it can do its work, and what it counted."""

from __future__ import annotations

import ipaddress
import shutil
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from prometheus_client import CONTENT_TYPE_LATEST

from kybern.server import _metrics
from kybern.server.access.check import require
from kybern.server.access.middleware import actor, address_of
from kybern.server.access.permissions import Permission
from kybern.server.api._door import problem
from kybern.server.failures import MIN_FREE
from kybern.server.run import pending

if TYPE_CHECKING:
    from collections.abc import Callable

_MIGRATED_FOR: Final = 30.0
_FORWARDED: Final = ("X-Forwarded-For", "X-Real-Ip", "Forwarded")


class Probes:
    """Answers the two probes before anything else looks at the request: they come by address, not by name, and from nobody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before the rest."""
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a probe, and pass on what is none."""
        view = _PROBES.get(request.path) if request.method in {"GET", "HEAD"} else None
        return self._next(request) if view is None else view(request)


def live(request: HttpRequest) -> HttpResponse:
    """Say that the process answers. Nothing else is asked: a process that lacks its database is not helped by being killed."""
    del request
    return _never_kept(JsonResponse({"status": "ok"}))


def ready(request: HttpRequest) -> HttpResponse:
    """Say whether the server can do its work, check by check; 503 when it cannot."""
    del request
    found: dict[str, dict[str, object]] = {}
    for name, check in _CHECKS.items():
        try:
            fault, told = check()
        except (DatabaseError, InterfaceError, OSError) as error:
            fault, told = f"{type(error).__name__}: it does not answer", {}
        found[name] = {"ok": not fault, **({"fault": fault} if fault else {}), **told}
    holds = all(one["ok"] for one in found.values())
    body = {"status": "ok" if holds else "not-ready", "checks": found}
    return _never_kept(JsonResponse(body, status=HTTPStatus.OK if holds else HTTPStatus.SERVICE_UNAVAILABLE))


def metrics(request: HttpRequest) -> HttpResponse:
    """Give the numbers to whoever asks from this machine, or may change settings."""
    if not _from_here(request):
        who = actor(request)
        if who.user is None:
            return problem(request, HTTPStatus.UNAUTHORIZED, "not-signed-in", "Send a token that stands.")
        require(who, Permission.SETTINGS_MANAGE, subject=request.path)
    return _never_kept(HttpResponse(_metrics.written_metrics(), content_type=CONTENT_TYPE_LATEST))


def _from_here(request: HttpRequest) -> bool:
    """Tell whether a request comes from this machine, and not through a proxy on it that was not announced."""
    if not settings.ENVIRONMENT.proxies and any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(address_of(request)).is_loopback
    except ValueError:
        return False


def _never_kept(answer: HttpResponse) -> HttpResponse:
    answer["Cache-Control"] = "no-store"
    return answer


# Each check gives its fault, empty where there is none, and what else it tells.
_Told = tuple[str, dict[str, object]]


def _database() -> _Told:
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "", {"milliseconds": round((time.perf_counter() - begun) * 1000, 1)}


def _migrations() -> _Told:
    """Tell whether every migration that this version knows was applied; more may have been, by a newer version."""
    if time.monotonic() < _MIGRATED["until"]:
        return "", {}
    missing = pending()
    if missing:
        return f"{len(missing)} are not applied, {missing[0]} first: run `kybern migrate`", {}
    _MIGRATED["until"] = time.monotonic() + _MIGRATED_FOR
    return "", {}


def _log() -> _Told:
    from kybern.server.store.models import LogHead

    head = LogHead.objects.filter(pk=1).values_list("size", flat=True).first()
    return "", {"entries": head or 0}


def _disk() -> _Told:
    free = shutil.disk_usage(settings.KYBERN_DATA).free
    return ("" if free >= MIN_FREE else f"less than {MIN_FREE >> 20} MiB are free"), {"free_mib": free >> 20}


_MIGRATED: Final = {"until": 0.0}
_CHECKS: Final = {"database": _database, "migrations": _migrations, "log": _log, "disk": _disk}
_PROBES: Final = {"/health/live": live, "/health/ready": ready}

ROUTES: Final = [
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
]
