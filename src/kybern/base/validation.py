"""Validation with a model, and what it refuses in plain words: one problem for each thing that is wrong, at its exact place.

The rules are `missing-field`, `unknown-field`, `unknown-value`, `wrong-type`, `wrong-form`, `wrong-length`, `out-of-range` and
`invalid-value`. A room that knows more of some values hands in sayings of its own.
"""

from __future__ import annotations

import json
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from kybern.base._faults import Fault, Path, Said, Sayings, say, shown, wanted
from kybern.base._forms import FORMS
from kybern.base.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from kybern.base.problems import Place

__all__ = ["Document", "Fault", "Path", "Said", "Sayings", "form_hint", "problems_of", "said_of", "shown", "validate"]

_M = TypeVar("_M", bound=BaseModel)


class Document(Protocol):
    """A value with the places of its parts: of a YAML file, or of whatever else a value was made from."""

    @property
    def value(self) -> Any:
        """The value, JSON-shaped."""

    def place(self, path: Sequence[str | int] = (), *, key: bool = False) -> Place:
        """Find where the value at `path` stands, or with `key` what it is named by."""


_MOST: Final = 100
"""Problems told of one value: more help nobody."""

_NONE: Final[Sayings] = {}
_NOWHERE: Final = object()


def validate(
    model: type[_M], document: Document, prefix: Sequence[str | int] = (), *, whole: str = "The file", more: Sayings = _NONE
) -> tuple[_M | None, list[Problem]]:
    """Validate the value at `prefix` of `document`; gives the instance, or None and every problem with its place.

    The value goes in as JSON in strict mode: a text becomes a date where a date is asked for, but never a number or a truth.
    `whole` and `more` are those of `said_of`.
    """
    try:
        return model.__pydantic_validator__.validate_json(json.dumps(_at(document.value, prefix)), strict=True), []
    except ValidationError as error:
        return None, problems_of(error, document, prefix, model=model, whole=whole, more=more)


def problems_of(  # noqa: PLR0913 - the error, its place, and the three things that words are made from
    error: ValidationError,
    document: Document,
    prefix: Sequence[str | int] = (),
    *,
    model: type[BaseModel],
    whole: str = "The file",
    more: Sayings = _NONE,
) -> list[Problem]:
    """Translate the error of validating the value at `prefix` of `document` with `model`."""
    found = said_of(error, _at(document.value, prefix), model=model, whole=whole, more=more)
    return [
        Problem(said.rule, said.message, document.place((*prefix, *path), key=said.rule == "unknown-field"), said.hint)
        for path, said in found
    ]


def said_of(
    error: ValidationError, value: object, *, model: type[BaseModel], whole: str, more: Sayings = _NONE
) -> Iterator[tuple[Path, Said]]:
    """Say every fault of `value` that `model` found, with its path within the value.

    What a union says about one value in several ways becomes one. `whole` is the subject of a sentence about the value itself:
    `A control`. `more` says some faults in words of its own, by pydantic's error type.
    """
    by_path: dict[Path, list[_Found]] = {}
    for details in error.errors(include_url=False):
        found = _found(details, value)
        by_path.setdefault(found.path, []).append(found)
    broken = {path[:cut] for path in by_path for cut in range(len(path))}
    told = (path for path, all_found in by_path.items() if not (path in broken and _counts(all_found)))
    for path in islice(told, _MOST):
        yield path, say(_fault(by_path[path], model, whole), more)


def form_hint(pattern: str) -> str:
    """Say how a text is written that has the pattern; empty where the pattern is all that is known of it."""
    return FORMS[pattern][1] if pattern in FORMS else ""


class _Found(NamedTuple):
    """One of pydantic's errors, its path made one within the value."""

    kind: str
    path: Path
    given: Any
    context: Mapping[str, Any]


def _found(details: ErrorDetails, value: object) -> _Found:
    """Bring an error into one form: the tag of a union is a field like any other, with its choices."""
    kind, given, path = details["type"], details["input"], _path_of(details, value)
    context = {**details.get("ctx", {}), "message": details["msg"]}
    if kind.startswith("union_tag"):
        path = (*path, context["discriminator"].strip("'"))
        if kind == "union_tag_not_found":
            return _Found("missing", path, given, context)
        return _Found("literal_error", path, context["tag"], {"expected": context["expected_tags"]})
    return _Found(kind, path, given, MappingProxyType(context))


def _counts(found: list[_Found]) -> bool:
    """Pydantic counts only the items that are right: where some are wrong, and told, a list that is too short is no news."""
    return all(one.kind == "too_short" for one in found)


def _fault(found: list[_Found], model: type[BaseModel], whole: str) -> Fault:
    """Make one fault of what is said about one value: a branch that takes its type knows better than those that do not."""
    one = next((one for one in found if not wanted(one.kind)), found[0])
    wants = dict.fromkeys(want for each in found if (want := wanted(each.kind))) if wanted(one.kind) else ()
    return Fault(one.kind, one.path, one.given, one.context, tuple(wants), model, whole)


def _path_of(details: ErrorDetails, value: Any) -> Path:
    """Keep the steps of pydantic's location that are steps of the value; the others name branches of a union."""
    path: list[str | int] = []
    missing = details["type"] == "missing"
    for step in details["loc"][:-1] if missing else details["loc"]:
        inside = _at(value, (step,), default=_NOWHERE)
        if inside is not _NOWHERE:
            path.append(step)
            value = inside
    return (*path, details["loc"][-1]) if missing else tuple(path)


def _at(value: Any, path: Sequence[str | int], default: object = None) -> Any:
    for step in path:
        if (isinstance(value, dict) and step in value) or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            value = value[step]  # type: ignore[index]
        else:
            return default
    return value
