"""A log with records applied to it, in a folder: what the tests of applying share."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kybern.evidence import VAULT, KeyKind, Keyring, PrivateKey, Vault
from kybern.evidence.applied import Applications, Applier, ChangeStore, Plan, Reader, plan
from kybern.evidence.log import JournalView, Log, Signer
from kybern.records import Record

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
LOG_KEY = PrivateKey(Ed25519PrivateKey.from_private_bytes(b"\x11" * 32))
ANNA = PrivateKey(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
SIGNER = Signer("example.org/evidence", LOG_KEY)
KEYRING = Keyring((ANNA.trusted(name="anna", holder="person:anna", kind=KeyKind.PERSON, valid_from=START),))

Facts = Mapping[str, Mapping[str, object]]
"""What is stated: fields by the record's name."""


def records(facts: Facts) -> list[Record]:
    """Make records: `role:chair` with its fields."""
    made = []
    for ref, fields in facts.items():
        kind, _, name = ref.partition(":")
        more = {"responsibilities": ("Does it.",)} if kind == "role" else {}
        made.append(Record.registry[kind].model_validate({"kind": kind, "id": name, "title": name, **more, **fields}))
    return made


def digest(value: object) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()


def seeded(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes  # noqa: S311 - the same keys every run


class Stop(BaseException):
    """The process ends here."""


def stop_at(monkeypatch: pytest.MonkeyPatch, wanted: int) -> list[int]:
    """End at a step that changes the disk, and at every one after it: half of a write arrives. Gives the steps counted so far."""
    counted = [0]

    def stepping(name: str) -> None:
        real = getattr(os, name)

        def call(*args: Any, **options: Any) -> Any:
            counted[0] += 1
            if counted[0] == wanted and name == "write":
                real(args[0], bytes(args[1])[: len(bytes(args[1])) // 2])
            if counted[0] >= wanted:
                raise Stop
            return real(*args, **options)

        monkeypatch.setattr(os, name, call)

    for name in ("write", "fsync", "replace", "open", "unlink"):
        stepping(name)
    return counted


@dataclass
class World:
    """A log, the store of change sets and the vault beside it, and a clock of its own."""

    root: Path
    log: Log
    seed: int = 1
    moment: datetime = START
    vault: Vault = field(init=False)

    def __post_init__(self) -> None:
        self.vault = Vault(self.root / VAULT, seeded(self.seed))

    @classmethod
    def at(cls, root: Path) -> World:
        return cls(root, Log.create(root / "log", root / "journal.db", SIGNER, START))

    def again(self, seed: int = 2) -> World:
        """Open the same log as another process does."""
        return World(self.root, Log.open(self.root / "log", self.root / "journal.db", SIGNER), seed, self.moment)

    @property
    def applied(self) -> Applications:
        return Applications(JournalView(self.log))

    @property
    def reader(self) -> Reader:
        return Reader(ChangeStore(self.root), self.vault)

    def plan(self, facts: Facts) -> Plan:
        return plan(self.applied.now(), self.reader, records(facts))

    def apply(self, found: Plan | Facts, reason: str = "Because.") -> list[int]:
        self.moment += timedelta(hours=1)
        there = found if isinstance(found, Plan) else self.plan(found)
        return Applier(self.log, self.reader, ANNA, "person:anna").apply(there, reason, self.moment)

    def facts(self, state: object = None) -> dict[str, dict[str, object]]:
        """Read the state back as contents by name."""
        found = self.reader.contents(self.applied.now() if state is None else state)  # type: ignore[arg-type]
        assert not found.unread
        return {record.ref: record.content for record in found.records}


def contents(facts: Facts) -> dict[str, dict[str, object]]:
    return {record.ref: record.content for record in records(facts)}


def names(found: Sequence[object]) -> list[str]:
    return [str(getattr(one, "ref", one)) for one in found]
