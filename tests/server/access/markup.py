"""Texts that would run if they were shown as markup, put into every free text of a record, and a reader of pages that finds what runs."""

from __future__ import annotations

import copy
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from kybern.records import Record
from kybern.workspace import record_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOADS = (
    "\"><img src=x-evil onerror=alert(1)>'</textarea></title></style><script src=x-evil>alert(2)</script>{{1234567*3}}${1234567*3}",
    "javascript:alert(1)//x-evil",
    "--><svg/onload=alert(1) class=x-evil>{% raw %}<iframe src=x-evil></iframe>",
    "<a href=javascript:alert(1) class=x-evil>]]></script><style>*{}</style>\u2028`${x-evil}`",
)
CALCULATED = "3703701"
"""What the templates' languages would make of the sum in the first payload."""

LEADING = frozenset(("src", "href", "action", "formaction", "xlink:href", "hx-get", "hx-post", "data"))
"""Attributes that name what is loaded, opened or asked."""


class Found(HTMLParser):
    """Reads a page as a browser does, and keeps what would run or load something."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        bad = tag in {"iframe", "object", "embed", "base", "style"} or any(_runs(name, value or "") for name, value in attrs)
        if tag == "script" and not bad:
            found = dict(attrs)
            bad = "src" not in found and found.get("type") != "application/json"
        if bad:
            self.faults.append(f"<{tag} {dict(attrs)}>")

    def updatepos(self, i: int, j: int) -> int:  # noqa: ARG002 - the base counts the lines up to each tag, which nobody asks for
        return j


def _runs(name: str, value: str) -> bool:
    if name.startswith("on") or name == "style":
        return True
    if name in LEADING and "".join(value.split()).lower().startswith(("javascript:", "vbscript:", "data:text")):
        return True
    return name in {"src", "class"} and "x-evil" in value


def faults_of(page: str) -> list[str]:
    """Give what a page holds that a payload must have brought."""
    reader = Found()
    reader.feed(page)
    reader.close()
    calculated = [f"calculated {CALCULATED}"] if CALCULATED in page else []
    return reader.faults + calculated


def poisoned(content: dict[str, Any], first: int) -> tuple[dict[str, Any], int]:
    """Put a payload into every free text that the record's schema has, those that were not stated among them; and say into how many.

    The payloads take turns, `first` first, so that each stands in a title of some kind.
    """
    schema = record_schema(content["kind"])
    definitions = schema["$defs"]
    model, found, count = Record.registry[content["kind"]], copy.deepcopy(content), 0
    for turn, (path, longest) in enumerate(list(_texts(schema["allOf"][0], definitions, found, ())), first):
        tried = copy.deepcopy(found)
        try:
            _put(tried, path, PAYLOADS[turn % len(PAYLOADS)][:longest])
            model.model_validate(tried)
        except (ValueError, TypeError):
            continue
        found, count = tried, count + 1
    return found, count


def _texts(  # noqa: C901 - one case a form of schema
    schema: dict[str, Any], definitions: dict[str, Any], value: Any, path: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], int]]:
    if "$ref" in schema:
        yield from _texts(definitions[schema["$ref"].rpartition("/")[2]], definitions, value, path)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _texts(one, definitions, value, path)
    elif schema.get("type") == "string":
        if not {"pattern", "format", "enum", "const", "x-kybern-catalog", "x-kybern-ref"} & set(schema):
            yield path, schema.get("maxLength", 20_000)
    elif schema.get("type") == "array":
        for number in range(max(1, min(2, len(value) if isinstance(value, list) else 0))):
            inner = value[number] if isinstance(value, list) and number < len(value) else None
            if inner is not None or "properties" not in _resolved(schema["items"], definitions):
                yield from _texts(schema["items"], definitions, inner, (*path, number))
    elif "properties" in schema and isinstance(value, dict):
        for name, one in schema["properties"].items():
            yield from _texts(one, definitions, value.get(name), (*path, name))
    elif schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        yield from _texts(schema["additionalProperties"], definitions, None, (*path, "evil-key"))


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return dict(definitions[schema["$ref"].rpartition("/")[2]]) if "$ref" in schema else schema


def _put(content: Any, path: tuple[Any, ...], text: str) -> None:
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        while len(content) <= step:
            content.append(text)
    if not rest:
        content[step] = text
        return
    if isinstance(content, dict) and content.get(step) is None:
        content[step] = [] if isinstance(rest[0], int) else {}
    _put(content[step], rest, text)
