"""The Kybern readiness statement: what evidence showed of a framework at a moment, as a W3C Verifiable Credential 2.0."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kybern.assessment import Status
from kybern.base import canonical_json, digest
from kybern.report.label._keys import Issuer
from kybern.report.label._proof import moment, proven
from kybern.report.label._status import V2_CONTEXT, entry

if TYPE_CHECKING:
    from kybern.assessment import Assessment
    from kybern.catalog import CatalogFolder
    from kybern.evidence import Evidence, PrivateKey
    from kybern.report.label._criteria import Criteria

UNDEFINED_TERMS: Final = "https://www.w3.org/ns/credentials/undefined-terms/v2"
"""The W3C's own context for terms that no published vocabulary has: a reader without it reads the same JSON."""

TYPE: Final = "KybernReadinessStatement"
NAME: Final = "Kybern readiness statement"
LIMITS: Final = (
    "It says what verified evidence showed at a moment, by rules anybody can read. It is no certificate, no audit opinion and no legal"
    " advice. It does not show that the evidence is true, nor what happened after that moment."
)
_DECIMALS: Final = 6


@dataclass(frozen=True)
class LogHead:
    """The evidence log as it stood: its name, how many entries it had and the root over them."""

    origin: str
    size: int
    root: str


def claim(assessment: Assessment, framework: str, criteria: Criteria, log: LogHead, own: Sequence[CatalogFolder] = ()) -> dict[str, Any]:
    """Write what is stated: scope, framework, the numbers, and the digests of everything they follow from.

    `own` are the organisation's own catalogs that it was assessed with: the statement names them, because a control of theirs may
    answer any requirement. A pure function: whoever has the same catalog, records and evidence writes the same bytes. `KeyError` for
    an unknown framework.
    """
    entry_, found = assessment.catalog.frameworks[framework], assessment.readiness(framework)
    organization = assessment.records.organization
    return {
        "id": f"urn:kybern:{assessment.organization}",
        "type": "ManagementSystemReadiness",
        "organization": organization.legal_name if organization is not None else assessment.organization,
        "scope": _scope(assessment),
        "framework": {"id": entry_.id, "title": entry_.title, "edition": entry_.edition, "checkedOn": entry_.status_date.isoformat()},
        "asOf": assessment.as_of.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "readiness": {
            "met": found.counts[Status.MET],
            "asked": found.applicable,
            "counts": {status.slug: found.counts[status] for status in Status},
        },
        **{name: _rounded(getattr(found, name)) for name in ("coverage", "strength", "freshness") if getattr(found, name) is not None},
        "criteria": {**criteria.content, "sha256": criteria.digest},
        "inputs": {f"{name}Sha256": value for name, value in assessment.digests.items()},
        **({"ownCatalogs": [{"path": one.shown, "sha256": _digest_of(one)} for one in own]} if own else {}),
        "log": {"origin": log.origin, "size": log.size, "rootSha256": log.root},
        "limits": LIMITS,
    }


def _digest_of(own: CatalogFolder) -> str:
    """Name a catalog of the organisation's own by its files."""
    return digest({name: hashlib.sha256(data).hexdigest() for name, data in own.files.items()})


def _rounded(number: float) -> float:
    return round(number, _DECIMALS)


def _scope(assessment: Assessment) -> dict[str, Any]:
    """Say what the statement is about: the scopes as stated, and the AI systems in them by title."""
    records = assessment.records
    return {
        "statements": [str(one.content["statement"]) for one in records.of_kind("scope")],
        "systems": [{"ref": system.ref, "title": system.title} for system in records.systems_in_scope],
    }


def claim_digest(stated: Mapping[str, Any]) -> str:
    """Give the name of a claim: what an approval of exactly this one names."""
    return digest({name: value for name, value in stated.items() if name != "approval"})


def subject_name(framework: str) -> str:
    """Name the statement as a subject of an approval: `readiness_statement:iso42001`."""
    return f"readiness_statement:{framework.lower()}"


def ends(stated: Mapping[str, Any]) -> datetime:
    """Tell when a statement ends: so many days after the moment it speaks of, whenever it is issued."""
    as_of = datetime.fromisoformat(stated["asOf"])
    return as_of + min(timedelta(days=int(stated["criteria"]["valid_days"])), datetime.max.replace(tzinfo=UTC) - as_of)


@dataclass(frozen=True)
class Place:
    """Where a statement's revocation is to be found: the list's URL and the index in it."""

    url: str
    index: int


def credential(stated: Mapping[str, Any], approval: Evidence, issuer: Issuer, place: Place, at: datetime) -> dict[str, Any]:
    """Write the credential, not signed yet. Its id follows from what it says, and from whom and when."""
    subject = {**stated, "approval": {"evidence": approval.id, "by": approval.body["by"], "on": moment(approval.observed_at)}}
    document = {
        "@context": [V2_CONTEXT, UNDEFINED_TERMS],
        "type": ["VerifiableCredential", TYPE],
        "name": NAME,
        "description": f"What evidence showed of {stated['framework']['title']} as of {stated['asOf'][:10]}. No certificate.",
        "issuer": issuer.id,
        "validFrom": moment(at),
        "validUntil": moment(ends(stated)),
        "credentialStatus": entry(place.url, place.index),
        "credentialSubject": subject,
    }
    return {**document, "id": f"urn:kybern:readiness-statement:{digest(document)}"}


def issue(stated: Mapping[str, Any], approval: Evidence, signer: tuple[PrivateKey, Issuer], place: Place, at: datetime) -> dict[str, Any]:
    """Write the credential and sign it."""
    key, issuer = signer
    return proven(credential(stated, approval, issuer, place, at), key, issuer, at)


def compared(stated: Mapping[str, Any], again: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what of a claim is not what was computed again, inputs first; nothing if the two are the same bytes."""
    ours = {name: value for name, value in stated.items() if name != "approval"}
    if canonical_json(ours) == canonical_json(again):
        return ()
    return tuple(_differing(ours, again))


def _differing(ours: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    names = ["inputs", "log", *(name for name in {**again, **ours} if name not in ("inputs", "log"))]
    for name in names:
        left, right = ours.get(name), again.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            for part in {**right, **left}:
                if left.get(part) != right.get(part):
                    yield f"{name}.{part} is stated as {_short(left.get(part))}, recomputed {_short(right.get(part))}"
        elif left != right:
            yield f"{name} is stated as {_short(left)}, recomputed {_short(right)}"


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 90 else f"{text[:87]}..."  # noqa: PLR2004  (a line's worth)
