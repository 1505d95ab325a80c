"""What the log shows in a pack, once more by Kybern's own rooms: they share no code with `verify.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from kybern.base import InputError
from kybern.evidence import Keyring, Refused
from kybern.evidence.applied import open_change_set, read_change
from kybern.evidence.log import (
    AUTHORITIES_FILE,
    EMPTY_ROOT,
    Checkpoint,
    Proven,
    Verifier,
    extends,
    open_checkpoint,
    parse_authorities,
    read_policy,
    read_witnesses,
    require,
    verify_proof,
    verify_token,
)
from kybern.report.pack import verify
from kybern.report.pack._build import KEYS

if TYPE_CHECKING:
    from kybern.evidence.log import Authority

_PEM: Final = re.compile(rf"{verify.PROOF}authorities/(.+)\.pem")


def log_again(files: Mapping[str, bytes], found: verify.Findings) -> None:
    """Verify proofs, checkpoints, policy, tokens and change sets again; nothing where the pack has no log."""
    if f"{verify.PROOF}key" not in files:
        return
    try:
        again = _Again(files, Verifier.parse(_text(files, "key")))
        parts = (again.proofs, again.earlier, again.policy, again.stamps, again.changes)
        faults = [verify.shown(fault) for part in parts for fault in part()]
    except Refused as refused:
        faults = [verify.shown(refused)]
    found.settle(faults, "Kybern itself finds the same of the log: proofs, checkpoints, policy, time-stamps, change sets.")


def logged_by(files: Mapping[str, bytes], size: int) -> set[str] | None:
    """Name the statements among the first entries of the log, as far as the pack proves them, and those it says are committed to there.

    None where it has no log.
    """
    if f"{verify.PROOF}key" not in files:
        return None
    key = Verifier.parse(_text(files, "key"))
    names = [name for name in files if name.startswith(f"{verify.PROOF}entries/")]
    personal = files.get(f"{verify.PROOF}protected.json")
    committed = {} if personal is None else verify.read_json(personal, f"{verify.PROOF}protected.json")
    statements = {one.leaf.statement for one in (verify_proof(files[name], key) for name in names) if one.index < size}
    return statements | {name for name, index in committed.items() if index < size}


def roots_in(files: Mapping[str, bytes]) -> dict[int, tuple[str, str]]:
    """Give the log's name and root at each size of which the pack has a checkpoint, the published one or one that it continues."""
    if f"{verify.PROOF}key" not in files:
        return {}
    key = Verifier.parse(_text(files, "key"))
    notes = [data for name, data in files.items() if name.startswith(verify.PROOF) and name.endswith("/checkpoint")]
    found = [open_checkpoint(note, key) for note in notes]
    return {one.size: (one.origin, one.root.hex()) for one in found}


def _text(files: Mapping[str, bytes], name: str) -> str:
    return files[f"{verify.PROOF}{name}"].decode("utf-8", "replace")


class _Again:
    """Checks one kind of file after the other; each gives what does not hold."""

    def __init__(self, files: Mapping[str, bytes], key: Verifier) -> None:
        self._files, self._key = files, key
        self._note = files[f"{verify.PROOF}checkpoint"]
        self._head = open_checkpoint(self._note, key)
        self._proven: dict[int, Proven] = {}

    def _below(self, folder: str, ending: str = "") -> list[str]:
        return sorted(name for name in self._files if name.startswith(f"{verify.PROOF}{folder}/") and name.endswith(ending))

    def _each(self, names: list[str], check: Callable[[str], None]) -> Iterator[str]:
        for name in names:
            try:
                check(name)
            except (Refused, InputError, ValueError) as error:
                yield f"{name}: {error}"

    def proofs(self) -> Iterator[str]:
        """Verify every proof."""
        yield from self._each(self._below("entries"), self._proof)

    def _proof(self, name: str) -> None:
        one = verify_proof(self._files[name], self._key)
        self._proven[one.index] = one

    def earlier(self) -> Iterator[str]:
        """See that the log only grew."""
        yield from self._each([name for name in self._files if name.endswith("/checkpoint") and name.count("/") > 1], self._continues)

    def _continues(self, name: str) -> None:
        old = open_checkpoint(self._files[name], self._key)
        hashes = verify.read_hashes(self._files[f"{name.removesuffix('checkpoint')}consistency"])
        if not self._extends(old, hashes):
            raise Refused(rule="fork", message="the published checkpoint does not continue it")

    def _extends(self, old: Checkpoint, hashes: list[bytes]) -> bool:
        return extends(old.size, self._head.size, old.root if old.size else EMPTY_ROOT, self._head.root, hashes)

    def policy(self) -> Iterator[str]:
        """Hold the checkpoint against the policy in the pack, and read the witnesses."""
        names = [f"{verify.PROOF}{name}" for name in ("policy", "witnesses") if f"{verify.PROOF}{name}" in self._files]
        yield from self._each(names, self._asked)

    def _asked(self, name: str) -> None:
        if name.endswith("policy"):
            require(read_policy(self._files[name]), self._note, self._key)
        else:
            read_witnesses(self._files[name])

    def stamps(self) -> Iterator[str]:
        """Verify every token by the authorities as the organisation pinned them."""
        names = self._below("timestamp", ".tsr")
        data = self._files.get(AUTHORITIES_FILE)
        try:
            known = {one.name: one for one in parse_authorities(data)} if data is not None else {}
        except InputError as error:
            yield str(error)
            return
        pems = {found[1]: data for name, data in self._files.items() if (found := _PEM.fullmatch(name))}
        if pems != {name: known[name].certificate.encode() for name in pems if name in known}:
            yield f"{verify.PROOF}authorities does not hold what {AUTHORITIES_FILE} does"
        yield from self._each(names, lambda name: self._stamp(name, known))

    def _stamp(self, name: str, known: Mapping[str, Authority]) -> None:
        folder, _, file = name.rpartition("/")
        authority = known.get(file.removesuffix(".tsr"))
        if authority is None:
            raise Refused(rule="unknown-authority", message=f"its authority is not in {AUTHORITIES_FILE}")
        verify_token(self._files[name], self._files[f"{name[:-1]}q"], self._files[f"{folder}/checkpoint"], authority)

    def changes(self) -> Iterator[str]:
        """Open every change set, and read its list."""
        yield from self._each(self._below("changes"), self._change)

    def _change(self, name: str) -> None:
        keyring = Keyring.from_yaml(self._files[KEYS], KEYS) if KEYS in self._files else Keyring()
        digest = name.rpartition("/")[2]
        first = next((one.leaf for index, one in sorted(self._proven.items()) if one.leaf.change == digest), None)
        if first is None:
            raise Refused(rule="no-entry", message="no entry names it")
        envelope, _, listed = self._files[name].partition(b"\n")
        open_change_set(envelope + b"\n", keyring, first.source, first.at)
        for line in listed.splitlines():
            read_change(line)
