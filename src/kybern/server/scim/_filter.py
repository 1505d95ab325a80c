"""Filters (RFC 7644, 3.4.2.2), as far as identity providers use them: `userName eq "…"`, several joined by `and`."""

from __future__ import annotations

import json
import re
from typing import Final

from kybern.server.scim._messages import bad

Value = str | bool
_LONGEST: Final = 1000
_ONE: Final = re.compile(
    r"""\s*(?P<name>(?:urn:[\w:.\-]+:)?[A-Za-z$][\w$.\-]*)\s+(?P<op>[A-Za-z]{2})\s+(?P<value>"(?:[^"\\]|\\.)*"|true|false)\s*""",
    re.ASCII | re.IGNORECASE,
)
_AND: Final = re.compile(r"and\s", re.ASCII | re.IGNORECASE)


def read_filter(text: str) -> list[tuple[str, Value]]:
    """Read a filter as the attributes, in small letters, that must equal a value each; `invalidFilter` for all else."""
    found: list[tuple[str, Value]] = []
    at = 0
    if len(text) > _LONGEST:
        raise bad("invalidFilter", "The filter is too long.")
    while match := _ONE.match(text, at):
        if match["op"].lower() != "eq":
            raise bad("invalidFilter", f"The operator {match['op']} is not supported: use eq.")
        found.append((match["name"].rpartition(":")[2].lower(), _value(match["value"])))
        at = match.end()
        if at == len(text):
            return found
        joined = _AND.match(text, at)
        if joined is None:
            break
        at = joined.end()
    raise bad("invalidFilter", 'The filter cannot be read: write it like userName eq "somebody@example.org", several joined by and.')


def _value(text: str) -> Value:
    if not text.startswith('"'):
        return text.lower() == "true"
    try:
        found = json.loads(text)
    except ValueError:
        raise bad("invalidFilter", "A text of the filter is no JSON string.") from None
    return str(found)
