"""What operations give back: frozen models, read strictly where it matters and open to fields that later versions add."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar, final

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


@final
class Absent:
    """There is no record yet."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""As `if_match`: there must be no such record yet."""

ANY: Final = "*"
"""As `if_match`: whatever version stands; a change made meanwhile is written over."""


class Result(BaseModel):
    """Whatever the server gives back."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Result, Generic[T]):
    """A page of a list; `next` is the cursor of the one after it."""

    items: tuple[T, ...]
    next: str | None = None


class Record(Result):
    """A record as it stands. Where fields were chosen, those not asked for are empty."""

    ref: str
    kind: str = ""
    title: str = ""
    owner: str | None = None
    unit: int | None = None
    digest: str = ""
    """Of this version: give it as `if_match` when writing."""
    version: int = 0
    entry: int = 0
    """The entry of the log that holds this version."""
    changed_at: datetime | None = None
    changed_by: str = ""
    content: dict[str, Any] = {}


class Kind(Result):
    """A kind of record, and how many there are that the token may see."""

    kind: str
    layer: str
    clause: str
    description: str
    count: int


class Written(Result):
    """What became of a record: `act` is added, changed, removed or unchanged."""

    ref: str
    act: str
    digest: str | None
    entry: int | None


class Outcome(Result):
    """What became of a piece of evidence: `accepted`, `known` (it was there already), or `refused` with the rule and the reason."""

    index: int
    """Its place among what was given."""
    outcome: str
    id: str | None
    entry: int | None
    rule: str | None
    reason: str | None


class Batch(Result):
    """What became of the pieces that were sent, in their order."""

    accepted: int
    known: int
    refused: int
    outcomes: tuple[Outcome, ...]


class SubjectOf(Result):
    """A record that a piece of evidence is about, in the version that it names."""

    ref: str
    digest: str


class Evidence(Result):
    """A piece of evidence, with its place in the log and how it stands now."""

    id: str
    predicate: str
    topic: str
    subjects: tuple[SubjectOf, ...]
    observed_at: datetime
    expires_at: datetime | None
    received_at: datetime
    standing: str
    strength: str
    signers: tuple[str, ...]
    entry: int
    body: dict[str, Any]


class Signature(Result):
    """A signature: whose key it is, how that key stood when the piece was observed and stands now; None for a key nobody trusts."""

    keyid: str
    name: str | None
    holder: str | None
    then: str | None
    now: str | None


class EvidenceDetail(Evidence):
    """A piece of evidence with its signatures."""

    signatures: tuple[Signature, ...]


class Log(Result):
    """How far the log has come: its entries, those that the last signed checkpoint covers, and the key that vouches for it."""

    origin: str | None
    key: str | None
    """As verifiers read it; None before the log was first published."""
    entries: int
    published: int
    published_at: datetime | None


class LogEntry(Result):
    """An entry of the log: its leaf to the byte (base64), and what it says. What an entry of its type does not have is None."""

    index: int
    leaf: str
    type: str
    source: str
    seq: int
    at: datetime
    statement: str | None
    envelope: str | None
    ref: str | None
    change: str | None
    digest: str | None
    commitment: str | None
    removed: bool


class Key(Result):
    """A key of the keyring: whose it is, and from when until when its signatures count."""

    keyid: str
    name: str
    holder: str
    kind: str
    public_key: str
    valid_from: datetime
    valid_until: datetime | None
    revoked_on: datetime | None
    revoked_because: str | None
    standing: str
    held: bool
    """Whether the server holds the private half, for somebody who works in its pages."""


class Grant(Result):
    """A role that somebody has in a unit, and in all below it."""

    id: int
    role: str
    unit: str
    granted_at: datetime
    granted_by: str


class Me(Result):
    """Who the token speaks for, and in which units it holds which permission."""

    handle: str
    person: str
    email: str
    name: str
    language: str
    token: str | None
    """What the token is called."""
    grants: tuple[Grant, ...]
    permissions: dict[str, tuple[str, ...]]


class Token(Result):
    """A token; of its text only the first characters are known."""

    id: int
    name: str
    shown: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    standing: str


class NewToken(Token):
    """A token with its text, which is told this once and is in no `repr`."""

    text: str = Field(repr=False)


class User(Result):
    """A user with their roles in units."""

    handle: str
    email: str
    name: str
    active: bool
    joined_at: datetime
    last_sign_in: datetime | None
    grants: tuple[Grant, ...]


class NewUser(User):
    """A user who was made, with the first password, which is told this once and is in no `repr`."""

    password: str = Field(repr=False)


class Unit(Result):
    """A node of the tree of organisation, business units and projects."""

    slug: str
    name: str
    kind: str
    parent: str | None


class Role(Result):
    """A set of permissions under a name; `shipped`: it came with the server and can be reset."""

    slug: str
    name: str
    permissions: tuple[str, ...]
    shipped: bool


class AccessEvent(Result):
    """A line of the access log."""

    id: int
    at: datetime
    kind: str
    actor: str
    permission: str | None
    subject: str
    request_id: str
    address: str
    detail: str


class Event(Result):
    """Something that happened. `id` is its number: give the last one's as `after` to go on from there."""

    id: str
    type: str
    source: str
    subject: str | None = None
    time: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A record to write among many; its content names its kind and id."""

    content: dict[str, Any]
    if_match: str | Absent = ANY


@dataclass(frozen=True)
class Removal:
    """A record to remove among many."""

    ref: str
    if_match: str = ANY


Sort = Literal["title", "changed_at", "ref", "-title", "-changed_at", "-ref"]
