"""Attacks on a log, carried out for real in a copy, and everybody who might notice, asked one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from kybern.cli._demo_scene import AGENT, Scene, entry, force_into
from kybern.evidence import Keyring, PrivateKey, Refused, Subject, TestRun, parse_envelope, sign, statement, verify
from kybern.evidence.log import (
    Came,
    Entry,
    Log,
    TlogProof,
    audit,
    audit_since,
    count_sources,
    open_checkpoint,
    read_leaf,
    require,
    signed_late,
)

if TYPE_CHECKING:
    from kybern.evidence.log import Audit

AUDIT: Final = "an audit of the log by itself"
AGAINST: Final = "an auditor who kept a checkpoint"
PROOF: Final = "whoever kept a proof"
WITNESSES: Final = "the witnesses"
POLICY: Final = "whoever verifies with a policy of witnesses"
COMPARE: Final = "two people who compare their checkpoints"
COUNTERS: Final = "the source's own numbers"
SIGNATURES: Final = "verification of what the thief dates after the revocation"
BACKDATED: Final = "verification of what the thief dates before it"
TAKEN_IN: Final = "the moment the log took it in"


@dataclass(frozen=True)
class Look:
    """Somebody who looks: whether they notice, how, with which command, and whether the threat model says they do."""

    who: str
    noticed: bool
    how: str
    command: str
    expected: bool

    @property
    def as_said(self) -> bool:
        """Whether it is as the threat model says."""
        return self.noticed == self.expected


@dataclass
class Told:
    """What an attack did, and who looked."""

    did: str
    looks: list[Look] = field(default_factory=list)

    @property
    def as_said(self) -> bool:
        """Whether everybody noticed whom the threat model names, and nobody else."""
        return all(look.as_said for look in self.looks)


def rewrite(scene: Scene) -> Told:
    """Change an entry of the past and sign everything anew."""
    leaves = scene.leaves()
    changed = json.loads(leaves[scene.shown]) | {"statement": entry(999, "rewritten").statement}
    leaves[scene.shown] = json.dumps(changed, separators=(",", ":"), sort_keys=True).encode()
    log = scene.rebuild("rewritten", leaves)
    told = Told(
        f"Entry {scene.shown} says another statement now; tree, tiles, journal and checkpoint were made anew and signed with the log's key."
    )
    told.looks = [_audit(log, noticed=False), _against(scene, log, noticed=True), _proof(scene, log), _witnesses(scene, log, noticed=True)]
    told.looks.append(_policy(scene, log, noticed=True))
    return told


def truncate(scene: Scene) -> Told:
    """Take the last entries away and show the old checkpoint, cosignatures and all, as if it were the latest."""
    size = open_checkpoint(scene.early, scene.signer.verifier).size
    log = scene.rebuild("truncated", scene.leaves()[:size])
    scene.put_back(log, scene.early)
    told = Told(
        f"The last {scene.log.journal.size - size} entries are gone; the log shows the checkpoint of {size} entries that was cosigned then."
    )
    told.looks = [_audit(log, noticed=False), _against(scene, log, noticed=True), _proof(scene, log), _witnesses(scene, log, noticed=True)]
    told.looks.append(_policy(scene, log, noticed=False))  # old cosignatures hold; only their time tells that they are old
    return told


def fork(scene: Scene) -> Told:
    """Show the auditor another log than everybody else, the same up to what the auditor kept."""
    ours, theirs = ([*scene.leaves(), _leaf(scene, number)] for number in (201, 202))
    force_into(scene.root / "journal.db", len(ours) - 1, ours[-1:])
    scene.publish()
    log = scene.rebuild("forked", theirs)
    told = Told(
        f"Everybody else is shown one log of {len(ours)} entries, the auditor another, signed with the same key; the last entry differs."
    )
    told.looks = [_audit(log, noticed=False), _against(scene, log, noticed=False), _witnesses(scene, log, noticed=True)]
    told.looks += [_policy(scene, log, noticed=True), _compare(scene, log)]
    return told


def backdate(scene: Scene) -> Told:
    """Put an entry in today that says it came in weeks ago."""
    log = scene.log
    at = (scene.moment - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    force_into(scene.root / "journal.db", log.journal.size, [entry(301, "person:demo-lead").leaf(5, at)])
    scene.sign_as_it_is()
    told = Told(
        f"A new entry says it came in at {at}, 30 days before it did; it was written into the journal past the program, and signed."
    )
    told.looks = [_audit(log, noticed=True), _against(scene, log, noticed=True), _witnesses(scene, log, noticed=False)]
    return told


def omit(scene: Scene) -> Told:
    """Leave a record of an agent out, and log those after it."""
    scene.append([entry(6, AGENT, 6), entry(8, AGENT, 8)])
    scene.publish()
    told = Told("The agent numbered its records 6, 7 and 8; the operator logged 6 and 8.")
    log = scene.log
    gaps = [f"{one.source} lacks {one.gaps}" for one in count_sources(scene.leaves()) if one.missing]
    told.looks = [_audit(log, noticed=False), _against(scene, log, noticed=False), _witnesses(scene, log, noticed=False)]
    told.looks.append(_policy(scene, log, noticed=False))
    told.looks.append(Look(COUNTERS, bool(gaps), "; ".join(gaps) or "no number is missing", "kybern log sources", expected=True))
    return told


def steal_key(scene: Scene) -> Told:
    """Sign with a stolen key after it was revoked: a test run, once dated after the revocation, once before; and the log's key too."""
    thief, revoked = PrivateKey.generate(), scene.moment
    key = thief.trusted(name="demo-ci", holder="pipeline:demo-ci", kind="pipeline", valid_from=revoked - timedelta(days=90))
    keyring = Keyring((key.model_copy(update={"revoked_on": revoked, "revoked_because": "stolen"}),))
    after, before = (_test_run(thief, revoked + shift) for shift in (timedelta(seconds=1), timedelta(days=-2)))
    scene.append([_entry_of(before)])
    scene.publish()
    taken_in = read_leaf(scene.leaves()[-1]).at
    told = Told("A pipeline's key was stolen and revoked. The thief signs a passing test run dated today, one dated before the revocation,")
    told.did += " has the second one logged, and with the log's key, stolen too, signs a log without the last entry but with another."
    told.looks = [_verified(SIGNATURES, after, keyring, noticed=True), _verified(BACKDATED, before, keyring, noticed=False)]
    late = signed_late(before, keyring, taken_in)
    words = "the log took it in before the key was revoked" if late is None else f"it came in after {late.name} was revoked"
    told.looks.append(Look(TAKEN_IN, late is not None, words, "kybern log status", expected=True))
    log = scene.rebuild("stolen", [*scene.leaves()[:-1], _leaf(scene, 401)])
    told.looks += [_audit(log, noticed=False), _witnesses(scene, log, noticed=True), _policy(scene, log, noticed=True)]
    return told


ATTACKS: Final[dict[str, Callable[[Scene], Told]]] = {
    "rewrite": rewrite,
    "truncate": truncate,
    "fork": fork,
    "backdate": backdate,
    "omit": omit,
    "steal-key": steal_key,
}


# Who looks


def _audit(log: Log, *, noticed: bool) -> Look:
    return _of_audit(AUDIT, audit(log), "kybern log audit", noticed=noticed)


def _against(scene: Scene, log: Log, *, noticed: bool) -> Look:
    return _of_audit(AGAINST, audit_since(log, scene.kept), "kybern log audit --against KEPT", noticed=noticed)


def _of_audit(who: str, found: Audit, command: str, *, noticed: bool) -> Look:
    words = found.findings[0].message if found.findings else "all of it holds"
    return Look(who, not found.holds, words, command, noticed)


def _proof(scene: Scene, log: Log) -> Look:
    """Hold a kept proof against the log: the checkpoint in it is one that somebody kept."""
    found = audit_since(log, TlogProof.parse(scene.proof).checkpoint)
    return _of_audit(PROOF, found, "kybern log audit --against KEPT.tlog-proof", noticed=True)


def _witnesses(scene: Scene, log: Log, *, noticed: bool) -> Look:
    found = {name: scene.ask(name, log, log.head()) for name in scene.witnesses}
    refusing = [name for name, one in found.items() if one.came is Came.REFUSED]
    words = f"{', '.join(refusing)}: {found[refusing[0]].message}" if refusing else "they cosign: the log only grew"
    return Look(WITNESSES, len(refusing) == len(found), words, "kybern log witness ask", noticed)


def _policy(scene: Scene, log: Log, *, noticed: bool) -> Look:
    command = "kybern log audit --policy POLICY"
    try:
        judged = require(scene.policy, log.head().note, scene.signer.verifier)
    except Refused as refused:
        return Look(POLICY, noticed=True, how=refused.message, command=command, expected=noticed)
    names = ", ".join(name for name, _ in judged.cosigned)
    return Look(POLICY, noticed=False, how=f"{names} cosigned this checkpoint", command=command, expected=noticed)


def _compare(scene: Scene, log: Log) -> Look:
    one, two = (open_checkpoint(note, scene.signer.verifier) for note in (scene.log.head().note, log.head().note))
    differ = one.size == two.size and one.root != two.root
    words = f"the log's key signed two roots for {one.size} entries" if differ else "both are the same"
    return Look(COMPARE, differ, words, "kybern log audit --against THEIRS", expected=True)


def _verified(who: str, envelope: bytes, keyring: Keyring, *, noticed: bool) -> Look:
    try:
        verify(envelope, keyring)
    except Refused as refused:
        return Look(who, noticed=True, how=refused.message, command="kybern evidence verify", expected=noticed)
    return Look(who, noticed=False, how="the key was valid on that day", command="kybern evidence verify", expected=noticed)


# What an attacker makes


def _leaf(scene: Scene, number: int) -> bytes:
    """Write a leaf that comes in with the last one."""
    at = read_leaf(scene.leaves()[-1]).at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return entry(number, "person:demo-lead").leaf(5, at)


def _test_run(key: PrivateKey, observed_at: object) -> bytes:
    run = TestRun.model_validate(
        {
            "topic": "fairness",
            "observed_at": observed_at,
            "collector": {"name": "demo", "version": "1"},
            "suite": "nightly",
            "passed": 12,
            "failed": 0,
        }
    )
    return sign(statement(run, [Subject("ai_system:demo", "0" * 64)]), key)


def _entry_of(envelope: bytes) -> Entry:
    statement_digest, envelope_digest = (sha256(data).hexdigest() for data in (parse_envelope(envelope).payload, envelope))
    return Entry(statement_digest, envelope_digest, "pipeline:demo-ci")
