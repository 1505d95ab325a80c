"""A value that a model refuses, and the plain words for it: rule, message, hint."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from pydantic import BaseModel

from kybern.base._forms import FORMS
from kybern.base.suggest import Suggester

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Path = tuple[str | int, ...]

_QUOTED: Final = re.compile(r"'([^']*)'")
_SHOWN: Final = 60
_BOUNDS: Final = {"gt": "greater than", "ge": "at least", "lt": "less than", "le": "at most"}
_WANTED: Final = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "timezone": "a time zone",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping",
    "model": "a mapping",
}
"""What a field wants, by the first word of pydantic's error type."""

_NOT_TYPE: Final = ("_pattern_mismatch", "_too_long", "_too_short", "_unicode", "_past", "_future")
_HOW: Final = {
    "true or false": "Write true or false.",
    "a date": "Write it like 2026-11-20.",
    "a date and time": "Write it like 2026-11-20T09:30:00Z.",
    "a time zone": "End it with Z for UTC, or with an offset such as +02:00.",
    "a list": "Write each item on its own line after a dash.",
    "a mapping": "Write its fields under it, as `name: value`.",
}
"""How what a field wants is written."""


class Said(NamedTuple):
    """What is said of a fault: the rule's slug, what is wrong, what would be right."""

    rule: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One value that a model refuses.

    `kind` is pydantic's error type, `path` leads from the value validated to the one refused, `given` is the latter. `wants` names
    the types asked for (several for a union) if the type is what is wrong. `whole` names the value validated: `A control`.
    """

    kind: str
    path: Path
    given: Any
    context: Mapping[str, Any]
    wants: tuple[str, ...]
    model: type[BaseModel]
    whole: str

    @property
    def name(self) -> str:
        """Where it stands within the whole: `exclusions[0].what`."""
        return self.named(self.path)

    def named(self, path: Path) -> str:
        """Write a path as people do, or the name of the whole."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{shown(step)}" for step in path)
        return text.removeprefix(".") or self.whole


Sayings = dict[str, "Callable[[Fault], Said | None]"]
"""By pydantic's error type: what is said of a fault, or None if it is what is always said."""


def say(fault: Fault, more: Sayings) -> Said:
    """Say what is wrong; what a room knows beyond the general, in `more`, comes first."""
    for sayings in (more, _SAYINGS):
        said = sayings[fault.kind](fault) if fault.kind in sayings else None
        if said is not None:
            return said
    return _wrong_type(fault) if fault.wants else _other(fault)


def wanted(kind: str) -> str | None:
    """Tell what type is asked for by an error of this type, if the type is what is wrong."""
    return None if kind.endswith(_NOT_TYPE) else _WANTED.get(kind.split("_", 1)[0])


def shown(value: object) -> str:
    """Write a value briefly and on one line, as it would stand in YAML or JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _what(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"the text '{shown(value)}'" if isinstance(value, str) else shown(value)


def _wrong_type(fault: Fault) -> Said:
    needs, how = _either(fault.wants), _HOW.get(fault.wants[0], "") if len(fault.wants) == 1 else ""
    if fault.given is None:
        return Said("wrong-type", f"{fault.name} is empty; it needs {needs}.", how or "Give a value, or leave the field out.")
    return Said("wrong-type", f"{fault.name} needs {needs}, not {_what(fault.given)}.", _same_characters(fault.given, fault.wants) or how)


def _either(wants: Sequence[str]) -> str:
    return wants[0] if len(wants) == 1 else f"{', '.join(wants[:-1])} or {wants[-1]}"


def _same_characters(value: object, wants: Sequence[str]) -> str:
    """Say how the same characters would become what is wanted."""
    if "text" in wants and isinstance(value, int | float):
        return f'Put it in quotes: "{shown(value)}".'
    if "true or false" in wants and str(value).lower() in {"yes", "on", "y", "no", "off", "n"}:
        return f"Write {'true' if str(value).lower() in {'yes', 'on', 'y'} else 'false'}."
    number = not {"a number", "a whole number"}.isdisjoint(wants)
    return "Remove the quotes." if number and isinstance(value, str) and value.strip("-+").replace(".", "", 1).isdigit() else ""


def _missing(fault: Fault) -> Said:
    add = f"dd `{shown(fault.path[-1])}:`."
    return Said("missing-field", f"The field {fault.name} is missing.", f"A{add}" if fault.path[:-1] else f"{fault.whole} needs it: a{add}")


def _unknown(fault: Fault) -> Said:
    fields = sorted({name for owner in _models_at(fault.model, fault.path[:-1]) for name in owner.model_fields})
    word = shown(fault.path[-1])
    hint = Suggester().hint(word, fields, f"Its fields are {', '.join(fields)}." if fields else "Remove it.")
    return Said("unknown-field", f"{fault.named(fault.path[:-1])} has no field {word}.", hint)


def _choice(fault: Fault) -> Said:
    expected = fault.context["expected"]
    options = _QUOTED.findall(expected) or [expected]
    use = f"Use {'one of ' if len(options) > 1 else ''}{', '.join(options)}."
    hint = Suggester().hint(fault.given, options, use) if isinstance(fault.given, str) else use
    return Said("unknown-value", f"{fault.name} cannot be {shown(fault.given)}.", hint)


def _form(fault: Fault) -> Said:
    pattern = fault.context["pattern"]
    what, hint = FORMS.get(pattern, (f"of the form {pattern}", ""))
    return Said("wrong-form", f"{fault.name} is not {what}: {shown(fault.given)}.", hint)


def _length(fault: Fault) -> Said:
    limit = fault.context.get("min_length", fault.context.get("max_length"))
    counted = "character" if fault.kind.startswith("string") else "item"
    bound = "at least" if fault.kind.endswith("short") else "at most"
    hint = "Write something, or leave the field out." if limit == 1 and counted == "character" else ""
    return Said("wrong-length", f"{fault.name} needs {bound} {limit:,} {counted}{'' if limit == 1 else 's'}.", hint)


def _range(fault: Fault) -> Said:
    ((words, limit),) = ((_BOUNDS[key], value) for key, value in fault.context.items() if key in _BOUNDS)
    return Said("out-of-range", f"{fault.name} is {shown(fault.given)}; it must be {words} {limit}.")


def _validator(fault: Fault) -> Said:
    message = str(fault.context["error"]).rstrip(".")
    return Said("invalid-value", f"{fault.name}: {message}." if fault.path else f"{message[:1].upper()}{message[1:]}.")


def _other(fault: Fault) -> Said:
    message = str(fault.context["message"])
    return Said("invalid-value", f"{fault.name}: {message[:1].lower()}{message[1:]}.")


_SAYINGS: Final[Sayings] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    "enum": _choice,
    "string_pattern_mismatch": _form,
    **dict.fromkeys(("string_too_short", "string_too_long", "too_short", "too_long"), _length),
    **dict.fromkeys(("greater_than", "greater_than_equal", "less_than", "less_than_equal"), _range),
    "value_error": _validator,
}


def _models_at(model: type[BaseModel], path: Path) -> Iterable[type[BaseModel]]:
    """Find the models that may stand at a path, through lists, mappings, unions and optional fields."""
    models = {model}
    for step in path:
        if isinstance(step, str):
            fields = [found.model_fields[step].annotation for found in models if step in found.model_fields]
            # A step that is no field is a key of a mapping to the models.
            models = {inner for annotation in fields for inner in _models_in(annotation)} if fields else models
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
