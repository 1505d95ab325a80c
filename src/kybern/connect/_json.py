"""JSON of other tools: bounded, no key twice, shapes checked with JSON pointers; NaN and infinity are no figures and become null."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kybern.base import InputError, Place, Problem
from kybern.base.validation import said_of
from kybern.base.yaml import pointer
from kybern.connect._observation import Source

MAX_DEPTH: Final = 64

_M = TypeVar("_M", bound=BaseModel)


class Loose(BaseModel):
    """Base of foreign shapes: what we do not read may be there."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def read_json(source: Source) -> Any:
    """Read a source as JSON; `InputError` with line and column otherwise."""
    try:
        value = json.loads(source.data.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_none, parse_float=_float)
    except UnicodeDecodeError as error:
        raise source.fault("not-utf8", f"Byte {error.start} is not UTF-8.", "Write it in UTF-8.") from None
    except json.JSONDecodeError as error:
        place = Place(source.name, error.lineno, error.colno)
        raise InputError.one("not-json", f"This is not JSON: {error.msg}.", place) from None
    except RecursionError:
        raise source.fault("too-deep", "It is nested too deeply.") from None
    except ValueError as error:
        raise source.fault("not-json", f"This is not JSON that is read: {error}.") from None
    _bounded(value, source)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = Counter(name for name, _ in pairs)
        twice = next(name for name, count in names.items() if count > 1)
        msg = f"the key {ascii(twice)[:80]} stands twice in one object"
        raise ValueError(msg)
    return found


def _none(_: str) -> None:
    return None


def _float(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _bounded(value: Any, source: Source) -> None:
    """Walk without recursion, and refuse what is nested too deeply."""
    layer, depth = [value], 0
    while layer:
        if depth > MAX_DEPTH:
            raise source.fault("too-deep", f"It is nested deeper than {MAX_DEPTH} levels.")
        inner: list[Any] = []
        for one in layer:
            if isinstance(one, dict):
                inner += [each for each in one.values() if isinstance(each, dict | list)]
            elif isinstance(one, list):
                inner += [each for each in one if isinstance(each, dict | list)]
        layer, depth = inner, depth + 1


def shaped(model: type[_M], value: Any, source: Source, whole: str) -> _M:
    """Hold a value to a shape; `InputError` with the JSON pointer of everything that does not fit."""
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        found = said_of(error, value, model=model, whole=whole)
        problems = [Problem(said.rule, said.message, Place(source.name, pointer=pointer(path)), said.hint) for path, said in found]
        raise InputError(problems) from None
