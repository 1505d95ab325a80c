"""Verification: from an envelope's bytes to a piece of evidence, or a refusal that says why. No clock, no network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar

from kybern.catalog import PredicateType, Strength
from kybern.evidence._envelope import parse_envelope
from kybern.evidence._keys import KeyKind
from kybern.evidence._models import ByPerson, Evidence
from kybern.evidence._refused import Refused
from kybern.evidence._statement import parse_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from securesystemslib.dsse import Envelope

    from kybern.evidence._keyring import Keyring
    from kybern.evidence._keys import TrustedKey
    from kybern.evidence._models import Predicate

Standing = Literal["valid", "expired", "not-yet-valid"]

_MACHINES: Final = frozenset((KeyKind.PIPELINE, KeyKind.TOOL))
_PEOPLE: Final = frozenset((KeyKind.PERSON, KeyKind.AUDITOR))
_FIXED: Final = {
    PredicateType.ATTESTATION: Strength.DECLARED,
    PredicateType.DOCUMENT: Strength.DOCUMENTED,
    PredicateType.ABSENCE: Strength.DOCUMENTED,
    PredicateType.TRAINING: Strength.DOCUMENTED,
    PredicateType.APPROVAL: Strength.OBSERVED,
    PredicateType.DECISION: Strength.OBSERVED,
}
_KEY_WORDS: Final = {
    "not-yet-valid": "is valid only from {key.valid_from}",
    "expired": "was valid until {key.valid_until}",
    "revoked": "is revoked since {key.revoked_on} ({key.revoked_because})",
}


def verify(envelope: bytes, keyring: Keyring, source: str = "") -> Evidence:
    """Verify an envelope and give back the piece of evidence in it; `source` says where it lies.

    Every signature made in the name of a key of the keyring must hold. Signatures of other keys, and of keys that were not
    valid when the evidence was observed, count for nothing; at least one must count. Raises `Refused`.
    """
    parsed = parse_envelope(envelope)
    signed = _signed_by(parsed, keyring)
    statement = parse_statement(parsed.payload)
    predicate = statement.predicate
    keys = _in_force(signed, predicate.observed_at)
    _check_author(predicate, keys)
    author = predicate.by if isinstance(predicate, ByPerson) else None
    seconds = [key for key in signed if key.may_countersign(predicate.observed_at) and key.holder != author]
    return Evidence(
        id=statement.id,
        predicate=predicate.type,
        topic=predicate.topic,
        subjects=statement.subjects,
        observed_at=predicate.observed_at.astimezone(UTC),
        expires_at=None if predicate.expires_at is None else predicate.expires_at.astimezone(UTC),
        strength=strength_of(predicate.type, keys, seconds, author),
        body=statement.body,
        signers=tuple(dict.fromkeys(key.holder for key in (*keys, *seconds))),
        source=source,
    )


class Dated(Protocol):
    """A statement that says when it was made."""

    @property
    def at(self) -> datetime:
        """When it was made."""


_Said = TypeVar("_Said", bound=Dated)


def open_signed(envelope: bytes, keyring: Keyring, read: Callable[[bytes], _Said]) -> tuple[_Said, tuple[TrustedKey, ...]]:
    """Open an envelope over another statement than evidence: what `read` makes of its payload, and the keys that vouch for it.

    A key vouches if its signature holds and it was valid when the statement says it was made. Raises `Refused`.
    """
    parsed = parse_envelope(envelope)
    signed = _signed_by(parsed, keyring)
    found = read(parsed.payload)
    return found, tuple(_in_force(signed, found.at))


def standing(evidence: Evidence, at: datetime) -> Standing:
    """Say how the evidence stands at a moment: from `observed_at` through `expires_at` it is valid, as in the assessment."""
    if at < evidence.observed_at:
        return "not-yet-valid"
    return "expired" if evidence.expires_at is not None and evidence.expires_at < at else "valid"


def strength_of(
    predicate: PredicateType, keys: Sequence[TrustedKey], seconds: Sequence[TrustedKey] = (), author: str | None = None
) -> Strength:
    """Compute the strength of a statement from its predicate type and the keys that signed it.

    `keys` were valid when the evidence was observed; `seconds` are auditors' keys whose second signature may count, the
    author's own left out. A signature is a second one if somebody else signed first, and its holder signed in no other role. An
    audit is an auditor's if its `author` signed with an auditor's key: another auditor's signature under it is a second one.
    """
    signed_as_other = {key.holder for key in keys if key.kind is not KeyKind.AUDITOR}
    if any(key.holder not in signed_as_other and any(first.holder != key.holder for first in keys) for key in seconds):
        return Strength.VERIFIED
    if predicate is PredicateType.AUDIT:
        audited = any(key.kind is KeyKind.AUDITOR and key.holder == author for key in keys)
        return Strength.VERIFIED if audited else Strength.DOCUMENTED
    if predicate in _FIXED:
        return _FIXED[predicate]
    return Strength.MEASURED if any(key.kind in _MACHINES for key in keys) else Strength.DOCUMENTED


def _signed_by(envelope: Envelope, keyring: Keyring) -> list[TrustedKey]:
    """Find the keys of the keyring whose signatures hold, in the envelope's order."""
    found = [(signature, key) for signature in envelope.signatures.values() if (key := keyring.get(signature.keyid))]
    if not found:
        keyids = ", ".join(ascii(keyid)[1:-1][:12] for keyid in envelope.signatures)
        raise Refused(rule="unknown-key", message=f"signed by key {keyids} only, and the keyring has no such key")
    encoded = envelope.pae()
    for signature, key in found:
        if not key.signed(signature, encoded):
            msg = f"the signature of {key.label} does not fit: the content was changed after signing, or another key signed it"
            raise Refused(rule="bad-signature", message=msg)
    return [key for _, key in found]


def _in_force(signed: Sequence[TrustedKey], observed_at: datetime) -> list[TrustedKey]:
    """Choose the keys that were valid when the evidence was observed; `Refused` if none was."""
    keys = [key for key in signed if key.standing(observed_at) == "valid"]
    if keys:
        return keys
    key = signed[0]
    reason = key.standing(observed_at)
    why = _KEY_WORDS[reason].format(key=key)
    raise Refused(rule=f"key-{reason}", message=f"observed at {observed_at.astimezone(UTC)}, but {key.label} {why}")


def _check_author(predicate: Predicate, keys: Sequence[TrustedKey]) -> None:
    """Hold a person's act to the person: `by` must be the holder of a signing key, and a machine's key does not do."""
    if isinstance(predicate, ByPerson) and not any(key.holder == predicate.by and key.kind in _PEOPLE for key in keys):
        signers = ", ".join(key.label for key in keys)
        msg = f"the {predicate.type.value} is by {predicate.by}, who did not sign it with a key of their own; signed by {signers}"
        raise Refused(rule="holder-mismatch", message=msg)
