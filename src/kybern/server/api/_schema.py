"""The API's description (OpenAPI 3.1): what the operations say of themselves, and with it the problem documents that each may answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from ninja import NinjaAPI

from kybern.server.api._door import PROBLEM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninja.openapi.schema import OpenAPISchema

_ALWAYS: Final = (401, 403, 404, 405, 422, 429, 500, 503)
_WRITING: Final = (400, 409, 412, 413, 415, 428, 507)
_METHODS: Final = frozenset(("get", "post", "put", "patch", "delete"))

_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["rule", "detail", "where", "pointer"],
                "properties": {name: {"type": "string"} for name in ("rule", "detail", "where", "pointer", "hint")},
            },
        },
    },
}
_KEY_HEADER: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A name of the caller's own for this request: sent again within 24 hours it is answered the same, and done once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


def in_body(kinds: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Say what an operation reads from a body that it reads itself."""
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in kinds.items()}}}


def as_file(kind: str, schema: dict[str, Any] | None = None, *problems: int) -> dict[str, Any]:
    """Say that an operation answers in a form of its own, and with which problems that others do not have."""
    content = {kind: {"schema": {"type": "string"} if schema is None else schema}}
    return {"responses": {200: {"description": HTTPStatus.OK.phrase, "content": content}, **{one: _told(one) for one in problems}}}


def _told(status: int) -> dict[str, Any]:
    """Say that an answer is a problem document."""
    return {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def takes(headers: Mapping[str, str], more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Say which headers an operation reads, each with what it is for; `more` is what was said of another."""
    said = [
        {"name": name, "in": "header", "required": False, "description": words, "schema": {"type": "string", "maxLength": 2000}}
        for name, words in headers.items()
    ]
    return {"parameters": [*said, *({} if more is None else more).get("parameters", ())]}


class Api(NinjaAPI):
    """The API with its whole description."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> OpenAPISchema:
        """Add what every operation has in common."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        schema["components"].setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
        schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for operations in schema["paths"].values():
            for method, operation in operations.items():
                if method in _METHODS:
                    _complete(operation, writes=method != "get")
        return schema


def _complete(operation: dict[str, Any], *, writes: bool) -> None:
    operation["security"] = [{"token": []}]
    if writes:
        operation.setdefault("parameters", []).append(_KEY_HEADER)
    for status in (*_ALWAYS, *(_WRITING if writes else ())):
        operation["responses"].setdefault(status, _told(status))
