"""The API put together: its routers, and what becomes of what goes wrong."""

from __future__ import annotations

from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError
from django.http import Http404
from ninja.errors import HttpError, ValidationError

from kybern import __version__
from kybern.base import InputError
from kybern.evidence import Refused
from kybern.server.access.check import Denied
from kybern.server.api._door import JsonBody, NotSignedIn, ProblemAnswer, listed, problem
from kybern.server.api._schema import Api
from kybern.server.live import NotReady
from kybern.server.store.records import Conflict

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

ROUTERS: Final = ("records", "evidence", "assessment", "obligations", "catalog", "log", "me", "access", "rules", "events", "webhooks")
"""The modules of the routers; each has its `router`."""

_DESCRIPTION: Final = (
    "Everything the pages of Kybern do, for programs. Send a token as `Authorization: Bearer kyb_…`. Errors are problem documents "
    "(RFC 9457); versions are told by `ETag` and asked for by `If-Match`; lists go on by `cursor`."
)

api: Final = Api(
    title="Kybern",
    version=__version__,
    description=_DESCRIPTION,
    urls_namespace="api",
    docs_url=None,
    openapi_url="/openapi.json",
    parser=JsonBody(),
)
for _name in ROUTERS:
    api.add_router("", import_module(f"kybern.server.api.{_name}").router)


@api.exception_handler(NotReady)
def _not_ready(request: HttpRequest, _: Exception | type[Exception]) -> HttpResponse:
    answer = problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", "The first assessment after a start is being made.")
    answer["Retry-After"] = "5"
    return answer


@api.exception_handler(NotSignedIn)
def _not_signed_in(request: HttpRequest, _: Exception | type[Exception]) -> HttpResponse:
    answer = problem(request, HTTPStatus.UNAUTHORIZED, "not-signed-in", "Send a token that stands, or sign in.")
    answer["WWW-Authenticate"] = 'Bearer realm="kybern"'
    return answer


@api.exception_handler(Denied)
def _denied(request: HttpRequest, error: Any) -> HttpResponse:
    detail = f"This needs the permission {error.permission}, which is not granted here."
    return problem(request, HTTPStatus.FORBIDDEN, "denied", detail, permission=str(error.permission))


@api.exception_handler(ProblemAnswer)
def _problem(request: HttpRequest, error: Any) -> HttpResponse:
    answer = problem(request, error.status, error.slug, error.detail, **error.more)
    for name, value in error.headers.items():
        answer[name] = value
    return answer


@api.exception_handler(Conflict)
def _conflict(request: HttpRequest, error: Any) -> HttpResponse:
    detail = f"{error.ref} is not in the version you started from: read it again and merge."
    answer = problem(request, HTTPStatus.PRECONDITION_FAILED, "changed-meanwhile", detail, ref=error.ref, current=error.current)
    if error.current:
        answer["ETag"] = f'"{error.current}"'
    return answer


@api.exception_handler(InputError)
def _unusable(request: HttpRequest, error: Any) -> HttpResponse:
    detail = error.problems[0].message if error.problems else "The input cannot be used."
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-input", detail, problems=listed(error.problems))


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(request, HTTPStatus.CONFLICT, error.rule, f"{error.message[:1].upper()}{error.message[1:]}.")


@api.exception_handler(IntegrityError)
def _twice(request: HttpRequest, _: Exception | type[Exception]) -> HttpResponse:
    return problem(request, HTTPStatus.CONFLICT, "made-meanwhile", "Somebody made or changed this at the same moment: read it again.")


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, _: Exception | type[Exception]) -> HttpResponse:
    return problem(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "The body is larger than is read at once: send it in parts.")


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    found = [
        {
            "rule": str(one["type"]),
            "detail": str(one["msg"]),
            "where": str(one["loc"][0]),
            "pointer": "/" + "/".join(map(str, one["loc"][1:])),
        }
        for one in error.errors
    ]
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-request", "The request is not as the schema has it.", problems=found)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error.__cause__, ProblemAnswer):  # a body that was not read: the framework says no more than that
        return _problem(request, error.__cause__)
    return problem(request, error.status_code, "bad-request", str(error))


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, _: Exception | type[Exception]) -> HttpResponse:
    return problem(request, HTTPStatus.NOT_FOUND, "not-found", "There is nothing here, or nothing that you may know of.")
