"""The part of CBOR (RFC 8949) that receipts use, read strictly: deterministic encoding only, no tags, floats or indefinite lengths.

Writing is cbor2's. Reading is not: its decoder acts on tags (patterns, dates, shared values), and here comes what strangers wrote.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cbor2

Value = int | bytes | str | list["Value"] | dict[int | str, "Value"] | None

_MAX_DEPTH: Final = 8
_MAX_ITEMS: Final = 256
_SHORT: Final = 24
_NULL: Final = 0xF6
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP = range(6)


def dump(value: object) -> bytes:
    """Write a value in deterministic encoding."""
    return cbor2.dumps(value, canonical=True)


def load(data: bytes) -> Value:
    """Read one value; `ValueError` for anything but its deterministic encoding, or out of bounds."""
    found = _value(data, 0, _MAX_DEPTH)
    if found.end != len(data):
        raise _bad(why="something stands behind its end")
    if dump(found.value) != data:
        raise _bad(why="it is not in the deterministic encoding")
    return found.value


class _Read(NamedTuple):
    value: Value
    end: int


def _value(data: bytes, at: int, depth: int) -> _Read:
    if data[at : at + 1] == bytes((_NULL,)):
        return _Read(None, at + 1)
    if depth == 0:
        raise _bad(why="it is nested too deeply")
    major, number, at = _head(data, at)
    if major in {_UNSIGNED, _NEGATIVE}:
        return _Read(number if major == _UNSIGNED else -1 - number, at)
    if major in {_BYTES, _TEXT}:
        if number > len(data) - at:
            raise _bad(why="it is cut off")
        raw = data[at : at + number]
        return _Read(raw if major == _BYTES else raw.decode(), at + number)
    if number > _MAX_ITEMS:
        raise _bad(why=f"it has more than {_MAX_ITEMS} items in one list")
    return _array(data, at, number, depth) if major == _ARRAY else _map(data, at, number, depth)


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Read the head of a value: its major type, its number, where what follows begins."""
    if at >= len(data):
        raise _bad(why="it is cut off")
    major, low = data[at] >> 5, data[at] & 31
    size = 0 if low < _SHORT else 1 << (low - _SHORT)
    if major > _MAP or size > 8:  # noqa: PLR2004 - bytes of the longest number
        raise _bad(why="it has a value of a kind that no receipt has")
    if at + 1 + size > len(data):
        raise _bad(why="it is cut off")
    return major, int.from_bytes(data[at + 1 : at + 1 + size]) if size else low, at + 1 + size


def _array(data: bytes, at: int, count: int, depth: int) -> _Read:
    found: list[Value] = []
    for _ in range(count):
        value, at = _value(data, at, depth - 1)
        found.append(value)
    return _Read(found, at)


def _map(data: bytes, at: int, count: int, depth: int) -> _Read:
    found: dict[int | str, Value] = {}
    for _ in range(count):
        key, at = _value(data, at, depth - 1)
        if not isinstance(key, int | str) or key in found:
            raise _bad(why="a key of a map is neither a number nor a text, or stands twice")
        found[key], at = _value(data, at, depth - 1)
    return _Read(found, at)


def _bad(*, why: str) -> ValueError:
    return ValueError(f"this is not CBOR as it is read here: {why}")
