"""Checking a readiness statement as a stranger does: signature, time, revocation, and whether the numbers are what the inputs give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kybern.evidence import Refused, read_json
from kybern.report.label._keys import Issuer
from kybern.report.label._proof import check_proof, open_jwt
from kybern.report.label._statement import TYPE, UNDEFINED_TERMS, compared
from kybern.report.label._status import V2_CONTEXT, bits_of, index_of

MAX_BYTES: Final = 1 << 20
"""The largest statement or status list read, in bytes."""


@dataclass(frozen=True)
class Opened:
    """A statement whose signature holds: what it says, who signed, and in which form it came."""

    document: Mapping[str, Any]
    issuer: Issuer
    form: str

    @property
    def subject(self) -> Mapping[str, Any]:
        """What is stated."""
        found: Mapping[str, Any] = self.document["credentialSubject"]
        return found


@dataclass
class Checked:
    """What held, what did not, and what the check cannot know, in a person's words."""

    held: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Tell whether nothing failed."""
        return not self.failed


def open_statement(data: bytes, issuer: Issuer | None = None) -> Opened:
    """Read a statement, JSON with a proof or `vc+jwt`, and check its signature and form.

    `issuer` is the one whose document was read; without it the statement must name a `did:key`. Raises `Refused`.
    """
    document, found, form = _opened(data, issuer)
    _check_form(document, found)
    return Opened(document, found, form)


def open_list(data: bytes, issuer: Issuer) -> Mapping[str, Any]:
    """Read a status list and check that the same issuer signed it; `Refused`."""
    document, _, _ = _opened(data, issuer)
    if document.get("issuer") != issuer.id:
        raise Refused("bad-status", "the status list is another issuer's")
    return document


def _opened(data: bytes, issuer: Issuer | None) -> tuple[Mapping[str, Any], Issuer, str]:
    if len(data) > MAX_BYTES:
        raise Refused("too-large", f"it has {len(data):,} bytes; at most {MAX_BYTES:,} are read")
    text = data.strip()
    if not text.startswith(b"{"):
        payload, found = open_jwt(text, issuer)
        return payload, found, "vc+jwt"
    value = read_json(data, "the statement")
    if not isinstance(value, dict):
        raise Refused("bad-statement", "it is no JSON object")
    found = issuer or Issuer.from_did(value.get("issuer"))
    check_proof(value, found)
    return value, found, "eddsa-jcs-2022"


def _check_form(document: Mapping[str, Any], issuer: Issuer) -> None:
    """Hold the parts that are read to their form: what is signed may still be no readiness statement."""
    subject = document.get("credentialSubject")
    fits = (
        document.get("@context") == [V2_CONTEXT, UNDEFINED_TERMS]
        and document.get("type") == ["VerifiableCredential", TYPE]
        and document.get("issuer") == issuer.id
        and isinstance(document.get("id"), str)
        and _moment(document.get("validFrom")) is not None
        and _moment(document.get("validUntil")) is not None
        and _names_a_list(document.get("credentialStatus"))
        and isinstance(subject, dict)
        and _fits(subject)
    )
    if not fits:
        raise Refused("bad-statement", f"it is signed by {issuer.id[:120]} and is no readiness statement as Kybern writes it")


_PARTS: Final[Mapping[str, type]] = {
    "organization": str,
    "scope": dict,
    "framework": dict,
    "asOf": str,
    "readiness": dict,
    "criteria": dict,
    "inputs": dict,
    "log": dict,
    "approval": dict,
    "limits": str,
}
_INNER: Final[Mapping[str, Mapping[str, type]]] = {
    "scope": {"statements": list, "systems": list},
    "framework": {"id": str, "title": str, "edition": str, "checkedOn": str},
    "readiness": {"met": int, "asked": int, "counts": dict},
    "log": {"origin": str, "size": int, "rootSha256": str},
    "approval": {"evidence": str, "by": str, "on": str},
    "inputs": {"catalogSha256": str, "recordsSha256": str, "evidenceSha256": str},
    "criteria": {"sha256": str},
}


def _fits(subject: Mapping[str, Any]) -> bool:
    outer = all(isinstance(subject.get(name), kind) for name, kind in _PARTS.items())
    if not outer or _moment(subject["asOf"]) is None:
        return False
    inner = all(isinstance(subject[name].get(part), kind) for name, parts in _INNER.items() for part, kind in parts.items())
    return inner and _numbers_fit(subject) and _texts_fit(subject)


def _numbers_fit(subject: Mapping[str, Any]) -> bool:
    """Tell whether shares are shares and counts are counts."""
    counts = [subject["readiness"]["met"], subject["readiness"]["asked"], subject["log"]["size"], *subject["readiness"]["counts"].values()]
    shares = [(subject.get("coverage"), 1), (subject.get("strength", 1), 5), (subject.get("freshness", 0), 1)]
    within = all(isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= most for share, most in shares)
    return within and all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts)


def _texts_fit(subject: Mapping[str, Any]) -> bool:
    """Tell whether what is shown as text is text."""
    scope, single = subject["scope"], (str, int, float, bool)
    named = all(isinstance(one, dict) and isinstance(one.get("title"), str) for one in scope["systems"])
    stated = all(isinstance(one, str) for one in (*scope["statements"], *subject["inputs"].values()))
    own = subject.get("ownCatalogs", [])
    listed = isinstance(own, list) and all(isinstance(one, dict) and isinstance(one.get("path"), str) for one in own)
    return named and stated and listed and all(isinstance(one, single) for one in subject["criteria"].values())


def _names_a_list(status: object) -> bool:
    return isinstance(status, dict) and isinstance(status.get("statusListCredential"), str)


def _moment(text: object) -> datetime | None:
    """Read an RFC 3339 moment with its zone."""
    if not isinstance(text, str) or len(text) > 40:  # noqa: PLR2004  (longer than any)
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def check(opened: Opened, at: datetime, status: Mapping[str, Any] | None = None) -> Checked:
    """Check time and revocation of a statement whose signature holds. Whether its numbers follow is `recomputed`'s to say."""
    found = Checked()
    found.held.append(f"The signature ({opened.form}) is that of {opened.issuer.id}.")
    start, end = _moment(opened.document["validFrom"]), _moment(opened.document["validUntil"])
    if start is not None and at < start:
        found.failed.append(f"It is valid only from {opened.document['validFrom']}.")
    elif end is not None and end <= at:
        found.failed.append(f"It expired on {opened.document['validUntil']}.")
    else:
        found.held.append(f"It is within its time, which ends {opened.document['validUntil']}.")
    if status is None:
        found.unknown.append("Whether it was revoked: give the status list it names (--status).")
    else:
        _check_revocation(opened, status, found)
    found.unknown.append("Whether the issuer's key belongs to whom you think: compare its name by another way.")
    return found


def _check_revocation(opened: Opened, listed: Mapping[str, Any], found: Checked) -> None:
    dated = str(listed.get("validFrom"))[:40]
    try:
        revoked = bits_of(listed).is_set(index_of(opened.document, listed))
    except Refused as refused:
        found.failed.append(f"The status list: {refused.message}.")
        return
    if revoked:
        found.failed.append(f"It was revoked: the issuer's list of {dated} says so.")
    else:
        found.held.append(f"It was not revoked when the issuer signed the status list, {dated}.")
        found.unknown.append("Whether it was revoked after that: fetch the list anew.")


def recomputed(opened: Opened, again: Mapping[str, Any], found: Checked, *, log: bool) -> None:
    """Add whether what is stated is, to the byte, what was computed again; `log` tells whether the log was at hand for that."""
    told = compared(opened.subject, again)
    if told:
        found.failed += [f"Recomputed: {one}." for one in told]
        return
    found.held.append("Scope, statuses and numbers are, to the byte, what catalog, records and evidence give.")
    if own := opened.subject.get("ownCatalogs"):
        named = ", ".join(ascii(one.get("path"))[1:-1] for one in own)
        found.unknown.append(
            f"Whether the organisation's own catalogs ask enough: a control of theirs may answer any requirement ({named})."
        )
    if log:
        found.held.append(f"The log had this root at {opened.subject['log']['size']} entries, and the evidence is what was in it then.")
    else:
        found.unknown.append("Whether the log stood as stated: name, size and root were not held against the log itself.")
