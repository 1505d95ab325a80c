"""References between records: `kind:id` strings that know what they may name and what the link means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

ID_PATTERN = "[a-z0-9][a-z0-9._-]{0,79}"


class Edge(StrEnum):
    """What a reference means for tracing and for what belongs to what.

    `part_of`: this record belongs to the one it names (a risk to its AI system). `has`: the named record belongs to this one
    (an AI system has its models). `about`: they are related, and neither belongs to the other.
    """

    PART_OF = "part_of"
    HAS = "has"
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class RefTo:
    """Marks a text field as a reference `kind:id` to a record of one of `kinds`; no kinds means any record."""

    kinds: tuple[str, ...] = ()
    edge: Edge = Edge.ABOUT

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Check the form at load; whether the target exists is the record set's to check."""
        kinds = "|".join(self.kinds) or "[a-z_]+"
        return core_schema.str_schema(pattern=f"^({kinds}):{ID_PATTERN}$")

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Tell editors and forms which records may stand here."""
        return {**handler(schema), "x-kybern-ref": list(self.kinds), "x-kybern-edge": self.edge.value}


@dataclass(frozen=True, slots=True)
class CatalogRef:
    """Marks a text field as naming a catalog entry: a `control` (`GOV-01`) or a `requirement` (`ISO42001:A.7.4`)."""

    entry: str

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Tell editors and forms that the value comes from the catalog."""
        return {**handler(schema), "x-kybern-catalog": self.entry}


@dataclass(frozen=True, slots=True)
class Link:
    """A reference found in a record: the path of the field it stands in, its target, its meaning, what it may name."""

    path: tuple[str | int, ...]
    target: str
    edge: Edge
    kinds: tuple[str, ...]


AnyRef = Annotated[str, RefTo()]
OwnerRef = Annotated[str, RefTo(("role", "person"))]
PersonRef = Annotated[str, RefTo(("person",))]
RoleRef = Annotated[str, RefTo(("role",))]
PolicyRef = Annotated[str, RefTo(("policy",))]
ObligationRef = Annotated[str, RefTo(("obligation",))]
InterestedPartyRef = Annotated[str, RefTo(("interested_party",))]
DocumentRef = Annotated[str, RefTo(("document",))]
SystemRef = Annotated[str, RefTo(("ai_system",))]
RiskRef = Annotated[str, RefTo(("risk",))]
ImpactRef = Annotated[str, RefTo(("impact_assessment",))]
CompetenceRef = Annotated[str, RefTo(("competence",))]
IndicatorRef = Annotated[str, RefTo(("indicator",))]
IncidentRef = Annotated[str, RefTo(("incident",))]
ObjectiveRef = Annotated[str, RefTo(("objective",))]
CriteriaRef = Annotated[str, RefTo(("risk_criteria",))]
FindingRef = Annotated[str, RefTo(("finding",))]

PartOfOrganization = Annotated[str, RefTo(("organization",), Edge.PART_OF)]
PartOfSystem = Annotated[str, RefTo(("ai_system",), Edge.PART_OF)]
PartOfRisk = Annotated[str, RefTo(("risk",), Edge.PART_OF)]
PartOfIndicator = Annotated[str, RefTo(("indicator",), Edge.PART_OF)]
PartOfIncident = Annotated[str, RefTo(("incident",), Edge.PART_OF)]
PartOfNonconformity = Annotated[str, RefTo(("nonconformity",), Edge.PART_OF)]
PartOfAudit = Annotated[str, RefTo(("audit",), Edge.PART_OF)]
PartOfThing = Annotated[str, RefTo(("ai_system", "model", "dataset", "agent", "supplier"), Edge.PART_OF)]
PartOfAny = Annotated[str, RefTo((), Edge.PART_OF)]

HasModel = Annotated[str, RefTo(("model",), Edge.HAS)]
HasDataset = Annotated[str, RefTo(("dataset",), Edge.HAS)]
HasAgent = Annotated[str, RefTo(("agent",), Edge.HAS)]
HasSupplier = Annotated[str, RefTo(("supplier",), Edge.HAS)]
HasSystem = Annotated[str, RefTo(("ai_system",), Edge.HAS)]

ControlRef = Annotated[str, CatalogRef("control")]
RequirementName = Annotated[str, CatalogRef("requirement")]
