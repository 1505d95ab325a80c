"""Layer 1, governance and leadership (ISO/IEC 42001 clauses 4 and 5): who we are, what binds us, who answers for it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kybern.catalog import Layer
from kybern.records._base import Facts, Part, Record, Text
from kybern.records._refs import (
    AnyRef,
    DocumentRef,
    HasSystem,
    InterestedPartyRef,
    ObligationRef,
    PersonRef,
    PolicyRef,
    RequirementName,
    RoleRef,
)

AIRole = Literal["developer", "provider", "deployer", "user", "integrator", "importer", "distributor", "partner", "authority"]
"""What the organisation is to AI systems (ISO/IEC 22989 roles, with the AI Act's deployer, importer and distributor)."""

CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
"""ISO 3166 country, or country and subdivision: `DE`, `US-CA`; `EU` for the Union."""


class Organization(Record):
    """The organisation whose management system this is."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "4.1"
    needs_owner: ClassVar[bool] = False

    kind: Literal["organization"] = "organization"
    legal_name: Text
    sector: Text
    countries: Annotated[tuple[CountryCode, ...], Field(min_length=1)]
    employees: Annotated[int, Field(ge=0)] | None = None
    ai_roles: Annotated[tuple[AIRole, ...], Field(min_length=1)]
    profile: Literal["developer", "enterprise-user", "public-sector", "critical-sector", "sme", "integrator"] | None = None
    top_management: RoleRef | None = None
    facts: Facts | None = None
    """Further facts that decide which law applies, by their names in the fact schema: `kybern classify --schema`."""


class ContextIssue(Record):
    """An external or internal issue that bears on the management system; climate change is one to be considered (4.1)."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "4.1"

    kind: Literal["context_issue"] = "context_issue"
    position: Literal["external", "internal"]
    theme: Literal["legal", "market", "technology", "society", "climate", "culture", "people", "finance", "operations", "data"]
    relevant: bool
    effect: Text


class Scope(Record):
    """What the management system covers, and what it leaves out and why."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "4.3"

    kind: Literal["scope"] = "scope"
    statement: Text
    systems: tuple[HasSystem, ...] = ()
    sites: tuple[Text, ...] = ()
    units: tuple[Text, ...] = ()
    exclusions: tuple[ScopeExclusion, ...] = ()
    document: DocumentRef | None = None
    approved_by: PersonRef | None = None
    approved_on: date | None = None


class ScopeExclusion(Part):
    """Something left outside the boundary."""

    what: Text
    justification: Text


class InterestedParty(Record):
    """Who is concerned by the organisation's AI, and what they need of it."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "4.2"

    kind: Literal["interested_party"] = "interested_party"
    position: Literal["internal", "external"]
    needs: Annotated[tuple[Text, ...], Field(min_length=1)]
    obligations: tuple[ObligationRef, ...] = ()
    engagement: Text | None = None


class Obligation(Record):
    """A duty taken on from law, contract, standard or promise, that binds the organisation from a date."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "4.2"

    kind: Literal["obligation"] = "obligation"
    origin: Literal["law", "contract", "standard", "voluntary"]
    source: Text
    requirement: RequirementName | None = None
    binds_from: date | None = None
    parties: tuple[InterestedPartyRef, ...] = ()
    applies_to: tuple[AnyRef, ...] = ()


class Policy(Record):
    """A rule of the house, approved by management: the AI policy first of all."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "5.2"

    kind: Literal["policy"] = "policy"
    type: Literal["ai", "data", "security", "privacy", "procurement", "conduct", "acceptable-use", "risk", "incident", "other"]
    statement: Text
    document: DocumentRef | None = None
    aligned_with: tuple[PolicyRef, ...] = ()
    approved_by: PersonRef | None = None
    approved_on: date | None = None
    published_on: date | None = None


class Role(Record):
    """A role with its responsibilities and authority, and who holds it."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "5.3"
    needs_owner: ClassVar[bool] = False

    kind: Literal["role"] = "role"
    responsibilities: Annotated[tuple[Text, ...], Field(min_length=1)]
    authority: Text | None = None
    holders: tuple[PersonRef, ...] = ()
    deputy: PersonRef | None = None
    reports_to: RoleRef | None = None
    assigned_on: date | None = None


class Raci(Record):
    """Who is responsible, accountable, consulted and informed for an activity."""

    layer: ClassVar[Layer] = Layer.L1
    clause: ClassVar[str] = "5.3"
    needs_owner: ClassVar[bool] = False

    kind: Literal["raci"] = "raci"
    activity: Text
    responsible: Annotated[tuple[RoleRef, ...], Field(min_length=1)]
    accountable: RoleRef
    consulted: tuple[RoleRef, ...] = ()
    informed: tuple[RoleRef, ...] = ()
