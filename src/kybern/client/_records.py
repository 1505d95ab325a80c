"""What records can be asked and told: each function says what to send and how to read the answer."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from kybern.client._exchange import IDEMPOTENCY, Call, path_of, query_of
from kybern.client._results import ABSENT, ANY, Change, Kind, Page, Record, Removal, Sort, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    import httpx

    from kybern.client._results import Absent

    Headers = tuple[tuple[str, str | bytes], ...]

JSON: Final = ("Content-Type", "application/json")
_KEY: Final = re.compile("[!-~]{1,255}")
_KINDS: Final = TypeAdapter(tuple[Kind, ...])
_WRITTEN: Final = TypeAdapter(tuple[Written, ...])
_RECORDS: Final = TypeAdapter(Page[Record])
_SCHEMA: Final = TypeAdapter(dict[str, Any])


def kinds() -> Call[tuple[Kind, ...]]:
    """List the kinds of records, with how many of each the token may see."""
    return Call("GET", "kinds", lambda answer: _KINDS.validate_json(answer.content))


def schema(kind: str) -> Call[dict[str, Any]]:
    """Give the JSON Schema (2020-12) of a kind of record."""
    return Call("GET", path_of("kinds", kind, "schema"), lambda answer: _SCHEMA.validate_json(answer.content))


def records(  # noqa: PLR0913 - each narrows the list
    kind: str | None = None,
    *,
    q: str | None = None,
    owner: str | None = None,
    unit: int | None = None,
    sort: Sort = "ref",
    fields: Collection[str] | None = None,
    page_size: int = 200,
) -> Call[Page[Record]]:
    """List records, page by page as they are asked for. `q` is text they hold; `fields` chooses what of each is sent (`ref` always is)."""
    chosen = None if fields is None else ",".join(sorted({"ref", *fields}))
    query = query_of(kind=kind, q=q, owner=owner, unit=unit, sort=sort, fields=chosen, limit=page_size)
    return Call("GET", "records", lambda answer: _RECORDS.validate_json(answer.content), query)


def record(ref: str) -> Call[Record]:
    """Give a record by its name, such as `ai_system:hiring-screener`."""
    return Call("GET", _path(ref), _one(Record))


def put_record(
    ref: str, content: Mapping[str, Any], *, if_match: str | Absent, reason: str | None = None, idempotency_key: str | None = None
) -> Call[Written]:
    """Write a record whole. `if_match` is the digest of the version it was made from, `ABSENT` for a new record. Raises `Conflict`."""
    return _write("PUT", ref, _headers(if_match, reason, idempotency_key), content)


def patch_record(
    ref: str, changes: Mapping[str, Any], *, if_match: str, reason: str | None = None, idempotency_key: str | None = None
) -> Call[Written]:
    """Change fields of a record by a JSON merge patch (RFC 7396): None takes a field away. Raises `Conflict`."""
    return _write("PATCH", ref, _headers(if_match, reason, idempotency_key), changes)


def delete_record(ref: str, *, if_match: str, reason: str | None = None, idempotency_key: str | None = None) -> Call[Written]:
    """Remove a record; its versions stay in the log. Raises `Conflict`, and `Unusable` where other records name it."""
    return _write("DELETE", ref, _headers(if_match, reason, idempotency_key))


def write_records(items: Iterable[Change | Removal], *, reason: str, idempotency_key: str | None = None) -> Call[tuple[Written, ...]]:
    """Write many records, all of them or none, as one signed change set; references may lead from one to another."""
    said = {"reason": reason, "items": [_item(one) for one in items]}
    headers = (JSON, *key_header(idempotency_key))
    return Call("POST", "records:bulk", lambda answer: _WRITTEN.validate_json(answer.content), (), headers, json_bytes(said), writes=True)


def _item(one: Change | Removal) -> dict[str, Any]:
    if isinstance(one, Removal):
        return {"remove": one.ref, "expected": _digest(one.if_match)}
    return {"content": one.content, "expected": None if one.if_match is ABSENT else _digest(str(one.if_match))}


def _write(method: str, ref: str, headers: Headers, content: Mapping[str, Any] | None = None) -> Call[Written]:
    body = None if content is None else json_bytes(content)
    said = headers if body is None else (*headers, JSON)
    return Call(method, _path(ref), _one(Written), (), said, body, writes=True)


def _headers(if_match: str | Absent, reason: str | None, key: str | None) -> Headers:
    version = ("If-None-Match", "*") if if_match is ABSENT else ("If-Match", _etag(str(if_match)))
    why = (("X-Reason", " ".join(reason.split()).encode()),) if reason else ()
    return (version, *why, *key_header(key))


def _path(ref: str) -> str:
    kind, _, identity = ref.partition(":")
    return path_of("records", kind, identity)


def _digest(if_match: str) -> str:
    return if_match.removeprefix("W/").strip('"')


def _etag(if_match: str) -> str:
    digest = _digest(if_match)
    if digest != ANY and not (digest.isascii() and digest.isalnum()):
        detail = "if_match is the digest of a version, as a record or a Conflict tells it, ABSENT or ANY."
        raise ValueError(detail)
    return ANY if digest == ANY else f'"{digest}"'


def _one(model: type[Record | Written]) -> Callable[[httpx.Response], Any]:
    return lambda answer: model.model_validate_json(answer.content)


def json_bytes(value: object) -> bytes:
    """Write a body; raises TypeError for what JSON has no form for, ValueError for numbers that are none."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def key_header(key: str | None) -> tuple[tuple[str, str], ...]:
    """Name the request by a key of the caller's own; without, the client makes one."""
    if key is None:
        return ()
    if not _KEY.fullmatch(key):
        detail = "An idempotency key is 1 to 255 visible ASCII characters."
        raise ValueError(detail)
    return ((IDEMPOTENCY, key),)
