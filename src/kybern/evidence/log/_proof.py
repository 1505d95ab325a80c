"""Proofs in files: `.tlog-proof`, as C2SP tlog-proof defines it.

The extra data is the leaf itself, so that a proof needs nothing beside it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kybern.evidence._refused import Refused
from kybern.evidence.log._leaf import Leaf, read_leaf
from kybern.evidence.log._merkle import HASH_BYTES, includes, leaf_hash
from kybern.evidence.log._note import MAX_NOTE, Checkpoint, open_checkpoint
from kybern.evidence.log._tiles import MAX_ENTRY

if TYPE_CHECKING:
    from kybern.evidence.log._note import Verifier

PROOF_SUFFIX: Final = ".tlog-proof"
MAX_PROOF: Final = 1 << 18
"""The longest proof read, in bytes."""

_HEAD: Final = "c2sp.org/tlog-proof@v1"
_MAX_HASHES: Final = 63
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True)
class TlogProof:
    """A proof as it stands in a file; nothing of it is verified."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def __bytes__(self) -> bytes:
        """Write it as it stands in a file."""
        lines = [_HEAD, *([f"extra {_write(self.extra)}"] if self.extra else ()), f"index {self.index}", *map(_write, self.hashes), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Read a proof; `Refused` (`bad-proof`) if it is none or is out of bounds."""
        head, between, checkpoint = data.partition(b"\n\n")
        if len(data) > MAX_PROOF or not between or len(checkpoint) > MAX_NOTE or not head.isascii():
            raise _bad_proof(why=f"it is not lines of ASCII, an empty line and a checkpoint, in at most {MAX_PROOF:,} bytes")
        lines = head.decode().split("\n")
        if lines.pop(0) != _HEAD:
            raise _bad_proof(why=f"its first line is not {_HEAD}")
        extra = _read(lines.pop(0).removeprefix("extra "), "the extra data") if lines and lines[0].startswith("extra ") else b""
        index = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if index is None:
            raise _bad_proof(why="the line with the index is missing")
        hashes = tuple(_read(line, "a hash") for line in lines)
        if len(hashes) > _MAX_HASHES or any(len(one) != HASH_BYTES for one in hashes) or len(extra) > MAX_ENTRY:
            raise _bad_proof(why=f"it has more than {_MAX_HASHES} hashes, or one that is not of {HASH_BYTES} bytes, or too much extra data")
        return cls(int(index[1]), hashes, checkpoint, extra)


@dataclass(frozen=True)
class Proven:
    """What a proof that holds shows: this leaf is the entry of this index in the log that the checkpoint tells of."""

    index: int
    leaf: Leaf
    checkpoint: Checkpoint


def verify_proof(data: bytes, verifier: Verifier) -> Proven:
    """Verify a proof that carries its leaf.

    Raises `Refused`: `bad-proof`, `bad-leaf`, what `open_checkpoint` raises, and `not-included` if the hashes do not lead from
    the leaf to the checkpoint's root.
    """
    proof = TlogProof.parse(data)
    checkpoint = open_checkpoint(proof.checkpoint, verifier)
    if not includes(leaf_hash(proof.extra), proof.index, checkpoint.size, proof.hashes, checkpoint.root):
        raise Refused(rule="not-included", message="the proof does not lead from its entry to the checkpoint's root")
    return Proven(proof.index, read_leaf(proof.extra), checkpoint)


def _write(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if not raw or base64.b64encode(raw).decode() != text:
        raise _bad_proof(why=f"{what} is not base64")
    return raw


def _bad_proof(*, why: str) -> Refused:
    return Refused(rule="bad-proof", message=f"this is no proof: {why}")
