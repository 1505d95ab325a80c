"""Records over the API: list, read, write, remove, in bulk, with their history."""

from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any, Final

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Body, Field, Query, Router, Schema, Status

from kybern.records import Record
from kybern.server.access.check import not_theirs
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs, ProblemAnswer
from kybern.server.api._fields import LIMIT, Cursor, Identity, Limit, Number, Text
from kybern.server.api._paging import page_of
from kybern.server.api._schema import takes
from kybern.server.store.models import RecordRow
from kybern.server.store.records import ANY, Write, Written, write_records
from kybern.server.store.visible import find_record, may_write, visible_records
from kybern.workspace import record_schema

router: Final = Router(tags=["records"])

Kind = Annotated[str, Field(pattern="^[a-z_]{1,60}$")]
_VERSIONED: Final = takes(
    {
        "If-Match": "The ETag of the version this was made from; `*` for whatever stands there.",
        "X-Reason": "Why, in words: it is signed and kept in the log.",
    }
)
_SORTS: Final = {"title": ("title", "ref"), "changed_at": ("changed_at", "ref"), "ref": ("ref",)}


class RecordOut(Schema):
    """A record as it stands, with its place in the log."""

    ref: str
    kind: str
    title: str
    owner: str | None
    unit: int
    digest: str
    version: int
    entry: int
    changed_at: str
    changed_by: str
    content: dict[str, Any]


class RecordPage(Schema):
    """A page of records."""

    items: list[dict[str, Any]]
    """Each as `RecordOut`, or the fields asked for."""
    next: str | None


class KindOut(Schema):
    """A kind of record."""

    kind: str
    layer: str
    clause: str
    description: str
    count: int


class WrittenOut(Schema):
    """What became of a record."""

    ref: str
    act: str
    digest: str | None
    entry: int | None


class BulkItem(Schema):
    """One record to write: its content, or `remove` with its name; `expected` is the digest of the version it was made from."""

    content: dict[str, Any] | None = None
    remove: Annotated[str, Field(max_length=160)] | None = None
    expected: Annotated[str, Field(max_length=64)] | None = ANY


class Bulk(Schema):
    """Records to write, all of them or none, as one signed change set."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    items: Annotated[list[BulkItem], Field(min_length=1, max_length=50_000)]


@router.get("/kinds", response=list[KindOut], auth=Needs(Permission.RECORDS_READ), summary="The kinds of records")
def kinds(request: HttpRequest) -> list[dict[str, Any]]:
    """List the kinds of records, with how many of each the reader may see."""
    who = actor(request)
    counts: dict[str, int] = {}
    for kind in visible_records(who).order_by().values_list("kind", flat=True):
        counts[kind] = counts.get(kind, 0) + 1
    return [
        {"kind": kind, "layer": one.layer.value, "clause": one.clause, "description": one.__doc__ or "", "count": counts.get(kind, 0)}
        for kind, one in sorted(Record.registry.items())
    ]


@router.get("/kinds/{kind}/schema", auth=Needs(Permission.RECORDS_READ), summary="The JSON Schema of a kind")
def schema(request: HttpRequest, kind: Kind) -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a kind of record."""
    del request
    if kind not in Record.registry:
        raise Http404
    return record_schema(kind)


@router.get("/records", response=RecordPage, auth=Needs(Permission.RECORDS_READ), summary="Records")
def records(  # noqa: PLR0913, PLR0917 - each is a parameter of the address
    request: HttpRequest,
    kind: Kind | None = None,
    q: Text | None = None,
    owner: Text | None = None,
    unit: Number | None = None,
    sort: Annotated[str, Query(pattern="^-?(title|changed_at|ref)$")] = "ref",
    fields: Annotated[str | None, Query(max_length=500)] = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> dict[str, Any]:
    """List the records that the reader may see; `fields` names those of each record to give, by commas, `content.purpose` among them."""
    rows = _filtered(visible_records(actor(request)), kind, q, owner, unit)
    falling = sort.startswith("-")
    order = [f"-{name}" if falling else name for name in _SORTS[sort.lstrip("-")]]
    found, after = page_of(rows, order, cursor, limit)
    wanted = None if fields is None else [name.strip() for name in fields.split(",") if name.strip()]
    return {"items": [_selected(record_json(row), wanted) for row in found], "next": after}


def _filtered(rows: QuerySet[RecordRow], kind: str | None, q: str | None, owner: str | None, unit: int | None) -> QuerySet[RecordRow]:
    wanted = {"kind": kind, "owner": owner, "unit": unit}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return rows.filter(text__contains=q.lower()) if q else rows


def _selected(said: dict[str, Any], wanted: list[str] | None) -> dict[str, Any]:
    if wanted is None:
        return said
    found: dict[str, Any] = {}
    for name in wanted:
        head, _, rest = name.partition(".")
        if head in said and not rest:
            found[head] = said[head]
        elif head == "content" and rest in said["content"]:
            found.setdefault("content", {})[rest] = said["content"][rest]
    return found


def record_json(row: RecordRow) -> dict[str, Any]:
    """Write a record as the API gives it."""
    return {
        "ref": row.ref,
        "kind": row.kind,
        "title": row.title,
        "owner": row.owner or None,
        "unit": row.unit,
        "digest": row.digest,
        "version": row.version,
        "entry": row.entry,
        "changed_at": row.changed_at.isoformat(),
        "changed_by": row.changed_by,
        "content": row.content,
    }


@router.get(
    "/records/{kind}/{identity}",
    response=RecordOut,
    auth=Needs(Permission.RECORDS_READ),
    summary="A record",
    openapi_extra={
        **takes({"If-None-Match": "The ETag of the version that is known already: where it stands, the answer is 304."}),
        "responses": {304: {"description": "It stands as it is known."}},
    },
)
def record(request: HttpRequest, response: HttpResponse, kind: Kind, identity: Identity) -> Any:
    """Give a record; its `ETag` is the digest of the version that stands. With `If-None-Match` of that, the answer is 304."""
    row = _found(request, f"{kind}:{identity}")
    response["ETag"] = etag = f'"{row.digest}"'
    if etag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return record_json(row)


@router.put(
    "/records/{kind}/{identity}",
    response={200: WrittenOut, 201: WrittenOut},
    auth=Needs(Permission.RECORDS_WRITE),
    summary="Write a record",
    openapi_extra=takes({"If-None-Match": "`*`: there is none of this name yet."}, _VERSIONED),
)
def put(request: HttpRequest, response: HttpResponse, kind: Kind, identity: Identity, content: Annotated[dict[str, Any], Body()]) -> Any:
    """Write a record whole. `If-Match` names the version it was made from, `If-None-Match: *` that there is none yet; one is needed."""
    ref = f"{kind}:{identity}"
    if RecordRow.objects.filter(pk=ref).exists():
        _found(request, ref)
    written = _write(request, Write(ref, {**content, "kind": kind, "id": identity}, _expected(request)))
    response["ETag"] = f'"{written.digest}"'
    return Status(HTTPStatus.CREATED if written.act == "added" else HTTPStatus.OK, written)


@router.patch(
    "/records/{kind}/{identity}",
    response=WrittenOut,
    auth=Needs(Permission.RECORDS_WRITE),
    summary="Change fields of a record",
    openapi_extra=_VERSIONED,
)
def patch(request: HttpRequest, response: HttpResponse, kind: Kind, identity: Identity, changes: Annotated[dict[str, Any], Body()]) -> Any:
    """Change fields of a record by a JSON merge patch (RFC 7396): a field that is null is taken away. `If-Match` is needed."""
    row = _found(request, f"{kind}:{identity}")
    content = {**merge_patch(row.content, changes), "kind": kind, "id": identity}
    written = _write(request, Write(row.ref, content, _expected(request)))
    response["ETag"] = f'"{written.digest}"'
    return written


@router.delete(
    "/records/{kind}/{identity}",
    response=WrittenOut,
    auth=Needs(Permission.RECORDS_DELETE),
    summary="Remove a record",
    openapi_extra=_VERSIONED,
)
def delete(request: HttpRequest, kind: Kind, identity: Identity) -> Any:
    """Remove a record; its versions stay in the log. `If-Match` is needed. What others name cannot be removed."""
    row = _found(request, f"{kind}:{identity}")
    return _write(request, Write(row.ref, None, _expected(request)), Permission.RECORDS_DELETE)


@router.post("/records:bulk", response=list[WrittenOut], auth=Needs(Permission.RECORDS_WRITE), summary="Write many records at once")
def bulk(request: HttpRequest, body: Bulk) -> Any:
    """Write many records, all of them or none, as one signed change set; references may lead from one to another."""
    who = actor(request)
    writes = [_bulk_write(number, item) for number, item in enumerate(body.items)]
    rows = {row.ref: row for row in RecordRow.objects.filter(ref__in=[one.ref for one in writes]).only("ref", "unit", "kind")}
    for row in rows.values():
        if not who.may(Permission.RECORDS_READ, row.unit):
            raise not_theirs(who, Permission.RECORDS_READ, row.ref)
    for one in writes:
        may_write(who, rows.get(one.ref), one.ref, Permission.RECORDS_DELETE if one.content is None else Permission.RECORDS_WRITE)
    return write_records(writes, str(who.person), body.reason, timezone.now())


def _bulk_write(number: int, item: BulkItem) -> Write:
    if (item.content is None) == (item.remove is None):
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-request", f"items/{number} needs content or remove, and not both.")
    said = item.content or {}
    return Write(item.remove or f"{said.get('kind')}:{said.get('id')}", item.content, item.expected)


def _found(request: HttpRequest, ref: str) -> RecordRow:
    row = find_record(actor(request), ref)
    if row is None:
        raise Http404
    return row


def _write(request: HttpRequest, write: Write, permission: Permission = Permission.RECORDS_WRITE) -> Written:
    who = actor(request)
    may_write(who, RecordRow.objects.filter(pk=write.ref).first(), write.ref, permission)
    reason = _reason(request) or "Written over the API"
    return write_records([write], str(who.person), reason, timezone.now())[0]


def _reason(request: HttpRequest) -> str:
    """Read the reason. A header's bytes come as Latin-1, whatever was sent; what is no UTF-8 is taken as they came."""
    said = request.headers.get("X-Reason", "")
    with suppress(UnicodeError):
        said = said.encode("latin-1").decode()
    return said[:2000].strip()


def _expected(request: HttpRequest) -> str | None:
    """Read the version that the caller started from."""
    match = request.headers.get("If-Match", "").strip()
    if match == "*":
        return ANY
    if match:
        return match.removeprefix("W/").strip('"')
    if request.headers.get("If-None-Match", "").strip() == "*":
        return None
    detail = "Say which version you started from: If-Match with its ETag, or If-None-Match: * for a new record."
    raise ProblemAnswer(HTTPStatus.PRECONDITION_REQUIRED, "version-needed", detail)


def merge_patch(target: Any, changes: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(changes, dict):
        return changes
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merge_patch(found.get(name), value)
    return json.loads(json.dumps(found))
