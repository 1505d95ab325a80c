"""Writing a record: a form made from its model, the same as YAML, and what happens where two write at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.base import InputError, Problem
from kybern.records import Record
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.forms import Widget, apply_row_action, check, draft_of, form_of, has_row_action, label_of, values_of
from kybern.server.pages._merging import Merged, merge
from kybern.server.pages._sight import Sight, titles_of
from kybern.server.pages._words import word_diff
from kybern.server.pages._yaml import content_from_yaml, yaml_of
from kybern.server.pages.door import page, render
from kybern.server.pages.record import found_or_404
from kybern.server.store.history import content_at
from kybern.server.store.models import RecordLink, RecordRow
from kybern.server.store.records import Conflict, Write, write_records
from kybern.server.store.visible import may_write, visible_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest, HttpResponse

    from kybern.server.access.actor import Actor

_LONGEST_REASON: Final = 2000
_OWN: Final = ("id", "title", "version", "reviewed_on")
"""What a copy of a record does not take over."""


@dataclass
class Draft:
    """What is being written, and what the page has to say about it."""

    kind: str
    row: RecordRow | None
    content: dict[str, Any]
    expected: str | None
    reason: str = ""
    view: str = "form"
    text: str = ""
    problems: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    faults: Sequence[Problem] = ()
    """Problems of the YAML, each with line and column."""
    spare: Mapping[str, int] = field(default_factory=dict)
    merged: Merged | None = None
    merged_with: str = ""

    @property
    def wrong(self) -> bool:
        """Tell whether it cannot be saved as it is."""
        return bool(self.problems or self.faults)


@page(Permission.RECORDS_WRITE, methods=("GET", "POST"))
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Write a record that is not there yet."""
    if kind not in Record.registry:
        raise Http404
    who = actor(request)
    may_write(who, None, f"{kind}:new")
    draft = Draft(kind, None, _preset(request, who, kind), None, view=_view(request))
    return _answer(request, who, draft)


@page(Permission.RECORDS_WRITE, methods=("GET", "POST"))
def edit(request: HttpRequest, kind: str, identity: str) -> HttpResponse:
    """Change a record."""
    who = actor(request)
    row = found_or_404(who, kind, identity)
    may_write(who, row, row.ref)
    return _answer(request, who, Draft(kind, row, dict(row.content), row.digest, view=_view(request)))


def _view(request: HttpRequest) -> str:
    return "yaml" if request.GET.get("view") == "yaml" else "form"


def _preset(request: HttpRequest, who: Actor, kind: str) -> dict[str, Any]:
    """Take over a record that is copied, and what the address says: `?control=GOV-01` stands in `control`, or in the list `controls`."""
    content: dict[str, Any] = {}
    if request.method == "GET" and (source := request.GET.get("from")):
        content = {name: value for name, value in found_or_404(who, kind, source[:80]).content.items() if name not in _OWN}
    form = form_of(kind)
    for name in request.GET:
        values = [value[:2000] for value in request.GET.getlist(name) if value]
        for one in (form.field(name), form.field(f"{name}s")):
            if one is not None and values and one.widget not in {Widget.PARTS, Widget.PART, Widget.FACTS}:
                content[one.name] = values if one.widget in {Widget.LIST, Widget.CHOICES} else _said(one.widget, values[-1])
                break
    return content


def _said(widget: Widget, value: str) -> Any:
    return {"true": True, "false": False}.get(value, value) if widget is Widget.TRUTH else value


def _answer(request: HttpRequest, who: Actor, draft: Draft) -> HttpResponse:
    if request.method != "POST":
        return _show(request, draft)
    posted = {name: request.POST.getlist(name) for name in request.POST}
    _take(draft, posted)
    if has_row_action(posted) or "_show" in posted or "_mine" in posted:
        return _show(request, draft)
    if draft.wrong:
        return _show(request, draft, status=422)
    return _save(request, who, draft)


def _take(draft: Draft, posted: dict[str, list[str]]) -> None:
    """Take what was posted into the draft, good or bad."""
    draft.reason = _last(posted, "_reason")[:_LONGEST_REASON]
    draft.expected = (_last(posted, "_digest") or None) if draft.row is not None else None
    draft.view = "yaml" if _last(posted, "_view") == "yaml" else "form"
    known = _known(draft)
    if "_mine" in posted:
        _take_choices(draft, posted)
    elif draft.view == "yaml":
        draft.text = _last(posted, "_yaml").replace("\r\n", "\n")
        read = content_from_yaml(draft.kind, draft.text, known)
        draft.content, draft.faults = read.content or {}, read.problems
        if read.content is not None and _last(posted, "_show") == "form":
            draft.view, draft.faults = "form", ()
    else:
        form = form_of(draft.kind)
        read_form = draft_of(form, apply_row_action(posted))
        draft.content, draft.spare = read_form.content, read_form.spare
        if draft.row is not None:
            draft.content["id"] = draft.row.content["id"]
        if not has_row_action(posted):
            draft.problems = _together(read_form.problems, check(draft.kind, draft.content, known)[1])
        if _last(posted, "_show") == "yaml":
            draft.view, draft.problems = "yaml", {}


def _take_choices(draft: Draft, posted: dict[str, list[str]]) -> None:
    """Take the choices between two versions; what is shown then is the form with both together, saved by nobody yet."""
    try:
        mine = json.loads(_last(posted, "_mine"))
    except (ValueError, RecursionError):
        mine = None
    if not isinstance(mine, dict) or draft.row is None:
        raise Http404
    base = content_at(draft.row.ref, _last(posted, "_base")) or {}
    chosen = {name.removeprefix("_take."): values[-1] for name, values in posted.items() if name.startswith("_take.") and values}
    draft.content = merge(base, draft.row.content, mine, chosen).content
    draft.expected = draft.row.digest
    draft.view = "form"


def _last(posted: Mapping[str, Sequence[str]], name: str) -> str:
    values = posted.get(name, ())
    return values[-1].replace("\0", "") if values else ""


def _together(*found: Mapping[str, Sequence[Problem]]) -> dict[str, tuple[Problem, ...]]:
    """Put problems together; where a field is told of already, it is not told of twice."""
    all_of: dict[str, tuple[Problem, ...]] = {}
    for problems in found:
        for name, those in problems.items():
            all_of.setdefault(name, tuple(those))
    return all_of


def _known(draft: Draft) -> Callable[[str], bool]:
    """Tell of references whether they lead somewhere, each asked once."""
    there: dict[str, bool] = {}

    def known(ref: str) -> bool:
        if ref not in there:
            there[ref] = RecordRow.objects.filter(pk=ref).exists()
        return there[ref]

    del draft
    return known


def _save(request: HttpRequest, who: Actor, draft: Draft) -> HttpResponse:
    ref = f"{draft.kind}:{draft.content.get('id', '')}"
    if draft.row is not None and ref != draft.row.ref:
        draft.faults = (_other_name(draft.row.ref),)
        return _show(request, draft, status=422)
    reason = " ".join(draft.reason.split()) or (_("Written in the browser") if draft.row is None else _("Changed in the browser"))
    try:
        written = write_records([Write(ref, draft.content, draft.expected)], str(who.person), reason, timezone.now())[0]
    except Conflict as conflict:
        return _conflict(request, draft, conflict)
    except InputError as error:
        draft.problems, draft.faults = {"": error.problems}, error.problems
        return _show(request, draft, status=422)
    if written.act == "unchanged":
        messages.info(request, _("Nothing differs from the version that stands, so nothing was written."))
    else:
        messages.success(request, _("Saved, and signed into the log as entry %(entry)s.") % {"entry": written.entry})
    kind, _colon, identity = ref.partition(":")
    return HttpResponseRedirect(f"/records/{kind}/{identity}")


def _other_name(ref: str) -> Problem:
    from kybern.base import Place

    hint = _("To give it another name, make a copy and remove this one.")
    return Problem("wrong-name", _("This is the record %(ref)s.") % {"ref": ref}, Place("record", pointer="/id"), hint)


def _conflict(request: HttpRequest, draft: Draft, conflict: Conflict) -> HttpResponse:
    """Somebody wrote meanwhile: put both together where that goes, else show both sides; what was written here is lost in no case."""
    current = RecordRow.objects.filter(pk=conflict.ref).first()
    if draft.row is None:
        hint = _("Choose another ID, or change the one that is there.")
        place = Problem("taken", _("There is a record of this ID already."), _place("/id"), hint)
        draft.problems, draft.faults = {"id": (place,)}, (place,)
        return _show(request, draft, status=409)
    if current is None:
        draft.expected = None
        gone = Problem("removed", _("The record was removed meanwhile."), _place(""), _("Saving now states it anew."))
        draft.problems, draft.faults = {"": (gone,)}, (gone,)
        return _show(request, draft, status=409)
    base = content_at(conflict.ref, draft.expected or "") or {}
    merged = merge(base, current.content, draft.content)
    if merged.clashes:
        return _choose(request, draft, current, merged)
    draft.row, draft.content, draft.expected, draft.view = current, merged.content, current.digest, "form"
    draft.merged, draft.merged_with = merged, current.changed_by
    return _show(request, draft, status=409)


def _place(pointer: str) -> Any:
    from kybern.base import Place

    return Place("record", pointer=pointer)


def _choose(request: HttpRequest, draft: Draft, current: RecordRow, merged: Merged) -> HttpResponse:
    form = form_of(draft.kind)
    sides = [
        {
            "clash": one,
            "label": named.label if (named := form.field(one.field)) else label_of(one.field),
            "theirs": word_diff(_plain(one.base), _plain(one.theirs)),
            "mine": word_diff(_plain(one.base), _plain(one.mine)),
        }
        for one in merged.clashes
    ]
    return render(
        request,
        "record_conflict.html.j2",
        status=409,
        form=form,
        row=current,
        sides=sides,
        base=draft.expected or "",
        mine=json.dumps(draft.content),
        reason=draft.reason,
        merged=merged,
        labels={name: _label(draft.kind, name) for name in (*merged.theirs, *merged.mine)},
        sight=Sight({}),
    )


def _label(kind: str, name: str) -> str:
    found = form_of(kind).field(name)
    return found.label if found else label_of(name)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _show(request: HttpRequest, draft: Draft, status: int = 200) -> HttpResponse:
    form = form_of(draft.kind)
    if draft.view == "yaml" and not draft.text:
        draft.text = yaml_of(draft.kind, draft.content)
    lines = draft.text.split("\n")
    merged = draft.merged
    return render(
        request,
        "record_edit.html.j2",
        status=status,
        form=form,
        draft=draft,
        row=draft.row,
        action=request.path,
        bound=values_of(form, draft.content, draft.problems, draft.spare) if draft.view == "form" else None,
        faults=[(one, lines[one.place.line - 1] if 0 < one.place.line <= len(lines) else "") for one in draft.faults],
        their_fields=[_label(draft.kind, name) for name in merged.theirs] if merged else [],
        sight=Sight({}),
        sensitive=draft.kind in SENSITIVE_KINDS,
    )


@page(Permission.RECORDS_DELETE, methods=("GET", "POST"))
def remove(request: HttpRequest, kind: str, identity: str) -> HttpResponse:
    """Remove a record, after a confirmation; its versions stay in the log."""
    who = actor(request)
    row = found_or_404(who, kind, identity)
    may_write(who, row, row.ref, Permission.RECORDS_DELETE)
    if request.method == "POST":
        reason = " ".join(request.POST.get("_reason", "").replace("\0", "").split())[:_LONGEST_REASON] or _("Removed in the browser")
        try:
            write_records([Write(row.ref, None, request.POST.get("_digest", ""))], str(who.person), reason, timezone.now())
        except Conflict:
            messages.warning(request, _("The record was changed meanwhile, so it was not removed. Look at what stands now."))
            return HttpResponseRedirect(f"/records/{kind}/{identity}")
        messages.success(request, _("%(title)s was removed. Its versions stay in the log.") % {"title": row.title})
        return HttpResponseRedirect(f"/records/{kind}/")
    sources = RecordLink.objects.filter(target=row.ref).exclude(source=row.ref).values("source")
    seen = list(visible_records(who).filter(ref__in=sources).order_by("title").values_list("ref", flat=True)[:50])
    hidden = RecordRow.objects.filter(ref__in=sources).count() - visible_records(who).filter(ref__in=sources).count()
    return render(
        request, "record_remove.html.j2", form=form_of(kind), row=row, named_by=seen, hidden=hidden, sight=Sight(titles_of(who, seen))
    )


ROUTES: Final = (
    path("records/<str:kind>/new", new, name="record-new"),
    path("records/<str:kind>/<str:identity>/edit", edit, name="record-edit"),
    path("records/<str:kind>/<str:identity>/remove", remove, name="record-remove"),
)
