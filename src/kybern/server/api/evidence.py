"""Evidence over the API: taken in by the batch, listed, read to the byte, and proved to be in the log."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema

from kybern.base import canonical_json
from kybern.catalog import PredicateType, Strength
from kybern.evidence import standing
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.api._door import JSON, Needs, ProblemAnswer, need_type
from kybern.server.api._fields import LIMIT, Cursor, Limit, Moment, Ref, Sha256, Text, iso
from kybern.server.api._paging import page_of
from kybern.server.api._schema import as_file, in_body
from kybern.server.pages._evidence_piece import envelope_of, signatures
from kybern.server.pages._evidence_taken import take
from kybern.server.pages._proofs import proof_of
from kybern.server.store.evidence import MAX_BATCH, read_pieces
from kybern.server.store.models import EvidenceRow, EvidenceSubject
from kybern.server.store.visible import find_evidence, visible_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from kybern.evidence import Evidence

router: Final = Router(tags=["evidence"])
LINES: Final = "application/x-ndjson"
ENVELOPE: Final = "application/vnd.dsse+json"
PROOF: Final = "text/plain"
_STRENGTHS: Final = tuple(one.name.lower() for one in Strength)
_SORTS: Final = {
    "observed_at": ("observed_at", "id"),
    "-observed_at": ("-observed_at", "id"),
    "received_at": ("entry",),
    "-received_at": ("-entry",),
}
_ENVELOPE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["payload", "payloadType", "signatures"],
    "properties": {
        "payload": {"type": "string", "contentEncoding": "base64"},
        "payloadType": {"type": "string"},
        "signatures": {"type": "array", "items": {"type": "object"}},
    },
}
_BATCH_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["envelopes"],
    "properties": {
        "envelopes": {"type": "array", "minItems": 1, "maxItems": MAX_BATCH, "items": {"type": "object"}},
    },
}


class OutcomeOut(Schema):
    """What became of a piece: `accepted`, `known` (it was here already), or `refused` with the rule and the reason."""

    index: int
    outcome: str
    id: str | None
    entry: int | None
    rule: str | None
    reason: str | None


class BatchOut(Schema):
    """What became of a batch, in its order."""

    accepted: int
    known: int
    refused: int
    outcomes: list[OutcomeOut]


class SubjectOut(Schema):
    """A record that a piece is about, in the version that it names."""

    ref: str
    digest: str


class PieceOut(Schema):
    """A piece of evidence, with its place in the log and how it stands now."""

    id: str
    predicate: str
    topic: str
    subjects: list[SubjectOut]
    observed_at: str
    expires_at: str | None
    received_at: str
    standing: str
    strength: str
    signers: list[str]
    entry: int
    body: dict[str, Any]


class SignatureOut(Schema):
    """A signature: whose key it is, and how that key stood when the piece was observed and stands now; null for a key nobody trusts."""

    keyid: str
    name: str | None
    holder: str | None
    then: str | None
    now: str | None


class PieceWhole(PieceOut):
    """A piece of evidence with its signatures."""

    signatures: list[SignatureOut]


class PiecePage(Schema):
    """A page of evidence."""

    items: list[PieceOut]
    next: str | None


@router.post(
    "/evidence:batch",
    response=BatchOut,
    auth=Needs(Permission.EVIDENCE_WRITE),
    summary="Take in evidence",
    openapi_extra=in_body({"application/json": _BATCH_SCHEMA, LINES: {"type": "string"}}),
)
def batch(request: HttpRequest) -> dict[str, Any]:
    """Take in signed envelopes (DSSE), at most 20 000: `{"envelopes": […]}`, or a line for each as `application/x-ndjson`.

    Each piece is verified by itself: what verifies is kept and counts from now on, what does not is refused with its reason. Sending a
    piece again does no harm. An envelope in a line is kept to the byte, one in a list as canonical JSON.
    """
    need_type(request, JSON, LINES)
    found = _lines(request) if request.content_type == LINES else _listed(request)
    if not 0 < len(found) <= MAX_BATCH:
        detail = f"There are {len(found)} envelopes; send 1 to {MAX_BATCH} at once."
        raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-request", detail)
    taken = [one.taken for one in take(actor(request), [(str(at), data) for at, data in enumerate(found)], timezone.now())]
    counts = Counter(one.outcome for one in taken)
    return {
        **{name: counts[name] for name in ("accepted", "known", "refused")},
        "outcomes": [
            {
                "index": at,
                "outcome": one.outcome,
                "id": one.id or None,
                "entry": one.entry,
                "rule": one.rule or None,
                "reason": one.reason or None,
            }
            for at, one in enumerate(taken)
        ],
    }


def _lines(request: HttpRequest) -> list[bytes]:
    return [line.strip() + b"\n" for line in request.body.split(b"\n") if line.strip()]


def _listed(request: HttpRequest) -> list[bytes]:
    """Read the envelopes of a list."""
    try:
        said = json.loads(request.body)
        envelopes = said["envelopes"] if isinstance(said, dict) else None
        if isinstance(envelopes, list) and all(isinstance(one, dict) for one in envelopes):
            return [canonical_json(one) + b"\n" for one in envelopes]
    except (ValueError, KeyError, RecursionError):
        pass
    detail = f'Send {{"envelopes": […]}}, each an object, as application/json, or a line for each as {LINES}.'
    raise ProblemAnswer(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-request", detail)


@router.get("/evidence", response=PiecePage, auth=Needs(Permission.EVIDENCE_READ), summary="Evidence")
def evidence(  # noqa: PLR0913, PLR0917 - each is a parameter of the address
    request: HttpRequest,
    predicate: PredicateType | None = None,
    topic: Text | None = None,
    subject: Ref | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    strength: Annotated[str | None, Query(pattern=f"^({'|'.join(_STRENGTHS)})$")] = None,
    sort: Annotated[str, Query(pattern="^-?(observed_at|received_at)$")] = "-observed_at",
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> dict[str, Any]:
    """List the evidence that the reader may see; `since` is within the time that is asked for, `until` is not; `strength` is the least."""
    rows = visible_evidence(actor(request))
    if subject is not None:
        rows = rows.filter(id__in=EvidenceSubject.objects.filter(ref=subject).values("evidence"))
    least = None if strength is None else int(Strength[strength.upper()])
    rows = _narrowed(rows, predicate=predicate, topic=topic, observed_at__gte=since, observed_at__lt=until, strength__gte=least)
    found, after = page_of(rows, _SORTS[sort], cursor, limit)
    return {"items": _pieces(found, timezone.now()), "next": after}


def _narrowed(rows: QuerySet[EvidenceRow], **wanted: Any) -> QuerySet[EvidenceRow]:
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def _pieces(rows: Sequence[EvidenceRow], now: datetime) -> list[dict[str, Any]]:
    return [_piece(row, one, now) for row, one in zip(rows, read_pieces(rows), strict=True)]


def _piece(row: EvidenceRow, one: Evidence, now: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "predicate": one.predicate.value,
        "topic": one.topic,
        "subjects": [{"ref": each.ref, "digest": each.digest} for each in one.subjects],
        "observed_at": iso(one.observed_at),
        "expires_at": iso(one.expires_at),
        "received_at": iso(row.received_at),
        "standing": standing(one, now),
        "strength": one.strength.name.lower(),
        "signers": list(one.signers),
        "entry": row.entry,
        "body": dict(one.body),
    }


@router.get("/evidence/{identity}", response=PieceWhole, auth=Needs(Permission.EVIDENCE_READ), summary="A piece of evidence")
def piece(request: HttpRequest, identity: Sha256) -> dict[str, Any]:
    """Give a piece with its signatures."""
    row, now = _found(request, identity), timezone.now()
    signed = [
        {
            "keyid": one.keyid,
            "name": None if one.key is None else one.key.name,
            "holder": None if one.key is None else one.key.holder,
            "then": one.then or None,
            "now": one.now or None,
        }
        for one in signatures(actor(request), row, now)
    ]
    return {**_pieces([row], now)[0], "signatures": signed}


@router.get(
    "/evidence/{identity}/envelope",
    auth=Needs(Permission.EVIDENCE_READ),
    summary="The signed envelope",
    openapi_extra=as_file(ENVELOPE, _ENVELOPE_SCHEMA),
)
def envelope(request: HttpRequest, identity: Sha256) -> HttpResponse:
    """Give the signed envelope, to the byte as it came."""
    return HttpResponse(envelope_of(_found(request, identity)), content_type=ENVELOPE)


@router.get(
    "/evidence/{identity}/proof",
    auth=Needs(Permission.EVIDENCE_READ),
    summary="The proof that the log has it",
    openapi_extra=as_file(PROOF),
)
def proof(request: HttpRequest, identity: Sha256) -> HttpResponse:
    """Give the proof (tlog-proof) that the published log has the piece's entry; 404 where it is not published yet."""
    found = proof_of(_found(request, identity).entry)
    if found is None:
        raise ProblemAnswer(HTTPStatus.NOT_FOUND, "not-published", "The log has it, and no checkpoint that was published covers it yet.")
    return HttpResponse(bytes(found), content_type=f"{PROOF}; charset=utf-8")


def _found(request: HttpRequest, identity: str) -> EvidenceRow:
    row = find_evidence(actor(request), identity)
    if row is None:
        raise Http404
    return row
