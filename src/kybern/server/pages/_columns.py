"""What a list of records shows and is filtered by: chosen from the form of the kind, so that a kind of anybody's has its list at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.db.models import F, FloatField, Q, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from kybern.catalog import days
from kybern.records import Edge
from kybern.server.forms import Field, Widget, form_of
from kybern.server.store.models import RecordLink, RecordRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet
    from django.http import QueryDict

_MOST_COLUMNS: Final = 3
_MOST_FILTERS: Final = 4
_MOST_OPTIONS: Final = 200
_LONGEST: Final = 200
_NUMBERS: Final = frozenset((Widget.INTEGER, Widget.NUMBER))
_BELONGS, _SPEAKS_OF = 1, 4
_RANK: Final = {
    Widget.CHOICE: 0,
    Widget.CATALOG: 1,
    Widget.DATE: 2,
    Widget.MOMENT: 2,
    Widget.INTEGER: 3,
    Widget.NUMBER: 3,
    Widget.CHOICES: 3,
    Widget.TRUTH: 4,
}
"""Which fields say most in a list, the lowest first; others have no column."""
_LOWEST: Final = -1e308
_AS_IT_STANDS: Final = {"title": ("title", "ref"), "id": ("ref",), "owner": ("owner", "ref"), "changed": ("changed_at", "ref")}


@dataclass(frozen=True)
class Filter:
    """A choice above a list: the parameter of the address, its label, its options as (value, label)."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]


@cache
def columns_of(kind: str) -> tuple[Field, ...]:
    """Choose the columns of a kind beside title, owner and change, in the order of the form."""
    own = form_of(kind).groups[1].fields
    best = sorted((one for one in own if _rank(one) is not None), key=lambda one: (_rank(one), not one.required, own.index(one)))
    return tuple(sorted(best[:_MOST_COLUMNS], key=own.index))


def _rank(one: Field) -> int | None:
    """Say how much a field tells in a list, the lowest most: what a record belongs to comes before what it merely speaks of."""
    reference = one.inner[0] if one.widget is Widget.LIST else one
    if reference.widget is Widget.REFERENCE:
        return _BELONGS if reference.edge is not Edge.ABOUT else _SPEAKS_OF if one.widget is Widget.REFERENCE else None
    return _RANK.get(one.widget)


def filters_of(kind: str, rows: QuerySet[RecordRow], titles: dict[str, str]) -> tuple[Filter, ...]:
    """Offer the filters of a kind over the rows that the reader may see; `titles` gives the title of what they may see of the rest."""
    own = [one for one in form_of(kind).groups[1].fields if one.widget in {Widget.CHOICE, Widget.CHOICES, Widget.TRUTH}]
    found = [Filter(one.name, _(one.label), _options(one)) for one in own[:_MOST_FILTERS]]
    owners = sorted(set(rows.exclude(owner="").order_by().values_list("owner", flat=True).distinct()[:_MOST_OPTIONS]))
    if owners:
        found.append(Filter("owner", _("Owner"), tuple((ref, titles.get(ref, ref)) for ref in owners)))
    return tuple(found)


def _options(one: Field) -> tuple[tuple[str, str], ...]:
    if one.widget is Widget.TRUTH:
        return (("true", _("Yes")), ("false", _("No")))
    return tuple((choice.value, _(choice.label)) for choice in one.choices)


def filtered(rows: QuerySet[RecordRow], kind: str | None, asked: QueryDict) -> QuerySet[RecordRow]:
    """Keep the rows that the address asks for; what no filter knows is passed over."""
    for word in _clean(asked.get("q", "")).lower().split()[:8]:
        rows = rows.filter(text__contains=word)
    if owner := _clean(asked.get("owner", "")):
        rows = rows.filter(owner=owner)
    if names := _clean(asked.get("names", "")):
        rows = rows.filter(ref__in=RecordLink.objects.filter(target=names).values("source"))
    for one in () if kind is None else form_of(kind).groups[1].fields:
        value = _clean(asked.get(one.name, ""))
        if value and one.widget in {Widget.CHOICE, Widget.CHOICES, Widget.TRUTH}:
            rows = _by_choice(rows, one, value)
    return rows


def _by_choice(rows: QuerySet[RecordRow], one: Field, value: str) -> QuerySet[RecordRow]:
    if one.widget is Widget.TRUTH:
        return rows.filter(**{f"content__{one.name}": value == "true"})
    if value not in {choice.value for choice in one.choices}:
        return rows
    if one.widget is Widget.CHOICES:
        # A list of words in JSON: SQLite has no operator for "contains", and the quotation marks make a word whole.
        return rows.alias(listed=Cast(KT(f"content__{one.name}"), TextField())).filter(listed__contains=f'"{value}"')
    wanted = Q(**{f"content__{one.name}": value})
    return rows.filter(wanted | Q(**{f"content__{one.name}__isnull": True}) if value == one.default else wanted)


def ordered(rows: QuerySet[RecordRow], kind: str | None, asked: QueryDict) -> tuple[QuerySet[RecordRow], tuple[str, ...]]:
    """Order rows by what the address asks for: (rows with the value they are ordered by, names of the order)."""
    said = asked.get("sort", "")
    name, falling = said.lstrip("-"), said.startswith("-")
    order = _AS_IT_STANDS.get(name)
    if order is None:
        field = next(
            (one for one in (columns_of(kind) if kind else ()) if one.name == name and one.widget not in {Widget.CHOICES, Widget.LIST}),
            None,
        )
        if field is None:
            order = _AS_IT_STANDS["title"]
        else:
            rows, order = rows.annotate(by_field=_sortable(field)), ("by_field", "ref")
    return rows, tuple(f"-{one}" for one in order) if falling else order


def _sortable(field: Field) -> Coalesce:
    path = KT(f"content__{field.name}")
    if field.widget in _NUMBERS:
        return Coalesce(Cast(path, FloatField()), Value(_LOWEST), output_field=FloatField())
    return Coalesce(Cast(path, TextField()), Value(""), output_field=TextField())


def named_in(rows: Iterable[RecordRow], fields: Sequence[Field]) -> set[str]:
    """Collect the references that the columns of rows show."""
    found = {row.owner for row in rows if row.owner}
    for row in rows:
        for one in fields:
            if one.widget in {Widget.REFERENCE, Widget.LIST} and one.name in row.content:
                said = row.content[one.name]
                found |= set(said) if isinstance(said, list) else {str(said)}
    return found


def due_on(content: dict[str, Any]) -> date | None:
    """Tell when a record is to be reviewed next; None where it does not say."""
    reviewed, every = content.get("reviewed_on"), content.get("review_every")
    if not reviewed or not every:
        return None
    try:
        return date.fromisoformat(str(reviewed)) + timedelta(days=days(str(every)))
    except (ValueError, OverflowError):
        return None


def counted(rows: QuerySet[RecordRow]) -> dict[str, int]:
    """Count rows by kind."""
    from django.db.models import Count

    return dict(rows.order_by().values_list(F("kind")).annotate(count=Count("pk")))


def _clean(text: str) -> str:
    return text.replace("\0", "")[:_LONGEST]
