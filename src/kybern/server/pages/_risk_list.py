"""The register of risks: those a reader may see, cut and ordered as the address asks, in pages; and what is not known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kybern.catalog import days
from kybern.records.risk import Risk
from kybern.server.access.permissions import Permission
from kybern.server.pages._asked import asked, number, titles, unit_options
from kybern.server.pages._query import query_with
from kybern.server.pages._risks import LEVELS, STATES, RiskView, level_of, risk_views, risks_by_system
from kybern.server.store.visible import visible_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from django.http import HttpRequest, QueryDict

    from kybern.records.lifecycle import AISystem
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing

KIND: Final = "risk"
CATEGORIES: Final[tuple[str, ...]] = get_args(Risk.model_fields["type"].annotation)
SHOWN: Final = 50
_STEPS: Final = range(1, 6)
_LATE: Final = {
    "treatment": gettext_lazy("treatment is late"),
    "review": gettext_lazy("review is late"),
    "any": gettext_lazy("either is late"),
}
_AT_ONCE: Final = 500
FILTERS: Final = ("system", "category", "owner", "level", "left", "state", "open", "overdue", "unit", "inherent", "residual", "q")
"""What the address may ask for."""


@dataclass(frozen=True)
class RiskRow:
    """A risk in the register as its reader may see it: `view` names no treatment that they may not know of."""

    view: RiskView
    unit: int
    owner: str | None
    systems: tuple[tuple[str, str | None], ...]
    """The systems by name and title; what the reader may not know of has no title."""
    review_due: date | None
    treatment_shown: bool
    number: int = 0

    @property
    def after(self) -> int:
        """The score after treatment; a risk without treatment stays what it is."""
        likelihood, consequence = self.view.place_after
        return likelihood * consequence

    @property
    def treatment_due(self) -> date | None:
        """When what is planned is to be done."""
        one = self.view.treatment
        return None if one is None or self.view.state != "planned" else one.due_on

    @property
    def treatment_late(self) -> bool:
        """Whether a planned treatment was due before today; one that is accepted for good or done is not."""
        one = self.view.treatment
        undone = one is not None and (one.done_on is None or one.done_on > self.view.day)
        return one is not None and undone and one.due_on is not None and one.due_on < self.view.day

    @property
    def review_late(self) -> bool:
        """Whether it was to be looked at again before today."""
        return self.review_due is not None and self.review_due < self.view.day


def readable(who: Actor, standing: Standing) -> tuple[RiskRow, ...]:
    """Give the risks that a reader may see, the gravest first."""
    units = dict(visible_records(who).filter(kind=KIND).values_list("ref", "unit"))
    views = [one for ref, one in risk_views(standing).items() if ref in units]
    owners = _titles(who, {one.risk.owner for one in views if one.risk.owner})
    systems = _titles(who, {ref for one in views for ref in one.risk.systems})
    treatments = set(visible_records(who).filter(kind="treatment").values_list("ref", flat=True))
    return tuple(_row(one, units[one.risk.ref], owners, systems, treatments) for one in views)


def _titles(who: Actor, refs: set[str]) -> dict[str, str]:
    wanted = sorted(refs)
    return {ref: title for at in range(0, len(wanted), _AT_ONCE) for ref, title in titles(who, wanted[at : at + _AT_ONCE]).items()}


def _row(view: RiskView, unit: int, owners: Mapping[str, str], systems: Mapping[str, str], treatments: set[str]) -> RiskRow:
    risk, shown = view.risk, view.treatment is None or view.treatment.ref in treatments
    owner = owners.get(risk.owner, risk.owner.partition(":")[2]) if risk.owner else None
    return RiskRow(view, unit, owner, tuple((ref, systems.get(ref)) for ref in risk.systems), review_due(risk), shown)


def review_due(risk: Risk) -> date | None:
    """Tell when a risk is to be assessed again; None where it does not say."""
    if risk.review_every is None:
        return None
    try:
        return (risk.reviewed_on or risk.assessed_on) + timedelta(days=days(str(risk.review_every)))
    except OverflowError:
        return None


# --- what the address asks for ----------------------------------------------------------------------------------------------------------


def chosen(who: Actor, request: HttpRequest, rows: Sequence[RiskRow]) -> tuple[RiskRow, ...]:
    """Choose the rows that the address asks for, in its order, each with its number. What it cannot mean counts for nothing."""
    tests = list(_tests(who, request))
    found = _ordered([row for row in rows if all(test(row) for test in tests)], asked(request, "sort"))
    return tuple(replace(row, number=number) for number, row in enumerate(found, 1))


def _tests(who: Actor, request: HttpRequest) -> Iterator[Callable[[RiskRow], bool]]:  # noqa: C901  (a line for each filter)
    said = {name: asked(request, name) for name in FILTERS}
    if system := said["system"]:
        yield lambda row: system in row.view.risk.systems
    if (category := said["category"]) in CATEGORIES:
        yield lambda row: row.view.risk.type == category
    if owner := said["owner"]:
        yield lambda row: row.view.risk.owner == owner
    if (first := said["level"]) in LEVELS:
        yield lambda row: level_of(row.view.inherent) == first
    if (second := said["left"]) in LEVELS:
        yield lambda row: level_of(row.after) == second
    if (state := said["state"]) in STATES:
        yield lambda row: row.view.state == state
    if said["open"] in {"yes", "no"}:
        yield lambda row: row.view.open == (said["open"] == "yes")
    if said["overdue"] in _LATE:
        yield lambda row: _late(row, said["overdue"])
    unit = number(said["unit"], who.where(Permission.RECORDS_READ))
    if unit is not None:
        yield lambda row: row.unit == unit
    for name, place in (("inherent", _before), ("residual", _after)):
        cell = _cell(said[name])
        if cell is not None:
            yield lambda row, place=place, cell=cell: place(row) == cell  # type: ignore[misc]  # bound now, not when it is called
    if words := said["q"].lower().split():
        yield lambda row: all(word in _text(row) for word in words)


def _late(row: RiskRow, what: str) -> bool:
    return (what != "review" and row.treatment_late) or (what != "treatment" and row.review_late)


def _before(row: RiskRow) -> tuple[int, int]:
    return (row.view.risk.likelihood, row.view.consequence)


def _after(row: RiskRow) -> tuple[int, int]:
    return row.view.place_after


def _cell(said: str) -> tuple[int, int] | None:
    """Read a cell of the matrix, `4x3`: likelihood and consequence."""
    left, _x, right = said.partition("x")
    if left.isascii() and left.isdecimal() and right.isascii() and right.isdecimal() and {int(left), int(right)} <= set(_STEPS):
        return int(left), int(right)
    return None


def _text(row: RiskRow) -> str:
    risk = row.view.risk
    return f"{risk.id} {risk.title} {risk.scenario} {risk.consequence_text or ''} {' '.join(risk.tags)}".lower()


_ORDERS: Final[dict[str, Callable[[RiskRow], Any]]] = {
    "title": lambda row: row.view.risk.title.lower(),
    "before": lambda row: row.view.inherent,
    "after": lambda row: row.after,
    "now": lambda row: row.view.now,
    "owner": lambda row: (row.owner or "￿").lower(),
    "due": lambda row: (row.treatment_due is None, row.treatment_due or row.view.day),
    "review": lambda row: (row.review_due is None, row.review_due or row.view.day),
}


def _ordered(rows: list[RiskRow], sort: str) -> list[RiskRow]:
    """Order by a column; the gravest come first among equals, and where none is asked for."""
    key = _ORDERS.get(sort.removeprefix("-"))
    return rows if key is None else sorted(rows, key=key, reverse=sort.startswith("-"))


@dataclass(frozen=True)
class RiskPage:
    """A page of the register; `previous` and `next` are the query strings of its neighbours."""

    rows: tuple[RiskRow, ...]
    previous: str | None
    next: str | None


def page_of_risks(rows: Sequence[RiskRow], query: QueryDict, size: int = SHOWN) -> RiskPage:
    """Give the page that begins after a risk, or ends before one; a cursor that names none begins at the beginning."""
    at = {row.view.risk.ref: index for index, row in enumerate(rows)}
    after, before = at.get(query.get("after", "")), at.get(query.get("before", ""))
    start = max(before - size, 0) if before is not None else 0 if after is None else after + 1
    end = before if before is not None else start + size
    shown, text = tuple(rows[start:end]), query.urlencode()
    return RiskPage(
        shown,
        query_with(text, before=shown[0].view.risk.ref) if shown and start else None,
        query_with(text, after=shown[-1].view.risk.ref) if shown and end < len(rows) else None,
    )


def selects(who: Actor, request: HttpRequest, rows: Sequence[RiskRow]) -> list[dict[str, Any]]:
    """Give the filters with their choices: only those that some risk has."""
    systems = {ref: title for row in rows for ref, title in row.systems if title}
    owners = {row.view.risk.owner: row.owner for row in rows if row.view.risk.owner}
    types = {row.view.risk.type for row in rows}
    units = unit_options(who, Permission.RECORDS_READ)
    found: list[dict[str, Any]] = [
        {"name": "system", "label": _("AI system"), "options": sorted(systems.items(), key=lambda one: one[1].lower())},
        {"name": "category", "label": _("Category"), "options": [(one, one) for one in CATEGORIES if one in types]},
        {"name": "owner", "label": _("Owner"), "options": sorted(owners.items(), key=lambda one: str(one[1]).lower())},
        {"name": "level", "label": _("Level before"), "options": list(LEVELS.items())},
        {"name": "left", "label": _("Level after"), "options": list(LEVELS.items())},
        {"name": "state", "label": _("Treatment"), "options": list(STATES.items())},
        {"name": "overdue", "label": _("Overdue"), "options": list(_LATE.items())},
        {"name": "open", "label": _("Above appetite"), "options": [("yes", _("yes, and not accepted")), ("no", _("no"))]},
    ]
    if units:
        found.append({"name": "unit", "label": _("Unit"), "options": units})
    for name, label in (("inherent", _("Cell before")), ("residual", _("Cell after"))):
        cell = _cell(asked(request, name))
        if cell is not None:
            words = _("likelihood %(likelihood)s, consequence %(consequence)s") % {"likelihood": cell[0], "consequence": cell[1]}
            found.append({"name": name, "label": label, "options": [(f"{cell[0]}x{cell[1]}", words)]})
    return found


# --- what is not known ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NotKnown:
    """Where the register says nothing, or nothing that can be relied on."""

    systems: tuple[AISystem, ...]
    """Systems for which no risk is recorded: nobody is known to have looked."""
    unrated: tuple[RiskRow, ...]
    """Risks whose criteria are not recorded: what their numbers mean, and whether they may stay, cannot be told."""
    stale: tuple[RiskRow, ...]
    """Risks that were to be assessed again before today."""

    @property
    def any(self) -> bool:
        """Whether there is something to be told."""
        return bool(self.systems or self.unrated or self.stale)


def not_known(who: Actor, standing: Standing, rows: Sequence[RiskRow]) -> NotKnown:
    """Name what the register does not know. A system counts as looked at though its risks be hidden from the reader."""
    there = set(visible_records(who).filter(kind="ai_system").values_list("ref", flat=True))
    systems = cast("tuple[AISystem, ...]", standing.records.of_kind("ai_system"))
    known = risks_by_system(standing)
    return NotKnown(
        tuple(one for one in systems if one.ref in there and one.ref not in known),
        tuple(row for row in rows if row.view.acceptable is None),
        tuple(row for row in rows if row.review_late),
    )
