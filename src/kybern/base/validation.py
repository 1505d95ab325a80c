"""What pydantic finds wrong, said as problems with their exact place in the YAML."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

from kybern.base.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from kybern.base.yaml import YamlDocument

_Path = tuple[str | int, ...]

_WANTED: Final = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a date like 2026-11-23",
    "datetime": "a moment with its zone, like 2026-11-23T09:30:00Z",
    "timezone": "a moment with its zone, like 2026-11-23T09:30:00Z",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping of keys to values",
    "mapping": "a mapping of keys to values",
    "model": "a mapping of keys to values",
    "none": "empty",
}
"""What a field wants, by the first word of pydantic's error type."""

_NOT_FORM: Final = ("_pattern_mismatch", "_too_long", "_too_short", "_unicode", "_past", "_future")
_SHOWN_CHOICES: Final = 24


def problems_of(
    error: ValidationError,
    document: YamlDocument,
    prefix: Sequence[str | int] = (),
    model: type[BaseModel] | None = None,
) -> list[Problem]:
    """Translate the validation error of the value at `prefix` of `document`.

    One problem for each thing that is wrong: what a union says about one value in several ways becomes one. With `model`, the
    model that was validated, a misspelt field gets the nearest name as a hint.
    """
    start = _at(document.value, prefix)
    by_path: dict[_Path, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        by_path.setdefault(_path_of(details, start), []).append(details)
    return [_problem(path, found, document, tuple(prefix), model) for path, found in by_path.items()]


def _problem(path: _Path, found: list[ErrorDetails], document: YamlDocument, prefix: _Path, model: type[BaseModel] | None) -> Problem:
    """Say what is wrong with one value."""
    first, kind = found[0], found[0]["type"]
    place = document.place((*prefix, *path), key=kind == "extra_forbidden")
    name = next((f"`{step}`" for step in reversed(path) if isinstance(step, str)), "The value")
    if kind == "missing":
        return Problem("missing-field", f"{name} is missing.", place, f"Add `{path[-1]}:`.")
    if kind == "extra_forbidden":
        return Problem("unknown-field", f"{name} is not a field here.", place, _field_hint(str(path[-1]), path, model))
    wants = list(dict.fromkeys(filter(None, map(_wanted, found))))
    if wants:
        hint = "Put it in quotes." if "text" in wants and isinstance(first["input"], int | float) else ""
        return Problem("wrong-type", f"{name} should be {_either(wants)}, not {_shown(first['input'])}.", place, hint)
    return Problem(*_rule_and_message(name, first), place, _choice_hint(first))


def _rule_and_message(name: str, details: ErrorDetails) -> tuple[str, str]:
    kind, context = details["type"], details.get("ctx", {})
    shown = _shown(details["input"])
    if kind in {"enum", "literal_error", "union_tag_invalid"}:
        return "unknown-value", f"{name} cannot be {shown if kind != 'union_tag_invalid' else context['tag']}."
    if kind == "union_tag_not_found":
        return "missing-field", f"{name} needs the field {str(context['discriminator']).replace(chr(39), '`')}."
    if kind == "string_pattern_mismatch":
        return "wrong-form", f"{name}: {shown} does not have the form {context['pattern']}."
    if kind == "value_error":
        return "invalid-value", f"{name}: {context['error']}."
    return "invalid-value", f"{name}: {details['msg'][:1].lower()}{details['msg'][1:]}."


def _choice_hint(details: ErrorDetails) -> str:
    """Name the nearest of the values allowed, or all of them."""
    context = details.get("ctx", {})
    allowed = str(context.get("expected") or context.get("expected_tags") or "")
    if not allowed or details["type"] not in {"enum", "literal_error", "union_tag_invalid"}:
        return ""
    values = [value.strip().strip("'") for value in allowed.replace(" or ", ", ").split(",")]
    return _suggest(str(context.get("tag") or details["input"]), values, "One of")


def _field_hint(name: str, path: _Path, model: type[BaseModel] | None) -> str:
    fields = [field for found in _models_at(model, path[:-1]) for field in found.model_fields]
    return _suggest(name, sorted(set(fields)), "Fields here:")


def _suggest(name: str, names: Sequence[str], lead: str) -> str:
    close = get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean `{close[0]}`?"
    return f"{lead} {', '.join(names)}." if 0 < len(names) <= _SHOWN_CHOICES else ""


def _models_at(model: Any, path: _Path) -> Iterable[type[BaseModel]]:
    """Find the models that may stand at a path, through lists, unions and optional fields."""
    models = set(_models_in(model))
    for step in path:
        if isinstance(step, str):
            fields = [found.model_fields[step].annotation for found in models if step in found.model_fields]
            models = {inner for annotation in fields for inner in _models_in(annotation)}
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _path_of(details: ErrorDetails, value: Any) -> _Path:
    """Keep the steps of pydantic's location that are steps of the value; the others name branches of a union."""
    path: list[str | int] = []
    missing = details["type"] == "missing"
    for step in details["loc"][:-1] if missing else details["loc"]:
        inside = _at(value, (step,), default=_NOWHERE)
        if inside is not _NOWHERE:
            path.append(step)
            value = inside
    return (*path, details["loc"][-1]) if missing else tuple(path)


_NOWHERE: Final = object()


def _at(value: Any, path: Sequence[str | int], default: object = None) -> Any:
    for step in path:
        if (isinstance(value, dict) and step in value) or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            value = value[step]  # type: ignore[index]
        else:
            return default
    return value


def _wanted(details: ErrorDetails) -> str | None:
    """Say what type a field wants, if its type is what is wrong."""
    kind = details["type"]
    return None if kind.endswith(_NOT_FORM) else _WANTED.get(kind.split("_", 1)[0])


def _either(wants: Sequence[str]) -> str:
    return wants[0] if len(wants) == 1 else f"{', '.join(wants[:-1])} or {wants[-1]}"


def _shown(value: object) -> str:
    """Show a value of the input, cut short."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits a terminal line
