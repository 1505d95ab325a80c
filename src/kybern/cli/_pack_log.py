"""What `kybern pack` takes out of the log: proofs of all that the pack speaks of, checkpoints, time-stamps, change sets."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kybern.cli._log import JOURNAL, KEY_FILE, LOG_FOLDER, content, log_of
from kybern.cli._log_sync import logged_as
from kybern.cli._log_witness import WITNESSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kybern.cli._shared import Assessed
    from kybern.evidence.log import Log, Stamp

POLICY = LOG_FOLDER / "policy"
"""The policy that goes into packs where none is named: which witnesses the organisation proposes."""

_LABELS = Path("labels")
_MOST = 1 << 18


@dataclass
class FromLog:
    """What the log gives: receipts of erasures by name, and the files below `proof/`."""

    erasures: dict[str, bytes] = field(default_factory=dict)
    proofs: dict[str, bytes] = field(default_factory=dict)


def from_log(found: Assessed, policy: Path | None, *, with_records: bool) -> FromLog:
    """Collect what the published log shows of an assessment; nothing where there is no log. `Refused` where it is broken."""
    from kybern.evidence.erasure import receipts  # noqa: PLC0415 - see the docstring of `_shared`

    root = found.workspace.root
    if not (root / KEY_FILE).exists():
        return FromLog()
    if not (root / JOURNAL).exists():
        typer.echo("The log's journal is not here: the pack shows nothing of the log.", err=True)
        return FromLog()
    taken = _Taken(found, log_of(root))
    erased = receipts(root, taken.log)
    taken.entries.update(index for one in erased for index in one.entries)
    taken.evidence()
    taken.stamps()
    if with_records:
        taken.changes()
    taken.checkpoints()
    taken.texts(policy)
    return FromLog({one.name: one.envelope for one in erased}, taken.written())


class _Taken:
    """What was taken so far: files, and the entries of which proofs are wanted."""

    def __init__(self, found: Assessed, log: Log) -> None:
        self.log, self.entries = log, set[int]()
        self._found, self._root = found, found.workspace.root
        self._head = log.head()
        self._files: dict[str, bytes] = {"key": content(self._root / KEY_FILE, _MOST), "checkpoint": self._head.note}

    @property
    def _size(self) -> int:
        return self._head.checkpoint.size

    def written(self) -> dict[str, bytes]:
        """Give the files by their names in the pack, with a proof of each entry."""
        from kybern.evidence.log import AUTHORITIES_FILE, PROOF_SUFFIX  # noqa: PLC0415

        proofs = {f"entries/{index}{PROOF_SUFFIX}": bytes(self.log.prove(index)) for index in sorted(self.entries)}
        pinned = self._root / AUTHORITIES_FILE
        beside = {AUTHORITIES_FILE: pinned.read_bytes()} if any(name.endswith(".pem") for name in self._files) else {}
        return {f"proof/{name}": data for name, data in {**self._files, **proofs}.items()} | beside

    def evidence(self) -> None:
        """Take the entries of every accepted piece; of personal ones, which entry commits to which."""
        personal: dict[str, int] = {}
        for piece in self._found.assessment.evidence:
            name = logged_as(self._root, piece)
            there = [index for index in self.log.journal.find(name) if index < self._size]
            self.entries.update(there)
            if there and name != piece.id:
                personal[piece.id] = there[0]
        if personal:
            self._files["protected.json"] = json.dumps(personal, sort_keys=True, separators=(",", ":")).encode()

    def stamps(self) -> None:
        """Take every time-stamp that holds, with the entry of its digest and its authority's certificates."""
        from kybern.evidence.log import note_at, place_of, read_authorities, read_stamps  # noqa: PLC0415

        authorities = {one.name: one for one in read_authorities(self._root)}
        for stamp in read_stamps(self.log, authorities.values()).held:
            self._stamp(stamp, (note_at(stamp.size), *(place_of(stamp.size, f"{stamp.authority}.{one}") for one in ("tsq", "tsr"))))
            self._files[f"authorities/{stamp.authority}.pem"] = authorities[stamp.authority].certificate.encode()

    def _stamp(self, stamp: Stamp, names: Iterable[str]) -> None:
        if stamp.logged is not None and stamp.logged < self._size:
            self.entries.add(stamp.logged)
        self._files |= {name: self.log.folder.read(name) or b"" for name in names}
        self._files[f"timestamp/{stamp.size}/consistency"] = self._consistency(stamp.size)

    def changes(self) -> None:
        """Take the entries of records that were applied by the moment asked about, and the change sets without their contents."""
        from kybern.evidence.applied import Applications, ChangeStore, list_of  # noqa: PLC0415
        from kybern.evidence.log import JournalView  # noqa: PLC0415

        store, until = ChangeStore(self._root), self._found.assessment.as_of
        for one in Applications(JournalView(self.log)).all:
            if one.index < self._size and one.leaf.at <= until:
                self.entries.add(one.index)
                file = store.get(one.leaf.change)
                self._files[f"changes/{file.name}"] = file.envelope + list_of(file.changes)

    def checkpoints(self) -> None:
        """Take the checkpoint of the moment asked about, those that readiness statements name, and the root that the assessment names."""
        until = self._found.assessment.as_of
        by_then = [one for one in self.log.journal.published() if datetime.fromisoformat(one.at) <= until and one.size <= self._size]
        if by_then:
            self._earlier("as-of", by_then[-1].size)
        for size in sorted(_named_by_labels(self._root)):
            if size <= self._size and self.log.journal.published_at(size) is not None:
                self._earlier(f"earlier/{size}", size)
        if self._found.log is not None and self._found.log["size"] <= self._size:
            self._files["assessed"] = self._consistency(self._found.log["size"])

    def _earlier(self, folder: str, size: int) -> None:
        published = self.log.journal.published_at(size)
        if published is not None:
            self._files |= {f"{folder}/checkpoint": published.note, f"{folder}/consistency": self._consistency(size)}

    def _consistency(self, size: int) -> bytes:
        return b"".join(base64.b64encode(one) + b"\n" for one in self.log.consistency(size, self._size))

    def texts(self, policy: Path | None) -> None:
        """Take the witnesses and the policy."""
        chosen = policy or (self._root / POLICY if (self._root / POLICY).exists() else None)
        if chosen is not None:
            self._files["policy"] = content(chosen, _MOST)
        if (self._root / WITNESSES).exists():
            self._files["witnesses"] = content(self._root / WITNESSES, _MOST)


def _named_by_labels(root: Path) -> set[int]:
    """Name the sizes of the log in the readiness statements that were issued here; what is none names nothing."""
    found: set[int] = set()
    for path in sorted((root / _LABELS).glob("*.json")):
        try:
            value: Any = json.loads(content(path, 1 << 20))
            size = value["credentialSubject"]["log"]["size"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if type(size) is int and size >= 0:
            found.add(size)
    return found
