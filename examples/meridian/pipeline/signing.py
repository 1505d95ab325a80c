"""Keys and the evidence folder: who signs with what, and one method that writes a signed statement."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from kybern.evidence import KeyKind, Keyring, Predicate, PrivateKey, Read, Subject, read_evidence, sign, statement, with_key, write
from kybern.records import RecordSet

PIPELINE = "pipeline:credit-ci"
AUDITORS = ("person:ingrid-lund",)
VALID_FROM = datetime(2025, 1, 1, tzinfo=UTC)
VERSION = "1"
"""The version of this pipeline, named in all it signs."""


class Signers:
    """The demo keys of a workspace: private parts in `.kybern/keys/`, public ones in `keys.yaml`, made where missing."""

    def __init__(self, root: Path) -> None:
        """Start `keys.yaml` anew; private keys that are there are kept."""
        self._folder = root / ".kybern" / "keys"
        self._public = root / "keys.yaml"
        self._keys: dict[str, PrivateKey] = {}
        self._text = b""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._public.unlink(missing_ok=True)

    def of(self, holder: str) -> PrivateKey:
        """Give the key of a person or pipeline, and enter it in the keyring."""
        if holder not in self._keys:
            key = self._read_or_make(holder.replace(":", "-"))
            kind = KeyKind.AUDITOR if holder in AUDITORS else KeyKind(holder.partition(":")[0])
            entry = key.trusted(name=holder.partition(":")[2], holder=holder, kind=kind, valid_from=VALID_FROM)
            self._text = with_key(self._text, entry)
            self._public.write_bytes(self._text)
            self._keys[holder] = key
        return self._keys[holder]

    def _read_or_make(self, name: str) -> PrivateKey:
        path = self._folder / f"{name}.pem"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(PrivateKey.generate().pem())
        return PrivateKey.from_pem(path.read_bytes())

    @property
    def keyring(self) -> Keyring:
        """The public keys entered so far."""
        return Keyring.from_yaml(self._public.read_bytes()) if self._public.exists() else Keyring()


class Emitter:
    """Writes signed statements about records into `evidence/`, which it clears first."""

    def __init__(self, root: Path, records: RecordSet) -> None:
        """Begin with an empty folder of evidence and of test reports."""
        self.root, self.records = root, records
        self.signers = Signers(root)
        self.folder = root / "evidence"
        self.written = 0
        for stale in (self.folder, root / ".kybern" / "reports"):
            shutil.rmtree(stale, ignore_errors=True)

    def write(self, predicate: Predicate, about: Iterable[str], holder: str, folder: str) -> None:
        """Sign a statement with the holder's key and store it. Raises `KeyError` if a record named is not there."""
        subjects = [Subject(ref, self._digest(ref)) for ref in dict.fromkeys(about)]
        write(self.folder / folder, sign(statement(predicate, subjects), self.signers.of(holder)))
        self.written += 1

    def read(self) -> Read:
        """Read back and verify what was written."""
        return read_evidence(self.folder, self.signers.keyring, self.root)

    def _digest(self, ref: str) -> str:
        record = self.records.get(ref)
        if record is None:
            msg = f"no record {ref} to speak of"
            raise KeyError(msg)
        return record.digest
