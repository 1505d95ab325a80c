"""Query strings: every filter, order and page is a GET parameter, so a view is an address that can be sent to a colleague."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode

CURSORS: Final = ("after", "before")
"""Where in a list a page starts; a new filter or order starts at the beginning."""

ORDER: Final = "sort"
"""The parameter of the order: a column's key, with `-` before it for the other way round."""

Direction = Literal["ascending", "descending", "none"]


def query_with(query: str, changes: Mapping[str, object] | None = None, /, **more: object) -> str:
    """Give a query string with parameters set, as a link has it (`?a=1`, or `?` for none): None or "" takes one away.

    A list sets a parameter several times. The cursors are dropped unless they are what is set.
    """
    asked = {**(changes or {}), **more}
    kept = [(name, value) for name, value in parse_qsl(query) if name not in asked and name not in CURSORS]
    return "?" + urlencode(kept + [pair for name, value in asked.items() for pair in _pairs(name, value)])


def query_without(query: str, name: str, value: str) -> str:
    """Give a query string without one value of a parameter; its other values stay."""
    return query_with(query, {name: [other for other in query_values(query, name) if other != value]})


def query_values(query: str, name: str) -> list[str]:
    """Give a parameter's values that say something."""
    return [value for key, value in parse_qsl(query) if key == name and value]


def query_rest(query: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """Give what a GET form has to carry along as hidden fields: all but its own fields and the cursors."""
    own = {*names, *CURSORS}
    return [(key, value) for key, value in parse_qsl(query) if key not in own]


def sort_direction(query: str, key: str) -> Direction:
    """Say how a column is ordered, in the words of `aria-sort`."""
    asked = (query_values(query, ORDER) or [""])[0]
    return "ascending" if asked == key else "descending" if asked == f"-{key}" else "none"


def sort_query(query: str, key: str, *, first: Direction = "ascending") -> str:
    """Give the query that orders by a column; asked again, the other way round."""
    now = sort_direction(query, key)
    descending = first == "descending" if now == "none" else now == "ascending"
    return query_with(query, {ORDER: f"-{key}" if descending else key})


def _pairs(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, (list, tuple)):
        return [(name, str(one)) for one in value if one not in {None, ""}]
    return [] if value is None or value == "" else [(name, str(value))]
