"""What an organisation publishes of itself: its choices, the document that follows from them, and the evidence that it said so."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.db import transaction
from django.utils.translation import gettext as _

from kybern import __version__
from kybern.assessment import Status
from kybern.base import InputError, Place, Problem
from kybern.evidence import DocumentSeen, Refused, Subject, parse_predicate, sign, statement
from kybern.report.label import open_statement
from kybern.report.label._statement import LIMITS
from kybern.server.access.check import note
from kybern.server.access.models import AccessEvent
from kybern.server.access.permissions import Permission
from kybern.server.pages._proofs import log_verifier
from kybern.server.store.evidence import take_evidence
from kybern.server.store.keys import held_key, keyring
from kybern.server.store.models import LogCheckpoint, Setting
from kybern.server.store.publish import publish as publish_log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kybern.records.lifecycle import AISystem
    from kybern.report.label import Opened
    from kybern.server.access.actor import Actor
    from kybern.server.live import Standing

CHOICES: Final = "trust"
PUBLISHED: Final = "trust-published"
TOPIC: Final = "trust-page"
"""The topic of the evidence that says what was published; no check of the catalog asks for it."""

_HOLDER: Final = "tool:kybern-trust"
"""Who signs what is published: the server for the organisation. Who pressed the button is in the access log, not in public."""

_CLAIMS: Final = re.compile(r"\b(certified|compliant|conformant|zertifiziert(e[nrs]?)?|\w*konform(e[nrs]?)?)\b", re.IGNORECASE)
"""Words that nobody who publishes this page may say of themselves by it: evidence shows, bodies certify.

A system for compliance may be called so.
"""

VERIFY: Final = (
    "sha256sum trust.json",
    "jq -r .payload trust.dsse.json | base64 -d",
    "kybern log verify-proof trust.tlog-proof --key log.vkey --envelope trust.dsse.json",
)
"""How a stranger verifies, on a machine of their own and without a network, what they downloaded."""


@dataclass(frozen=True)
class Consent:
    """That a system may be published as its record stands: who said so, when, of which version, and whom the public asks."""

    digest: str
    by: str
    at: str
    contact: str = ""


@dataclass(frozen=True)
class Choices:
    """What the organisation chose to publish; nothing, until it chooses."""

    frameworks: tuple[str, ...] = ()
    systems: Mapping[str, Consent] = field(default_factory=dict)
    contact: str = ""
    numbers: bool = False
    statements: Mapping[str, str] = field(default_factory=dict)
    """Signed readiness statements, by framework, to the byte as they came."""

    def written(self) -> dict[str, Any]:
        """Write them as JSON-shaped values."""
        return {
            "frameworks": list(self.frameworks),
            "systems": {ref: vars(one) for ref, one in self.systems.items()},
            "contact": self.contact,
            "numbers": self.numbers,
            "statements": dict(self.statements),
        }


def choices() -> Choices:
    """Read what was chosen."""
    found = Setting.objects.filter(pk=CHOICES).values_list("value", flat=True).first()
    if not isinstance(found, dict):
        return Choices()
    return Choices(
        tuple(found["frameworks"]),
        {ref: Consent(**one) for ref, one in found["systems"].items()},
        found["contact"],
        found["numbers"],
        found["statements"],
    )


def choose(chosen: Choices) -> None:
    """Keep what was chosen. Nothing becomes public by it."""
    Setting.objects.update_or_create(name=CHOICES, defaults={"value": chosen.written()})


def claims_in(text: str) -> str | None:
    """Find a word in a text that claims what no evidence shows."""
    found = _CLAIMS.search(text)
    return None if found is None else found[0]


# --- the document -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """A system that was chosen and is not published, and why."""

    ref: str
    title: str
    why: str


def publishable(standing: Standing, chosen: Choices) -> tuple[list[tuple[AISystem, Consent]], list[Left]]:
    """Part the systems chosen into those that may be published as they stand, and those that may not."""
    good: list[tuple[AISystem, Consent]] = []
    left: list[Left] = []
    for ref, consent in chosen.systems.items():
        record = standing.records.get(ref)
        if record is None:
            left.append(Left(ref, ref, _("It is not recorded any more.")))
            continue
        system = cast("AISystem", record)
        claim = claims_in(f"{system.title} {system.purpose} {consent.contact}")
        if record.digest != consent.digest:
            left.append(Left(ref, record.title, _("Its record changed since it was agreed to: ask again.")))
        elif claim is not None:
            left.append(Left(ref, record.title, _("Its title, purpose or contact says “%s”, which no evidence shows.") % claim))
        else:
            good.append((system, consent))
    return sorted(good, key=lambda one: one[0].title.lower()), left


def document_of(standing: Standing, chosen: Choices, now: datetime) -> dict[str, Any]:
    """Write what is published: a snapshot, with the moment it speaks of. Nothing is in it that was not chosen."""
    organization = standing.records.organization
    verifier = log_verifier()
    last = LogCheckpoint.objects.order_by("-size").first()
    return {
        "kybern": "trust/1",
        "organization": standing.assessment.organization if organization is None else organization.legal_name,
        "contact": chosen.contact,
        "as_of": _moment(standing.as_of),
        "published_at": _moment(now),
        "limits": LIMITS,
        "frameworks": [
            _framework(standing, name, numbers=chosen.numbers) for name in chosen.frameworks if name in standing.catalog.frameworks
        ],
        "systems": [
            {"name": system.title, "purpose": " ".join(system.purpose.split()), "oversight_contact": consent.contact or chosen.contact}
            for system, consent in publishable(standing, chosen)[0]
        ],
        "statements": [stated(text) for text in chosen.statements.values()],
        "log": {
            "origin": None if verifier is None else verifier.name,
            "key": None if verifier is None else str(verifier),
            "checkpoint": None if last is None else bytes(last.note).decode(),
        },
        "verify": list(VERIFY),
    }


def _framework(standing: Standing, name: str, *, numbers: bool) -> dict[str, Any]:
    entry = standing.catalog.frameworks[name]
    told: dict[str, Any] = {"id": entry.id, "title": entry.title, "edition": entry.edition}
    if numbers:
        found = standing.assessment.readiness(name)
        told |= {
            "asked": found.applicable,
            "coverage": None if found.coverage is None else round(found.coverage, 4),
            "counts": {status.slug: found.counts[status] for status in Status},
        }
    return told


def stated(text: str) -> dict[str, Any]:
    """Say of a readiness statement what it is about and until when it stands."""
    document = json.loads(text)
    subject = document["credentialSubject"]
    return {"framework": subject["framework"]["id"], "as_of": subject["asOf"], "valid_until": document["validUntil"], "id": document["id"]}


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


# --- publishing ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """What is public: the document to the byte, the evidence that it was published, and the statements beside it."""

    text: str
    evidence: str
    statements: Mapping[str, str]

    @property
    def document(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of the document."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def published() -> Published | None:
    """Give what is public; None where nothing is."""
    found = Setting.objects.filter(pk=PUBLISHED).values_list("value", flat=True).first()
    return Published(found["text"], found["evidence"], found["statements"]) if isinstance(found, dict) else None


def publish(who: Actor, standing: Standing, chosen: Choices, clock: Callable[[], datetime]) -> Published:
    """Publish what was chosen, and log that it was: the SHA-256 of the document goes into the evidence log.

    Raises `InputError` where there is nothing to say, or nobody to say it of.
    """
    organization = standing.records.organization
    if organization is None:
        raise InputError.one("no-organization", _("No record states the organisation."), Place(CHOICES), _("Record it first."))
    if not chosen.frameworks and not publishable(standing, chosen)[0]:
        message = _("Nothing is chosen to be published.")
        raise InputError.one("nothing", message, Place(CHOICES), _("Choose a framework, or a system that may be published."))
    publish_log(clock())  # a log that does not hold is no ground to stand on: nothing is published then
    key = held_key(_HOLDER, clock())
    now = clock()
    text = json.dumps(document_of(standing, chosen, now), ensure_ascii=False, indent=2) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    body = {
        "topic": TOPIC,
        "observed_at": now.isoformat().replace("+00:00", "Z"),
        "collector": {"name": "kybern server", "version": __version__},
        "title": "Trust page",
        "sha256": digest,
        "path": "trust.json",
    }
    with transaction.atomic():
        envelope = sign(statement(parse_predicate(DocumentSeen, body), [Subject(organization.ref, organization.digest)]), key)
        taken = take_evidence([envelope], now)[0]
        if taken.outcome == "refused":
            raise Refused(rule=taken.rule, message=taken.reason)
        value = {"text": text, "evidence": taken.id, "statements": dict(chosen.statements)}
        Setting.objects.update_or_create(name=PUBLISHED, defaults={"value": value})
        note(who, AccessEvent.Kind.CHANGED, Permission.TRUST_PUBLISH, "trust page", f"published {digest[:16]}")
    with suppress(Refused, OSError):  # the worker publishes it in a while, if not now
        publish_log(clock())
    return Published(text, taken.id, chosen.statements)


def withdraw(who: Actor) -> None:
    """Take the page back. What was logged of it stays in the log."""
    Setting.objects.filter(pk=PUBLISHED).delete()
    note(who, AccessEvent.Kind.CHANGED, Permission.TRUST_PUBLISH, "trust page", "withdrawn")


# --- readiness statements -----------------------------------------------------------------------------------------------------------------


def add_statement(standing: Standing, chosen: Choices, data: bytes, now: datetime) -> Choices:
    """Take a signed readiness statement to be published along: one that verifies, stands, and is this organisation's.

    Raises `InputError` with what is wrong with it.
    """
    try:
        opened = open_statement(data)
        text = data.decode()
    except Refused as refused:
        raise _wrong(refused.message) from None
    except UnicodeDecodeError:
        raise _wrong(_("it is not UTF-8")) from None
    for fault in _faults(standing, opened, now):
        raise _wrong(fault)
    return replace(chosen, statements={**chosen.statements, str(opened.subject["framework"]["id"]): text})


def _faults(standing: Standing, opened: Opened, now: datetime) -> list[str]:
    organization = standing.records.organization
    found = []
    if opened.form == "vc+jwt":
        found.append(_("it is the compact form; give the one that ends in .json"))
    if datetime.fromisoformat(str(opened.document["validUntil"])) <= now:
        found.append(_("it has ended"))
    if organization is None or opened.subject["organization"] != organization.legal_name:
        found.append(_("it is of another organisation"))
    if opened.subject["framework"]["id"] not in standing.catalog.frameworks:
        found.append(_("it is about a framework that is not in the catalog"))
    if opened.issuer.public not in _trusted(now):
        found.append(_("the keyring trusts no key that signed it"))
    return found


def _trusted(now: datetime) -> set[bytes]:
    keys = [load_pem_public_key(key.public_key.encode()) for key in keyring() if key.standing(now) == "valid"]
    return {key.public_bytes_raw() for key in keys if isinstance(key, Ed25519PublicKey)}


def _wrong(why: str) -> InputError:
    return InputError([Problem("bad-statement", _("The statement is not taken: %s.") % why, Place("statement"))])


def standing_statements(found: Published, now: datetime) -> dict[str, str]:
    """Give the statements that have not ended, by framework."""
    return {name: text for name, text in found.statements.items() if datetime.fromisoformat(str(json.loads(text)["validUntil"])) > now}
