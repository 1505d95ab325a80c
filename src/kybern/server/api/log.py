"""The log over the API, for whoever audits it or mirrors it, and the keyring that evidence is verified by."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from kybern.evidence import KeyKind
from kybern.evidence.log import read_leaf
from kybern.server.access import administration
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.api._door import Needs, ProblemAnswer
from kybern.server.api._fields import Moment, Number, Sha256, Text, iso
from kybern.server.api._paging import MOST
from kybern.server.api._schema import as_file
from kybern.server.pages._proofs import log_verifier
from kybern.server.store.journal import DatabaseJournal
from kybern.server.store.keys import keyring
from kybern.server.store.models import HeldKey, LogCosignature, LogEntry
from kybern.server.store.projection import root_unit

if TYPE_CHECKING:
    from datetime import datetime

    from kybern.evidence import TrustedKey

router: Final = Router(tags=["log"])
NOTE: Final = "text/plain"


class LogOut(Schema):
    """How far the log has come: its entries, those that the last signed checkpoint covers, and the key that vouches for it."""

    origin: str | None
    key: str | None
    """The log's public key as verifiers read it (`NAME+ID+KEY`); null before the log was first published."""
    entries: int
    published: int
    published_at: str | None


class LogEntryOut(Schema):
    """An entry of the log: its leaf to the byte, and what it says. What an entry of its type does not have is null."""

    index: int
    leaf: str
    """Base64. The entry's hash in the tree is SHA-256 of a zero byte and this."""
    type: str
    source: str
    seq: int
    at: str
    statement: str | None
    envelope: str | None
    ref: str | None
    change: str | None
    digest: str | None
    commitment: str | None
    removed: bool


class LogEntryPage(Schema):
    """Entries in a row; `next` is the first that is not among them, null at the log's end."""

    size: int
    items: list[LogEntryOut]
    next: int | None


class KeyOut(Schema):
    """A key of the keyring: whose it is, and from when until when its signatures count."""

    keyid: str
    name: str
    holder: str
    kind: str
    public_key: str
    valid_from: str
    valid_until: str | None
    revoked_on: str | None
    revoked_because: str | None
    standing: str
    held: bool
    """Whether the server holds the private half, for somebody who works in its pages."""


class KeyIn(Schema):
    """A public key to trust from now on."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    holder: Annotated[str, Field(min_length=1, max_length=120)]
    kind: KeyKind
    public_key: Annotated[str, Field(min_length=1, max_length=1000)]
    valid_until: Moment | None = None


class RevokedIn(Schema):
    """Why a key is revoked."""

    because: Annotated[Text, Field(min_length=1)]


@router.get("/log/size", response=LogOut, auth=Needs(), summary="How far the log has come")
def size(request: HttpRequest) -> dict[str, Any]:
    """Give the size of the log, and of it what is published."""
    del request
    journal, verifier = DatabaseJournal(), log_verifier()
    last = journal.last_published()
    return {
        "origin": None if verifier is None else verifier.name,
        "key": None if verifier is None else str(verifier),
        "entries": journal.size,
        "published": 0 if last is None else last.size,
        "published_at": None if last is None else last.at,
    }


@router.get("/log/checkpoint", auth=Needs(), summary="The last signed checkpoint", openapi_extra=as_file(NOTE))
def checkpoint(request: HttpRequest) -> HttpResponse:
    """Give the last checkpoint as a signed note (C2SP tlog-checkpoint), with the lines of the witnesses that cosigned it."""
    del request
    last = DatabaseJournal().last_published()
    if last is None:
        raise ProblemAnswer(HTTPStatus.NOT_FOUND, "not-published", "No checkpoint of the log was published yet.")
    lines = LogCosignature.objects.filter(size=last.size).order_by("name", "key").values_list("line", flat=True)
    return HttpResponse(last.note + b"".join(bytes(line) for line in lines), content_type=f"{NOTE}; charset=utf-8")


@router.get("/log/entries", response=LogEntryPage, auth=Needs(Permission.EVIDENCE_READ), summary="Entries of the log")
def entries(request: HttpRequest, start: Number = 0, limit: Annotated[int, Query(ge=1, le=MOST)] = 100) -> dict[str, Any]:
    """Give entries from `start` on. They name records of every unit, sensitive ones too: it needs to be allowed to read those."""
    who, root = actor(request), root_unit()
    for permission in (Permission.EVIDENCE_READ, Permission.RECORDS_READ, Permission.RECORDS_SENSITIVE):
        require(who, permission, root, subject=request.path)
    whole = DatabaseJournal().size
    rows = list(LogEntry.objects.filter(idx__gte=start, idx__lt=whole).order_by("idx").values_list("idx", "leaf")[:limit])
    after = rows[-1][0] + 1 if rows else whole
    return {"size": whole, "items": [_entry(index, bytes(leaf)) for index, leaf in rows], "next": after if after < whole else None}


def _entry(index: int, data: bytes) -> dict[str, Any]:
    leaf = read_leaf(data)
    return {
        "index": index,
        "leaf": base64.b64encode(data).decode(),
        "type": leaf.type,
        "source": leaf.source,
        "seq": leaf.seq,
        "at": iso(leaf.at),
        "removed": leaf.removed,
        **{name: getattr(leaf, name) or None for name in ("statement", "envelope", "ref", "change", "digest", "commitment")},
    }


@router.get("/keys", response=list[KeyOut], auth=Needs(Permission.EVIDENCE_READ), summary="The keyring")
def keys(request: HttpRequest) -> list[dict[str, Any]]:
    """List the public keys whose signatures count; the keys of people only to who may read the evidence of the whole organisation."""
    everybody = actor(request).may(Permission.EVIDENCE_READ, root_unit())
    held, now = _held(), timezone.now()
    return [_key(one, held, now) for one in keyring() if everybody or one.kind is not KeyKind.PERSON]


def _held() -> frozenset[str]:
    return frozenset(HeldKey.objects.values_list("keyid", flat=True))


def _key(one: TrustedKey, held: frozenset[str], now: datetime) -> dict[str, Any]:
    return {
        "keyid": one.keyid,
        "name": one.name,
        "holder": one.holder,
        "kind": one.kind.value,
        "public_key": one.public_key,
        "valid_from": iso(one.valid_from),
        "valid_until": iso(one.valid_until),
        "revoked_on": iso(one.revoked_on),
        "revoked_because": one.revoked_because,
        "standing": one.standing(now),
        "held": one.keyid in held,
    }


@router.post("/keys", response={201: KeyOut}, auth=Needs(Permission.KEYS_MANAGE), summary="Trust a key")
def trust(request: HttpRequest, body: KeyIn) -> Any:
    """Trust a public key (PEM, Ed25519 or P-256) from now on: what it signs counts as its holder's."""
    now = timezone.now()
    made = administration.trust_key(
        actor(request),
        name=body.name,
        holder=body.holder,
        kind=body.kind.value,
        public_key=body.public_key,
        now=now,
        valid_until=body.valid_until,
    )
    return Status(HTTPStatus.CREATED, _key(made, frozenset(), now))


@router.post("/keys/{keyid}:revoke", response=KeyOut, auth=Needs(Permission.KEYS_MANAGE), summary="Revoke a key")
def revoke(request: HttpRequest, keyid: Sha256, body: RevokedIn) -> dict[str, Any]:
    """Let what a key signs from now on count for nothing; what it signed before stands."""
    now = timezone.now()
    if keyring().get(keyid) is None:
        require(actor(request), Permission.KEYS_MANAGE, root_unit(), subject=request.path)
        raise Http404
    administration.revoke_key(actor(request), keyid, body.because, now)
    found = keyring().get(keyid)
    if found is None:
        raise Http404
    return _key(found, _held(), now)
