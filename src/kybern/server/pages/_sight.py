"""What a reader may see of what a record names: titles of records they may read, entries of the catalog, and the looks of values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kybern.catalog import Catalog, load_catalog
from kybern.server.forms import Field, Widget, form_of, label_of
from kybern.server.live import standing_if_ready
from kybern.server.store.visible import visible_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kybern.server.access.actor import Actor

_AT_ONCE: Final = 500
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_TONES: Final = {
    "bad": frozenset(("prohibited", "serious", "critical", "very-high", "major", "rejected", "overdue", "executes", "pays")),
    "warn": frozenset(("high", "open", "acts-alone", "approved-with-conditions", "minor", "draft", "contained")),
    "good": frozenset(("closed", "resolved", "approved", "strength", "done", "effective", "implemented")),
}
"""Values that people look for first. The word is what says it; the colour only helps to find it."""


@lru_cache(maxsize=1)
def _shipped() -> Catalog:
    return load_catalog()


def catalog() -> Catalog:
    """Give the catalog without making an assessment."""
    standing = standing_if_ready()
    return _shipped() if standing is None else standing.catalog


def titles_of(who: Actor, refs: Iterable[str]) -> dict[str, str]:
    """Give the titles of those records that an actor may read."""
    wanted = sorted(set(refs))
    rows = visible_records(who)
    return {
        ref: title
        for start in range(0, len(wanted), _AT_ONCE)
        for ref, title in rows.filter(ref__in=wanted[start : start + _AT_ONCE]).values_list("ref", "title")
    }


def references(kind: str, content: dict[str, Any]) -> Iterator[str]:
    """Go through every reference in a record's content."""
    for one in form_of(kind).fields:
        yield from _references(one, content.get(one.name))


def _references(one: Field, value: Any) -> Iterator[str]:
    if value is None:
        return
    if one.widget is Widget.REFERENCE and isinstance(value, str):
        yield value
    for item in value if isinstance(value, list) else [value]:
        for inner in one.inner:
            yield from _references(inner, item.get(inner.name) if isinstance(item, dict) and inner.path != one.path else item)


@dataclass(frozen=True)
class Sight:
    """What templates ask while they show values: made for one reader and one page."""

    titles: dict[str, str]
    catalog: Catalog = field(default_factory=catalog)

    def title(self, ref: str) -> str | None:
        """Give a record's title; None if the reader may not see it, or there is none."""
        return self.titles.get(ref)

    def href(self, ref: str) -> str:
        """Give the address of a record."""
        kind, _, identity = ref.partition(":")
        return f"/records/{kind}/{identity}"

    def entry(self, name: str) -> tuple[str, str] | None:
        """Give address and title of a control or requirement; None if the catalog has none of that name."""
        if name in self.catalog.controls:
            return f"/controls/{name}", self.catalog.controls[name].title
        if name in self.catalog.requirements:
            return f"/requirements/{name}", self.catalog.requirements[name].title
        return None

    def paragraphs(self, text: object) -> list[str]:
        """Take prose apart where lines are empty."""
        return [part.strip() for part in _PARAGRAPH.split(str(text)) if part.strip()]

    def label(self, value: object) -> str:
        """Write a choice as people read it."""
        return label_of(str(value))

    def tone(self, value: object) -> str:
        """Give the tone of a choice's badge."""
        return next((tone for tone, words in _TONES.items() if str(value) in words), "")

    def day(self, value: object) -> date | None:
        """Read a day; None if it is none."""
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            return None

    def moment(self, value: object) -> datetime | None:
        """Read a moment; None if it is none."""
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            return None
        return found if found.tzinfo is not None else None

    def number_of_days(self, value: object) -> str:
        """Take `P30D` as 30."""
        return str(value).removeprefix("P").removesuffix("D")
