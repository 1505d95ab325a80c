"""The Jinja environment, and the page put together: one file that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from kybern.assessment import Status
from kybern.report import _words
from kybern.report._bars import ORDER, meter, stacked
from kybern.report._view import Page, title_of

_FILTERS: Final = {
    "percent": _words.percent,
    "strength_number": _words.strength_number,
    "strength_word": _words.strength_word,
    "day": _words.day,
    "long_moment": _words.long_moment,
    "figure": _words.figure,
    "short_name": _words.short_name,
    "words": _words.words,
    "sentence": _words.sentence,
    "requirement_anchor": _words.requirement_anchor,
    "control_anchor": _words.control_anchor,
}


def environment() -> Environment:
    """Set Jinja up: every value is escaped, a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("kybern.report", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(_FILTERS)
    made.globals.update(Status=Status, ORDER=ORDER, plural=_words.plural, stacked=stacked, meter=meter)
    return made


def render(found: Page) -> str:
    """Write the page. The policy in its head allows its own style and script by digest, and nothing else."""
    made = environment()
    made.filters["titled"] = partial(title_of, found.assessment)
    values: dict[str, Any] = {"page": found, "a": found.assessment}
    for name in ("page.css", "page.js"):
        values[f"{name[5:]}_digest"] = digest_of(made.get_template(name).render())
    return made.get_template("page.html.j2").render(values) + "\n"


def digest_of(source: str) -> str:
    """Name a style or script as a content policy does."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"
