"""What every request goes through: a token, the permission to manage users of the whole organisation, and errors as SCIM has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from kybern.base import InputError
from kybern.server.access.actor import actor_of
from kybern.server.access.check import Denied, note, require
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import Permission
from kybern.server.scim._messages import SCIM, ScimError, bad, error_answer
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from kybern.server.access.actor import Actor

_MOST_BYTES: Final = 1 << 20
_READ: Final = (SCIM, "application/json")

View = Callable[..., HttpResponse]


def scim(*methods: str) -> Callable[[View], View]:
    """Make a function a view of SCIM, reached by these methods. It gets the request and who acts, and then what the address says.

    A session does not count here, only a token: so nothing can be forged through a browser.
    """

    def made(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **arguments: str) -> HttpResponse:
            try:
                return _run(view, methods, request, arguments)
            except ScimError as error:
                return error_answer(error)

        guarded.scim_methods = methods  # type: ignore[attr-defined]
        return cast("View", csrf_exempt(guarded))

    return made


def _run(view: View, methods: tuple[str, ...], request: HttpRequest, arguments: dict[str, str]) -> HttpResponse:
    who = actor(request)
    if who.user is None or not who.token:
        raise ScimError(HTTPStatus.UNAUTHORIZED, "Send a token that stands.", headers={"WWW-Authenticate": 'Bearer realm="kybern"'})
    try:
        require(who, Permission.USERS_MANAGE, root_unit(), subject=request.path)
        if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
            raise ScimError(HTTPStatus.METHOD_NOT_ALLOWED, "This is not done here.", headers={"Allow": ", ".join(methods)})
        acting = _acting(who)
        with transaction.atomic():
            return view(request, acting, **arguments)
    except Denied as denied:
        raise ScimError(HTTPStatus.FORBIDDEN, f"This needs the permission {denied.permission}, for the whole organisation.") from None
    except Http404:
        raise ScimError(HTTPStatus.NOT_FOUND, "There is no such resource.") from None
    except InputError as error:
        # What was noted on the way went with the transaction: it is noted again.
        message = error.problems[0].message
        note(who, AccessEvent.Kind.DENIED, Permission.USERS_MANAGE, request.path, message)
        raise bad("invalidValue", message) from None


def _acting(who: Actor) -> Actor:
    """Give who acts: the token's owner, with all that they may do.

    A token of SCIM need have no scope but that of managing users. What it may grant is measured by what its owner holds, as on the
    pages, and not by the scopes: else it would have to be able to do everything that anybody in the organisation may.
    """
    if who.user is None:
        raise Http404
    return actor_of(who.user, token=who.token, request_id=who.request_id, address=who.address)


def body_of(request: HttpRequest) -> dict[str, Any]:
    """Read the body, which is a JSON object."""
    length = request.headers.get("Content-Length", "0")
    if length.isdecimal() and int(length) > _MOST_BYTES:
        raise ScimError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body has more than 1 MiB.")
    if request.body and request.content_type not in _READ:
        raise ScimError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"The body is read as {' or '.join(_READ)}.", headers={"Accept": ", ".join(_READ)}
        )
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise bad("invalidSyntax", "The body is no JSON object.")
    return found


def page_asked(request: HttpRequest, most: int) -> tuple[int, int]:
    """Read which page is asked for: the first resource's number, from 1, and how many."""
    said: list[int] = []
    for name, default in (("startIndex", 1), ("count", most)):
        text = request.GET.get(name, "").strip()
        if text and not (text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 10):  # noqa: PLR2004 - what a list may be long
            raise bad("invalidValue", f"{name} is no number.")
        said.append(int(text) if text else default)
    return max(1, said[0]), max(0, min(said[1], most))
