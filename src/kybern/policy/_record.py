"""Records of decisions: a line of JSON each, chained by digest, from which every decision can be taken again.

A line names the digest of the line before it, so that nothing can be taken out, put in or changed between two lines that somebody
knows. What anchors the chain is the evidence log, into which its head goes from time to time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO, Final

from kybern.base import InputError, Place
from kybern.policy._decide import Decision
from kybern.policy._durations import write_duration
from kybern.policy._rules import Effect
from kybern.policy._schema import ACTION, CALLER, FactSchema

START: Final = "0" * 64
MAX_LINE: Final = 1 << 20
_FIELDS: Final = frozenset(("bundle", "effect", "facts", "faults", "failed", "fired", "n", "prev", "schema"))
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=lambda value: _plain(value)).encode  # noqa: PLW0108 - it stands below


def _plain(value: object) -> str | list[Any]:
    """Write what JSON has no form for as the schema reads it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return write_duration(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return f"<{type(value).__name__}>"  # no fact can be one, so it was denied, and that is told too


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands: how many lines it has, and the digest of the last."""

    count: int = 0
    digest: str = START


class DecisionLog:
    """Writes decisions to a file, which is the caller's: to open for appending, to flush, to close."""

    def __init__(self, file: BinaryIO, head: Link | None = None) -> None:
        """Go on from where a chain stands."""
        self._file = file
        self.head = head or Link()

    def append(self, decision: Decision, facts: dict[str, Any]) -> Link:
        """Write a decision with the facts it was taken on; give where the chain stands now."""
        head = self.head
        line = _written(
            {
                "bundle": decision.bundle.digest,
                "effect": decision.effect.value,
                "facts": {str(name): value for name, value in facts.items()},
                "failed": [one.rule.id for one in decision.failures],
                "faults": decision.faults,
                "fired": [rule.id for rule in decision.in_order],
                "n": head.count + 1,
                "prev": head.digest,
                "schema": decision.bundle.schema.ref,
            }
        )
        self._file.write(line + b"\n")
        self.head = Link(head.count + 1, sha256(line).hexdigest())
        return self.head


@dataclass(frozen=True)
class Recorded:
    """A decision that was read back."""

    number: int
    effect: Effect
    fired: tuple[str, ...]
    facts: dict[str, Any]
    bundle: str
    digest: str

    def sources(self, schema: FactSchema) -> tuple[dict[str, Any], dict[str, Any]]:
        """Part the facts into those a caller gives and those providers supply."""
        given = {name: value for name, value in self.facts.items() if name == ACTION or _provider(schema, name) == CALLER}
        return given, {name: value for name, value in self.facts.items() if name not in given}


def _provider(schema: FactSchema, name: str) -> str:
    spec = schema.by_name.get(name)
    return CALLER if spec is None else spec.provider


def read_decisions(lines: Iterable[bytes], file: str, head: Link | None = None) -> Iterator[Recorded]:
    """Read a file of decisions line by line, and hold each against the one before.

    Raises `InputError` (`bad-record`, `broken-chain`) at the first line that is none, or does not follow.
    """
    before = head or Link()
    for number, raw in enumerate(lines, 1):
        line = raw.removesuffix(b"\n")
        place = Place(file, number, 1)
        found = _line(line, place)
        if found["prev"] != before.digest or found["n"] != before.count + 1:
            message = f"The decision says it follows {found['prev'][:12]}…, and before it stands {before.digest[:12]}…."
            raise InputError.one("broken-chain", message, place, "A line before it was changed, taken out or put in.")
        before = Link(found["n"], sha256(line).hexdigest())
        yield Recorded(found["n"], Effect(found["effect"]), tuple(found["fired"]), found["facts"], found["bundle"], before.digest)


def _written(found: dict[str, Any]) -> bytes:
    """Write a record in the one form it has: two keys of one name, another spelling of a number or a space are none of it.

    Half a character, which only facts hold that were refused, is written as JSON escapes it.
    """
    return _encode(found).encode("utf-8", "backslashreplace")


def _line(line: bytes, place: Place) -> dict[str, Any]:
    why = "it is not a JSON object with the fields of a decision"
    found: Any = None
    if len(line) > MAX_LINE:
        why = f"it has more than {MAX_LINE:,} bytes"
    else:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
    texts = ("bundle", "effect", "prev", "schema")
    fits = (
        isinstance(found, dict)
        and found.keys() == _FIELDS
        and all(isinstance(found[name], str) for name in texts)
        and found["effect"] in set(Effect)
        and isinstance(found["facts"], dict)
        and type(found["n"]) is int
        and isinstance(found["fired"], list)
        and all(isinstance(one, str) for one in found["fired"])
        and _written(found) == line
    )
    if not fits:
        raise InputError.one("bad-record", f"This is no record of a decision: {why}.", place)
    return dict(found)
