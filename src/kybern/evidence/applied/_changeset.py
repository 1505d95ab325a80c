"""The change set: what an apply changes, as a list that anybody can hash, under a statement that somebody signs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AwareDatetime, Field, ValidationError

from kybern.base import canonical_json
from kybern.evidence._json import read_json
from kybern.evidence._models import PREDICATE_PREFIX, STATEMENT_TYPE, Line, RecordName, Sha256, Shape
from kybern.evidence._refused import Refused
from kybern.evidence._verify import open_signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.evidence._keyring import Keyring

CHANGE_SET: Final = f"{PREDICATE_PREFIX}change-set:v1"
MAX_CHANGES: Final = 1_000_000
_SUBJECT: Final = "changes"
_HEX: Final = "[0-9a-f]{64}"
_LINE: Final = re.compile(
    rf'{{(?:"(?P<kind>commitment|digest)":"(?P<now>{_HEX})",)?"ref":"(?P<ref>[a-z_]{{1,60}}:[a-z0-9][a-z0-9._-]{{0,119}})",'
    rf'(?P<removed>"removed":true,)?"was":(?:null|"(?P<was>{_HEX})")}}'.encode()
)
"""A line of the list, in canonical JSON: every text in it is ASCII that JSON does not escape."""


@dataclass(frozen=True, order=True)
class Change:
    """A record's step from one version to another: the digest of each, or a commitment to it; None where there is none."""

    ref: str
    was: str | None
    now: str | None
    committed: bool = False

    @property
    def act(self) -> str:
        """Say in a word what becomes of the record."""
        return "removed" if self.now is None else "added" if self.was is None else "changed"

    def line(self) -> bytes:
        """Write it as a line of the list."""
        now = "" if self.now is None else f'"{"commitment" if self.committed else "digest"}":"{self.now}",'
        removed = '"removed":true,' if self.now is None else ""
        was = "null" if self.was is None else f'"{self.was}"'
        return f'{{{now}"ref":"{self.ref}",{removed}"was":{was}}}'.encode()


class Base(Shape):
    """What the change set was planned against: the last one, and how many entries the log had up to its end."""

    change: Sha256 | None
    entries: Annotated[int, Field(ge=0)]


class Applied(Shape):
    """What is signed: who applied it, when, why, on what; and how many changes it has."""

    at: AwareDatetime
    by: RecordName
    reason: Line
    base: Base
    changes: Annotated[int, Field(ge=1, le=MAX_CHANGES)]


@dataclass(frozen=True)
class ChangeSet:
    """A change set read back; `listed` is the SHA-256 of its list."""

    said: Applied
    listed: str

    @property
    def at(self) -> datetime:
        """When it was signed, as who signed says."""
        return self.said.at


def list_of(changes: Sequence[Change]) -> bytes:
    """Write the list: a line a change, in the order of the names."""
    return b"".join(change.line() + b"\n" for change in sorted(changes))


def read_change(line: bytes) -> Change:
    """Read a line of the list; `Refused` (`bad-change`) if it is none."""
    found = _LINE.fullmatch(line)
    if found is None or (found["now"] is None) is not (found["removed"] is not None) or (found["now"] is None and found["was"] is None):
        raise Refused(rule="bad-change", message=f"this is no line of a change set: {ascii(line[:120])[2:-1]}")
    now, was = (None if found[name] is None else found[name].decode() for name in ("now", "was"))
    return Change(found["ref"].decode(), was, now, committed=found["kind"] == b"commitment")


def change_set(said: Applied, changes: Sequence[Change]) -> bytes:
    """Write the statement over a list of changes, as canonical JSON ready to sign."""
    listed = hashlib.sha256(list_of(changes)).hexdigest()
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": _SUBJECT, "digest": {"sha256": listed}}],
            "predicateType": CHANGE_SET,
            "predicate": said.model_dump(mode="json"),
        }
    )


def read_change_set(payload: bytes) -> ChangeSet:
    """Read the statement; `Refused` (`not-json`, `bad-change-set`) if it is none."""
    value = read_json(payload, "the change set")
    if not isinstance(value, dict) or set(value) != {"_type", "subject", "predicateType", "predicate"}:
        raise _bad(why="it is not an in-toto statement with subject, predicateType and predicate")
    if value["_type"] != STATEMENT_TYPE or value["predicateType"] != CHANGE_SET:
        raise _bad(why=f"its predicateType is not {CHANGE_SET}")
    try:
        said = Applied.model_validate_json(canonical_json(value["predicate"]), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _bad(why=f"predicate/{'/'.join(map(str, first['loc']))}: {ascii(first['msg'])[1:-1]}") from None
    return ChangeSet(said, _listed(value["subject"]))


def open_change_set(envelope: bytes, keyring: Keyring, source: str, taken_in: datetime) -> ChangeSet:
    """Open a change set that the log took in then, from this source.

    A key of who it says it is by must have signed it, valid when it was signed and when the log took it in: who backdates with a
    key that was revoked is found out by the log's time. Raises `Refused` (`holder-mismatch`, and what `open_signed` raises).
    """
    found, keys = open_signed(envelope, keyring, read_change_set)
    mine = [key for key in keys if key.holder == found.said.by == source]
    if not mine:
        raise Refused(
            rule="holder-mismatch", message=f"it says it is by {found.said.by}, whose key did not sign it, or the entry says another"
        )
    if all(key.standing(taken_in) != "valid" for key in mine):
        standing = mine[0].standing(taken_in)
        raise Refused(rule=f"key-{standing}", message=f"{mine[0].label} was {standing.replace('-', ' ')} when the log took it in")
    return found


def _listed(subject: object) -> str:
    one = subject[0] if isinstance(subject, list) and len(subject) == 1 else None
    digest = one.get("digest") if isinstance(one, dict) and set(one) == {"name", "digest"} and one["name"] == _SUBJECT else None
    listed = digest.get("sha256") if isinstance(digest, dict) and set(digest) == {"sha256"} else None
    if not isinstance(listed, str) or not re.fullmatch(_HEX, listed, re.ASCII):
        raise _bad(why=f"its one subject is not the list of changes, {_SUBJECT!r} with its SHA-256")
    return listed


def _bad(*, why: str) -> Refused:
    return Refused(rule="bad-change-set", message=f"this is no change set: {why}")
