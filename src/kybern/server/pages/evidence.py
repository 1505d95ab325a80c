"""Evidence: a browser over a million pieces, each with all that is known of it, to be verified in the reader's own browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone

from kybern.evidence import KeyType, Refused, parse_envelope, standing
from kybern.evidence.log import PROOF_SUFFIX, read_leaf
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _evidence_list as browser
from kybern.server.pages import _evidence_piece as about
from kybern.server.pages._asked import counted
from kybern.server.pages._evidence_taken import MAX_PIECES, envelopes_in, take
from kybern.server.pages._keyset import page_of
from kybern.server.pages._proofs import log_verifier, proof_of, published_size
from kybern.server.pages.door import page, render
from kybern.server.store.evidence import read_pieces
from kybern.server.store.keys import keyring
from kybern.server.store.models import EvidenceRow, LogEntry, RecordRow
from kybern.server.store.projection import root_unit
from kybern.server.store.visible import find_evidence

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kybern.evidence import Evidence, TrustedKey
    from kybern.server.access.actor import Actor

_ID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@page(Permission.EVIDENCE_READ)
def evidence(request: HttpRequest) -> HttpResponse:
    """List the evidence that the address asks for, the latest first."""
    who, now = actor(request), timezone.now()
    rows = browser.filtered(who, request, now)
    found = page_of(rows, browser.ORDER, request.GET)
    return render(
        request,
        "evidence.html.j2",
        listed=browser.listed(who, found.rows, now),
        found=found,
        counted=counted(rows),
        selects=browser.selects(who, request),
        standings=browser.STANDINGS,
        may_take=who.may(Permission.EVIDENCE_WRITE),
        empty=not request.GET and not EvidenceRow.objects.exists(),
    )


@page(Permission.EVIDENCE_READ)
def piece(request: HttpRequest, identity: str) -> HttpResponse:
    """Show a piece: what it says of what, who signed it, how strong it is and why, what it speaks for, and where the log has it."""
    who, now = actor(request), timezone.now()
    row = _found(request, identity)
    found = read_pieces([row])[0]
    signed = about.signatures(who, row, now)
    return render(
        request,
        "evidence_piece.html.j2",
        row=row,
        piece=found,
        listed=browser.listed(who, [row], now)[0],
        stands=standing(found, now),
        standings=browser.STANDINGS,
        versions=about.versions(who, found),
        signed=signed,
        why=about.why_strong(found, signed),
        said=about.said(found),
        bearings=_bearings(who, found),
        leaf=read_leaf(bytes(LogEntry.objects.values_list("leaf", flat=True).get(pk=row.entry))),
        **_published(row),
    )


def _published(row: EvidenceRow) -> dict[str, Any]:
    """Tell whether the published log has the entry, and what is wrong with the log if it does not hold."""
    try:
        size = published_size()
    except Refused as refused:
        return {"published": 0, "in_log": False, "log_fault": refused.message}
    return {"published": size, "in_log": row.entry < size, "log_fault": ""}


def _bearings(who: Actor, found: Evidence) -> list[about.Bearing]:
    """Give the checks that look at a piece, on the systems of which the reader may see the status."""
    if not who.may(Permission.ASSESSMENT_READ):
        return []
    bearings, units = about.bearings(current().assessment, found), who.where(Permission.ASSESSMENT_READ)
    if root_unit() in units:
        return bearings
    seen = set(RecordRow.objects.filter(ref__in={one.subject for one in bearings}, unit__in=units).values_list("ref", flat=True))
    return [one for one in bearings if one.subject in seen]


@page(Permission.EVIDENCE_READ)
def envelope(request: HttpRequest, identity: str) -> HttpResponse:
    """Give the signed envelope, to the byte as it came."""
    row = _found(request, identity)
    return _file(about.envelope_of(row), "application/vnd.dsse+json", f"{identity[:16]}.dsse.json")


@page(Permission.EVIDENCE_READ)
def proof(request: HttpRequest, identity: str) -> HttpResponse:
    """Give the proof that the published log has the piece's entry; 404 where it is not published yet."""
    found = proof_of(_found(request, identity).entry)
    if found is None:
        raise Http404
    return _file(bytes(found), "text/plain; charset=utf-8", f"{identity[:16]}{PROOF_SUFFIX}")


@page(Permission.EVIDENCE_READ)
def keys(request: HttpRequest, identity: str) -> HttpResponse:
    """Give what the browser verifies against: the trusted public keys of the envelope's signatures, and the log's key."""
    row = _found(request, identity)
    trusted = keyring()
    known = [key for keyid in parse_envelope(about.envelope_of(row)).signatures if (key := trusted.get(keyid)) is not None]
    log = log_verifier()
    return JsonResponse({"keys": [_key(key, row) for key in known], "log": None if log is None else str(log)})


def _key(key: TrustedKey, row: EvidenceRow) -> dict[str, str]:
    kind = KeyType.ED25519 if key.verifier.keytype == "ed25519" else KeyType.P256
    return {
        "keyid": key.keyid,
        "name": key.name,
        "holder": key.holder,
        "type": kind.value,
        "public_key": key.public_key,
        "standing": key.standing(row.observed_at),
    }


def _file(data: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(data, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _found(request: HttpRequest, identity: str) -> EvidenceRow:
    """Look a piece up for the reader."""
    row = find_evidence(actor(request), identity) if _ID.fullmatch(identity) else None
    if row is None:
        raise Http404
    return row


@page(Permission.EVIDENCE_WRITE, methods=("GET", "POST"))
def upload(request: HttpRequest) -> HttpResponse:
    """Take in a file of envelopes, and say of each piece what became of it."""
    outcomes = None
    if request.method == "POST":
        outcomes = take(actor(request), envelopes_in(request.FILES.getlist("file")), timezone.now())
    return render(request, "evidence_upload.html.j2", outcomes=outcomes, most=MAX_PIECES)


ROUTES: Final = (
    path("evidence", evidence, name="evidence"),
    path("evidence/upload", upload, name="evidence-upload"),
    path("evidence/<str:identity>", piece, name="evidence-piece"),
    path("evidence/<str:identity>/envelope", envelope, name="evidence-envelope"),
    path("evidence/<str:identity>/proof", proof, name="evidence-proof"),
    path("evidence/<str:identity>/keys", keys, name="evidence-keys"),
)
