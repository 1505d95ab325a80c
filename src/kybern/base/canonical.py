"""Canonical JSON (RFC 8785, JCS) and the digests taken over it.

What Kybern signs keeps to a part of JSON in which fast serialisers write the same bytes as RFC 8785, with keys sorted and nothing else
done: keys in ASCII; texts of valid Unicode; whole numbers between -2**53 and 2**53, and written as such; other numbers finite, and not from
1e-6 until below 1e-5, where they differ on the exponent. `restricted` holds a value to it. The tests compare the two.
"""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from typing import Any, Final

import rfc8785

_WHOLE: Final = 2**53
_DIFFER: Final = (1e-6, 1e-5)
_LEAST: Final = 1e-4
"""From here on Python writes a number without an exponent, as RFC 8785 does."""
_WRITER: Final = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def canonical_json(value: object) -> bytes:
    """Serialise JSON-shaped `value` by RFC 8785, as UTF-8 bytes.

    Raises `ValueError` for what JSON cannot carry (NaN, infinity, integers beyond 2**53, other types).
    """
    with suppress(_NotPlainError, RecursionError, UnicodeEncodeError):  # the other writes it, or says what is wrong
        return _WRITER.encode(_plain(value)).encode()
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


class _NotPlainError(Exception):
    """A value that Python's own serialiser may write otherwise."""


def _plain(value: Any) -> Any:
    """Give what Python's own serialiser, ten times as fast, writes in the same bytes: keys in ASCII, numbers without exponents or `.0`."""
    kind = value.__class__
    if kind is str or kind is bool or value is None:
        return value
    if kind is list or kind is tuple:
        return [inner if inner.__class__ is str else _plain(inner) for inner in value]
    if kind is dict:
        for key in value:
            if key.__class__ is not str or not key.isascii():
                raise _NotPlainError
        return {key: inner if inner is None or inner.__class__ is str else _plain(inner) for key, inner in value.items()}
    if kind is int and -_WHOLE < value < _WHOLE:
        return value
    if kind is float and -_WHOLE < value < _WHOLE:
        if value.is_integer():
            return int(value)
        if abs(value) >= _LEAST:
            return value
    raise _NotPlainError


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON of `value`, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def restricted(value: object) -> object:
    """Give JSON-shaped `value` as it is signed: a whole number is an int, and nothing lies outside the part named above.

    Its canonical JSON stays the same. Raises `ValueError` with the JSON pointer and what would be right.
    """
    return _restricted(value, "")


def _restricted(value: object, at: str) -> object:
    if isinstance(value, dict):
        return {_key(name, at): _restricted(inner, f"{at}/{name}") for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_restricted(inner, f"{at}/{index}") for index, inner in enumerate(value)]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _number(value, at)
    if not isinstance(value, str) or not value.isascii():
        _check_text(value, at)
    return value


def _key(name: object, at: str) -> str:
    if not isinstance(name, str) or not name.isascii():
        msg = f"{at or '/'}: the key {ascii(name)[:60]} is not a text in ASCII"
        raise ValueError(msg)
    return name


def _number(value: float, at: str) -> float:
    if not math.isfinite(value) or (float(value).is_integer() and abs(value) >= _WHOLE):
        msg = f"{at or '/'}: {value!r:.60} is no number below 2**53; give it in a larger unit"
        raise ValueError(msg)
    if _DIFFER[0] <= abs(value) < _DIFFER[1]:
        msg = f"{at or '/'}: numbers from 1e-6 until below 1e-5 are not written alike everywhere; give {value!r} in a smaller unit"
        raise ValueError(msg)
    return int(value) if float(value).is_integer() else value


def _check_text(value: object, at: str) -> None:
    try:
        if not isinstance(value, str):
            raise ValueError  # noqa: TRY004, TRY301 - said once, below
        value.encode()
    except ValueError:
        msg = f"{at or '/'}: {ascii(value)[:60]} is no text of valid Unicode, and nothing else that JSON has"
        raise ValueError(msg) from None
