"""What every page goes through: the permission it needs, and the frame it is shown in."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render as django_render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kybern import __version__
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.events.live import read_size
from kybern.server.live import NotReady, current, standing_if_ready
from kybern.server.pages._named import read_by
from kybern.server.pages._navigation import navigation
from kybern.server.store.sample import sample_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from kybern.base import InputError
    from kybern.evidence import Refused
    from kybern.server.access.actor import Actor
    from kybern.server.access.check import Denied

PUBLIC: Final = "public"
"""In the place of a permission: a page that anybody may see."""

SIGNED_IN: Final = "signed-in"
"""In the place of a permission: a page about the reader, whoever that is."""

_NEEDS: Final = {
    "/readiness": Permission.ASSESSMENT_READ,
    "/calendar": Permission.ASSESSMENT_READ,
    "/systems": Permission.RECORDS_READ,
    "/risks": Permission.RECORDS_READ,
    "/records": Permission.RECORDS_READ,
    "/records/person": Permission.RECORDS_SENSITIVE,
    "/records/incident": Permission.RECORDS_SENSITIVE,
    "/controls": Permission.ASSESSMENT_READ,
    "/soa": Permission.RECORDS_READ,
    "/rules": Permission.RULES_READ,
    "/crosswalk": Permission.ASSESSMENT_READ,
    "/evidence": Permission.EVIDENCE_READ,
    "/approvals": Permission.RECORDS_READ,
    "/trace": Permission.ASSESSMENT_READ,
}
"""What the pages of the navigation need, so that a reader sees only those that would open."""


class Page(Protocol):
    """A view that says what it needs."""

    needs: str

    def __call__(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        """Answer."""


def page(needs: Permission | str, *, methods: tuple[str, ...] = ("GET",)) -> Callable[[Callable[..., HttpResponse]], Page]:
    """Make a function a page: it is reached by these methods, and by whom the permission is granted anywhere.

    What it shows of one unit's records it asks for itself, by `kybern.server.access.check.require`.
    """

    def made(view: Callable[..., HttpResponse]) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, **arguments: str) -> HttpResponse:
            if request.method not in (*methods, "HEAD" if "GET" in methods else "GET"):
                return HttpResponse(status=405, headers={"Allow": ", ".join(methods)})
            if needs != PUBLIC:
                who = actor(request)
                if who.user is None or who.token:
                    return to_sign_in(request)
                if needs != SIGNED_IN:
                    require(who, Permission(needs), subject=request.path)
            return view(request, **arguments)

        guarded.needs = str(needs)  # type: ignore[attr-defined]
        return cast("Page", guarded)

    return made


def render(request: HttpRequest, template: str, /, status: int = 200, **context: Any) -> HttpResponse:
    """Show a template in the frame of the pages."""
    framed = frame(request)
    with read_by(framed["actor"]):
        return django_render(request, template, {**framed, **context}, status=status)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give what the frame shows: navigation, organisation, the standing, the reader."""
    who = actor(request) if hasattr(request, "actor") else None
    reader = who if who is not None and who.user is not None else None
    standing = None
    if reader is not None and reader.may(Permission.ASSESSMENT_READ):
        with suppress(NotReady):
            standing = current()
    return {
        "lang": get_language() or "en",
        "nav": navigation(request.path, lambda href: reader is not None and _opens(reader, href)) if reader else (),
        "organization": organization_name(),
        "version": __version__,
        "standing": standing,
        "sample_here": reader is not None and sample_here(),
        "user": None if reader is None or reader.user is None else {"name": str(reader.user), "email": reader.user.email},
        "units": None,
        "languages": settings.LANGUAGES,
        "messages": get_messages(request),
        "live_href": f"/events?since={read_size()}" if standing is not None else None,
        "page_path": request.get_full_path(),
        "query": request.META.get("QUERY_STRING", ""),
        "actor": who,
        "Permission": Permission,
    }


def organization_name() -> str:
    """Give the name of the organisation: its record's, else its unit's."""
    standing = standing_if_ready()
    organization = None if standing is None else standing.records.organization
    if organization is not None:
        return organization.title
    from kybern.server.access.models import Unit

    return Unit.objects.filter(parent=None).order_by("pk").values_list("name", flat=True).first() or _("Your organisation")


def _opens(who: Actor, href: str) -> bool:
    wanted = _NEEDS.get(href.rstrip("/"))
    if wanted is None and href.startswith("/records/"):
        wanted = Permission.RECORDS_READ
    return wanted is None or who.may(wanted)


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Lead to the sign-in page and back."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": settings.LOGIN_URL})
    return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': request.get_full_path()})}")


def denied(request: HttpRequest, answer: Denied) -> HttpResponse:
    """Say that something is not allowed, and who can change that."""
    if not answer.signed_in:
        return to_sign_in(request)
    return render(request, "denied.html.j2", status=403, permission=_permission_label(answer.permission))


def _permission_label(permission: Permission) -> str:
    return str(permission.label)


def unusable(request: HttpRequest, error: InputError) -> HttpResponse:
    """Say what is wrong with an input."""
    return render(request, "unusable.html.j2", status=422, problems=error.problems)


def refused(request: HttpRequest, answer: Refused) -> HttpResponse:
    """Say what the core refused."""
    return render(request, "refused.html.j2", status=409, rule=answer.rule, message=answer.message)


def not_ready(request: HttpRequest) -> HttpResponse:
    """Say that the first assessment is being made, and let the browser ask again."""
    answer = render(request, "not_ready.html.j2", status=503)
    answer["Retry-After"] = "5"
    answer["Refresh"] = "5"
    return answer
