"""Erasure: the key of a person destroyed with every salt under it, a signed receipt in the log, and commitments that stand.

The order of the steps is what makes it safe to be interrupted: the order is written down first, with the signed receipt; the key
is destroyed; what lay under it is marked; only then does the log get the receipt. So no receipt in the log ever says erased of what
can be read, and an order that stands is taken up again to its end. See docs/decisions/0019-erasure-by-destroying-a-key.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, ValidationError

from kybern.base import canonical_json
from kybern.evidence._durable import destroy, put, sync_folder
from kybern.evidence._envelope import parse_envelope, sign
from kybern.evidence._json import read_json
from kybern.evidence._models import PREDICATE_PREFIX, STATEMENT_TYPE, Line, RecordName, Sha256, Shape
from kybern.evidence._refused import Refused
from kybern.evidence._store import FOLDER, SEALED_SUFFIX, SUFFIX
from kybern.evidence._vault import KEY_SUFFIX, ORDER_SUFFIX, VAULT, Erased, Sealed, Vault, parse_sealed
from kybern.evidence._verify import open_signed
from kybern.evidence.applied import ChangeStore
from kybern.evidence.log import ERASURE, Finding, JournalView, erasure_entry, read_leaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kybern.evidence._keyring import Keyring
    from kybern.evidence._keys import SigningKey
    from kybern.evidence.log import Log, View

RECEIPT: Final = f"{PREDICATE_PREFIX}erasure:v1"
RECEIPTS: Final = Path("log", "erasures")
"""Where receipts lie, relative to the workspace: published with the log."""

AskedBy = Literal["data-subject", "controller", "authority", "court"]
_MOST_ENTRIES: Final = 5_000
_MOST: Final = 20
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


class ErasedEntry(Shape):
    """An entry whose content was erased, by its index, with the commitment that stands; no index where it was never logged."""

    index: Annotated[int, Field(ge=0)] | None
    commitment: Sha256


class Receipt(Shape):
    """What is signed: who erased, when it was ordered, who asked, on what legal ground and why, and which entries. Never whom."""

    at: AwareDatetime
    by: RecordName
    asked_by: AskedBy
    ground: Line
    reason: Line
    entries: Annotated[tuple[ErasedEntry, ...], Field(max_length=_MOST_ENTRIES)]


def receipt(said: Receipt, key: str) -> bytes:
    """Write the statement: it is about a key, named by the SHA-256 of its random name, that belonged to somebody."""
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": "key", "digest": {"sha256": hashlib.sha256(key.encode()).hexdigest()}}],
            "predicateType": RECEIPT,
            "predicate": said.model_dump(mode="json"),
        }
    )


def read_receipt(payload: bytes) -> Receipt:
    """Read the statement; `Refused` (`not-json`, `bad-receipt`) if it is none."""
    value = read_json(payload, "the receipt")
    if not isinstance(value, dict) or value.get("_type") != STATEMENT_TYPE or value.get("predicateType") != RECEIPT:
        raise Refused(rule="bad-receipt", message=f"this is no receipt of an erasure: its predicateType is not {RECEIPT}")
    try:
        return Receipt.model_validate_json(canonical_json(value.get("predicate")), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join(map(str, first["loc"]))
        raise Refused(
            rule="bad-receipt", message=f"this is no receipt of an erasure: predicate/{where}: {ascii(first['msg'])[1:-1]}"
        ) from None


@dataclass(frozen=True)
class Wish:
    """What is asked for, in words that stay in the log for good."""

    asked_by: AskedBy
    ground: str
    reason: str


@dataclass(frozen=True)
class Done:
    """An erasure that came to its end: its receipt, where that lies, and its entry in the log."""

    receipt: Receipt
    path: Path
    index: int


class Eraser:
    """Erases in a workspace with a log. Hold `Vault.locked` meanwhile."""

    def __init__(self, root: Path, log: Log) -> None:
        """Take the workspace and its log."""
        self._root, self._log = root, log
        self._vault = Vault(root / VAULT)
        self._store = ChangeStore(root)

    def order(  # noqa: PLR0913, PLR0917 - all that a receipt says, and what it must not say
        self, subject: str, wish: Wish, signer: SigningKey, by: str, now: datetime, names: tuple[str, ...] = ()
    ) -> str:
        """Write down that a person's key is to be destroyed, with the signed receipt; from now on nothing under it is read.

        `names` are other names of the person that the receipt must not hold. Gives the name of the key. Raises `Refused`:
        `unknown-subject`, `names-the-subject`, `own-erasure`, `too-many`.
        """
        key = self._vault.subjects().get(subject)
        if key is None:
            raise Refused(rule="unknown-subject", message=f"the vault has no key of {subject}: nothing is kept under one")
        _nameless(subject, wish, by, names)
        entries = [entry for one in self._commitments(key) for entry in self._entries(one)]
        entries.sort(key=lambda one: (-1 if one.index is None else one.index, one.commitment))
        if len(entries) > _MOST_ENTRIES:
            raise Refused(rule="too-many", message=f"more than {_MOST_ENTRIES:,} entries are kept of one person")
        said = Receipt(at=now, by=by, asked_by=wish.asked_by, ground=wish.ground, reason=wish.reason, entries=tuple(entries))
        envelope = sign(receipt(said, key), signer)
        put(self._order(key), canonical_json({"receipt": base64.b64encode(envelope).decode()}), 0o600)
        return key

    def orders(self) -> list[str]:
        """Name the keys whose destruction was ordered and is not done."""
        return sorted(path.stem for path in (self._root / VAULT).glob(f"*{ORDER_SUFFIX}") if _ID.fullmatch(path.stem))

    def carry_out(self, key: str, now: datetime) -> Done:
        """Carry an order out, from whatever step it has come to: destroy the key, mark what lay under it, tell the log, publish."""
        envelope = self._receipt(key)
        said = read_receipt(parse_envelope(envelope).payload)
        destroy(self._root / VAULT / f"{key}{KEY_SUFFIX}")
        self._clear_aside()
        mark = Erased(said.at.astimezone(UTC).isoformat().replace("+00:00", "Z"), said.ground, ())
        self._mark_evidence(key, mark)
        self._mark_changes(key, mark)
        name = hashlib.sha256(envelope).hexdigest()
        path = self._root / RECEIPTS / f"{name}{SUFFIX}"
        put(path, envelope)
        index = self._log.append([erasure_entry(name, said.by)], now)[0]
        self._log.publish(now)
        self._order(key).unlink(missing_ok=True)
        sync_folder(self._root / VAULT)
        return Done(said, path, index)

    def _clear_aside(self) -> None:
        """Destroy what a crash may have left of a key on its way into its place."""
        for path in (self._root / VAULT).glob(f".*{KEY_SUFFIX}.*.tmp"):
            destroy(path)

    def _mark_evidence(self, key: str, mark: Erased) -> None:
        for path, sealed in _sealed_evidence(self._root, key):
            put(path, bytes(Erased(mark.at, mark.ground, sealed.commitments)))

    def _mark_changes(self, key: str, mark: Erased) -> None:
        for name in dict.fromkeys(file.name for file, _ in self._store.sealed(key)):
            self._store.put(self._store.get(name).with_erased(key, mark))

    def _commitments(self, key: str) -> list[str]:
        evidence = [one for _, sealed in _sealed_evidence(self._root, key) for one in sealed.commitments]
        return list(dict.fromkeys([*evidence, *(one for _, sealed in self._store.sealed(key) for one in sealed.commitments)]))

    def _entries(self, commitment: str) -> list[ErasedEntry]:
        found: list[int | None] = [*self._log.journal.find(commitment)]
        return [ErasedEntry(index=index, commitment=commitment) for index in found or [None]]

    def _order(self, key: str) -> Path:
        return self._root / VAULT / f"{key}{ORDER_SUFFIX}"

    def _receipt(self, key: str) -> bytes:
        value: Any = read_json(self._order(key).read_bytes(), "the order")
        text = value.get("receipt") if isinstance(value, dict) else None
        try:
            return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        except ValueError:
            return b""


@dataclass(frozen=True)
class Logged:
    """A receipt in the log: its envelope by the name of its file, and its own entry with those it names, as far as there are."""

    name: str
    envelope: bytes
    entries: tuple[int, ...]


def receipts(root: Path, log: Log) -> tuple[Logged, ...]:
    """Give every receipt of the published log; one whose file is not here is left to the audit."""
    found: list[Logged] = []
    for index, leaf in JournalView(log).entries(ERASURE):
        path = root / RECEIPTS / f"{leaf.receipt}{SUFFIX}"
        if path.exists() and index < log.head().checkpoint.size:
            envelope = path.read_bytes()
            said = read_receipt(parse_envelope(envelope).payload)
            named = sorted(one.index for one in said.entries if one.index is not None and one.index < index)
            found.append(Logged(path.name, envelope, (index, *named)))
    return tuple(found)


def _nameless(subject: str, wish: Wish, by: str, names: tuple[str, ...]) -> None:
    """Keep the person out of the receipt, which stays for good."""
    if by == subject:
        raise Refused(
            rule="own-erasure", message=f"the receipt names who signs it, so {subject} cannot sign their own: another person's key does"
        )
    words = "|".join(re.escape(name.casefold()) for name in (subject.partition(":")[2], *names))
    if any(re.search(rf"(?<!\w)(?:{words})(?!\w)", text.casefold()) for text in (wish.reason, wish.ground)):
        message = f"reason or ground names {subject}, and stays in the log for good: word it without the name"
        raise Refused(rule="names-the-subject", message=message)


def _sealed_evidence(root: Path, key: str | None = None) -> Iterator[tuple[Path, Sealed]]:
    """Find the sealed pieces of evidence, or those under a key."""
    for path in sorted((root / FOLDER).rglob(f"*{SEALED_SUFFIX}")):
        try:
            found = parse_sealed(path.read_bytes())
        except (OSError, Refused):  # reading the evidence tells of it
            continue
        if isinstance(found, Sealed) and key in (None, found.key):
            yield path, found


@dataclass
class ErasureAudit:
    """What was erased, and whether the log and the files agree on it."""

    receipts: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def held(self) -> tuple[str, ...]:
        """Say what held."""
        if self.findings or not self.receipts:
            return ()
        entries = f"{self.erased:,} {'entry' if self.erased == 1 else 'entries'}"
        return (f"{entries} erased, commitment intact, by {self.receipts:,} signed receipt{'' if self.receipts == 1 else 's'} in the log.",)

    def find(self, rule: str, message: str) -> None:
        """Note what does not fit."""
        if len(self.findings) < _MOST:
            self.findings.append(Finding(rule, message))


def audit_erasures(root: Path, view: View, keyring: Keyring) -> ErasureAudit:
    """Hold every receipt in the log against the entries it names and against what lies in the workspace."""
    found = ErasureAudit()
    readable, receipted = _readable(root), set[str]()
    for index, leaf in view.entries(ERASURE):
        found.receipts += 1
        try:
            envelope = (root / RECEIPTS / f"{leaf.receipt}{SUFFIX}").read_bytes()
            if hashlib.sha256(envelope).hexdigest() != leaf.receipt:
                raise Refused(rule="bad-receipt", message="the file is not the receipt that the log took in")  # noqa: TRY301 - told below
            said, _ = open_signed(envelope, keyring, read_receipt)
        except OSError:
            found.find("no-receipt", f"The receipt of entry {index} is not in {RECEIPTS.as_posix()}.")
            continue
        except Refused as refused:
            found.find(refused.rule, f"The receipt of entry {index}: {refused.message}.")
            continue
        receipted |= {one.commitment for one in said.entries}
        _hold(found, view, index, said, readable)
    orders = sorted((root / VAULT).glob(f"*{ORDER_SUFFIX}"))
    for where, mark in () if orders else _marks(root):
        if receipted.isdisjoint(mark.commitments):
            found.find("no-receipt", f"{where} says that something was erased, and no receipt in the log does.")
    for path in orders:
        found.find("half-done", f"An erasure was ordered and is not done ({path.name}): kybern evidence erase --resume.")
    return found


def _hold(found: ErasureAudit, view: View, index: int, said: Receipt, readable: Mapping[str, str]) -> None:
    """Hold a receipt against the entries it names."""
    for one in said.entries:
        if one.commitment in readable:
            found.find("not-erased", f"The receipt of entry {index} says erased of what {readable[one.commitment]} still holds readable.")
        if one.index is None:
            continue
        leaf = read_leaf(view.leaf(one.index)) if one.index < index else None
        if leaf is None or leaf.commitment != one.commitment:
            found.find("other-entry", f"The receipt of entry {index} names entry {one.index}, whose commitment is another.")
        else:
            found.erased += 1


def _marks(root: Path) -> Iterator[tuple[str, Erased]]:
    """Find every mark of an erasure, with the file it stands in."""
    for path in sorted((root / FOLDER).rglob(f"*{SEALED_SUFFIX}")):
        try:
            found = parse_sealed(path.read_bytes())
        except (OSError, Refused):
            continue
        if isinstance(found, Erased):
            yield path.relative_to(root).as_posix(), found
    yield from ((f"The change set {file.name[:12]}…", mark) for file, mark in ChangeStore(root).erased())


def _readable(root: Path) -> dict[str, str]:
    """Name what is sealed here and can be opened, by its commitments."""
    vault = Vault(root / VAULT)
    found: dict[str, str] = {}
    here = frozenset(vault.subjects().values())
    places = [(path.relative_to(root).as_posix(), sealed) for path, sealed in _sealed_evidence(root)]
    places += [(f"{file.name[:12]}…", sealed) for file, sealed in ChangeStore(root).sealed()]
    for where, sealed in places:
        if sealed.key in here:
            found |= dict.fromkeys(sealed.commitments, where)
    return found
