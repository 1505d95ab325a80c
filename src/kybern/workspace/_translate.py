"""Validation with a model, and what it refuses in plain words at the exact place: what is wrong, what would be right."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from kybern.base import Problem
from kybern.records import Record
from kybern.workspace._suggest import Suggester

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kybern.base.yaml import JsonValue, YamlDocument

_M = TypeVar("_M", bound=BaseModel)
_Said = tuple[str, str, str]
"""Rule, message, hint."""

_QUOTED: Final = re.compile(r"'([^']*)'")
_REFERENCE: Final = re.compile(r"\^\(([a-z_|]+|\[a-z_\]\+)\):\[a-z0-9\]")
_PATTERNS: Final = (
    (r"^P\d{1,5}D$", "a time in days", "Write it like P365D."),
    (r"^[a-z0-9][a-z0-9._-]{0,79}$", "an id", "Use lower-case letters, digits, dots, dashes and underscores, at most 80."),
    (r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$", "a short name", "Use lower-case letters and digits, joined by single dashes, dots or underscores."),
    (r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", "a country code", "Use ISO 3166: DE, or US-CA for a part; EU for the Union."),
    (r"^[0-9a-f]{64}$", "a SHA-256 digest", "It has 64 digits 0 to 9 and a to f, in lower case."),
    (r"^[a-z]{2}$", "a language code", "Use two letters: en, de."),
    (r"^[^@\s]+@[^@\s]+$", "an e-mail address", "Write it like name@example.org."),
    (r"^[A-Z0-9_]+$", "a framework's id", "Write it like ISO42001."),
)
_SHOWN: Final = 60
_MOST: Final = 100
"""Problems told of one record: more help nobody."""


def validate(
    model: type[_M], value: JsonValue, document: YamlDocument, prefix: Sequence[str | int] = ()
) -> tuple[_M | None, list[Problem]]:
    """Validate the part of `document` at `prefix`; gives the instance, or None and every problem with its place.

    The value goes in as JSON in strict mode: a text becomes a date where a date is asked for, but never a number or a truth.
    """
    try:
        return model.__pydantic_validator__.validate_json(json.dumps(value), strict=True), []
    except ValidationError as error:
        return None, _problems(error, model, document, tuple(prefix))


def _problems(error: ValidationError, model: type[BaseModel], document: YamlDocument, prefix: tuple[str | int, ...]) -> list[Problem]:
    errors = error.errors(include_url=False)
    broken = {tuple(one["loc"][:cut]) for one in errors for cut in range(len(one["loc"]))}
    problems = []
    for one in errors[:_MOST]:
        if one["type"] == "too_short" and tuple(one["loc"]) in broken:
            continue  # pydantic counts only the items that are right; the wrong ones are told already
        rule, message, hint = _SAYS.get(one["type"], _other)(one, model)
        place = document.place((*prefix, *one["loc"]), key=one["type"] == "extra_forbidden")
        problems.append(Problem(rule, message, place, hint))
    return problems


def _name(one: Any) -> str:
    """Write where the error is within the record: `exclusions[0].what`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in one["loc"])
    return text.removeprefix(".") or "the value"


def shown(value: object) -> str:
    """Write a value briefly, as it would stand in YAML or JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _wrong_type(needs: str, hint: str) -> Callable[[Any, type[BaseModel]], _Said]:
    def say(one: Any, _: type[BaseModel]) -> _Said:
        if one["input"] is None:
            return "wrong-type", f"{_name(one)} is empty; it needs {needs}.", hint or "Give a value, or leave the field out."
        return "wrong-type", f"{_name(one)} needs {needs}, not {_what(one['input'])}.", _quote_hint(one["input"], needs) or hint

    return say


def _what(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"the text {shown(value)!r}" if isinstance(value, str) else shown(value)


def _quote_hint(value: object, needs: str) -> str:
    """Say how the same characters would become what is needed."""
    if needs == "text" and isinstance(value, int | float):
        return f'Put it in quotes: "{shown(value)}".'
    if needs == "true or false" and str(value).lower() in {"yes", "on", "y", "no", "off", "n"}:
        return f"Write {'true' if str(value).lower() in {'yes', 'on', 'y'} else 'false'}."
    if needs.startswith("a ") and needs.endswith("number") and isinstance(value, str) and value.strip("-+").replace(".", "", 1).isdigit():
        return "Remove the quotes."
    return "Write each item on its own line after a dash." if needs == "a list" and isinstance(value, str) else ""


def _missing(one: Any, model: type[BaseModel]) -> _Said:
    field = _field(model, one["loc"])
    about = f"{_article(model)} needs it." if len(one["loc"]) == 1 else "It cannot be left out."
    return "missing-field", f"The field {_name(one)} is missing.", about if field else "It cannot be left out."


def _unknown(one: Any, model: type[BaseModel]) -> _Said:
    owner = _model_at(model, one["loc"][:-1])
    fields = sorted(owner.model_fields) if owner else []
    otherwise = f"Its fields are {', '.join(fields)}." if fields else "Remove it."
    word = shown(one["loc"][-1])
    holder = _name({"loc": one["loc"][:-1]}) if one["loc"][:-1] else _article(model)
    return "unknown-field", f"{holder} has no field {word}.", Suggester().hint(word, fields, otherwise)


def _literal(one: Any, _: type[BaseModel]) -> _Said:
    options = _QUOTED.findall(one["ctx"]["expected"]) or [one["ctx"]["expected"]]
    close = Suggester().closest(one["input"], options) if isinstance(one["input"], str) else None
    hint = f"Did you mean {close}?" if close else "Use " + ("one of " if len(options) > 1 else "") + ", ".join(options) + "."
    return "unknown-value", f"{_name(one)} cannot be {shown(one['input'])}.", hint


def _pattern(one: Any, _: type[BaseModel]) -> _Said:
    pattern = one["ctx"]["pattern"]
    if reference := _REFERENCE.match(pattern):
        return _reference(one, () if reference[1].startswith("[") else tuple(reference[1].split("|")))
    for known, what, hint in _PATTERNS:
        if pattern == known:
            return "wrong-form", f"{_name(one)} is not {what}: {shown(one['input'])}.", hint
    return "wrong-form", f"{_name(one)} does not have the right form: {shown(one['input'])}.", f"It must match {pattern}"


def _reference(one: Any, kinds: tuple[str, ...]) -> _Said:
    word = one["input"]
    kind, colon, rest = word.partition(":")
    needed = " or ".join(kinds) or "any kind of record"
    if kinds and colon and kind in Record.registry and kind not in kinds:
        return "wrong-kind", f"{_name(one)} names a record of kind {kind}; it needs {needed}.", f"Write it like {kinds[0]}:name."
    example = f"{kinds[0] if kinds else 'role'}:{(rest or kind).strip().lower().replace(' ', '-')[:_SHOWN] or 'name'}"
    return "wrong-form", f"{_name(one)} does not name a record: {shown(word)}.", f"Write it like {example}."


def _length(one: Any, _: type[BaseModel]) -> _Said:
    limit = one["ctx"].get("min_length", one["ctx"].get("max_length"))
    counted = "character" if one["type"].startswith("string") else "item"
    bound = "at least" if one["type"].endswith("short") else "at most"
    plural = "" if limit == 1 else "s"
    hint = "Write something, or leave the field out." if limit == 1 and counted == "character" else ""
    return "wrong-length", f"{_name(one)} needs {bound} {limit:,} {counted}{plural}.", hint


def _bound(words: str, key: str) -> Callable[[Any, type[BaseModel]], _Said]:
    def say(one: Any, _: type[BaseModel]) -> _Said:
        return "out-of-range", f"{_name(one)} is {shown(one['input'])}; it must be {words} {one['ctx'][key]}.", ""

    return say


def _value_error(one: Any, _: type[BaseModel]) -> _Said:
    message = str(one["ctx"]["error"])
    return "invalid-value", f"{message[:1].upper()}{message[1:].rstrip('.')}.", ""


def _other(one: Any, _: type[BaseModel]) -> _Said:
    return "invalid-value", f"{_name(one)}: {one['msg']}.", ""


def _article(model: type[BaseModel]) -> str:
    kind = model.model_fields["kind"].default if "kind" in model.model_fields else "kybern.yaml"
    return f"A record of kind {kind}" if kind != "kybern.yaml" else kind


def _field(model: type[BaseModel], loc: Sequence[str | int]) -> object:
    owner = _model_at(model, loc[:-1])
    return owner.model_fields.get(str(loc[-1])) if owner else None


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel] | None:
    """Follow field names to the part that holds them, or None where there is no single such part."""
    found: type[BaseModel] | None = model
    for step in loc:
        if isinstance(step, str):
            field = found.model_fields.get(step) if found else None
            found = _only_model(field.annotation) if field else None
    return found


def _only_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [model for inner in getattr(annotation, "__args__", ()) if (model := _only_model(inner))]
    return found[0] if len(found) == 1 else None


_DATE = _wrong_type("a date", "Write it like 2026-11-20.")
_MOMENT = _wrong_type("a date and time", "Write it like 2026-11-20T09:30:00Z.")
_WHOLE = _wrong_type("a whole number", "")
_NUMBER = _wrong_type("a number", "")
_MAPPING = _wrong_type("a mapping", "Write its fields under it, as `name: value`.")

_SAYS: Final[dict[str, Callable[[Any, type[BaseModel]], _Said]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "string_type": _wrong_type("text", ""),
    "bool_type": _wrong_type("true or false", "Write true or false."),
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "timezone_aware": _wrong_type("a time zone", "End it with Z for UTC, or with an offset such as +02:00."),
    "tuple_type": _wrong_type("a list", "Write each item on its own line after a dash."),
    "list_type": _wrong_type("a list", "Write each item on its own line after a dash."),
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "string_too_short": _length,
    "string_too_long": _length,
    "too_short": _length,
    "too_long": _length,
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "value_error": _value_error,
}
