"""Layer 6, society and sustainability (ISO/IEC 42001 clauses 6.1.4 and 8.4, A.5; ISO/IEC 42005): impact and concerns."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kybern.catalog import Layer
from kybern.records._base import Part, Record, Text
from kybern.records._refs import AnyRef, DocumentRef, PartOfSystem, PersonRef


class Impact(Part):
    """A benefit or harm for a group, with what is done about it."""

    on: Text
    scope: Literal["individual", "group", "society", "environment"]
    effect: Literal["benefit", "harm"]
    description: Text
    severity: Annotated[int, Field(ge=1, le=5)]
    likelihood: Annotated[int, Field(ge=1, le=5)]
    measures: Text | None = None


class ImpactAssessment(Record):
    """An AI system impact assessment (ISO/IEC 42005), or one of its legal kin: FRIA (AI Act Art 27), DPIA (GDPR Art 35)."""

    layer: ClassVar[Layer] = Layer.L6
    clause: ClassVar[str] = "6.1.4"

    kind: Literal["impact_assessment"] = "impact_assessment"
    type: Literal["ai-system", "fria", "dpia"] = "ai-system"
    system: PartOfSystem
    scope: Text
    intended_use: Text
    unintended_use: Text
    data_and_model: Text
    environment: Text
    interested_parties: Annotated[tuple[Text, ...], Field(min_length=1)]
    consulted: Text | None = None
    impacts: Annotated[tuple[Impact, ...], Field(min_length=1)]
    failures_and_misuse: Text
    measures: Text
    decision: Literal["proceed", "proceed-with-measures", "stop", "undecided"]
    assessor: PersonRef
    assessed_on: date
    trigger: Literal["before-deployment", "planned", "change", "incident"] = "before-deployment"
    approved_by: PersonRef | None = None
    approved_on: date | None = None
    document: DocumentRef | None = None
    disclosed: Text | None = None


class Concern(Record):
    """A concern or complaint about AI, raised by anybody, protected from reprisal (A.3.3)."""

    layer: ClassVar[Layer] = Layer.L6
    clause: ClassVar[str] = "A.3.3"

    kind: Literal["concern"] = "concern"
    about: tuple[AnyRef, ...] = ()
    of_systems: tuple[PartOfSystem, ...] = ()
    raised_on: date
    raised_by: Literal["employee", "user", "affected-person", "customer", "public", "anonymous"]
    account: Text
    answer: Text | None = None
    answered_on: date | None = None
    state: Literal["open", "investigating", "closed"] = "open"
