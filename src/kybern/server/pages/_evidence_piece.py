"""One piece of evidence as its page tells it: signatures, versions, why it is as strong as it is, what it speaks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from kybern.assessment import explain
from kybern.catalog import EvidenceCheck, PredicateType, Strength, SubjectKind
from kybern.evidence import KeyKind, parse_envelope
from kybern.records import Edge
from kybern.server.pages._asked import titles
from kybern.server.store.keys import keyring
from kybern.server.store.models import Envelope, RecordRow
from kybern.server.wording import local_number, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from kybern.assessment import Assessment, Status
    from kybern.catalog import Control
    from kybern.evidence import Evidence, TrustedKey
    from kybern.records import RecordSet
    from kybern.server.access.actor import Actor
    from kybern.server.store.models import EvidenceRow

_NOT_SAID: Final = frozenset(("topic", "observed_at", "expires_at", "sequence"))
_MACHINES: Final = frozenset((KeyKind.PIPELINE, KeyKind.TOOL))
_WALKED: Final = 60
"""Systems up to which an answer of the organisation as a whole is opened for every one of them."""


@dataclass(frozen=True)
class Version:
    """A record that a piece is about: the version it names, and the one that stands."""

    ref: str
    title: str | None
    digest: str
    stands: str
    """`same`, `changed`, or `gone`."""


@dataclass(frozen=True)
class SignedBy:
    """A signature of the envelope: whose key, and how that key stood then and stands now; None for a key nobody here trusts."""

    keyid: str
    key: TrustedKey | None
    then: str
    now: str
    title: str | None


@dataclass(frozen=True)
class Bearing:
    """A check that looks at the piece: what it comes to there, on whom, and whether it is the piece that decides."""

    control: Control
    check: str
    title: str
    subject: str
    subject_title: str
    status: Status | None
    text: str
    decides: bool


def versions(who: Actor, piece: Evidence) -> list[Version]:
    """Hold the versions that a piece names against those that stand."""
    refs = [subject.ref for subject in piece.subjects]
    stands = dict(RecordRow.objects.filter(ref__in=refs).values_list("ref", "digest"))
    named = titles(who, refs)
    return [
        Version(
            one.ref,
            named.get(one.ref),
            one.digest,
            "gone" if one.ref not in stands else "same" if stands[one.ref] == one.digest else "changed",
        )
        for one in piece.subjects
    ]


def envelope_of(row: EvidenceRow) -> bytes:
    """Give the envelope of a piece, as it came."""
    return bytes(Envelope.objects.values_list("data", flat=True).get(pk=row.envelope))


def signatures(who: Actor, row: EvidenceRow, now: datetime) -> list[SignedBy]:
    """Say who signed an envelope."""
    trusted = keyring()
    found = [(keyid, trusted.get(keyid)) for keyid in parse_envelope(envelope_of(row)).signatures]
    named = titles(who, (key.holder for _keyid, key in found if key is not None))
    return [
        SignedBy(
            keyid,
            key,
            "" if key is None else key.standing(row.observed_at),
            "" if key is None else key.standing(now),
            None if key is None else named.get(key.holder),
        )
        for keyid, key in found
    ]


def why_strong(piece: Evidence, signed: Iterable[SignedBy]) -> str:
    """Say why a piece is as strong as it is: by what it is, and by who signed it."""
    if piece.strength is Strength.VERIFIED:
        if piece.predicate is PredicateType.AUDIT:
            return _("An auditor signed their own audit.")
        return _("An auditor signed it beside whoever made it.")
    fixed = {
        PredicateType.ATTESTATION: _("Somebody states it; a statement is a statement, whoever signs it."),
        PredicateType.DOCUMENT: _("It shows that a document was there in this version, not that anybody acts by it."),
        PredicateType.TRAINING: _("It is a list that somebody keeps."),
        PredicateType.ABSENCE: _("It documents what was missing; it lifts nothing."),
        PredicateType.APPROVAL: _("A person decided with a key of their own, so the act itself was observed."),
        PredicateType.DECISION: _("A person decided with a key of their own, so the act itself was observed."),
        PredicateType.AUDIT: _("It is an audit that no auditor's key signed."),
    }
    if piece.predicate in fixed:
        return fixed[piece.predicate]
    if any(one.key is not None and one.key.kind in _MACHINES for one in signed):
        return _("A pipeline or tool measured it and signed with its own key.")
    return _("A person wrote it down; no pipeline or tool signed what it measured.")


def said(piece: Evidence) -> list[tuple[str, str]]:
    """Give what a piece states, field by field, in words."""
    return [(words(name), in_words(value)) for name, value in piece.body.items() if name not in _NOT_SAID]


def in_words(value: Any) -> str:
    """Write a JSON-shaped value for people."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return local_number(f"{value:.6g}")
    if isinstance(value, list | tuple):
        return "; ".join(in_words(one) for one in value) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{words(key)} {in_words(one)}" for key, one in value.items())
    return str(value)


def systems_of(records: RecordSet, ref: str, among: Iterable[str]) -> list[str]:
    """Name the AI systems that a record belongs to, itself if it is one: by what it is part of, and by what has it."""
    wanted, seen, queue = set(among), {ref}, [ref]
    while queue:
        here = queue.pop()
        above = [link.target for link in records.links.get(here, ()) if link.edge is Edge.PART_OF]
        above += [source for source, link in records.named_by.get(here, ()) if link.edge is Edge.HAS]
        queue += [one for one in above if one not in seen]
        seen.update(above)
    return sorted(seen & wanted)


def bearings(assessment: Assessment, piece: Evidence) -> list[Bearing]:
    """Find every check of the catalog that looks at a piece, with what the piece comes to there."""
    kinds = {subject.ref.partition(":")[0] for subject in piece.subjects}
    systems = sorted({one for subject in piece.subjects for one in systems_of(assessment.records, subject.ref, assessment.systems)})
    found: dict[tuple[str, str, str], Bearing] = {}
    for control in assessment.catalog.controls.values():
        if any(isinstance(check, EvidenceCheck) and _looks_at(check, control, piece, kinds) for check in control.checks):
            for subject in _subjects(assessment, control, systems):
                for one in _in_tree(assessment, control, subject, piece.id):
                    found.setdefault((one.control.id, one.check, one.subject), one)
    return sorted(found.values(), key=lambda one: (not one.decides, one.control.id, one.check, one.subject))


def _looks_at(check: EvidenceCheck, control: Control, piece: Evidence, kinds: set[str]) -> bool:
    if check.predicate is not piece.predicate or check.topic not in {None, piece.topic}:
        return False
    return bool(kinds & ({str(check.on)} if check.on else {kind.value for kind in control.applies_to}))


def _subjects(assessment: Assessment, control: Control, systems: list[str]) -> Iterator[str]:
    own = SubjectKind.ORGANIZATION in control.applies_to
    if len(control.applies_to) > own:
        yield from systems
    if own and (len(control.applies_to) == 1 or len(assessment.systems) <= _WALKED):
        yield assessment.organization


def _in_tree(assessment: Assessment, control: Control, subject: str, identity: str) -> Iterator[Bearing]:
    try:
        tree = explain(assessment, control.id, subject)
    except KeyError:  # the control does not bear on the subject
        return
    record = assessment.records.get(subject)
    title = subject if record is None else record.title
    for check in (node for node in tree.walk() if node.kind == "check"):
        for node in check.walk():
            if node.kind == "evidence" and node.ref == identity:
                why = node.text.rpartition("; ")[2]
                yield Bearing(control, check.ref, check.title, subject, title, node.status, why, node.counts)
