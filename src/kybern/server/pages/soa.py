"""The statement of applicability as a grid that is edited where it stands, row by row; without script each row opens its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.assessment import Status
from kybern.base import InputError
from kybern.catalog import Layer
from kybern.report import to_csv
from kybern.server.access.check import require
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.pages import _soa as soa
from kybern.server.pages._merging import merge
from kybern.server.pages._words import word_diff
from kybern.server.pages.door import page, render
from kybern.server.store.history import content_at
from kybern.server.store.projection import root_unit
from kybern.server.store.records import Conflict, Write, write_records
from kybern.server.store.visible import may_write
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from kybern.base import Problem
    from kybern.server.access.actor import Actor
    from kybern.server.store.models import RecordRow

ADDRESS: Final = "/soa"
_LONGEST: Final = 20_000


@dataclass
class Answer:
    """What somebody answers of a control, and what the form has to say about it."""

    necessary: str
    justification: str
    digest: str
    problems: Sequence[Problem] = ()
    conflict: dict[str, Any] | None = None

    @property
    def wrong(self) -> bool:
        """Whether it was not saved."""
        return bool(self.problems) or self.conflict is not None


def _reader(request: HttpRequest) -> Actor:
    who = actor(request)
    require(who, Permission.RECORDS_READ, root_unit(), subject=request.path)
    return who


@page(Permission.RECORDS_READ)
def statement(request: HttpRequest) -> HttpResponse:
    """Show the rows that the address asks for."""
    who = _reader(request)
    every = soa.lines(who)
    found = [one for one in every if soa.fits(one, request)]
    scored = any(one.score is not None for one in every)
    stack = {status: sum(one.score is not None and one.score.status is status for one in every) for status in Status}
    return render(
        request,
        "soa.html.j2",
        lines=found,
        total=len(found),
        said=soa.counts(every),
        all_count=len(every),
        stack=stack if scored else None,
        scored=scored,
        selects=_selects(scored=scored),
        **_words(who),
    )


def _selects(*, scored: bool) -> list[dict[str, Any]]:
    status = {"name": "status", "label": _("Status"), "options": [(one.slug, say(one.label)) for one in Status]}
    return [
        {"name": "applicable", "label": _("Applicable"), "options": list(soa.SAID.items())},
        *([status] if scored else []),
        {"name": "layer", "label": _("Layer"), "options": [(one.value, f"{one.value} {say(one.label)}") for one in Layer]},
    ]


def _words(who: Actor) -> dict[str, Any]:
    return {
        "said_words": soa.SAID,
        "writable": who.where(Permission.RECORDS_WRITE),
        "may_new": who.may(Permission.RECORDS_WRITE),
        "root": root_unit(),
    }


@page(Permission.RECORDS_READ)
def as_csv(request: HttpRequest) -> HttpResponse:
    """Give the rows that the address asks for to a spreadsheet."""
    who = _reader(request)
    names = (
        "control", "title", "layer", "applicable", "justification", "status", "coverage", "evidence", "owner", "approved_by",
        "exclusion_signed", "record", "for_single_systems",
    )  # fmt: skip
    rows = [_csv_row(one) for one in soa.lines(who) if soa.fits(one, request)]
    answer = HttpResponse(to_csv(names, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="statement-of-applicability-{timezone.now():%Y-%m-%d}.csv"'
    return answer


def _csv_row(one: soa.Line) -> Sequence[object]:
    content = {} if one.row is None else one.row.content
    layer = "" if one.entry.layer is None else one.entry.layer.value
    stands = ("", "", "") if one.score is None else (one.score.status.slug, f"{one.score.coverage:.3f}", one.score.evidence)
    signed = "" if one.applicable != soa.NO else "yes" if one.signed else "no"
    record = "" if one.row is None else one.row.ref
    return (
        one.entry.id, one.entry.title, layer, one.applicable, one.justification, *stands, one.owner, content.get("approved_by", ""),
        signed, record, " ".join(row.ref for row in one.others),
    )  # fmt: skip


# --- one row ---------------------------------------------------------------------------------------------------------------------------


@page(Permission.RECORDS_READ, methods=("GET", "POST"))
def line(request: HttpRequest, identity: str) -> HttpResponse:
    """Show the form of a row, the row itself (`?show`), or take an answer."""
    who = _reader(request)
    one = _line(who, identity)
    if request.method == "GET" and "show" in request.GET:
        return _row(request, who, one)
    may_write(who, one.row, one.ref if one.row is None else one.row.ref)
    if request.method != "POST":
        return _form(request, one, Answer(one.applicable, one.justification, "" if one.row is None else one.row.digest))
    return _take(request, who, one)


def _line(who: Actor, identity: str) -> soa.Line:
    found = soa.lines(who, f"{soa.FRAMEWORK}:{identity}")
    if not found:
        raise Http404
    return found[0]


def _take(request: HttpRequest, who: Actor, one: soa.Line) -> HttpResponse:
    said = request.POST.get("necessary", "")
    words = request.POST.get("justification", "").replace("\r\n", "\n").replace("\0", "").strip()[:_LONGEST]
    answer = Answer(said, words, request.POST.get("_digest", "")[:64])
    if said not in soa.SAID:
        raise Http404
    if answer.digest != ("" if one.row is None else one.row.digest):
        return _conflict(request, one, answer)
    if said == soa.UNDECIDED:
        return _undecide(request, who, one, answer)
    content = dict(one.row.content) if one.row is not None else soa.fresh_content(one)
    write = Write(f"{soa.KIND}:{content['id']}", soa.answered(content, said == soa.YES, words), answer.digest or None)
    return _write(request, who, answer, write)


def _undecide(request: HttpRequest, who: Actor, one: soa.Line, answer: Answer) -> HttpResponse:
    """Take an answer back: the entry is removed, by who may remove records."""
    if one.row is None:
        return _done(request, who, one.entry.id, None)
    may_write(who, one.row, one.row.ref, Permission.RECORDS_DELETE)
    return _write(request, who, answer, Write(one.row.ref, None, answer.digest))


def _write(request: HttpRequest, who: Actor, answer: Answer, write: Write) -> HttpResponse:
    identity = request.path.rpartition("/")[2]
    reason = _("Statement of applicability: %s") % identity
    try:
        written = write_records([write], str(who.person), reason, timezone.now())[0]
    except Conflict:
        return _conflict(request, _line(who, identity), answer)
    except InputError as error:
        answer.problems = error.problems
        return _form(request, _line(who, identity), answer, status=422)
    return _done(request, who, identity, written.entry)


def _done(request: HttpRequest, who: Actor, identity: str, entry: int | None) -> HttpResponse:
    said = _("Nothing differs, so nothing was written.") if entry is None else _("Saved, and signed into the log as entry %s.") % entry
    if request.headers.get("HX-Request"):
        return _row(request, who, _line(who, identity), saved=said)
    messages.success(request, f"{identity}: {said}")
    return HttpResponseRedirect(f"{ADDRESS}#{identity}")


def _conflict(request: HttpRequest, one: soa.Line, answer: Answer) -> HttpResponse:
    """Somebody wrote meanwhile: what both changed is put together where that goes, else both are shown; nothing written is lost."""
    row = one.row
    theirs = {} if row is None else row.content
    base = content_at(row.ref, answer.digest) or {} if row is not None and answer.digest else {}
    undecided = answer.necessary == soa.UNDECIDED
    mine = dict(base) if undecided else soa.answered(base, answer.necessary == soa.YES, answer.justification)
    merged = merge(base, theirs, {**theirs, **mine} if not base else mine)
    clashes = {clash.field: clash for clash in merged.clashes if clash.field in ("necessary", "justification")}
    if row is not None and "necessary" not in clashes:
        answer.necessary = soa.YES if merged.content.get("necessary") else soa.NO
    if row is not None and "justification" not in clashes:
        answer.justification = str(merged.content.get("justification", ""))
    answer.conflict = {
        "who": "" if row is None else row.changed_by,
        "gone": row is None,
        "necessary": _said(row) if "necessary" in clashes else "",
        "justification": word_diff(answer.justification, one.justification) if "justification" in clashes else None,
    }
    answer.digest = "" if row is None else row.digest
    return _form(request, one, answer, status=409)


def _said(row: RecordRow | None) -> str:
    return "" if row is None else str(soa.SAID[soa.YES if row.content.get("necessary") else soa.NO])


def _form(request: HttpRequest, one: soa.Line, answer: Answer, status: int = 200) -> HttpResponse:
    inline = bool(request.headers.get("HX-Request"))
    who = actor(request)
    may_remove = one.row is None or who.may(Permission.RECORDS_DELETE, one.row.unit)
    template = "soa_form_row.html.j2" if inline else "soa_edit.html.j2"
    # htmx puts in the place of the row only what comes with 200.
    answered = render(
        request, template, 200 if inline else status, line=one, answer=answer, said_words=soa.SAID, may_remove=may_remove, inline=inline
    )
    answered["Vary"] = "HX-Request, Cookie"
    return answered


def _row(request: HttpRequest, who: Actor, one: soa.Line, saved: str = "") -> HttpResponse:
    answer = render(request, "soa_row.html.j2", line=one, saved=saved, scored=one.score is not None, fresh=True, **_words(who))
    answer["Vary"] = "HX-Request, Cookie"
    return answer


ROUTES: Final = (
    path("soa", statement, name="soa"),
    path("soa.csv", as_csv, name="soa-csv"),
    path("soa/<str:identity>", line, name="soa-line"),
)
