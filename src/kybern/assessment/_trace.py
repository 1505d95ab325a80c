"""Traces: every link between records, controls, requirements and evidence, walked either way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from kybern.assessment._assessment import Assessment
from kybern.assessment._plan import target_kind
from kybern.assessment._words import describe
from kybern.base import InputError, Place
from kybern.catalog import EvidenceCheck
from kybern.evidence import Evidence
from kybern.records import Edge

NodeKind = Literal["record", "control", "requirement", "evidence"]


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the trace: from, to, and what it means read forwards and backwards."""

    source: str
    target: str
    forwards: str
    backwards: str
    structural: bool
    """True where it leads from a whole to its part, from a thing to its proof; False for a mere mention."""


@dataclass(frozen=True, slots=True)
class Step:
    """A node reached: its name, what it is, its title, how it was reached, its date if it carries one, and what comes after it."""

    ref: str
    kind: NodeKind
    title: str
    relation: str
    date: str | None
    digest: str | None
    children: tuple[Step, ...] = ()

    def walk(self) -> Iterator[Step]:
        """Go through the steps, this one first."""
        yield self
        for child in self.children:
            yield from child.walk()


class TraceGraph:
    """All links of an assessment, both ways. A link found forwards from one end is found backwards from the other."""

    def __init__(self, assessment: Assessment) -> None:
        """Collect the links once."""
        self._assessment = assessment
        self.links: tuple[Link, ...] = tuple(dict.fromkeys((*self._of_records(), *self._of_controls(), *self._of_evidence())))
        self._forwards: defaultdict[str, list[Link]] = defaultdict(list)
        self._backwards: defaultdict[str, list[Link]] = defaultdict(list)
        for link in self.links:
            self._forwards[link.source].append(link)
            self._backwards[link.target].append(link)

    def down(self, ref: str, depth: int = 5) -> Step:
        """Walk from a whole to its parts, and from what is claimed to what shows it. Raises `InputError` for an unknown name.

        From a record, only evidence about it and what belongs to it is walked: another system's proofs prove nothing of this one.
        """
        ref = self._known(ref)
        return self._walk(ref, depth, {ref}, "", forwards=True, inside=self._inside(ref))

    def up(self, ref: str, depth: int = 5) -> Step:
        """Walk back: from a proof to what it proves, from a part to its whole. Raises `InputError` for an unknown name."""
        ref = self._known(ref)
        return self._walk(ref, depth, {ref}, "", forwards=False, inside=None)

    def _inside(self, ref: str) -> frozenset[str] | None:
        """Name the evidence about a record and what belongs to it; None where nothing is left out."""
        a = self._assessment
        if ref not in a.records or ref == a.organization:
            return None
        about = {ref, *a.records.belonging_to(ref)}
        return frozenset(item.id for item in a.evidence if any(subject.ref in about for subject in item.subjects))

    def _walk(  # noqa: PLR0913  (what a walk carries along)
        self, ref: str, depth: int, seen: set[str], relation: str, *, forwards: bool, inside: frozenset[str] | None
    ) -> Step:
        kind, title, date, digest = self._facts(ref)
        children = []
        if depth:
            for link in (self._forwards if forwards else self._backwards)[ref]:
                there = link.target if forwards else link.source
                if there in seen or (inside is not None and self._assessment.evidence.get(there) and there not in inside):
                    continue
                words = link.forwards if forwards else link.backwards
                further = depth - 1 if link.structural else 0
                children.append(self._walk(there, further, seen | {there}, words, forwards=forwards, inside=inside))
        return Step(ref, kind, title, relation, date, digest, tuple(children))

    def _known(self, ref: str) -> str:
        a = self._assessment
        if ref in a.records or ref in a.catalog.controls or ref in a.catalog.requirements or a.evidence.get(ref):
            return ref
        matching = [item.id for item in a.evidence if item.id.startswith(ref)] if len(ref) >= 6 else []  # noqa: PLR2004
        if len(matching) == 1:
            return matching[0]
        names = [*(record.ref for record in a.records), *a.catalog.controls, *a.catalog.requirements]
        close = get_close_matches(ref, names, n=3)
        hint = "Give a record (kind:id), a control (GOV-01), a requirement (ISO42001:A.7.4) or the id of a piece of evidence."
        hint = f"Did you mean {' or '.join(close)}?" if close else hint
        raise InputError.one("unknown-name", f"Nothing here is called {ref}.", Place(ref), hint)

    def _facts(self, ref: str) -> tuple[NodeKind, str, str | None, str | None]:
        a = self._assessment
        record = a.records.get(ref)
        if record is not None:
            return "record", record.title, _date(record.content), record.digest
        if ref in a.catalog.controls:
            return "control", a.catalog.controls[ref].title, None, None
        if ref in a.catalog.requirements:
            return "requirement", a.catalog.requirements[ref].title, str(a.catalog.framework_of(ref).status_date), None
        item = a.evidence.get(ref)
        if item is None:
            return "record", "not recorded", None, None
        return "evidence", describe(item), item.observed_at.isoformat(), item.id

    # --- where links come from -------------------------------------------------------------------------------------------------

    def _of_records(self) -> Iterator[Link]:
        for ref, links in self._assessment.records.links.items():
            for link in links:
                field = str(next(part for part in reversed(link.path) if isinstance(part, str))).replace("_", " ")
                if link.edge is Edge.PART_OF:
                    yield Link(link.target, ref, f"has {ref.split(':', 1)[0].replace('_', ' ')}", f"is part of ({field})", structural=True)
                elif link.edge is Edge.HAS:
                    yield Link(ref, link.target, f"has ({field})", "belongs to", structural=True)
                else:
                    yield Link(ref, link.target, field, f"is named by ({field})", structural=False)
            for path, entry, target in self._assessment.records.get(ref).catalog_links():  # type: ignore[union-attr]
                field = str(path[0]).replace("_", " ")
                yield Link(ref, target, f"names {entry} ({field})", "is named by", structural=entry == "control")

    def _of_controls(self) -> Iterator[Link]:
        for control in self._assessment.catalog.controls.values():
            for mapping in control.satisfies:
                yield Link(mapping.requirement, control.id, f"is answered by ({mapping.relation})", "answers", structural=True)

    def _of_evidence(self) -> Iterator[Link]:
        a = self._assessment
        for item in a.evidence:
            for subject in item.subjects:
                if subject.ref in a.records:
                    yield Link(subject.ref, item.id, "is shown by", "is about", structural=True)
        for control in a.catalog.controls.values():
            for check in control.checks:
                if isinstance(check, EvidenceCheck):
                    for item in self._looked_at(check, {target_kind(check, kind) for kind in control.applies_to}):
                        yield Link(control.id, item.id, f"rests on ({check.id})", f"bears on ({check.id})", structural=True)

    def _looked_at(self, check: EvidenceCheck, kinds: set[str]) -> Iterator[Evidence]:
        """Find the pieces a check looks at: of its predicate and topic, about a record of one of the kinds."""
        a = self._assessment
        for group in a.evidence.groups(check.predicate, check.topic):
            for ref, mentions in a.evidence.about(group).items():
                if ref in a.records and ref.split(":", 1)[0] in kinds:
                    yield from mentions.items


def _date(content: dict[str, object]) -> str | None:
    """Give the day a record itself carries for what it states: approved, assessed, held, decided, found, or reviewed."""
    names = (
        "approved_on",
        "assessed_on",
        "held_on",
        "decided_on",
        "decided_at",
        "accepted_on",
        "found_on",
        "aware_at",
        "reviewed_on",
        "acquired_on",
    )
    return next((str(content[name]) for name in names if name in content), None)
