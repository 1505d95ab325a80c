"""Every route there is, from Django's own resolver and from the API's operations: what the tables are held against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.urls import URLPattern, URLResolver, get_resolver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def routes() -> dict[str, Any]:
    """Give each route with its view; regular expressions are written like paths."""
    return dict(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: Sequence[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, Any]]:
    for one in patterns:
        text = before + _plain(str(one.pattern))
        if isinstance(one, URLPattern):
            yield text, one.callback
        else:
            yield from _walk(one.url_patterns, text)


def _plain(text: str) -> str:
    """Write a pattern of `re_path` like a path: `^(?P<name>[^/]+)/` as `<name>/`."""
    if not text.startswith("^"):
        return text
    return re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", text).strip("^$")


def pages() -> dict[str, tuple[str, str]]:
    """Give each page's route with its module and what it says that it needs."""
    return {route: (view.__module__, view.needs) for route, view in routes().items() if hasattr(view, "needs")}


def operations() -> dict[tuple[str, str], tuple[str, list[Any]]]:
    """Give each operation of the API by route and method, with its module and what it asks first."""
    from kybern.server.api import api

    found = {}
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            text = re.sub(r"\{([\w:]+)\}", r"<\1>", f"{router.prefix}/{path}".strip("/"))
            route = "api/v1/" + re.sub(r"/{2,}", "/", text)
            for one in view.operations:
                for method in one.methods:
                    found[route, method] = (one.view_func.__module__, list(one.auth_callbacks))
    return found
