"""A small organisation with two AI systems, held against the catalog that is shipped; and a strict little reader of HTML."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from html.parser import HTMLParser
from typing import Any

from kybern.assessment import Assessment, assess
from kybern.catalog import Catalog, EvidenceCheck, Operator, PredicateType, Strength, load_catalog
from kybern.evidence import Evidence, Refusal, Subject
from kybern.records import RecordSet
from kybern.workspace import parse_records

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
FRAMEWORKS = ("ISO42001", "NIST_AI_RMF")
"""Those the page is asked for."""
EVIL = "<script>alert(1)</script>"
REFUSED = (Refusal("evidence/bad.dsse.json", "bad-signature", "the signature does not fit <b>this</b>"),)

RECORDS = """\
kind: organization
id: acme
title: "<script>alert(1)</script>"
legal_name: Acme & Sons
sector: Lending
countries: [IE]
ai_roles: [deployer]
---
{kind: role, id: model-owner, title: Owner of the model, responsibilities: [Owns it], holders: [person:anna]}
---
{kind: person, id: anna, title: "Anna \\"O'Brien\\" <anna@acme>"}
---
{kind: scope, id: aims, title: Scope, statement: Both systems, systems: [ai_system:credit, ai_system:chat]}
---
kind: ai_system
id: credit
title: Credit <scoring>
owner: role:model-owner
role: provider
purpose: Estimates default
use_case: Scores each application
autonomy: advises
risk_class: high
users: [Underwriters]
jurisdictions: [IE]
stage: operation
in_operation_since: 2026-02-16
gates: [{gate: concept, on: 2025-06-10, by: person:anna}]
models: [model:pd]
datasets: [dataset:loans]
suppliers: [supplier:bureau]
---
kind: ai_system
id: chat
title: Chat
role: deployer
purpose: Answers
use_case: Members ask
autonomy: acts-with-oversight
users: [Members]
jurisdictions: [IE]
stage: design
---
{kind: model, id: pd, title: Default model, type: Logistic regression, task: classification, origin: developed, intended_use: Loans}
---
{kind: dataset, id: loans, title: Loans, use: [training], source: Own books, acquisition: collected, personal_data: true}
---
{kind: supplier, id: bureau, title: Bureau, supplies: [data], country: IE, criticality: high}
---
kind: risk_criteria
id: ai
title: Criteria
method: Product
likelihood: [{level: 1, name: Low, meaning: rare}, {level: 3, name: Mid, meaning: yearly}, {level: 5, name: High, meaning: monthly}]
consequence: [{level: 1, name: Low, meaning: none}, {level: 3, name: Mid, meaning: some}, {level: 5, name: High, meaning: grave}]
acceptable_score: 6
acceptance_authority: role:model-owner
---
kind: risk
id: bias
title: Unequal refusals
systems: [ai_system:credit]
type: bias
scenario: Young applicants are refused more often
consequences: {organization: 2, individuals: 4, society: 3}
likelihood: 4
criteria: risk_criteria:ai
assessor: person:anna
assessed_on: 2026-07-21
---
kind: risk
id: drift
title: Drift
systems: [ai_system:credit, ai_system:chat]
type: drift
scenario: Applications change
consequences: {organization: 2, individuals: 2, society: 1}
likelihood: 3
criteria: risk_criteria:ai
assessor: person:anna
assessed_on: 2026-07-21
---
kind: treatment
id: bias
title: Second look
risk: risk:bias
option: modify
plan: Look twice
residual_likelihood: 2
residual_consequence: 4
done_on: 2026-08-01
---
kind: indicator
id: gap
title: Gap by age
of: [ai_system:credit]
category: fairness
metric: Equal opportunity difference
definition: Absolute difference
unit: share
maximum: 0.1
measure_every: P31D
why_these_bounds: The board took it
---
kind: indicator
id: auc
title: Discrimination
of: [ai_system:credit]
category: performance
metric: AUC
definition: Area
unit: share
minimum: 0.7
measure_every: P31D
why_these_bounds: Below it is no help
---
kind: indicator
id: missing
title: Missing values
of: [dataset:loans]
category: quality
metric: Share of missing values
definition: Empty cells
unit: share
maximum: 0.1
measure_every: P31D
why_these_bounds: More hides a fault
---
kind: indicator
id: brier
title: Calibration
of: [ai_system:credit]
category: calibration
metric: Brier score
definition: Mean squared error
unit: share
maximum: 0.2
measure_every: P31D
why_these_bounds: Above it the score misleads
"""

BODIES: dict[PredicateType, dict[str, Any]] = {
    PredicateType.MEASUREMENT: {"metric": "m", "value": 0.08, "unit": "share", "sample_size": 812, "lower": 0.05, "upper": 0.12},
    PredicateType.TEST_RUN: {"suite": "s", "passed": 12, "failed": 0},
    PredicateType.DOCUMENT: {"title": "A <document>", "sha256": "d" * 64},
    PredicateType.ATTESTATION: {"statement": "It holds.", "holds": True, "by": "person:anna"},
    PredicateType.APPROVAL: {"decision": "approved", "by": "person:anna"},
    PredicateType.DECISION: {"question": "Go on?", "outcome": "continue", "by": "person:anna"},
    PredicateType.TRAINING: {"course": "c", "due": 10, "attended": 9, "passed": 9, "share_passed": 0.9},
    PredicateType.AUDIT: {"criteria": "c", "sample_size": 3, "major": 0, "minor": 1, "conclusion": "One.", "by": "person:anna"},
}


def records() -> RecordSet:
    return RecordSet(parse_records(RECORDS.encode(), "acme.yaml"))


def _value(operator: Operator, value: Any) -> Any:
    return value[0] if operator is Operator.IN else value + 1 if operator is Operator.GT else value


def pieces(catalog: Catalog, found: RecordSet) -> Iterator[Evidence]:
    """Evidence for two checks of three, of every age and some of it failing: every status occurs."""
    number = 0
    for control in catalog.controls.values():
        for check in (one for one in control.checks if isinstance(one, EvidenceCheck)):
            for record in (record for kind in ([check.on] if check.on else control.applies_to) for record in found.of_kind(kind)):
                number += 1
                if number % 3 == 0 or control.layer.value == "L6":
                    continue
                body = BODIES[check.predicate] | {
                    one.field: _value(one.operator, one.value) for one in (*check.match, *check.require) if one.value is not None
                }
                if record.ref == "indicator:auc":
                    body |= {"value": 0.61, "lower": 0.55, "upper": 0.66}
                yield Evidence(
                    id=hashlib.sha256(f"{control.id}/{check.id}/{record.ref}".encode()).hexdigest(),
                    predicate=check.predicate,
                    topic=check.topic or "general",
                    subjects=(Subject(record.ref, record.digest),),
                    observed_at=AS_OF - timedelta(days=number % 400),
                    expires_at=None,
                    strength=Strength(1 + number % 5),
                    body=body,
                    signers=("person:anna",),
                )


SHOWN = ("ISO42001", "NIST_AI_RMF")
"""The frameworks that this world is assessed against: others join the shipped catalog, and the page shows those that are chosen."""


def law() -> Catalog:
    """The shipped catalog with these frameworks alone."""
    shipped = load_catalog()
    controls = {
        name: control.model_copy(update={"satisfies": kept})
        for name, control in shipped.controls.items()
        if (kept := tuple(one for one in control.satisfies if one.requirement.partition(":")[0] in SHOWN))
    }
    return Catalog({name: shipped.frameworks[name] for name in SHOWN}, controls)


def assessed() -> Assessment:
    catalog, found = law(), records()
    return assess(catalog, found, list(pieces(catalog, found)), AS_OF)


VOID = {"meta", "input", "br", "link", "img", "hr"}


@dataclass
class Tag:
    """An element: its name, attributes, text (all of it), and the elements in it."""

    name: str
    attributes: dict[str, str]
    said: list[str] = field(repr=False)
    """All texts of the page, those before and after it too; between `start` and `end` of them are its own."""

    start: int
    end: int
    inside: list[Tag] = field(default_factory=list)

    @cached_property
    def text(self) -> str:
        return "".join(self.said[self.start : self.end])

    def walk(self) -> Iterator[Tag]:
        yield self
        for child in self.inside:
            yield from child.walk()

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


class Parsed(HTMLParser):
    """The page as a tree; an element that closes another than the one open is an error."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self._said: list[str] = []
        self.root = self._tag("", {})
        self._open = [self.root]
        self.feed(page)
        self.close()
        assert len(self._open) == 1, f"never closed: {[tag.name for tag in self._open]}"
        self.root.end = len(self._said)

    def _tag(self, name: str, attributes: dict[str, str]) -> Tag:
        return Tag(name, attributes, self._said, len(self._said), len(self._said))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        made = self._tag(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].inside.append(self._tag(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"</{tag}> closes <{self._open[-1].name}>"
        self._open.pop().end = len(self._said)

    def handle_data(self, data: str) -> None:
        self._said.append(data)

    def all(self, name: str = "", **attributes: str) -> list[Tag]:
        return [
            tag
            for tag in self.root.walk()
            if (not name or tag.name == name)
            and all(tag.attributes.get(key.replace("_", "-")) == value for key, value in attributes.items())
        ]

    @cached_property
    def _by_id(self) -> dict[str, Tag]:
        return {tag.attributes["id"]: tag for tag in self.root.walk() if "id" in tag.attributes}

    def id(self, identity: str) -> Tag:
        return self._by_id[identity]

    def of_class(self, name: str, within: Tag | None = None) -> list[Tag]:
        return [tag for tag in (within or self.root).walk() if name in tag.classes]
