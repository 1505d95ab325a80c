"""What the templates of the pages call: one table of globals and one of filters, for the Jinja environment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from markupsafe import Markup

from kybern.assessment import Status
from kybern.report import _words
from kybern.report._bars import ORDER
from kybern.server import wording
from kybern.server.access.permissions import Permission
from kybern.server.pages import _query
from kybern.server.pages._icons import icon
from kybern.server.pages._named import named, title_of

_LEADING_SLUG: Final = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)+(?=: | = )")
_CAPITALS: Final = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]{2,})+\b")
_STATUS_WORDS: Final = {
    Status.MET: _("met"),
    Status.PARTLY_MET: _("partly met"),
    Status.EXPIRED: _("expired"),
    Status.NOT_MET: _("not met"),
    Status.UNKNOWN: _("unknown"),
    Status.NOT_APPLICABLE: _("not applicable"),
}

_KIND_ICONS: Final = {
    "ai_system": "bot",
    "model": "box",
    "dataset": "database",
    "agent": "bot-message-square",
    "supplier": "truck",
    "person": "user",
    "role": "id-card",
    "risk": "triangle-alert",
    "treatment": "shield-plus",
    "control_implementation": "shield-check",
    "soa_entry": "list-checks",
    "policy": "scroll-text",
    "document": "file-text",
    "indicator": "chart-line",
    "monitor": "activity",
    "incident": "siren",
    "audit": "clipboard-check",
    "finding": "search-check",
    "nonconformity": "octagon-alert",
    "corrective_action": "wrench",
    "change": "git-pull-request-arrow",
    "approval": "stamp",
    "evidence": "file-check",
    "requirement": "scale",
    "control": "layers",
    "objective": "target",
    "training": "graduation-cap",
    "organization": "building-2",
    "impact_assessment": "users-round",
    "waiver": "file-clock",
}


@cache
def signs() -> Markup:
    """Give the sheet that every status sign and hatching is drawn from: the report's own, so that both show the same signs."""
    return Markup(files("kybern.report").joinpath("templates", "signs.html.j2").read_text(encoding="utf-8"))  # noqa: S704 - our own file


def status_of(score: Any) -> Status:
    """Take a status, or what carries one."""
    return score if isinstance(score, Status) else Status(score.status)


def status_word(status: Status) -> str:
    """Say a status in the reader's language."""
    return str(_STATUS_WORDS[status])


def kind_icon(kind: str) -> Markup:
    """Give the icon of a record kind; a kind of someone else's gets that of a plain record."""
    return icon(_KIND_ICONS.get(kind, "file"), 16)


def iso(moment: date | datetime) -> str:
    """Write a day or moment as `<time>` takes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if isinstance(moment, datetime) else moment.isoformat()


def unslugged(says: str) -> str:
    """Write the slug that a piece's short words begin with, of a suite or a metric, and names in capitals, as words; titles stay."""
    if says.startswith("“"):
        return says
    plain = _LEADING_SLUG.sub(lambda found: found[0].replace("-", " ").replace("_", " "), says)
    return _CAPITALS.sub(lambda found: found[0].replace("_", " ").lower(), plain)


_PERMISSIONS: Final = frozenset(one.value for one in Permission)


def permission(name: str) -> str:
    """Say a permission in words; a name that is none stays."""
    return str(Permission(name).label) if name in _PERMISSIONS else name


def initials(name: str) -> str:
    """Give the first letters of a name's first and last word."""
    words = [word for word in name.split() if word[0].isalnum()] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


GLOBALS: Final[dict[str, Any]] = {
    "icon": icon,
    "kind_icon": kind_icon,
    "signs": signs,
    "ORDER": ORDER,
    "Status": Status,
    "status_of": status_of,
    "status_word": status_word,
    "query_with": _query.query_with,
    "query_without": _query.query_without,
    "query_values": _query.query_values,
    "query_rest": _query.query_rest,
    "sort_direction": _query.sort_direction,
    "sort_query": _query.sort_query,
}
"""Names that every template may call."""

FILTERS: Final[dict[str, Any]] = {
    "percent": _words.percent,
    "strength_number": wording.strength_number,
    "strength_word": wording.strength_word,
    "day": wording.day,
    "day_of": wording.day_of,
    "long_moment": wording.long_moment,
    "figure": wording.figure,
    "short_name": _words.short_name,
    "words": wording.words,
    "label": wording.label,
    "say": wording.say,
    "retell": wording.retell,
    "fact_label": wording.fact_label,
    "retell_picture": wording.retell_picture,
    "span": wording.span,
    "quoted": wording.quoted,
    "facts_told": wording.facts,
    "sentence": _words.sentence,
    "named": named,
    "permission": permission,
    "title_of": title_of,
    "unslugged": unslugged,
    "iso": iso,
    "grouped": wording.grouped,
    "initials": initials,
}
"""Filters that every template may use; in English the report says numbers and days by the same."""
