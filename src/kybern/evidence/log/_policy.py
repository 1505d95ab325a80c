"""The policy: which witnesses must have cosigned a checkpoint before it is believed; written as C2SP tlog-policy defines it.

Lines `log`, `witness`, `group`, `quorum`. A group may stand in one other group, so that nobody counts twice. `quorum none` is refused:
what asks for nothing holds of anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from kybern.base import InputError, Place
from kybern.evidence._refused import Refused
from kybern.evidence.log._audit import Audit, Finding
from kybern.evidence.log._cosignature import Cosignature, WitnessKey, cosignatures
from kybern.evidence.log._note import Checkpoint, Verifier, open_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

MAX_POLICY: Final = 1 << 18
"""The longest policy read, in bytes."""

_MOST: Final = 64
_WORD: Final = re.compile(r"[^ \t]+")
_COUNT: Final = re.compile(r"[1-9][0-9]?", re.ASCII)
_BAD_SIGN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NONE: Final = "none"


@dataclass(frozen=True)
class KnownWitness:
    """A witness as a policy names it: its name there, its key, where it answers."""

    name: str
    key: WitnessKey
    url: str = ""

    def __str__(self) -> str:
        """Write its line."""
        return f"witness {self.name} {self.key}{' ' if self.url else ''}{self.url}"


@dataclass(frozen=True)
class Group:
    """A group that has witnessed where `need` of its members have: witnesses, or groups named before it."""

    name: str
    need: int
    members: tuple[str, ...]

    def __str__(self) -> str:
        """Write its line."""
        return f"group {self.name} {self.need} {' '.join(self.members)}"


@dataclass(frozen=True)
class Judged:
    """What a policy finds of a checkpoint: who cosigned it and when, who did not, and whether that is enough."""

    checkpoint: Checkpoint
    cosigned: tuple[tuple[str, Cosignature], ...]
    absent: tuple[str, ...]
    enough: bool


@dataclass(frozen=True)
class Policy:
    """A policy that was read and can be reached."""

    logs: tuple[Verifier, ...]
    witnesses: tuple[KnownWitness, ...]
    groups: tuple[Group, ...]
    quorum: str

    def __str__(self) -> str:
        """Write it as it is read."""
        lines = [*(f"log {key}" for key in self.logs), *self.witnesses, *self.groups, f"quorum {self.quorum}"]
        return "".join(f"{line}\n" for line in lines)

    def reached(self, names: Collection[str]) -> bool:
        """Tell whether these witnesses are enough."""
        held = {witness.name for witness in self.witnesses} & set(names)
        for group in self.groups:  # each is named after its members
            if sum(name in held for name in group.members) >= group.need:
                held.add(group.name)
        return self.quorum in held

    def judge(self, note: bytes, key: Verifier | None = None) -> Judged:
        """Judge a checkpoint signed by this key, or by a log of the policy. Whether enough cosigned is in the answer.

        Raises `Refused` as `open_checkpoint` and `cosignatures` do, and `no-log` where there is no key to try.
        """
        checkpoint, _ = self.open(note, key)
        found = {one.key: one for one in cosignatures(note, [witness.key for witness in self.witnesses])}
        cosigned = tuple((witness.name, found[witness.key]) for witness in self.witnesses if witness.key in found)
        absent = tuple(witness.name for witness in self.witnesses if witness.key not in found)
        return Judged(checkpoint, cosigned, absent, self.reached([name for name, _ in cosigned]))

    def open(self, note: bytes, key: Verifier | None = None) -> tuple[Checkpoint, Verifier]:
        """Open a checkpoint by this key, or by the log of the policy that signed it; `Refused` as `judge` says."""
        if key is not None and self.logs and key not in self.logs:
            raise Refused(rule="no-log", message=f"the policy does not name the log {key.name} with this key")
        keys, last = self.logs if key is None else (key,), Refused(rule="no-log", message="the policy names no log; give the log's key")
        for one in keys:
            try:
                return open_checkpoint(note, one), one
            except Refused as refused:
                last = refused
        raise last


def require(policy: Policy, note: bytes, key: Verifier | None = None) -> Judged:
    """Judge a checkpoint; `Refused` (`no-quorum`) too if not enough witnesses cosigned it."""
    judged = policy.judge(note, key)
    if not judged.enough:
        there = ", ".join(name for name, _ in judged.cosigned) or "nobody"
        message = f"the quorum `{policy.quorum}` is not reached: {there} cosigned, {', '.join(judged.absent) or 'nobody'} did not"
        raise Refused(rule="no-quorum", message=message)
    return judged


def audited(found: Audit, note: bytes, policy: Policy, key: Verifier) -> Audit:
    """Add to an audit whether the published checkpoint is cosigned as a policy asks."""
    if found.checkpoint is None:
        return found
    try:
        judged = require(policy, note, key)
    except Refused as refused:
        return replace(found, findings=(*found.findings, Finding(refused.rule, f"The published checkpoint: {refused.message}.")))
    names = ", ".join(f"{name} at {moment(one.at)}" for name, one in judged.cosigned)
    return replace(found, held=(*found.held, f"The checkpoint is cosigned as the policy asks: {names}."))


def moment(at: int) -> str:
    """Write a second since 1970; one beyond the calendar as it is."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"second {at}"


def read_policy(data: bytes, file: str = "policy") -> Policy:
    """Read a policy; `InputError` with the place if it is none, asks for nothing, or cannot be reached."""
    reader = _Reader(file)
    reader.read(data, ("log", "witness", "group", "quorum"))
    if not reader.quorum:
        reader.fail("empty-policy", "It has no line `quorum`.", "End it with `quorum` and the name of a witness or group.")
    return Policy(tuple(reader.logs), tuple(reader.witnesses.values()), tuple(reader.groups.values()), reader.quorum)


def read_witnesses(data: bytes, file: str = "witnesses") -> tuple[KnownWitness, ...]:
    """Read a list of witnesses: the lines `witness` of a policy and no others, each with its URL. `InputError` with the place."""
    reader = _Reader(file)
    reader.read(data, ("witness",))
    for witness in reader.witnesses.values():
        if not witness.url:
            reader.fail("no-url", f"The witness {witness.name} has no URL.", "Write `witness NAME KEY URL`.")
    return tuple(reader.witnesses.values())


class _Item(NamedTuple):
    text: str
    place: Place


class _Reader:
    """Reads lines and holds each to what came before."""

    def __init__(self, file: str) -> None:
        self.logs: list[Verifier] = []
        self.witnesses: dict[str, KnownWitness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum = ""
        self._place = Place(file)
        self._used: set[str] = set()
        self._keys: set[bytes] = set()

    def fail(self, rule: str, message: str, hint: str = "", place: Place | None = None) -> NoReturn:
        raise InputError.one(rule, message, place or self._place, hint)

    def read(self, data: bytes, kinds: Sequence[str]) -> None:
        if len(data) > MAX_POLICY:
            self.fail("too-large", f"It has {len(data):,} bytes; at most {MAX_POLICY:,} are read.")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self.fail("not-utf-8", f"Byte {error.start} is not UTF-8.")
        takers: dict[str, Callable[[list[_Item]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        file = self._place.file
        for number, line in enumerate(text.split("\n"), 1):
            self._place = Place(file, number, 1)
            if bad := _BAD_SIGN.search(line):
                self.fail("control-character", "It holds a control character.", place=Place(file, number, bad.start() + 1))
            items = [_Item(found[0], Place(file, number, found.start() + 1)) for found in _WORD.finditer(line)]
            if not items or items[0].text.startswith("#"):
                continue
            if items[0].text not in kinds:
                self.fail("unknown-line", f"A line starts with {ascii(items[0].text)[:60]}.", f"It would be one of {', '.join(kinds)}.")
            takers[items[0].text](items[1:])
        self._place = Place(file)

    def _log(self, items: list[_Item]) -> None:
        self._count(items, 1, 2, "log KEY [URL]")
        try:
            key = Verifier.parse(items[0].text)
        except Refused as refused:
            self.fail("bad-key", f"{refused.message[:1].upper()}{refused.message[1:]}.", place=items[0].place)
        self._fresh(key.public, items[0], len(self.logs))
        self.logs.append(key)

    def _witness(self, items: list[_Item]) -> None:
        self._count(items, 2, 3, "witness NAME KEY [URL]")
        self._name(items[0])
        try:
            key = WitnessKey.parse(items[1].text)
        except Refused as refused:
            self.fail("bad-key", f"{refused.message[:1].upper()}{refused.message[1:]}.", place=items[1].place)
        self._fresh(key.public, items[1], len(self.witnesses))
        self.witnesses[items[0].text] = KnownWitness(items[0].text, key, items[2].text if len(items) > 2 else "")  # noqa: PLR2004 - the URL

    def _group(self, items: list[_Item]) -> None:
        self._count(items, 3, 2 + 2 * _MOST, "group NAME all|any|NUMBER MEMBER…")
        name, threshold, *members = items
        self._name(name)
        if len(self.groups) == _MOST:
            self.fail("too-many", f"There are more than {_MOST} groups.")
        for member in members:
            self._known(member)
            if member.text in self._used:
                hint = "Each name stands in one group, once, so that nobody counts twice."
                self.fail("member-twice", f"{member.text} is a member already.", hint, member.place)
            self._used.add(member.text)
        need = self._need(threshold, len(members))
        self.groups[name.text] = Group(name.text, need, tuple(member.text for member in members))

    def _need(self, item: _Item, count: int) -> int:
        if item.text in {"all", "any"}:
            return count if item.text == "all" else 1
        if not _COUNT.fullmatch(item.text):
            self.fail("bad-threshold", f"A group needs all, any or a number from 1, not {ascii(item.text)[:40]}.", place=item.place)
        if int(item.text) > count:
            self.fail("unreachable-quorum", f"It needs {item.text} of {count} members: that is never reached.", place=item.place)
        return int(item.text)

    def _quorum(self, items: list[_Item]) -> None:
        self._count(items, 1, 1, "quorum NAME")
        if self.quorum:
            self.fail("quorum-twice", "It has two lines `quorum`.")
        if items[0].text == _NONE:
            hint = "Name a witness or a group; to verify without witnesses, leave the policy out."
            self.fail("empty-policy", "The quorum is none: any checkpoint would do.", hint, items[0].place)
        self._known(items[0])
        self.quorum = items[0].text

    def _count(self, items: list[_Item], least: int, most: int, form: str) -> None:
        if not least <= len(items) <= most:
            self.fail("bad-line", f"The line is not of the form `{form}`.")

    def _name(self, item: _Item) -> None:
        if item.text == _NONE or item.text in self.witnesses or item.text in self.groups:
            self.fail("name-twice", f"The name {item.text} is taken.", place=item.place)

    def _known(self, item: _Item) -> None:
        if item.text not in self.witnesses and item.text not in self.groups:
            self.fail("unknown-name", f"No line before this defines {ascii(item.text)[:60]}.", place=item.place)

    def _fresh(self, public: bytes, item: _Item, count: int) -> None:
        """Let a key stand once: a log that is its own witness, or a witness of two names, would count twice."""
        if public in self._keys:
            self.fail("key-twice", "This key stands in the file already.", place=item.place)
        if count == _MOST:
            self.fail("too-many", f"There are more than {_MOST}.")
        self._keys.add(public)
