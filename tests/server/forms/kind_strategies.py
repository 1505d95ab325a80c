"""Records of every kind, drawn from the JSON Schema of the kind: an account of the models that the forms are not made from."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from kybern.records import Record
from kybern.server.forms import BoundForm, Widget
from kybern.workspace import record_schema

if TYPE_CHECKING:
    from kybern.server.forms import BoundField

KINDS = sorted(Record.registry)
LETTERS = st.characters(exclude_categories=("Cc", "Cs"))
PROSE = st.text(st.one_of(LETTERS, st.sampled_from("\n\t ,:#'\"[]{}-<>&")), min_size=1, max_size=60).filter(str.strip)
"""Text as people write it, and worse: what is there is no control, and something is there."""

_DIGITS = re.compile(r"\\d")


def contents(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw the content of a valid record, as the record itself states it."""
    schema = record_schema(kind)
    drawn = _of(schema["allOf"][0], Definitions(schema["$defs"]))
    return drawn.map(lambda found: _valid(kind, found)).filter(lambda found: found is not None)  # type: ignore[return-value]


def said(content: Any) -> Any:
    """Leave out what says nothing: empty lists and mappings, but not the empty list that says there are none."""
    return {name: value for name, value in content.items() if value not in ([], {}, "") or (name == "harms" and value == [])}


def sent(bound: BoundForm) -> dict[str, list[str]]:
    """Give what a browser sends of an untouched form."""
    found: dict[str, list[str]] = {}
    for one in bound.walk():
        if one.none_said and one.field.none_is_said:
            found[one.none_name] = ["1"]
        for name, value in _controls(one):
            found.setdefault(name, []).append(value.replace("\n", "\r\n"))
    return found


def _controls(one: BoundField) -> list[tuple[str, str]]:
    if one.widget is Widget.CHOICES:
        return [(one.name, option.value) for option in one.options if option.chosen]
    if one.widget in {Widget.LIST, Widget.PARTS, Widget.PART, Widget.FACTS}:
        return []
    return [(one.name, one.value)]


def _valid(kind: str, found: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return Record.registry[kind].model_validate(found).content
    except ValueError:
        return None


class Definitions(dict[str, Any]):
    """The named parts of a schema."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def _of(schema: dict[str, Any], definitions: Definitions) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([_of(one, definitions) for one in schema["anyOf"]])
    return {"array": _array, "object": _object, "string": _string}.get(schema["type"], _plain)(schema, definitions)


def _plain(schema: dict[str, Any], _: Definitions) -> st.SearchStrategy[Any]:
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(schema.get("minimum", -(2**53) + 1), schema.get("maximum", 2**53 - 1)),
        "number": st.floats(allow_nan=False, allow_infinity=False),
    }[schema["type"]]


def _string(schema: dict[str, Any], _: Definitions) -> st.SearchStrategy[Any]:
    if "x-kybern-catalog" in schema:
        return st.from_regex("[A-Z0-9]{1,8}(:[A-Za-z0-9.]{1,6})?", fullmatch=True)
    if "pattern" in schema:
        pattern = _DIGITS.sub("[0-9]", schema["pattern"]).replace(r"[^@\s]", "[^@\\s\x00-\x20\x7f-\xa0]")
        return _matching(pattern).filter(lambda text: len(text) <= schema.get("maxLength", 300))
    if schema.get("format") == "date":
        return st.dates().map(str)
    if schema.get("format") == "date-time":
        return st.datetimes(timezones=st.timezones()).map(lambda found: found.isoformat())
    return PROSE.map(lambda text: text[: schema.get("maxLength", 60)]).filter(str.strip)


@cache
def _matching(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True, alphabet=LETTERS)


def _array(schema: dict[str, Any], definitions: Definitions) -> st.SearchStrategy[Any]:
    least = schema.get("minItems", 0)
    return st.lists(_of(schema["items"], definitions), min_size=least, max_size=min(schema.get("maxItems", 9), least + 2))


def _object(schema: dict[str, Any], definitions: Definitions) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        return st.dictionaries(
            st.text(LETTERS, min_size=1, max_size=20).filter(str.strip), _of(schema["additionalProperties"], definitions), max_size=3
        )
    required = set(schema.get("required", ()))
    fields = {name: _of(one, definitions) for name, one in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: one for name, one in fields.items() if name in required or name == "kind"},
        optional={name: one for name, one in fields.items() if name not in required and name != "kind"},
    )
