"""Leaves: what the log says of an entry, in small canonical JSON.

A leaf is of one of the forms of `FORMS` and says nothing else; docs/handbook/log.md has the table for readers. Content is in no
leaf: its digest stands for it, or, where it is personal, a commitment.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from kybern.evidence._refused import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION: Final = 1
STATEMENT: Final = "statement"
TIMESTAMP: Final = "timestamp"
RECORD: Final = "record"
EVENT: Final = "event"
ERASURE: Final = "erasure"
PROTECTED: Final = "protected"
"""The source of statements whose content is personal: who signed is part of the content."""

FORMS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (STATEMENT, ("envelope", "statement")),
    (STATEMENT, ("commitment",)),
    (TIMESTAMP, ("envelope", "statement")),
    (RECORD, ("change", "digest", "ref")),
    (RECORD, ("change", "commitment", "ref")),
    (RECORD, ("change", "ref", "removed")),
    (EVENT, ("digest",)),
    (EVENT, ("commitment",)),
    (ERASURE, ("receipt",)),
)
"""Each type of leaf with the fields it has beside `at`, `seq`, `source`, `type` and `v`."""

_HEX: Final = "[0-9a-f]{64}"
_AT: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_SOURCE: Final = r"[!#-\[\]-~]{1,120}"  # no space, quotation mark or backslash: JSON writes it as it is
_REF: Final = "[a-z_]{1,60}:[a-z0-9][a-z0-9._-]{0,119}"
_TEXTS: Final = {"at": _AT, "source": _SOURCE, "ref": _REF}
_MAX_SEQ: Final = (1 << 53) - 1
_AT_START: Final = len('{"at":"')
_AT_END: Final = _AT_START + len("2026-11-23T16:00:00.000000Z")
_DIGESTS: Final = ("statement", "envelope", "digest", "commitment", "receipt")


def _pattern(type_: str, fields: tuple[str, ...]) -> re.Pattern[bytes]:
    """Write a form as the one expression that its canonical JSON matches: every text in it is ASCII that JSON does not escape."""
    parts = {name: f'"(?P<{name}>{_TEXTS.get(name, _HEX)})"' for name in ("at", "source", *fields)}
    parts |= {"seq": "(?P<seq>[1-9][0-9]{0,15})", "type": f'"{type_}"', "v": str(VERSION)}
    if "removed" in fields:
        parts["removed"] = "true"
    return re.compile(("{" + ",".join(f'"{name}":{parts[name]}' for name in sorted(parts)) + "}").encode())


_PATTERNS: Final = tuple((type_, _pattern(type_, fields)) for type_, fields in FORMS)


@dataclass(frozen=True)
class Entry:
    """A statement, or a time-stamp's token, to be logged: the SHA-256 of its bytes and of the envelope as it is stored, and whose it is.

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
        _check({"statement": self.statement, "envelope": self.envelope, "source": self.source}, self.seq)
        if self.type not in {STATEMENT, TIMESTAMP}:
            raise _bad_leaf(why=f"it is of no type that names a statement and an envelope: {ascii(self.type)[:60]}")

    @property
    def unless(self) -> str | None:
        """The digest that must not be in the log yet."""
        return self.envelope if self.once else None

    @property
    def keys(self) -> tuple[str, ...]:
        """What its leaf will be found by: as `Leaf.digests` and `Leaf.terms`, before there is a leaf."""
        return (self.statement, self.envelope)

    def leaf(self, seq: int, at: str) -> bytes:
        """Write the leaf. Every text is in ASCII that JSON does not escape, so this is the canonical form."""
        return (
            f'{{"at":"{at}","envelope":"{self.envelope}","seq":{seq},"source":"{self.source}",'
            f'"statement":"{self.statement}","type":"{self.type}","v":{VERSION}}}'
        ).encode()


@dataclass(frozen=True)
class TypedEntry:
    """An entry of another form; made by the functions below. `unless` is a digest that must not be in the log yet."""

    type: str
    source: str
    fields: Mapping[str, str]
    seq: int | None = None
    removed: bool = False
    unless: str | None = None

    def __post_init__(self) -> None:
        """Hold the fields to their form."""
        _check({**self.fields, "source": self.source}, self.seq)

    @property
    def keys(self) -> tuple[str, ...]:
        """What its leaf will be found by: as `Leaf.digests` and `Leaf.terms`, before there is a leaf."""
        digests = tuple(self.fields[name] for name in _DIGESTS if name in self.fields)
        return (*digests, *_terms(self.type, self.fields.get("ref", "")))

    def leaf(self, seq: int, at: str) -> bytes:
        """Write the leaf: for ASCII texts and whole numbers this is the canonical form."""
        said = {**self.fields, "at": at, "seq": seq, "source": self.source, "type": self.type, "v": VERSION}
        if self.removed:
            said["removed"] = True
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def record_entry(ref: str, change: str, source: str, *, digest: str | None = None, commitment: str | None = None) -> TypedEntry:
    """Make the entry of a record's version: its digest, or a commitment to it, or neither where the record was removed.

    `change` is the SHA-256 of the signed change set that brought it.
    """
    content = {"digest": digest} if digest is not None else {"commitment": commitment} if commitment is not None else {}
    return TypedEntry(RECORD, source, {"ref": ref, "change": change, **content}, removed=not content)


def event_entry(digest: str, source: str, seq: int | None = None, *, committed: bool = False) -> TypedEntry:
    """Make the entry of an event that has no signature of its own: a digest, or a commitment, of what was recorded."""
    return TypedEntry(EVENT, source, {"commitment" if committed else "digest": digest}, seq)


def erasure_entry(receipt: str, source: str) -> TypedEntry:
    """Make the entry of an erasure: the SHA-256 of its signed receipt. A receipt is logged once."""
    return TypedEntry(ERASURE, source, {"receipt": receipt}, unless=receipt)


def protected_entry(commitment: str) -> TypedEntry:
    """Make the entry of a statement whose content is personal. A commitment is logged once."""
    return TypedEntry(STATEMENT, PROTECTED, {"commitment": commitment}, unless=commitment)


@dataclass(frozen=True)
class Leaf:
    """A leaf read back; `at` is when the log took it in. A field that its form does not have is empty."""

    type: str
    statement: str
    envelope: str
    source: str
    seq: int
    at: datetime
    ref: str = ""
    change: str = ""
    digest: str = ""
    commitment: str = ""
    receipt: str = ""
    removed: bool = field(default=False)

    @property
    def digests(self) -> tuple[str, ...]:
        """What the entry is found by."""
        return tuple(found for name in _DIGESTS if (found := getattr(self, name)))

    @property
    def terms(self) -> tuple[str, ...]:
        """What else it is found by: see `term`."""
        return _terms(self.type, self.ref)


def _terms(type_: str, ref: str) -> tuple[str, ...]:
    if type_ == RECORD:
        return (term("type", RECORD), term("ref", ref))
    return (term("type", ERASURE),) if type_ == ERASURE else ()


def term(name: str, value: str) -> str:
    """Name what an entry is found by beside its digests, in the form of one."""
    return hashlib.sha256(f"kybern.log/{name}={value}".encode()).hexdigest()


def read_leaf(data: bytes) -> Leaf:
    """Read a leaf; `Refused` (`bad-leaf`) if it is none, in canonical JSON and to the last field."""
    for type_, pattern in _PATTERNS:
        found = pattern.fullmatch(data)
        if found is not None:
            return _leaf(type_, {name: text.decode() for name, text in found.groupdict().items()})
    raise _bad_leaf(why=f"it is not of a form that version {VERSION} knows: {ascii(data[:120])[2:-1]}")


def _leaf(type_: str, said: dict[str, str]) -> Leaf:
    seq = int(said.pop("seq"))
    try:
        at = datetime.fromisoformat(said.pop("at"))
    except ValueError:
        raise _bad_leaf(why="at is no moment") from None
    if seq > _MAX_SEQ:
        raise _bad_leaf(why="seq is too large")
    removed = type_ == RECORD and "digest" not in said and "commitment" not in said
    both = {"statement": said.pop("statement", ""), "envelope": said.pop("envelope", "")}
    return Leaf(type_, **both, seq=seq, at=at, removed=removed, **said)


def moment_text(at: datetime) -> str:
    """Write a moment in UTC so that texts sort as moments do: always with microseconds."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def moment_of(leaf: bytes) -> str:
    """Give the moment at which the log took a leaf in, without reading the rest: in canonical JSON it stands first."""
    return leaf[_AT_START:_AT_END].decode("ascii", "replace")


def _check(fields: Mapping[str, str], seq: int | None) -> None:
    for name, value in fields.items():
        if not isinstance(value, str) or not re.fullmatch(_TEXTS.get(name, _HEX), value, re.ASCII):
            raise _bad_leaf(why=f"{name} is missing or not of its form: {ascii(value)[:120]}")
    if seq is not None and (not isinstance(seq, int) or isinstance(seq, bool) or not 0 < seq <= _MAX_SEQ):
        raise _bad_leaf(why="seq is not a whole number from 1 on")


def _bad_leaf(*, why: str) -> Refused:
    return Refused(rule="bad-leaf", message=f"this is no leaf of the log: {why}")
