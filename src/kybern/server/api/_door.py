"""What every operation goes through: who asks, what that needs, and problem documents for what cannot be."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja.parser import Parser
from ninja.utils import check_csrf

from kybern.server.access.check import require
from kybern.server.access.middleware import actor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kybern.base import Problem
    from kybern.server.access.actor import Actor
    from kybern.server.access.permissions import Permission

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"


class NotSignedIn(Exception):  # noqa: N818 - it is an answer
    """Nobody asks: no session, and no token that stands."""


class ProblemAnswer(Exception):  # noqa: N818 - it is an answer
    """An answer that is a problem document."""

    def __init__(self, status: int, slug: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        """Take the status, the problem's slug, what is wrong in words, headers, and further members of the document."""
        super().__init__(detail)
        self.status, self.slug, self.detail, self.headers, self.more = status, slug, detail, dict(headers or {}), more


class Needs:
    """The permission of an operation, asked before it runs. None: whoever is signed in."""

    def __init__(self, permission: Permission | None = None) -> None:
        """Take the permission; what is asked of one unit's records the operation asks for itself."""
        self.permission = permission

    def __call__(self, request: HttpRequest) -> Actor:
        """Give who asks; raises `NotSignedIn` or `Denied`."""
        who = actor(request)
        if who.user is None:
            raise NotSignedIn
        if not who.token and request.method not in _SAFE and check_csrf(request) is not None:
            raise ProblemAnswer(HTTPStatus.FORBIDDEN, "csrf", "A browser's session needs the CSRF token in the header X-CSRFToken.")
        if self.permission is not None:
            require(who, self.permission, subject=request.path)
        return who


def need_type(request: HttpRequest, *types: str) -> None:
    """Refuse a body, where there is one, that does not say that it is of a type that is read here."""
    if request.body and request.content_type not in types:
        detail = f"Say by Content-Type what the body is: {' or '.join(types)} is read here."
        raise ProblemAnswer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail, {"Accept": ", ".join(types)})


class JsonBody(Parser):
    """Reads bodies that say that they are JSON."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Read one."""
        need_type(request, JSON)
        return super().parse_body(request)


def problem(request: HttpRequest, status: int, slug: str, detail: str, **more: Any) -> HttpResponse:
    """Write a problem document."""
    body = {
        "type": f"urn:kybern:problem:{slug}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:kybern:request:{getattr(request, 'request_id', '')}",
        **more,
    }
    return JsonResponse(body, status=status, content_type=PROBLEM)


def listed(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """Write problems as a problem document lists them: rule, what is wrong, where, what would be right."""
    return [
        {"rule": one.rule, "detail": one.message, "where": one.place.file, "pointer": one.place.pointer, "hint": one.hint}
        for one in problems
    ]
