"""The scene of an attack: a log in a copy, three witnesses, an auditor who kept a checkpoint, somebody who kept a proof."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kybern.cli._witness_memory import WitnessMemory
from kybern.evidence.log import (
    CHECKPOINT,
    Came,
    Entry,
    Group,
    Journal,
    KnownWitness,
    Log,
    Policy,
    Reply,
    Signer,
    Witness,
    WitnessSigner,
    ask,
    read_leaf,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kybern.evidence.log import Head, Outcome, Post

AGENT: Final = "tool:demo-agent"
"""A source that numbers its own entries."""

_QUORUM: Final = 2
_STEP: Final = timedelta(seconds=1)


@dataclass
class Scene:
    """Everything an attack needs, and everything that notices it."""

    root: Path
    log: Log
    signer: Signer
    witnesses: dict[str, Witness]
    policy: Policy
    moment: datetime
    early: bytes = b""
    kept: bytes = b""
    proof: bytes = b""
    shown: int = 0

    @classmethod
    def build(cls, root: Path, signer: Signer, now: datetime, given: tuple[Path, Path] | None = None) -> Scene:
        """Set the scene in an empty folder: over a copy of a log (its folder and journal), or over a small one of its own."""
        folder, journal = root / "log", root / "journal.db"
        if given is None:
            log = Log.create(folder, journal, signer, now - 60 * _STEP)
        else:
            shutil.copytree(given[0], folder, symlinks=True)
            _copy_journal(given[1], journal)
            log = Log.open(folder, journal, signer)
        signers = _witness_signers()
        witnesses = {name: _witness(root / name, one, signer) for name, one in signers.items()}
        known = tuple(KnownWitness(name, one.key) for name, one in signers.items())
        policy = Policy((signer.verifier,), known, (Group("enough", _QUORUM, tuple(signers)),), "enough")
        scene = cls(root, log, signer, witnesses, policy, now - 50 * _STEP)
        scene._honest_days()
        return scene

    def _honest_days(self) -> None:
        """Let the log grow and be witnessed twice; the auditor keeps the second checkpoint, somebody a proof under it."""
        self.append([entry(number, AGENT, number) for number in range(1, 5)])
        self.publish()
        self.early = self.log.head().note
        self.append([entry(number, "person:demo-lead") for number in range(100, 104)] + [entry(5, AGENT, 5)])
        self.publish()
        self.kept = self.log.head().note
        self.shown = self.log.head().checkpoint.size - 3
        self.proof = bytes(self.log.prove(self.shown))

    def append(self, entries: Sequence[Entry]) -> None:
        """Append as an honest log does."""
        self.moment += _STEP
        self.log.append(entries, self.moment)

    def publish(self) -> dict[str, Outcome]:
        """Publish and ask the witnesses."""
        self.moment += _STEP
        self.log.publish(self.moment)
        found = {}
        for name in self.witnesses:
            head = self.log.head()
            found[name] = self.ask(name, self.log, head)
            if found[name].came is Came.COSIGNED:
                self.log.add_cosignatures(head.checkpoint.size, found[name].cosigned)
        return found

    def ask(self, name: str, log: Log, head: Head) -> Outcome:
        """Ask a witness."""
        return ask(log, head, [one.key for one in self.witnesses[name].signers], _post(self.witnesses[name], self.moment))

    # What an operator with full power over disk and key does

    def leaves(self) -> list[bytes]:
        """Read every leaf."""
        return [leaf for _, block in self.log.journal.blocks(0, self.log.journal.size) for leaf in block]

    def rebuild(self, name: str, leaves: Sequence[bytes]) -> Log:
        """Make a log of these leaves, with a fresh journal, the same name and the same key: every file fits every other."""
        root = self.root / name
        Journal.create(root / "journal.db").close()
        force_into(root / "journal.db", 0, leaves)
        log = Log.open(root / "log", root / "journal.db", self.signer)
        self.moment += _STEP
        log.publish(self.moment)
        return log

    def put_back(self, log: Log, note: bytes) -> None:
        """Put an old checkpoint of a log's size back in its folder."""
        (log.folder.path / CHECKPOINT).write_bytes(note)

    def sign_as_it_is(self) -> None:
        """Sign the journal as it is, without what publishing would refuse."""
        self.moment += _STEP
        self.log.publish(self.moment)

    def close(self) -> None:
        """Close the files."""
        self.log.journal.close()


def entry(number: int, source: str, seq: int | None = None) -> Entry:
    """Make an entry of the demonstration."""
    statement, envelope = (sha256(f"demo {kind} {source} {number}".encode()).hexdigest() for kind in ("statement", "envelope"))
    return Entry(statement, envelope, source, seq)


def force_into(journal: Path, start: int, leaves: Sequence[bytes]) -> None:
    """Write leaves into a journal past its program, as whoever holds the disk can."""
    last = {read_leaf(leaf).source: read_leaf(leaf).seq for leaf in leaves}
    with contextlib.closing(sqlite3.connect(journal)) as connection, connection:
        connection.executemany("INSERT INTO entry VALUES (?, ?)", enumerate(leaves, start))
        connection.executemany("INSERT OR REPLACE INTO source VALUES (?, ?)", last.items())


def _copy_journal(source: Path, target: Path) -> None:
    """Copy a journal as one moment of it, whoever writes meanwhile."""
    with contextlib.closing(sqlite3.connect(source)) as one, contextlib.closing(sqlite3.connect(target)) as two:
        one.backup(two)


def _witness_signers() -> dict[str, WitnessSigner]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey  # noqa: PLC0415

    return {
        "auditor": WitnessSigner("demo.example/auditor", Ed25519PrivateKey.generate()),
        "customer": WitnessSigner("demo.example/customer", Ed25519PrivateKey.generate()),
        "regulator": WitnessSigner("demo.example/regulator", MLDSA44PrivateKey.generate()),
    }


def _witness(folder: Path, signer: WitnessSigner, log: Signer) -> Witness:
    folder.mkdir()
    memory = WitnessMemory.create(folder / "memory.db")
    memory.add(log.verifier)
    return Witness([signer], memory)


def _post(witness: Witness, moment: datetime) -> Post:
    def post(body: bytes) -> Reply:
        answer = witness.add_checkpoint(body, int(moment.timestamp()))
        return Reply(answer.status, answer.type, answer.body)

    return post
