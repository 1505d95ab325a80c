"""What may stand in a reference: records by title or id, entries of the catalog, as the options of a field's list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db.models import Case, IntegerField, Q, Value, When
from django.http import HttpResponse
from django.urls import path
from django.utils.html import format_html_join

from kybern.records import Record
from kybern.server.access.middleware import actor
from kybern.server.access.permissions import Permission
from kybern.server.pages._sight import catalog
from kybern.server.pages.door import page
from kybern.server.store.visible import visible_records
from kybern.server.wording import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from kybern.server.store.models import RecordRow

_MOST: Final = 20
_LONGEST: Final = 100


@page(Permission.RECORDS_READ)
def suggest(request: HttpRequest) -> HttpResponse:
    """Give options: of the kinds in `kinds` (none: all), or of `catalog=control` or `requirement`; by `q`, or by the field's own name."""
    said = request.GET.get("q") or request.GET.get(request.headers.get("HX-Trigger-Name", ""), "")
    text = said.replace("\0", "").strip().lower()[:_LONGEST]
    entry = request.GET.get("catalog", "")
    found: Iterable[tuple[str, str]]
    if entry:
        found = _entries(entry, text)
    else:
        kinds = [kind for kind in request.GET.get("kinds", "").split(",") if kind in Record.registry]
        rows = visible_records(actor(request))
        found = _records(rows.filter(kind__in=kinds) if kinds else rows, text)
    return HttpResponse(format_html_join("\n", '<option value="{}">{}</option>', found))


def _records(rows: QuerySet[RecordRow], text: str) -> Iterable[tuple[str, str]]:
    for word in text.replace(":", " ").split()[:6]:
        rows = rows.filter(text__contains=word)
    first = Case(
        When(ref=text, then=Value(0)),
        When(Q(title__istartswith=text) | Q(ref__contains=f":{text}"), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return rows.order_by(first, "title", "ref").values_list("ref", "title")[:_MOST]


def _entries(entry: str, text: str) -> list[tuple[str, str]]:
    there = catalog()
    shelf = {
        "control": {name: say(one.title) for name, one in there.controls.items()},
        "requirement": {name: say(one.title) for name, one in there.requirements.items()},
    }.get(entry, {})
    words = text.split()
    fits = [
        (not name.lower().startswith(text), number, name, title)
        for number, (name, title) in enumerate(shelf.items())
        if all(word in f"{name} {title}".lower() for word in words)
    ]
    return [(name, title) for _, _, name, title in sorted(fits)[:_MOST]]


ROUTES: Final = (path("records/suggest", suggest, name="suggest"),)
