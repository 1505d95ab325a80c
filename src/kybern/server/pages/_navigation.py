"""The navigation as data: which groups and pages there are, where each leads, and which one a reader stands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Label = str | _StrPromise


@dataclass(frozen=True, slots=True)
class Item:
    """A page in the navigation."""

    label: Label
    href: str
    icon: str
    key: str = ""
    """The letter that leads here after `g`."""
    also: tuple[str, ...] = ()
    """Other addresses whose pages belong to this one."""
    current: bool = False

    def fit(self, path: str) -> int:
        """How many characters of the path belong to this page; 0 if it stands elsewhere."""
        return max((_fit(own, path) for own in (self.href, *self.also)), default=0)


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that belong together; a group without a label stands alone."""

    label: Label
    items: tuple[Item, ...]


_GROUPS: Final = (
    Group(
        _("Overview"),
        (
            Item(_("Home"), "/", "house", "h"),
            Item(_("Readiness"), "/readiness", "gauge", "r", ("/requirements/",)),
            Item(_("Calendar"), "/calendar", "calendar-days", "c"),
        ),
    ),
    Group(
        _("Inventory"),
        (
            Item(_("AI systems"), "/systems", "bot", "s", ("/records/ai_system/",)),
            Item(_("Risks"), "/risks", "triangle-alert", "k", ("/records/risk/",)),
            Item(_("Suppliers"), "/records/supplier/", "truck", "u"),
            Item(_("People"), "/records/person/", "users", "p"),
        ),
    ),
    Group(
        _("Controls"),
        (
            Item(_("Control library"), "/controls", "layers", "l"),
            Item(_("Statement of applicability"), "/soa", "list-checks", "o"),
            Item(_("Rules"), "/rules", "scale", "w"),
            Item(_("Crosswalk"), "/crosswalk", "git-compare-arrows", "x"),
        ),
    ),
    Group(
        _("Evidence"),
        (
            Item(_("Evidence"), "/evidence", "file-check", "e"),
            Item(_("Approvals"), "/approvals", "stamp", "a"),
            Item(_("Traceability"), "/trace", "waypoints", "t"),
        ),
    ),
    Group(
        _("Registers"),
        (
            Item(_("All records"), "/records/", "library", "d"),
            Item(_("Indicators"), "/records/indicator/", "chart-line"),
            Item(_("Incidents"), "/records/incident/", "siren", "i"),
            Item(_("Audits"), "/records/audit/", "clipboard-check"),
            Item(_("Findings"), "/records/finding/", "search-check", "f"),
            Item(_("Changes"), "/records/change/", "git-pull-request-arrow"),
        ),
    ),
    Group("", (Item(_("Settings"), "/settings", "settings", ","),)),
)


def navigation(path: str, allowed: Callable[[str], bool]) -> tuple[Group, ...]:
    """Give the navigation as a reader at `path` sees it: pages that `allowed` (asked with the page's address) lets through.

    The page that fits the path best is the current one; there is at most one. A group with no page left is left out.
    """
    shown = [Group(group.label, tuple(item for item in group.items if allowed(item.href))) for group in _GROUPS]
    best = max((item.fit(path) for group in shown for item in group.items), default=0)
    return tuple(Group(group.label, tuple(_marked(item, path, best) for item in group.items)) for group in shown if group.items)


def _marked(item: Item, path: str, best: int) -> Item:
    return replace(item, current=True) if best and item.fit(path) == best else item


def _fit(own: str, path: str) -> int:
    """How much of a path an address owns: itself and what is below it; `/` owns itself alone."""
    if own == path:
        return len(path) + 1
    below = own.rstrip("/") + "/"
    return len(below) if own != "/" and path.startswith(below) else 0
