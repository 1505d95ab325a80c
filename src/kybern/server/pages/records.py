"""Records of every kind: which there are, lists with filters and pages, and the same as a spreadsheet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404
from django.urls import path
from django.utils import timezone

from kybern.catalog import Layer
from kybern.records import Record
from kybern.server.access.check import note, require
from kybern.server.access.middleware import actor
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import SENSITIVE_KINDS, Permission
from kybern.server.forms import Field, Widget, form_of
from kybern.server.pages._columns import columns_of, counted, due_on, filtered, filters_of, named_in, ordered
from kybern.server.pages._csv import csv_answer
from kybern.server.pages._keyset import page_of
from kybern.server.pages._sight import Sight, titles_of
from kybern.server.pages.door import page, render
from kybern.server.store.visible import visible_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.http import HttpRequest, HttpResponse

    from kybern.server.access.actor import Actor
    from kybern.server.store.models import RecordRow

_AT_ONCE: Final = 1000
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True)
class Kind:
    """A kind of record as the overview shows it."""

    name: str
    label: str
    many: str
    about: str
    clause: str
    count: int


@page(Permission.RECORDS_READ)
def kinds(request: HttpRequest) -> HttpResponse:
    """Show every kind by its layer; with a search, the records found in all of them."""
    who = actor(request)
    if request.GET.get("q", "").strip() or request.GET.get("names", ""):
        return _found_anywhere(request, who)
    counts = counted(visible_records(who))
    layers = [(layer, tuple(_kinds_of(layer, counts, who))) for layer in Layer]
    return render(request, "records_kinds.html.j2", layers=layers, total=sum(counts.values()), may_write=who.may(Permission.RECORDS_WRITE))


def _kinds_of(layer: Layer, counts: dict[str, int], who: Actor) -> Iterator[Kind]:
    for kind, model in sorted(Record.registry.items()):
        if model.layer is layer and may_list(who, kind):
            form = form_of(kind)
            yield Kind(kind, form.label, form.many, form.help.partition("\n\n")[0], model.clause, counts.get(kind, 0))


def may_list(who: Actor, kind: str) -> bool:
    """Tell whether a kind is anything that a reader may see at all."""
    return kind not in SENSITIVE_KINDS or who.may(Permission.RECORDS_SENSITIVE)


def _found_anywhere(request: HttpRequest, who: Actor) -> HttpResponse:
    rows = filtered(visible_records(who), None, request.GET)
    rows, order = ordered(rows, None, request.GET)
    found = page_of(rows.defer("text"), order, request.GET)
    _note_reading(who, found.rows, "search")
    about = request.GET.get("names", "")
    sight = Sight(titles_of(who, {*named_in(found.rows, ()), *([about] if about else [])}))
    return render(
        request,
        "records_found.html.j2",
        found=found,
        total=rows.count(),
        sight=sight,
        about=about,
        label_of_kind=lambda k: form_of(k).label,
    )


@page(Permission.RECORDS_READ)
def kind_list(request: HttpRequest, kind: str) -> HttpResponse:
    """List the records of a kind."""
    who = _reader_of(request, kind)
    everything = visible_records(who).filter(kind=kind)
    if request.GET.get("format") == "csv":
        return _as_csv(request, who, kind)
    rows, order = ordered(filtered(everything, kind, request.GET), kind, request.GET)
    found = page_of(rows.defer("text"), order, request.GET)
    _note_reading(who, found.rows, f"{kind}: list")
    columns = columns_of(kind)
    owners = everything.exclude(owner="").order_by().values_list("owner", flat=True).distinct()[:200]
    titles = titles_of(who, {*named_in(found.rows, columns), *owners})
    return render(
        request,
        "records_list.html.j2",
        form=form_of(kind),
        model=Record.registry[kind],
        columns=columns,
        offered=[{"name": one.name, "label": one.label, "options": one.options} for one in filters_of(kind, everything, titles)],
        found=found,
        total=rows.count(),
        any=bool(found.rows) or everything.exists(),
        sight=Sight(titles),
        due=due_on,
        owned=Record.registry[kind].needs_owner or any(row.owner for row in found.rows),
        reviewed=any(due_on(row.content) for row in found.rows),
        today=timezone.now().date(),
        writable=who.where(Permission.RECORDS_WRITE) if may_list(who, kind) else frozenset(),
        may_write=who.may(Permission.RECORDS_WRITE) and may_list(who, kind),
    )


def _reader_of(request: HttpRequest, kind: str) -> Actor:
    if kind not in Record.registry:
        raise Http404
    who = actor(request)
    if kind in SENSITIVE_KINDS:
        require(who, Permission.RECORDS_SENSITIVE, subject=f"{kind}: list")
    return who


def _note_reading(who: Actor, rows: Sequence[RecordRow], what: str) -> None:
    """Log that a list showed sensitive records: that is a reading of them."""
    count = sum(row.kind in SENSITIVE_KINDS for row in rows)
    if count:
        note(who, AccessEvent.Kind.READ, Permission.RECORDS_SENSITIVE, what, f"{count} shown")


def _as_csv(request: HttpRequest, who: Actor, kind: str) -> HttpResponse:
    """Give the rows that the filters let through, whole, as CSV; a cell that a spreadsheet would run is written as text."""
    rows, order = ordered(filtered(visible_records(who).filter(kind=kind), kind, request.GET), kind, request.GET)
    if kind in SENSITIVE_KINDS:
        note(who, AccessEvent.Kind.READ, Permission.RECORDS_SENSITIVE, f"{kind}: list", "taken away as CSV")
    fields = list(form_of(kind).fields)
    cells = (_cells(fields, row.content) for row in rows.order_by(*order).iterator(_AT_ONCE))
    return csv_answer(f"{kind}-{timezone.now():%Y-%m-%d}", [one.name for one in fields], cells)


def _cells(fields: Sequence[Field], content: dict[str, Any]) -> list[str]:
    return [_cell(one, content.get(one.name)) for one in fields]


def _cell(one: Field, value: Any) -> str:
    if value is None:
        return ""
    if value == []:
        text = "[]" if one.none_is_said else ""
    elif isinstance(value, list) and one.widget is not Widget.PARTS:
        text = "; ".join(map(str, value))
    elif isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text


ROUTES: Final = (
    path("records/", kinds, name="records"),
    path("records/<str:kind>/", kind_list, name="records-of"),
)
