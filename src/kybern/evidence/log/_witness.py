"""A witness, as C2SP tlog-witness defines it, without its network: what is submitted, what is decided, what is remembered.

A witness cosigns a checkpoint only if it continues the last one it cosigned of that log: never a smaller one, never two of one size.
What contradicts that is kept, as both notes that the log signed.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, Self

from kybern.evidence._refused import Refused
from kybern.evidence.log._merkle import EMPTY_ROOT, HASH_BYTES, extends
from kybern.evidence.log._note import MAX_NOTE, MAX_SIZE, Checkpoint, Verifier, open_checkpoint, read_base64, read_signature, split_note

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from kybern.evidence.log._cosignature import WitnessSigner

_MAX_HASHES: Final = 63
MAX_SUBMISSION: Final = MAX_NOTE + 64 * 64
"""The longest submission read, in bytes."""

SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True)
class Submission:
    """What a log submits: the size it takes the witness to hold, the proof that the checkpoint continues that, the signed checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def __bytes__(self) -> bytes:
        """Write it as it is sent."""
        lines = [f"old {self.old}", *(base64.b64encode(one).decode() for one in self.proof), "", ""]
        return "\n".join(lines).encode() + self.note

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read it; `Refused` (`bad-submission`) if it is none or out of bounds. The note is not looked at."""
        head, between, note = body.partition(b"\n\n")
        if len(body) > MAX_SUBMISSION or not between or not head.isascii():
            raise _bad(why=f"it is not lines of ASCII, an empty line and a checkpoint, in at most {MAX_SUBMISSION:,} bytes")
        first, *lines = head.decode().split("\n")
        old = _OLD.fullmatch(first)
        if old is None or int(old[1]) > MAX_SIZE:
            raise _bad(why="its first line is not `old` and a size")
        proof = tuple(read_base64(line) or b"" for line in lines)
        if len(proof) > _MAX_HASHES or any(len(one) != HASH_BYTES for one in proof):
            raise _bad(why=f"it has more than {_MAX_HASHES} hashes, or one that is not {HASH_BYTES} bytes in base64")
        return cls(int(old[1]), proof, note)


@dataclass(frozen=True)
class Seen:
    """A checkpoint that the witness cosigned: its size and root, as of which second, and the note with the cosignatures."""

    size: int
    root: bytes
    at: int
    note: bytes


class Kind(StrEnum):
    """How a checkpoint contradicts what was cosigned before."""

    FORK = "fork"
    """Two roots for one size, both signed by the log: proof by itself."""

    UNPROVEN = "unproven"
    """Larger, and not shown to begin with what was cosigned: another past, or somebody sent a wrong proof."""

    SMALLER = "smaller"
    """Smaller than what was cosigned, and never seen: entries were taken away, or it came late."""


@dataclass(frozen=True)
class Contradiction:
    """Two notes that a log signed and that do not fit each other: what was cosigned, and what was submitted."""

    kind: Kind
    held: bytes
    shown: bytes


class Turn(Protocol):
    """One log's memory while nobody else changes it; what is written is durable when the turn ends, or nothing of it is."""

    def latest(self) -> Seen | None:
        """Give the last checkpoint that was cosigned."""

    def at(self, size: int) -> Seen | None:
        """Give the checkpoint of this size that was cosigned, if one was."""

    def advance(self, seen: Seen) -> None:
        """Remember a checkpoint as the last that was cosigned; of one size, the latest note is kept."""

    def keep(self, found: Contradiction, checkpoint: Checkpoint) -> None:
        """Keep what contradicts; the same twice is kept once, and one kind does not crowd out another."""


class Memory(Protocol):
    """What a witness remembers."""

    def keys(self, origin: str) -> Sequence[Verifier]:
        """Give the keys of the log of this name; none if it is not known."""

    def turn(self, origin: str) -> AbstractContextManager[Turn]:
        """Take a log's turn: others wait until it ends."""


@dataclass(frozen=True)
class Answer:
    """What is answered: a status of HTTP, a body and its type."""

    status: int
    body: bytes
    type: str = TEXT_TYPE


class Witness:
    """A witness with its keys and its memory."""

    def __init__(self, signers: Sequence[WitnessSigner], memory: Memory) -> None:
        """Take the private keys, each of which cosigns, and the memory."""
        self.signers, self.memory = tuple(signers), memory

    def add_checkpoint(self, body: bytes, now: int) -> Answer:
        """Judge a submission at a second since 1970, remember it if it holds, and answer. Whatever the memory raises passes through."""
        try:
            submission = Submission.parse(body)
            checkpoint = Checkpoint.parse(split_note(submission.note)[0])
        except Refused as refused:
            return _words(400, refused.message)
        keys = self.memory.keys(checkpoint.origin)
        if not keys:
            return _words(404, f"the log {ascii(checkpoint.origin)[:120]} is not known here")
        signed = _signed_alone(submission.note, keys)
        if signed is None:
            return _words(403, "no trusted key of the log signed this checkpoint")
        with self.memory.turn(checkpoint.origin) as turn:
            return self._judge(turn, replace(submission, note=signed), checkpoint, now)

    def _judge(self, turn: Turn, submission: Submission, checkpoint: Checkpoint, now: int) -> Answer:
        """Judge what the log signed, while nobody else changes what is remembered of it."""
        latest = turn.latest()
        found = contradiction(submission, checkpoint, latest, turn.at(checkpoint.size))
        if found is not None:
            turn.keep(found, checkpoint)
        refusal = decide(submission, checkpoint, latest)
        if refusal is not None:
            return refusal
        at = now if latest is None else max(now, latest.at)  # "the largest as of this second" stays true if the clock is set back
        try:
            lines = b"".join(signer.cosign(checkpoint, at) for signer in self.signers)
        except ValueError as error:
            return _words(400, f"the checkpoint cannot be cosigned: {error}")
        turn.advance(Seen(checkpoint.size, checkpoint.root, at, submission.note + lines))
        return Answer(200, lines)


def decide(submission: Submission, checkpoint: Checkpoint, latest: Seen | None) -> Answer | None:
    """Refuse a signed checkpoint that does not continue the last one cosigned; None if it does."""
    held, root = (0, EMPTY_ROOT) if latest is None else (latest.size, latest.root)
    if submission.old > checkpoint.size:
        return _words(400, "the old size is greater than the checkpoint's")
    if submission.old != held or (latest is not None and held == checkpoint.size and root != checkpoint.root):
        return Answer(409, f"{held}\n".encode(), SIZE_TYPE)
    if not extends(held, checkpoint.size, root, checkpoint.root, submission.proof):
        return _words(422, f"the proof does not show that the checkpoint begins with the {held} entries that were cosigned")
    return None


def contradiction(submission: Submission, checkpoint: Checkpoint, latest: Seen | None, same: Seen | None) -> Contradiction | None:
    """Tell how a signed checkpoint contradicts what was cosigned: the last one, and the one of the same size."""
    if latest is None:
        return None
    if same is not None:
        return None if same.root == checkpoint.root else Contradiction(Kind.FORK, same.note, submission.note)
    if checkpoint.size < latest.size:
        return Contradiction(Kind.SMALLER, latest.note, submission.note)
    proven = submission.old != latest.size or extends(latest.size, checkpoint.size, latest.root, checkpoint.root, submission.proof)
    return None if proven else Contradiction(Kind.UNPROVEN, latest.note, submission.note)


def _signed_alone(note: bytes, keys: Sequence[Verifier]) -> bytes | None:
    """Give the note with those lines only that the log's keys signed; None if there is none. What strangers add is not kept."""
    signed = {(key.name, key.id) for key in keys if _signed(note, key)}
    text, lines = split_note(note)
    kept = [line for line in lines if read_signature(line)[:2] in signed]
    return "\n".join([text, *kept, ""]).encode() if kept else None


def _signed(note: bytes, key: Verifier) -> bool:
    try:
        open_checkpoint(note, key)
    except Refused:
        return False
    return True


def _words(status: int, message: str) -> Answer:
    return Answer(status, f"{message}\n".encode())


def _bad(*, why: str) -> Refused:
    return Refused(rule="bad-submission", message=f"this is no submission to a witness: {why}")
