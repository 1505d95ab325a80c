"""Leaves: what the log says of an entry, in small canonical JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kybern.evidence._json import read_json
from kybern.evidence._refused import Refused

VERSION: Final = 1
STATEMENT: Final = "statement"
_TYPE: Final = re.compile(r"[a-z][a-z-]{0,39}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SOURCE: Final = re.compile(r"[!#-\[\]-~]{1,120}", re.ASCII)  # no space, quotation mark or backslash: JSON writes it as it is
_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", re.ASCII)
_MAX_SEQ: Final = (1 << 53) - 1
_AT_START: Final = len('{"at":"')
_AT_END: Final = _AT_START + len("2026-11-23T16:00:00.000000Z")


@dataclass(frozen=True)
class Entry:
    """A statement to be logged: the SHA-256 of its bytes and of the envelope as it is stored, and who it comes from.

    `seq` is the source's own number of it, greater than that of its last; None lets the log count for the source. With `once`
    it is not logged again if this envelope is in the log. Raises `Refused` (`bad-leaf`) for what a leaf cannot say.
    """

    statement: str
    envelope: str
    source: str
    seq: int | None = None
    type: str = STATEMENT
    once: bool = False

    def __post_init__(self) -> None:
        """Hold the fields to their form."""
        _check(vars(self) | {"seq": 1 if self.seq is None else self.seq})

    @property
    def unless(self) -> str | None:
        """The digest that must not be in the log yet."""
        return self.envelope if self.once else None

    def leaf(self, seq: int, at: str) -> bytes:
        """Write the leaf. Every text is in ASCII that JSON does not escape, so this is the canonical form."""
        return (
            f'{{"at":"{at}","envelope":"{self.envelope}","seq":{seq},"source":"{self.source}",'
            f'"statement":"{self.statement}","type":"{self.type}","v":{VERSION}}}'
        ).encode()


@dataclass(frozen=True)
class Leaf:
    """A leaf read back; `at` is when the log took it in."""

    type: str
    statement: str
    envelope: str
    source: str
    seq: int
    at: datetime


def read_leaf(data: bytes) -> Leaf:
    """Read a leaf; `Refused` (`bad-leaf`) if it is none. Fields that are not known here are passed over."""
    try:
        value = read_json(data, "the leaf")
    except Refused as refused:
        raise _bad_leaf(why=refused.message) from None
    if not isinstance(value, dict) or value.get("v") != VERSION:
        raise _bad_leaf(why=f"it is not a JSON object of version {VERSION}")
    _check(value)
    at = value.get("at")
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) and _AT.fullmatch(at) else None
    except ValueError:
        moment = None
    if moment is None:
        raise _bad_leaf(why="at is not a moment in UTC with microseconds")
    return Leaf(value["type"], value["statement"], value["envelope"], value["source"], value["seq"], moment)


def moment_text(at: datetime) -> str:
    """Write a moment in UTC so that texts sort as moments do: always with microseconds."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def moment_of(leaf: bytes) -> str:
    """Give the moment at which the log took a leaf in, without reading the rest: in canonical JSON it stands first."""
    return leaf[_AT_START:_AT_END].decode("ascii", "replace")


def _check(fields: dict[str, Any]) -> None:
    for name, form in (("type", _TYPE), ("statement", _SHA256), ("envelope", _SHA256), ("source", _SOURCE)):
        value = fields.get(name)
        if not isinstance(value, str) or not form.fullmatch(value):
            raise _bad_leaf(why=f"{name} is missing or not of its form: {ascii(value)[:120]}")
    seq = fields.get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 < seq <= _MAX_SEQ:
        raise _bad_leaf(why="seq is not a whole number from 1 on")


def _bad_leaf(*, why: str) -> Refused:
    return Refused(rule="bad-leaf", message=f"this is no leaf of the log: {why}")
