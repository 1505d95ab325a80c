"""The versions of a record: who, when, why, what changed word by word; each field traced to its change; an older version brought back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from kybern.evidence import Refused
from kybern.evidence.applied import compare
from kybern.records import Record
from kybern.server.access.middleware import actor
from kybern.server.access.models import User
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.forms import Field, form_of
from kybern.server.pages._sight import Sight
from kybern.server.pages._words import Piece, word_diff
from kybern.server.pages.door import page, render
from kybern.server.pages.record import may_change
from kybern.server.store.history import RecordHistory, told_of
from kybern.server.store.projection import root_unit
from kybern.server.store.records import Conflict, Write, write_records
from kybern.server.store.visible import find_record, may_write
from kybern.server.wording import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.http import HttpRequest, HttpResponse

    from kybern.evidence.applied import Blamed, FieldChange, Told
    from kybern.server.access.actor import Actor
    from kybern.server.store.models import RecordRow

_SHOWN: Final = 30
_MOST_CHANGES: Final = 60


@dataclass(frozen=True)
class Change:
    """A field that differs, as it is shown."""

    label: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Shown:
    """A version as it is shown."""

    number: int
    told: Told
    changes: tuple[Change, ...]
    more: int
    """Changes beyond those that are shown."""


@page(Permission.RECORDS_READ, methods=("GET", "POST"))
def history_page(request: HttpRequest, kind: str, identity: str) -> HttpResponse:
    """Show the versions of a record, or bring one back."""
    who = actor(request)
    row, found = _found(who, kind, identity)
    ref = f"{kind}:{identity}"
    if request.method == "POST":
        return _bring_back(request, who, row, ref, found)
    title = row.title if row is not None else _last_title(found, ref)
    back = request.GET.get("back", "")
    frame: dict[str, Any] = {
        "form": form_of(kind),
        "ref": ref,
        "row": row,
        "heading": title,
        "sight": Sight({}),
        "names": _names(found.told),
        "count": len(found.told),
        "may_write": may_change(who, row) if row is not None else who.may(Permission.RECORDS_WRITE, root_unit()),
    }
    if back.isdecimal() and frame["may_write"]:
        return _confirm(request, frame, found, int(back[:6]), row)
    if request.GET.get("view") == "fields":
        blamed = _blamed(found)
        lines = [(words_of(kind, one.path), plain(one.value), one.told, _number(found, one.told)) for one in blamed]
        return render(request, "record_blame.html.j2", **frame, lines=lines)
    until = request.GET.get("until", "")
    last = min(int(until[:6]), len(found.told)) if until.isdecimal() else len(found.told)
    first = max(0, last - _SHOWN)
    versions = [_shown(kind, number, found.told[number - 1]) for number in range(last, first, -1)]
    return render(request, "record_history.html.j2", **frame, versions=versions, older=first)


def _found(who: Actor, kind: str, identity: str) -> tuple[RecordRow | None, RecordHistory]:
    """Look a record up, or what the log has of one that was removed, for those who may read at the top."""
    ref = f"{kind}:{identity}"
    row = find_record(who, ref) if kind in Record.registry else None
    if row is None:
        from kybern.server.store.models import RecordRow

        readable = kind in Record.registry and who.may(Permission.RECORDS_READ, root_unit())
        readable &= kind not in SENSITIVE_KINDS or who.may(Permission.RECORDS_SENSITIVE, root_unit())
        if not readable or RecordRow.objects.filter(pk=ref).exists():
            raise Http404
    found = told_of(ref)
    if not found.told:
        raise Http404
    return row, found


def _last_title(found: RecordHistory, ref: str) -> str:
    for number in range(len(found.told), 0, -1):
        content = found.content(number)
        if content is not None:
            return str(content.get("title", ref))
    return ref


def _names(told: Iterable[Told]) -> dict[str, str]:
    """Give the names of those who wrote, by how the log calls them."""
    handles = {one.version.leaf.source.partition(":")[2]: one.version.leaf.source for one in told}
    users = User.objects.filter(handle__in=[handle for handle, source in handles.items() if source.startswith("person:")])
    return {f"person:{user.handle}": str(user.name or user.handle) for user in users}


def _number(found: RecordHistory, told: Told | None) -> int | None:
    return None if told is None else found.told.index(told) + 1


def _blamed(found: RecordHistory) -> Sequence[Blamed]:
    try:
        return found.blame()
    except Refused:
        return ()


def _shown(kind: str, number: int, told: Told) -> Shown:
    changes = [one for one in told.fields if one.path not in {"/kind", "/id"}]
    return Shown(number, told, tuple(_change(kind, one) for one in changes[:_MOST_CHANGES]), max(0, len(changes) - _MOST_CHANGES))


def _change(kind: str, one: FieldChange) -> Change:
    return Change(words_of(kind, one.path), tuple(word_diff(plain(one.old), plain(one.new))))


def words_of(kind: str, pointer: str) -> str:
    """Say a JSON pointer in words: `/gates/0/on` is "Gates 1: Gate passed on"."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    fields: tuple[Field, ...] = tuple(form_of(kind).fields)
    said: list[str] = []
    for step in steps:
        found = next((one for one in fields if one.name == step), None)
        if step.isdecimal() and said:
            said[-1] += f" {int(step) + 1}"
        else:
            said.append(_(found.label) if found is not None else label(step))
        fields = fields if found is None else found.inner
    return ": ".join(said) or _("The record")


def plain(value: Any) -> str:
    """Write a value as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _confirm(request: HttpRequest, frame: dict[str, Any], found: RecordHistory, number: int, row: RecordRow | None) -> HttpResponse:
    """Show what bringing a version back would change."""
    content = found.content(number)
    if content is None:
        raise Http404
    now = None if row is None else row.content
    kind = str(content["kind"])
    changes = [_change(kind, one) for one in compare(now, content) if one.path not in {"/kind", "/id"}]
    return render(request, "record_back.html.j2", **frame, number=number, changes=changes[:_MOST_CHANGES], told=found.told[number - 1])


def _bring_back(request: HttpRequest, who: Actor, row: RecordRow | None, ref: str, found: RecordHistory) -> HttpResponse:
    """Write an older version's content anew, as a new version."""
    may_write(who, row, ref)
    said = request.POST.get("version", "")
    number = int(said[:6]) if said.isdecimal() else 0
    content = found.content(number)
    if content is None:
        raise Http404
    words = " ".join(request.POST.get("_reason", "").replace("\0", "").split())[:1900]
    reason = f"Back to version {number}" + (f": {words}" if words else "")
    here = f"/records/{ref.replace(':', '/', 1)}"
    try:
        write_records([Write(ref, content, request.POST.get("_digest", "") or None)], str(who.person), reason, timezone.now())
    except Conflict:
        messages.warning(request, _("The record was changed meanwhile, so nothing was brought back. Look at what stands now."))
        return HttpResponseRedirect(f"{here}/history")
    messages.success(request, _("Version %(number)s stands again, as a new version.") % {"number": number})
    return HttpResponseRedirect(here)


ROUTES: Final = (path("records/<str:kind>/<str:identity>/history", history_page, name="record-history"),)
