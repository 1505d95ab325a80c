"""What the tests of witnesses share: fixed keys, a memory in a dictionary, a tree by brute force, submissions made from it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

sys.path.insert(0, str(Path(__file__).parent))

from log_bench import ORIGIN, SIGNER, slow_proof, slow_root

from kybern.evidence.log import Checkpoint, Contradiction, Post, Reply, Seen, Signer, Submission, Verifier, Witness, WitnessSigner

NOW = 1_795_600_000
WITNESS = WitnessSigner("example.org/witness", Ed25519PrivateKey.from_private_bytes(b"\x22" * 32))
LATTICE = WitnessSigner("example.org/witness", MLDSA44PrivateKey.from_seed_bytes(b"\x33" * 32))
OTHER = WitnessSigner("example.org/other", Ed25519PrivateKey.from_private_bytes(b"\x44" * 32))


def tree(leaves: Sequence[bytes], origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, len(leaves), slow_root(leaves))


def signed(leaves: Sequence[bytes], signer: Signer = SIGNER) -> bytes:
    return signer.sign(str(tree(leaves, signer.verifier.name)))


def submission(old: int, leaves: Sequence[bytes], signer: Signer = SIGNER) -> Submission:
    proof = slow_proof(old, leaves) if 0 < old < len(leaves) else []
    return Submission(old, tuple(proof), signed(leaves, signer))


class Remembered:
    """A memory that forgets with the test; it writes nothing unless a turn ends well."""

    def __init__(self, *keys: Verifier) -> None:
        self._keys = keys
        self.seen: dict[str, dict[int, Seen]] = {}
        self.kept: list[Contradiction] = []

    def keys(self, origin: str) -> list[Verifier]:
        return [key for key in self._keys if key.name == origin]

    @contextlib.contextmanager
    def turn(self, origin: str) -> Iterator[RememberedTurn]:
        turn = RememberedTurn(dict(self.seen.get(origin, {})))
        yield turn
        self.seen[origin] = turn.seen
        self.kept += turn.kept


class RememberedTurn:
    def __init__(self, seen: dict[int, Seen]) -> None:
        self.seen = seen
        self.kept: list[Contradiction] = []

    def latest(self) -> Seen | None:
        return self.seen[max(self.seen)] if self.seen else None

    def at(self, size: int) -> Seen | None:
        return self.seen.get(size)

    def advance(self, seen: Seen) -> None:
        self.seen[seen.size] = seen

    def keep(self, found: Contradiction, checkpoint: Checkpoint) -> None:
        assert checkpoint.origin
        self.kept.append(found)


def witness(*signers: WitnessSigner) -> tuple[Witness, Remembered]:
    memory = Remembered(SIGNER.verifier)
    return Witness(signers or (WITNESS, LATTICE), memory), memory


def post_into(one: Witness, now: int = NOW) -> Post:
    def post(body: bytes) -> Reply:
        answer = one.add_checkpoint(body, now)
        return Reply(answer.status, answer.type, answer.body)

    return post
