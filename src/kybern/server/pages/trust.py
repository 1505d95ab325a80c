"""The trust page: what the organisation publishes of itself, for everybody; and the settings in which it chooses that."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render as django_render
from django.urls import path
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kybern.assessment import Status
from kybern.base import InputError, Place
from kybern.evidence.log import CHECKPOINT
from kybern.report.label import badge
from kybern.server.access.check import note, require
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import Permission
from kybern.server.live import current
from kybern.server.pages import _trust as told
from kybern.server.pages._evidence_piece import envelope_of
from kybern.server.pages._proofs import log_verifier, proof_of
from kybern.server.pages.door import PUBLIC, page, render
from kybern.server.pages.middleware import POLICY
from kybern.server.store.models import EvidenceRow, LogCheckpoint
from kybern.server.store.projection import root_unit
from kybern.server.store.publish import log_folder
from kybern.server.store.visible import visible_records

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kybern.base import Problem
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing
    from kybern.server.pages._trust import Choices, Published

SETTINGS: Final = "/settings/trust"
_MINUTES: Final = 300
_IMAGE: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""The badge is a picture with its style inside."""

_STATEMENT: Final = 1 << 20
_MAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}", re.ASCII)
_LINK: Final = re.compile(r"https://[A-Za-z0-9.-]{1,190}(:[0-9]{1,5})?(/[A-Za-z0-9._~/%+-]{0,200})?", re.ASCII)


# --- what everybody sees ------------------------------------------------------------------------------------------------------------------


def _found() -> Published:
    found = told.published()
    if found is None:
        raise Http404
    return found


@page(PUBLIC)
def trust(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    found = _found()
    return _answer(request, django_render(request, "trust.html.j2", shown(found.document, found)))


def shown(document: dict[str, Any], found: Published | None) -> dict[str, Any]:
    """Give what the template of the page shows of a document; without `found` it is a preview."""
    ready = {} if found is None else told.standing_statements(found, timezone.now())
    return {
        "lang": get_language() or "en",
        "doc": document,
        "counts": {
            one["id"]: {status: one["counts"][status.slug] for status in Status} for one in document["frameworks"] if "counts" in one
        },
        "digest": None if found is None else found.digest,
        "logged": found is not None and _logged(found) is not None,
        "statements": [one for one in document["statements"] if one["framework"] in ready],
        "reach": reach,
    }


def reach(contact: str) -> str | None:
    """Give the address that a contact leads to, where it is one; other words stay words."""
    if _MAIL.fullmatch(contact):
        return f"mailto:{contact}"
    return contact if _LINK.fullmatch(contact) else None


def _logged(found: Published) -> EvidenceRow | None:
    """Give the evidence of the publication, once the published log has it."""
    row = EvidenceRow.objects.filter(pk=found.evidence).first()
    size = LogCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    return row if row is not None and row.entry < size and (log_folder() / CHECKPOINT).is_file() else None


@page(PUBLIC)
def as_json(request: HttpRequest) -> HttpResponse:
    """Give the document to the byte as it was logged."""
    return _file(request, _found().text.encode(), "application/json", "trust.json")


@page(PUBLIC)
def part(request: HttpRequest, name: str) -> HttpResponse:
    """Give what a stranger verifies with: the log's key and latest checkpoint, the signed envelope, and its proof."""
    found, verifier = _found(), log_verifier()
    if name == "log.vkey" and verifier is not None:
        return _file(request, f"{verifier}\n".encode(), "text/plain; charset=utf-8", name)
    last = LogCheckpoint.objects.order_by("-size").first() if name == "checkpoint" else None
    if last is not None:
        return _file(request, bytes(last.note), "text/plain; charset=utf-8", name)
    row = EvidenceRow.objects.filter(pk=found.evidence).first()
    if row is not None and name == "trust.dsse.json":
        return _file(request, envelope_of(row), "application/vnd.dsse+json", name)
    proof = proof_of(row.entry) if row is not None and name == "trust.tlog-proof" else None
    if proof is None:
        raise Http404
    return _file(request, bytes(proof), "text/plain; charset=utf-8", name)


@page(PUBLIC)
def statement(request: HttpRequest, name: str) -> HttpResponse:
    """Give a signed readiness statement, or its badge."""
    framework, _dot, ending = name.rpartition(".")
    text = told.standing_statements(_found(), timezone.now()).get(framework)
    if text is None or ending not in {"json", "svg"}:
        raise Http404
    if ending == "json":
        return _file(request, text.encode(), "application/vc", f"readiness-{framework.lower()}.json")
    answer = HttpResponse(badge(json.loads(text)), content_type="image/svg+xml")
    answer["Content-Security-Policy"] = _IMAGE
    return _answer(request, answer)


def _file(request: HttpRequest, data: bytes, kind: str, name: str) -> HttpResponse:
    return _answer(request, HttpResponse(data, content_type=kind, headers={"Content-Disposition": f'inline; filename="{name}"'}))


def _answer(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Let anybody keep the answer for some minutes, and ask by its digest whether it changed. It names no reader and sets no cookie."""
    etag = f'"{hashlib.sha256(answer.content).hexdigest()[:40]}"'
    answer.setdefault("Content-Security-Policy", POLICY)
    answer["Cache-Control"] = f"public, max-age={_MINUTES}"
    answer["ETag"] = etag
    answer["Vary"] = "Accept-Language"
    answer["Content-Language"] = get_language() or "en"
    answer["X-Frame-Options"] = "DENY"
    answer["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
    return get_conditional_response(request, etag=etag, response=answer) or answer


# --- what the organisation chooses --------------------------------------------------------------------------------------------------------


@page(Permission.TRUST_PUBLISH, methods=("GET", "POST"))
def settings(request: HttpRequest) -> HttpResponse:
    """Choose what is published, look at it, publish it, take it back."""
    who, standing = actor(request), current()
    require(who, Permission.TRUST_PUBLISH, root_unit(), subject=request.path)
    chosen = told.choices()
    problems: tuple[Problem, ...] = ()
    if request.method == "POST":
        try:
            done = _changed(request, who, standing, chosen)
        except InputError as error:
            problems, chosen = error.problems, told.choices()
        else:
            messages.success(request, done)
            return HttpResponseRedirect(SETTINGS)
    rows = visible_records(who).filter(kind="ai_system").order_by("title", "ref")
    systems = [one for ref in rows.values_list("ref", flat=True)[:500] if (one := standing.records.get(ref)) is not None]
    left = told.publishable(standing, chosen)[1]
    document = told.document_of(standing, chosen, timezone.now())
    now_public = told.published()
    return render(
        request,
        "settings/trust.html.j2",
        status=422 if problems else 200,
        chosen=chosen,
        problems=problems,
        frameworks=list(standing.catalog.frameworks.values()),
        systems=systems,
        left=left,
        public=now_public,
        preview=shown(document, None),
        statements=[told.stated(text) for text in chosen.statements.values()],
    )


def _changed(request: HttpRequest, who: Actor, standing: Standing, chosen: Choices) -> str:
    """Do what was asked for; gives what is to be told of it."""
    act = request.POST.get("act", "")
    if act == "withdraw":
        told.withdraw(who)
        return _("The trust page is withdrawn: nothing is public any more.")
    if act == "statement":
        file = request.FILES.get("statement")
        data = b"" if file is None or (file.size or 0) > _STATEMENT else file.read()
        told.choose(told.add_statement(standing, chosen, data, timezone.now()))
        return _("The statement is taken, and published with the page the next time.")
    if act == "drop":
        kept = {name: text for name, text in chosen.statements.items() if name != request.POST.get("framework")}
        told.choose(replace(chosen, statements=kept))
        return _("The statement is left out from the next publication on.")
    made = _chosen(request, who, standing, chosen)
    told.choose(made)
    note(who, AccessEvent.Kind.CHANGED, Permission.TRUST_PUBLISH, "trust page", "choices saved")
    if act != "publish":
        return _("Your choices are saved. Nothing of them is public before you publish.")
    told.publish(who, standing, made, timezone.now)
    return _("The trust page is published.")


def _chosen(request: HttpRequest, who: Actor, standing: Standing, before: Choices) -> Choices:
    """Read the form. A consent that was there for the same version stays as it was given."""
    said = request.POST
    contact = _line(said.get("contact", ""))
    claim = told.claims_in(contact)
    if claim is not None:
        message = _("The contact says “%s”, which no evidence shows.") % claim
        raise InputError.one("claim", message, Place("contact"), _("Say only whom to ask."))
    visible = set(visible_records(who).filter(kind="ai_system").values_list("ref", flat=True))
    systems = {ref: one for ref, one in before.systems.items() if ref not in visible}
    for ref in said.getlist("consent"):
        record = standing.records.get(ref) if ref in visible else None
        if record is None:
            continue
        old, contact_of = before.systems.get(ref), _line(said.get(f"contact:{ref}", ""))
        again = old is None or old.digest != record.digest
        systems[ref] = (
            told.Consent(record.digest, who.person or "", timezone.now().isoformat(timespec="seconds"), contact_of)
            if again or old is None
            else replace(old, contact=contact_of)
        )
    frameworks = tuple(name for name in standing.catalog.frameworks if name in said.getlist("frameworks"))
    return replace(before, frameworks=frameworks, systems=systems, contact=contact, numbers=said.get("numbers") == "yes")


def _line(text: str) -> str:
    return " ".join("".join(one for one in text if one.isprintable()).split())[:200]


ROUTES: Final = (
    path("trust", trust, name="trust"),
    path("trust.json", as_json, name="trust-json"),
    path("trust/<str:name>", part, name="trust-part"),
    path("trust/statement/<str:name>", statement, name="trust-statement"),
    path("settings/trust", settings, name="settings-trust"),
)
