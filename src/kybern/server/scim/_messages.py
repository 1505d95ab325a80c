"""What goes over the wire: resources, lists and errors as SCIM has them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse, JsonResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.http import HttpRequest

SCIM: Final = "application/scim+json"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_MESSAGES: Final = "urn:ietf:params:scim:api:messages:2.0"
LIST: Final = f"{_MESSAGES}:ListResponse"
PATCH: Final = f"{_MESSAGES}:PatchOp"
ERROR: Final = f"{_MESSAGES}:Error"


class ScimError(Exception):
    """An answer that is an error; `kind` is one of RFC 7644's `scimType`, where one fits."""

    def __init__(self, status: HTTPStatus, detail: str, kind: str = "", headers: Mapping[str, str] | None = None) -> None:
        """Take the status, what is wrong in words, its kind, and headers."""
        super().__init__(detail)
        self.status, self.detail, self.kind, self.headers = status, detail, kind, dict(headers or {})


def bad(kind: str, detail: str) -> ScimError:
    """Make the error of a request that cannot be used."""
    return ScimError(HTTPStatus.BAD_REQUEST, detail, kind)


def error_answer(error: ScimError) -> HttpResponse:
    """Write an error."""
    body = {"schemas": [ERROR], "status": str(int(error.status)), "detail": error.detail}
    if error.kind:
        body["scimType"] = error.kind
    return JsonResponse(body, status=error.status, content_type=SCIM, headers=error.headers)


def answer(body: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """Write a resource or a list; a resource tells where it is."""
    headers = {"Location": body["meta"]["location"]} if "meta" in body and status is HTTPStatus.CREATED else {}
    return JsonResponse(dict(body), status=status, content_type=SCIM, headers=headers)


def listed(resources: Iterable[Mapping[str, Any]], total: int, start: int) -> dict[str, Any]:
    """Write a page of a list."""
    found = list(resources)
    return {"schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": len(found), "Resources": found}


def chosen(request: HttpRequest, resource: dict[str, Any]) -> dict[str, Any]:
    """Cut a resource to what `attributes` or `excludedAttributes` ask for; `schemas` and `id` are always there."""
    wanted, unwanted = (_names(request.GET.get(one, "")) for one in ("attributes", "excludedAttributes"))
    always = {"schemas", "id", "meta"}
    if wanted:
        return {name: value for name, value in resource.items() if name in always or name.lower() in wanted}
    return {name: value for name, value in resource.items() if name in always or name.lower() not in unwanted}


def _names(text: str) -> set[str]:
    plain = (one.strip().removeprefix(f"{USER}:").removeprefix(f"{GROUP}:") for one in text.split(","))
    return {one.partition(".")[0].lower() for one in plain if one}
