"""The badge: one SVG that says what evidence showed, as of when and until when, to those who see it and those who hear it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from kybern.report._svg import Value, element, number, rect, text
from kybern.report._words import percent, short_name

_WIDTH: Final = 392
_HEIGHT: Final = 128
_RADIUS: Final = 36.0
_CENTRE: Final = 64.0
_LEFT: Final = 124
_LETTERS: Final = 34
"""Letters of the framework's name that the line holds."""

_STYLE: Final = Markup(
    "<style>"
    ".k{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans','DejaVu Sans',sans-serif}"
    ".card{fill:#fff;stroke:#d5d8d3}.track{stroke:#e4e7e3}.arc{stroke:#00805d}.ink{fill:#1b2028}.soft{fill:#565e69}.kick{fill:#1d4f7c}"
    "@media (prefers-color-scheme:dark){"
    ".card{fill:#181c23;stroke:#39414d}.track{stroke:#2d333d}.arc{stroke:#2fc898}.ink{fill:#e8eaee}.soft{fill:#a9b1bc}.kick{fill:#8fbfe8}}"
    "</style>"
)


def badge(document: Mapping[str, Any]) -> str:
    """Draw the badge of a readiness statement. It loads nothing; a pure function of what is stated."""
    subject = document["credentialSubject"]
    met, asked = int(subject["readiness"]["met"]), int(subject["readiness"]["asked"])
    name = f"{short_name(subject['framework']['id'])}, edition {subject['framework']['edition']}"
    dates = f"as of {day(subject['asOf'])} · valid until {day(document['validUntil'])}"
    said = f"Evidence showed {met} of {asked} requirements of {name} met, {dates}. It is no certificate."
    drawn = [
        element("title", f"Kybern readiness statement: {met} of {asked} requirements of {name} met", id="kt"),
        element("desc", f"{said} Issued by {document['issuer']}.", id="kd"),
        _STYLE,
        rect(0.5, 0.5, _WIDTH - 1, _HEIGHT - 1, rx=14, class_="card"),
        *_ring(met / asked if asked else 0.0),
        text(_CENTRE, 62, f"{met}/{asked}", class_="ink k", text_anchor="middle", font_size=17, font_weight=700),
        text(_CENTRE, 78, "met", class_="soft k", text_anchor="middle", font_size=11),
        text(_LEFT, 32, "KYBERN READINESS STATEMENT", class_="kick k", font_size=10.5, font_weight=650, letter_spacing=0.7),
        text(_LEFT, 54, _shortened(name), class_="ink k", font_size=16, font_weight=650),
        text(_LEFT, 75, f"{percent(subject['coverage'])} of what is asked is evidenced", class_="ink k", font_size=12.5),
        text(_LEFT, 94, dates, class_="soft k", font_size=11),
        text(_LEFT, 110, "shows what evidence says; no certificate", class_="soft k", font_size=11),
    ]
    return str(
        element(
            "svg",
            *drawn,
            xmlns="http://www.w3.org/2000/svg",
            view_box=f"0 0 {_WIDTH} {_HEIGHT}",
            width=_WIDTH,
            height=_HEIGHT,
            role="img",
            aria_labelledby="kt kd",
        )
    )


def _ring(share: float) -> list[Markup]:
    """Draw the share as a ring that starts at the top."""
    around = 2 * math.pi * _RADIUS
    circle: dict[str, Value] = {"cx": _CENTRE, "cy": _CENTRE, "r": _RADIUS, "fill": "none", "stroke_width": 8}
    ring = [element("circle", class_="track", **circle)]
    if share > 0:
        filled = f"{number(around * share)} {number(around)}"
        turned = f"rotate(-90 {number(_CENTRE)} {number(_CENTRE)})"
        cap = "round" if share < 1 else "butt"
        ring.append(element("circle", class_="arc", stroke_dasharray=filled, stroke_linecap=cap, transform=turned, **circle))
    return ring


def _shortened(line: str) -> str:
    return line if len(line) <= _LETTERS else f"{line[: _LETTERS - 1]}…"


def day(moment: str) -> str:
    """Write the day of an RFC 3339 moment for people: `20 Nov 2026`."""
    at = datetime.fromisoformat(moment)
    return f"{at.day} {at:%b %Y}"
