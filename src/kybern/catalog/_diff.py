"""What changed between two states of law: entries added, removed and changed, field by field, with the act that changed them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.catalog._models import Applies, Earlier, Framework, Requirement


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that says something else: in words as they are shown, None where it said nothing.

    A date comes with the provision that sets the new one. `is_date` tells such fields from the others.
    """

    field: str
    old: str | None
    new: str | None
    basis: str | None = None

    @property
    def is_date(self) -> bool:
        """Whether it is about when the entry binds."""
        return self.field.startswith(_DATE)


_DATE = "applies from"


@dataclass(frozen=True, slots=True)
class Amendment:
    """The act that changed an entry, the last day of the old state, and our sentence of what changed."""

    act: str
    until: date
    change: str


@dataclass(frozen=True, slots=True)
class EntryChange:
    """An entry that came, went or says something else.

    `fields` are what it says otherwise, of an added entry its dates; where they are empty, the sentence of an amendment tells.
    `above` are the entries over it, nearest first: whoever names one of them is concerned too.
    """

    ref: str
    title: str
    how: Literal["added", "removed", "changed"]
    normative: bool
    above: tuple[str, ...]
    fields: tuple[FieldChange, ...]
    amendments: tuple[Amendment, ...]


def diff(
    old: Mapping[str, Framework], new: Mapping[str, Framework], on: tuple[date, date] = (date.max, date.max)
) -> tuple[EntryChange, ...]:
    """Compare frameworks by their ids, and where each side has just one, those two.

    Entries come in the order of the new side, those it does not have last. `on` are the days on which the dates of each side are
    read; without them everything enacted counts. The sides themselves are taken as they are: roll them back with `as_known` first.
    """
    pairs = _pairs(old, new)
    return tuple(change for before, after in pairs for change in _framework(before, after, on))


def _pairs(old: Mapping[str, Framework], new: Mapping[str, Framework]) -> list[tuple[Framework | None, Framework | None]]:
    if len(old) == len(new) == 1:
        return [(next(iter(old.values())), next(iter(new.values())))]
    return [(old.get(name), new.get(name)) for name in dict.fromkeys((*new, *old))]


def _framework(old: Framework | None, new: Framework | None, on: tuple[date, date]) -> Iterator[EntryChange]:
    before, after = ({entry.id: entry for entry in side.requirements} if side else {} for side in (old, new))
    for name in dict.fromkeys((*after, *before)):
        was, now = (_in_force(side.get(name)) for side in (before, after))
        side = after if now else before
        found = old if new is None or (old is not None and name not in after) else new
        above = tuple(_ref(found, one) for one in _above(side, name))
        amendments = tuple(_amendments(before.get(name), after.get(name)))
        if was and now:
            fields = tuple(_fields(was, now, on))
            if fields or amendments:
                yield EntryChange(_ref(found, name), now.title, "changed", was.normative or now.normative, above, fields, amendments)
        elif now:
            yield EntryChange(_ref(found, name), now.title, "added", now.normative, above, tuple(_dates(None, now, on)), amendments)
        elif was:
            yield EntryChange(_ref(found, name), was.title, "removed", was.normative, above, (), amendments)


def _in_force(entry: Requirement | None) -> Requirement | None:
    """Take what is repealed for what is not there, whether or not it still stands in the file."""
    return entry if entry is not None and entry.repealed is None else None


def _ref(framework: Framework | None, name: str) -> str:
    return f"{framework.id}:{name}" if framework else name


def _above(entries: Mapping[str, Requirement], name: str) -> Iterator[str]:
    seen = {name}
    above = entries[name].parent
    while above is not None and above in entries and above not in seen:
        yield above
        seen.add(above)
        above = entries[above].parent


def _amendments(old: Requirement | None, new: Requirement | None) -> Iterator[Amendment]:
    """Name the earlier states that only one side knows: between the two, they ended. Where the sides are given newest first, too."""
    sides: list[tuple[Earlier, ...]] = [entry.earlier if entry else () for entry in (old, new)]
    for row in (*(row for row in sides[1] if row not in sides[0]), *(row for row in sides[0] if row not in sides[1])):
        yield Amendment(row.by, row.until, row.change)


def _fields(old: Requirement, new: Requirement, on: tuple[date, date]) -> Iterator[FieldChange]:
    before, after = _said(old), _said(new)
    for field in after:
        if before[field] != after[field]:
            yield FieldChange(field, before[field], after[field])
    yield from _dates(old, new, on)


def _dates(old: Requirement | None, new: Requirement, on: tuple[date, date]) -> Iterator[FieldChange]:
    was, now = ({row.route: row for row in entry.dates_as_known(day)} if entry else {} for entry, day in zip((old, new), on, strict=True))
    for route in dict.fromkeys((*was, *now)):
        one, other = (_period(side.get(route)) for side in (was, now))
        if one != other:
            basis = now[route].basis if route in now else None
            yield FieldChange(f"{_DATE} ({route})" if route else _DATE, one, other, basis)


def _said(entry: Requirement) -> dict[str, str | None]:
    """Say an entry's fields in words, its dates left out."""
    return {
        "title": entry.title,
        "statement": entry.statement,
        "parent": entry.parent,
        "asks": "something" if entry.normative else "nothing",
        "bound": ", ".join(entry.bound) or None,
        "classes": ", ".join(entry.classes) or None,
        "applies when": entry.applies_when,
        "penalty": entry.penalty,
        "documented information": entry.documented_information,
    }


def _period(row: Applies | None) -> str | None:
    return None if row is None else f"{row.since} until {row.until}" if row.until else str(row.since)
