"""JSON as evidence needs it: bounded, and with one reading only (no duplicate keys, no NaN, no infinity)."""

from __future__ import annotations

import json
import math

from kybern.evidence._refused import Refused

MAX_BYTES = 1 << 20
"""The largest envelope read, in bytes: 1 MiB."""

MAX_INTEGER = 2**53 - 1
"""The largest whole number that every reader of JSON reads alike (RFC 8259, section 6)."""

MAX_DEPTH = 32
"""The deepest nesting read, in envelopes and statements."""

_TOO_LARGE = "a number is too large for JSON"


def read_json(data: bytes, what: str) -> object:
    """Read JSON text as one value; `what` names it in the words of the refusal.

    Raises `Refused` (`too-large`, `not-json`) for anything two readers could read differently or that is out of bounds.
    """
    if len(data) > MAX_BYTES:
        msg = f"{what} has {len(data):,} bytes; at most {MAX_BYTES:,} are read"
        raise Refused(rule="too-large", message=msg)
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer, parse_float=_finite
        )
        if data.count(b"{") + data.count(b"[") > MAX_DEPTH:  # with fewer signs that open something nothing is as deep
            _bounded(value, 0)
    except RecursionError:
        raise _not_json(what, "it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _not_json(what, f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise _not_json(what, f"byte {error.start} is not UTF-8") from None
    except ValueError as error:
        raise _not_json(what, str(error)) from None
    return value


def _not_json(what: str, why: str) -> Refused:
    return Refused(rule="not-json", message=f"{what} is not JSON that Kybern reads: {why}")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"the key {twice!a} stands twice in one object"
        raise ValueError(msg)
    return found


def _no_constant(name: str) -> object:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_INTEGER:
        raise ValueError(_TOO_LARGE)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(_TOO_LARGE)
    return value


def _bounded(value: object, depth: int) -> None:
    """Raise `ValueError` where nesting goes beyond what is read."""
    if isinstance(value, dict | list):
        if depth == MAX_DEPTH:
            msg = f"it is nested deeper than {MAX_DEPTH} levels"
            raise ValueError(msg)
        for inner in value.values() if isinstance(value, dict) else value:
            _bounded(inner, depth + 1)
