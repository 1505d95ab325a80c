"""How the report says numbers, moments and names."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from kybern.assessment import Status
from kybern.catalog import Strength

if TYPE_CHECKING:
    from collections.abc import Mapping

THIN: Final = "\N{NARROW NO-BREAK SPACE}"


def percent(share: float | None) -> str:
    """Write a share in whole percent; only what is whole reads 100 %, only what is nothing reads 0 %."""
    if share is None:
        return "–"
    if 0 < share < 0.01:  # noqa: PLR2004 - below one percent
        return f"<{THIN}1{THIN}%"
    whole = round(share * 100)
    # Sums of shares miss 1 by a rounding error of the machine, never by a piece of evidence.
    return f"{99 if whole == 100 and share < 1 - 1e-9 else whole}{THIN}%"  # noqa: PLR2004 - all of it


def strength_number(level: float | None) -> str:
    """Write a mean strength with one decimal."""
    return "–" if level is None else f"{level:.1f}"


def strength_word(level: float | None) -> str:
    """Say the level nearest to a mean strength."""
    return "no standing evidence" if level is None else Strength(min(5, max(1, round(level)))).label


def day(moment: date | datetime | None) -> str:
    """Write a day; a moment is taken in UTC."""
    if moment is None:
        return "–"
    return f"{moment.astimezone(UTC) if isinstance(moment, datetime) else moment:%Y-%m-%d}"


def long_moment(moment: datetime) -> str:
    """Write a moment for people: `23 November 2026, 18:00 UTC`."""
    at = moment.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def figure(value: float | None) -> str:
    """Write a measured number with four digits that count."""
    return "–" if value is None else f"{value:.4g}"


def plural(count: int, one: str, many: str = "") -> str:
    """Say a count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def words(slug: object) -> str:
    """Write a slug as words."""
    return str(slug).replace("_", " ").replace("-", " ")


def sentence(text: str) -> str:
    """Start with a capital letter."""
    return text[:1].upper() + text[1:]


_NO_SHORT_FORMS: Final = {
    "ACT": "Act",
    "AGENTIC": "Agentic",
    "CALIFORNIA": "California",
    "GENAI": "GenAI",
    "OTHER": "Other",
    "REGIMES": "regimes",
    "RELATED": "related",
    "STATES": "states",
    "VERIFY": "Verify",
}
"""Words of frameworks' ids that are words, and not written in capitals."""


def short_name(framework: str) -> str:
    """Write a framework's id for people: `ISO42001` is ISO 42001, `NIST_AI_RMF` is NIST AI RMF, `EU_AI_ACT` is EU AI Act."""
    plain = " ".join(_NO_SHORT_FORMS.get(word, word) for word in framework.split("_"))
    return re.sub(r"(?<=[A-Z])(?=[0-9])", " ", plain)


def requirement_anchor(ref: str) -> str:
    """Give the id of a requirement's place in the page; different requirements have different ones."""
    framework, _, identity = ref.partition(":")
    return f"req-{framework}-" + re.sub(r"[^A-Za-z0-9.]", lambda found: "-" if found[0] == " " else f"_{ord(found[0]):x}_", identity)


def control_anchor(identity: str) -> str:
    """Give the id of a control's place in the page."""
    return f"control-{identity}"


def system_anchor(ref: str) -> str:
    """Give the id of an AI system's page: `ai_system:credit-scoring` is at `#system-credit-scoring`."""
    return f"system-{ref.partition(':')[2]}"


def status_of(counts: Mapping[Status, int]) -> Status:
    """Combine counted values as the handbook says: nothing is met out of nothing, all met is met, else the highest up to partly met."""
    live = [status for status, count in counts.items() if count and status is not Status.NOT_APPLICABLE]
    if not live:
        return Status.NOT_APPLICABLE if counts.get(Status.NOT_APPLICABLE) else Status.UNKNOWN
    return Status.MET if set(live) == {Status.MET} else min(max(live), Status.PARTLY_MET)
