"""Asking a witness, without the network: what is sent, how its answer is read, and what it means if it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from kybern.evidence._refused import Refused
from kybern.evidence.log._cosignature import Cosignature, WitnessKey, read_cosignatures
from kybern.evidence.log._note import MAX_SIZE
from kybern.evidence.log._witness import SIZE_TYPE, Submission

if TYPE_CHECKING:
    from kybern.evidence.log._log import Head, Log

_TRIES: Final = 4
_OK: Final = 200
_CONFLICT: Final = 409
_UNPROVEN: Final = 422
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class Reply(NamedTuple):
    """What came back: a status of HTTP, the type of the body, the body."""

    status: int
    type: str
    body: bytes


Post = Callable[[bytes], Reply]
"""Sends a submission to a witness; raises `OSError` where it does not answer."""


class Came(StrEnum):
    """What became of asking."""

    COSIGNED = "cosigned"
    REFUSED = "refused"
    """The witness saw another past than the log shows."""

    SILENT = "silent"
    """No answer, or none that can be used."""


@dataclass(frozen=True)
class Outcome:
    """What a witness did: its cosignatures, or the reason's slug and words."""

    came: Came
    cosigned: tuple[Cosignature, ...] = ()
    rule: str = ""
    message: str = ""


def ask(log: Log, head: Head, keys: Sequence[WitnessKey], post: Post, held: int = 0) -> Outcome:
    """Ask a witness to cosign a published checkpoint; `held` is the size it is taken to hold.

    Raises `Refused` where the log's tiles do not give the proof.
    """
    size = head.checkpoint.size
    held = min(held, size)
    for _ in range(_TRIES):
        try:
            reply = post(bytes(Submission(held, log.consistency(held, size), head.note)))
        except OSError as error:
            return _silent("no-answer", f"it does not answer: {error.strerror or error}")
        if reply.status != _CONFLICT:
            return _answered(reply, head, keys, held)
        other = _held(reply)
        if other is None or other > size or other == held:
            return _conflict(other, held, size)
        held = other
    return _silent("bad-answer", f"it names another size each of {_TRIES} times")


def _answered(reply: Reply, head: Head, keys: Sequence[WitnessKey], held: int) -> Outcome:
    """Read what a witness answers that holds what it was taken to hold."""
    if reply.status == _UNPROVEN:
        return _refused("fork", f"it cosigned {held} entries, and the log does not begin with them: the past was rewritten")
    if reply.status != _OK:
        words = ascii(reply.body[:200].decode("utf-8", "replace").strip())[1:-1]
        return _silent("no-cosignature", f"it answers {reply.status}: {words}")
    try:
        found = read_cosignatures(reply.body, head.note, keys)
    except Refused as refused:
        return _silent(refused.rule, f"its answer is of no use: {refused.message}")
    if not found:
        return _silent("no-cosignature", "it answers with no cosignature of a key that is known of it")
    return Outcome(Came.COSIGNED, found)


def _conflict(other: int | None, held: int, size: int) -> Outcome:
    """Say what it means that the witness holds another size, where asking again does not help."""
    if other is not None and other > size:
        return _refused("rollback", f"it cosigned {other} entries, and the log shows {size}: entries were taken away")
    if other == held == size:
        return _refused("fork", f"it cosigned {size} entries with another root: two pasts were signed")
    return _silent("bad-answer", "it answers 409 without another size that it holds")


def _held(reply: Reply) -> int | None:
    match = _SIZE.fullmatch(reply.body) if reply.type.split(";")[0].strip() == SIZE_TYPE else None
    return int(match[1]) if match is not None and int(match[1]) <= MAX_SIZE else None


def _silent(rule: str, message: str) -> Outcome:
    return Outcome(Came.SILENT, rule=rule, message=message)


def _refused(rule: str, message: str) -> Outcome:
    return Outcome(Came.REFUSED, rule=rule, message=message)
