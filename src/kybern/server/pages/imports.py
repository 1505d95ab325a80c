"""Importing: files are uploaded, a dry run says what they would do, and what is confirmed is written in one transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.base import InputError
from kybern.records import Record
from kybern.server.access.check import not_theirs
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.forms import form_of
from kybern.server.pages._plan import Plan, plan_of, tables_of
from kybern.server.pages._sight import Sight, titles_of
from kybern.server.pages._tables import guess, read_table
from kybern.server.pages._uploads import MOST_BYTES, MOST_FILES, Files, pack, unpack, unpacked
from kybern.server.pages._words import word_diff
from kybern.server.pages.door import page, render
from kybern.server.pages.history import plain, words_of
from kybern.server.pages.models import Upload
from kybern.server.store.evidence import take_evidence
from kybern.server.store.records import Conflict, Write, write_records

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from kybern.evidence.applied import FieldChange
    from kybern.server.access.actor import Actor
    from kybern.server.access.models import User

_KEPT: Final = timedelta(days=1)
_MOST_OPEN: Final = 5
_SHOWN: Final = 200
_SHOWN_FIELDS: Final = 12
_SAMPLE_ROWS: Final = 3


@page(Permission.IMPORT_RUN, methods=("GET", "POST"))
def start(request: HttpRequest) -> HttpResponse:
    """Take an upload in, or show where to."""
    who = actor(request)
    Upload.objects.filter(created__lt=timezone.now() - _KEPT).delete()
    problems: tuple[Any, ...] = ()
    if request.method == "POST":
        try:
            return HttpResponseRedirect(f"/import/{_take_in(request).pk}/")
        except InputError as error:
            problems = error.problems
    waiting = Upload.objects.filter(user=who.user).defer("data").order_by("-created")[:_MOST_OPEN]
    kinds = [(kind, form_of(kind).label) for kind in sorted(Record.registry) if _may_import(who, kind)]
    return render(
        request,
        "import_start.html.j2",
        status=422 if problems else 200,
        problems=problems,
        waiting=waiting,
        kinds=sorted(kinds, key=lambda pair: pair[1].casefold()),
        megabytes=MOST_BYTES >> 20,
        most_files=MOST_FILES,
        chosen=request.POST.get("kind", "") or request.GET.get("kind", ""),
    )


def _may_import(who: Actor, kind: str) -> bool:
    return kind not in SENSITIVE_KINDS or who.may(Permission.RECORDS_SENSITIVE)


def _take_in(request: HttpRequest) -> Upload:
    """Keep what was uploaded, within bounds, until it is applied or a day has passed."""
    given = request.FILES.getlist("files")
    if sum(file.size or 0 for file in given) > MOST_BYTES:
        from kybern.base import Place

        raise InputError.one("too-large", f"The files have more than {MOST_BYTES >> 20} MiB together.", Place("upload"), "Import in parts.")
    files = unpack((file.name or "upload", file.read()) for file in given)
    user = cast("User", actor(request).user)
    old = Upload.objects.filter(user=user).order_by("-created").values_list("pk", flat=True)[_MOST_OPEN - 1 :]
    Upload.objects.filter(pk__in=list(old)).delete()
    kind = request.POST.get("kind", "")
    return Upload.objects.create(
        user=user,
        data=pack(files),
        names=[name for name, _content in files[:50]],
        kind=kind if kind in Record.registry else "",
    )


@page(Permission.IMPORT_RUN, methods=("GET", "POST"))
def review(request: HttpRequest, number: int) -> HttpResponse:
    """Map the columns of a table; show what an import would do; do it."""
    who = actor(request)
    upload = Upload.objects.filter(pk=number, user=who.user).first()
    if upload is None:
        raise not_theirs(who, Permission.IMPORT_RUN, f"upload {number}") if Upload.objects.filter(pk=number).exists() else Http404
    if request.method == "POST" and request.POST.get("do") == "discard":
        upload.delete()
        messages.info(request, _("The upload was thrown away; nothing was written."))
        return HttpResponseRedirect("/import")
    if upload.result is not None:
        return render(request, "import_done.html.j2", upload=upload, result=upload.result, sight=Sight({}))
    files = unpacked(bytes(upload.data))
    tables = tables_of(files)
    if tables and (not upload.kind or upload.mapping is None or "map" in request.GET):
        return _map(request, who, upload, files)
    if request.method == "POST" and request.POST.get("do") == "apply":
        return _apply(request, who, upload, files)
    return _dry_run(request, who, upload, files)


def _map(request: HttpRequest, who: Actor, upload: Upload, files: Files) -> HttpResponse:
    """Ask which field each column is, and of which kind the rows are."""
    said = request.POST.get("kind", "") if request.method == "POST" else ""
    if said in Record.registry and _may_import(who, said):
        upload.kind = said
    if request.method == "POST" and request.POST.get("do") == "map" and upload.kind and request.POST.get("for") == upload.kind:
        known = {one.name for one in form_of(upload.kind).fields}
        chosen = {name.removeprefix("column-"): value for name, value in request.POST.items() if name.startswith("column-")}
        upload.mapping = {number: value for number, value in chosen.items() if value in known and number.isdecimal()}
        upload.save(update_fields=["kind", "mapping"])
        return HttpResponseRedirect(f"/import/{upload.pk}/")
    upload.save(update_fields=["kind"])
    name, data = next((name, content) for name, content in files if name in tables_of(files))
    problems: tuple[Any, ...] = ()
    columns: list[dict[str, Any]] = []
    try:
        grid = read_table(name, data)
    except InputError as error:
        problems = error.problems
    else:
        guessed = (upload.mapping or guess(grid, upload.kind)) if upload.kind else {}
        columns = [
            {
                "number": number,
                "heading": heading,
                "field": guessed.get(str(number), ""),
                "sample": [row[number] for row in grid[1 : _SAMPLE_ROWS + 1] if number < len(row) and row[number]],
            }
            for number, heading in enumerate(grid[0])
        ]
    kinds = [(kind, form_of(kind).label) for kind in Record.registry if _may_import(who, kind)]
    return render(
        request,
        "import_map.html.j2",
        status=422 if problems else 200,
        upload=upload,
        file=name,
        problems=problems,
        columns=columns,
        fields=list(form_of(upload.kind).fields) if upload.kind else [],
        form=form_of(upload.kind) if upload.kind else None,
        kinds=sorted(kinds, key=lambda pair: pair[1].casefold()),
    )


def _dry_run(request: HttpRequest, who: Actor, upload: Upload, files: Files, status: int = 200) -> HttpResponse:
    plan = plan_of(files, who, upload.kind, upload.mapping)
    upload.expected = {one.record.ref: one.digest for one in plan.steps}
    upload.save(update_fields=["expected"])
    changed = plan.of("changed")[:_SHOWN]
    subjects = {ref for one in plan.pieces[:_SHOWN] for ref in one.subjects}
    return render(
        request,
        "import_review.html.j2",
        status=status,
        upload=upload,
        plan=plan,
        added=plan.of("added")[:_SHOWN],
        changed=[(one, [_change(one.record.kind, change) for change in one.changes[:_SHOWN_FIELDS]]) for one in changed],
        shown=_SHOWN,
        sight=Sight(titles_of(who, subjects)),
        has_table=bool(tables_of(files)),
    )


def _change(kind: str, one: FieldChange) -> dict[str, Any]:
    return {"label": words_of(kind, one.path), "pieces": word_diff(plain(one.old), plain(one.new))}


def _apply(request: HttpRequest, who: Actor, upload: Upload, files: Files) -> HttpResponse:
    """Write what the dry run said, all of it in one transaction; what changed since is told, and nothing is written."""
    plan = plan_of(files, who, upload.kind, upload.mapping)
    steps = [one for one in plan.steps if one.act != "unchanged"]
    if not plan.does_something or any(upload.expected.get(one.record.ref, "") != one.digest for one in steps):
        messages.warning(request, _("What stands has changed since this was looked at. Look again; nothing was written."))
        return _dry_run(request, who, upload, files, status=409)
    reason = " ".join(request.POST.get("_reason", "").replace("\0", "").split())[:1900] or f"Imported: {', '.join(upload.names[:3])}"
    try:
        with transaction.atomic():
            upload.result = _write(who, plan, reason)
            upload.data = b""
            upload.save(update_fields=["result", "data"])
    except Conflict:
        messages.warning(request, _("What stands has changed since this was looked at. Look again; nothing was written."))
        return _dry_run(request, who, upload, files, status=409)
    return HttpResponseRedirect(f"/import/{upload.pk}/")


def _write(who: Actor, plan: Plan, reason: str) -> dict[str, Any]:
    now = timezone.now()
    steps = [one for one in plan.steps if one.act != "unchanged"]
    writes = [Write(one.record.ref, one.record.content, one.digest) for one in steps]
    written = write_records(writes, str(who.person), reason, now) if writes else []
    taken = take_evidence([one.data for one in plan.evidence("accepted")], now) if plan.evidence("accepted") else []
    return {
        "added": sum(one.act == "added" for one in written),
        "changed": sum(one.act == "changed" for one in written),
        "unchanged": len(plan.of("unchanged")),
        "evidence": sum(one.outcome == "accepted" for one in taken),
        "left": len(plan.problems) + len(plan.evidence("refused")),
        "records": [[one.record.ref, one.record.title, one.act] for one in steps[:_SHOWN]],
        "entry": written[0].entry if written else None,
        "reason": reason,
    }


ROUTES: Final = (
    path("import", start, name="import"),
    path("import/<int:number>/", review, name="import-review"),
)
