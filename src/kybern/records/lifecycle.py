"""Layer 3, technical standards (ISO/IEC 42001 clause 8, A.4, A.6, A.7, A.9, A.10): systems and what they are made of."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kybern.catalog import Layer
from kybern.records._base import Facts, Part, Record, Text
from kybern.records._refs import DocumentRef, HasAgent, HasDataset, HasModel, HasSupplier, OwnerRef, PartOfSystem, PersonRef, RoleRef
from kybern.records.leadership import AIRole, CountryCode

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Stage = Literal["concept", "design", "development", "validation", "deployment", "operation", "retirement"]
"""Where a system stands in its life cycle (ISO/IEC 22989, 5338)."""

Gate = Literal["concept", "design", "validation", "deployment", "retirement"]


class GatePassed(Part):
    """A life-cycle gate that was passed: when, and on whose word."""

    gate: Gate
    on: date
    by: PersonRef


class AISystem(Record):
    """An AI system: what it is for, on whom it acts, how freely, on what it rests."""

    layer: ClassVar[Layer] = Layer.L3
    clause: ClassVar[str] = "8.1"

    kind: Literal["ai_system"] = "ai_system"
    role: AIRole
    purpose: Text
    use_case: Text
    foreseeable_misuse: Text | None = None
    autonomy: Literal["advises", "proposes", "acts-with-approval", "acts-with-oversight", "acts-alone"]
    oversight: Text | None = None
    risk_class: Literal["prohibited", "high", "limited", "minimal", "unclassified"] = "unclassified"
    """The organisation's own reading; deriving it from law is the catalog's work."""
    users: Annotated[tuple[Text, ...], Field(min_length=1)]
    affected_groups: tuple[Text, ...] = ()
    personal_data: bool | None = None
    generates_content: bool | None = None
    jurisdictions: Annotated[tuple[CountryCode, ...], Field(min_length=1)]
    stage: Stage
    gates: tuple[GatePassed, ...] = ()
    in_operation_since: date | None = None
    models: tuple[HasModel, ...] = ()
    datasets: tuple[HasDataset, ...] = ()
    agents: tuple[HasAgent, ...] = ()
    suppliers: tuple[HasSupplier, ...] = ()
    documents: tuple[DocumentRef, ...] = ()
    risk_owner: OwnerRef | None = None
    facts: Facts | None = None
    """Further facts that decide which law applies, by their names in the fact schema: `kybern classify --schema`."""


class Model(Record):
    """A model: its kind, version, training data and artefact."""

    layer: ClassVar[Layer] = Layer.L3
    clause: ClassVar[str] = "A.6.2.3"

    kind: Literal["model"] = "model"
    type: Text
    task: Literal["classification", "regression", "ranking", "generation", "retrieval", "detection", "clustering", "other"]
    origin: Literal["developed", "fine-tuned", "bought", "open-weights", "service"]
    datasets: tuple[HasDataset, ...] = ()
    suppliers: tuple[HasSupplier, ...] = ()
    artefact_sha256: Sha256 | None = None
    parameters: Annotated[int, Field(ge=0)] | None = None
    intended_use: Text
    limits: Text | None = None
    documents: tuple[DocumentRef, ...] = ()


class Dataset(Record):
    """A data set: where it comes from, what is in it, what it may be used for."""

    layer: ClassVar[Layer] = Layer.L3
    clause: ClassVar[str] = "A.7.2"

    kind: Literal["dataset"] = "dataset"
    use: Annotated[tuple[Literal["training", "validation", "testing", "operation", "retrieval", "fine-tuning"], ...], Field(min_length=1)]
    source: Text
    acquired_on: date | None = None
    acquisition: Literal["collected", "bought", "public", "supplied", "synthetic", "derived"]
    licence: Text | None = None
    legal_basis: Text | None = None
    personal_data: bool
    special_categories: bool = False
    rows: Annotated[int, Field(ge=0)] | None = None
    period: Text | None = None
    populations: tuple[Text, ...] = ()
    labels: Text | None = None
    known_bias: Text | None = None
    quality_criteria: Text | None = None
    preparation: Text | None = None
    retention: Text | None = None
    sha256: Sha256 | None = None
    suppliers: tuple[HasSupplier, ...] = ()


class Tool(Part):
    """Something an agent may call."""

    name: Text
    effect: Literal["reads", "writes", "pays", "sends", "executes"]
    approval: Literal["none", "human"] = "none"


class Agent(Record):
    """An AI agent: what it may do, with which tools, within which limits, and who can stop it."""

    layer: ClassVar[Layer] = Layer.L3
    clause: ClassVar[str] = "A.9.4"

    kind: Literal["agent"] = "agent"
    goal: Text
    tools: Annotated[tuple[Tool, ...], Field(min_length=1)]
    models: tuple[HasModel, ...] = ()
    autonomy: Literal["proposes", "acts-with-approval", "acts-with-oversight", "acts-alone"]
    limits: Text
    stop: Text
    """How a person stops it, and how fast."""
    supervisor: RoleRef | None = None
    identity: Text | None = None


class Supplier(Record):
    """A supplier of models, data, systems or services that AI systems rest on."""

    layer: ClassVar[Layer] = Layer.L3
    clause: ClassVar[str] = "A.10.3"

    kind: Literal["supplier"] = "supplier"
    supplies: Annotated[
        tuple[Literal["model", "data", "system", "service", "computing", "labelling", "component"], ...], Field(min_length=1)
    ]
    country: CountryCode
    criticality: Literal["low", "medium", "high"]
    contract: Text | None = None
    responsibilities: Text | None = None
    """How duties are shared between the supplier, the organisation and its customers."""
    assessed_on: date | None = None
    contact: Text | None = None
    exit_plan: Text | None = None


class Resource(Record):
    """A resource that AI systems need: tooling, computing, people (A.4); data are data sets of their own."""

    layer: ClassVar[Layer] = Layer.L3
    clause: ClassVar[str] = "A.4.2"

    kind: Literal["resource"] = "resource"
    type: Literal["tooling", "computing", "human"]
    systems: tuple[PartOfSystem, ...] = ()
    used_for: Text
    location: Text | None = None
    capacity: Text | None = None


class SystemRequirement(Record):
    """A requirement that an AI system must fulfil, stated so that a test can tell (A.6.2.2)."""

    layer: ClassVar[Layer] = Layer.L3
    clause: ClassVar[str] = "A.6.2.2"

    kind: Literal["system_requirement"] = "system_requirement"
    system: PartOfSystem
    statement: Text
    acceptance: Text
    reason: Text | None = None
    met_by: tuple[DocumentRef, ...] = ()
