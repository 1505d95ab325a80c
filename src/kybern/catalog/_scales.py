"""The scales of the catalog: closed lists that entries, controls and checks choose from."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema


class Layer(StrEnum):
    """The seven layers of the design; the main picture is layers by clauses."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"
    L7 = "L7"

    @property
    def label(self) -> str:
        """The layer's name."""
        return _LAYER_LABELS[self]


_LAYER_LABELS = {
    Layer.L1: "Governance & Leadership",
    Layer.L2: "Risk & Controls",
    Layer.L3: "Technical Standards",
    Layer.L4: "Culture & Skills",
    Layer.L5: "Monitoring & Measurement",
    Layer.L6: "Society & Sustainability",
    Layer.L7: "Trust & Assurance",
}


class Strength(IntEnum):
    """How much a piece of evidence can carry; computed from who signed what, never typed by its author."""

    DECLARED = 1
    DOCUMENTED = 2
    OBSERVED = 3
    MEASURED = 4
    VERIFIED = 5

    @property
    def label(self) -> str:
        """The level in words."""
        return _STRENGTH_LABELS[self]


_STRENGTH_LABELS = {
    Strength.DECLARED: "declared",
    Strength.DOCUMENTED: "documented",
    Strength.OBSERVED: "observed",
    Strength.MEASURED: "measured and signed",
    Strength.VERIFIED: "independently verified",
}


def _strength_by_name(value: object) -> object:
    return Strength[value.upper()] if isinstance(value, str) and value.upper() in Strength.__members__ else value


_STRENGTH_NAMES = {"type": "string", "enum": [strength.name.lower() for strength in Strength]}

StrengthName = Annotated[Strength, BeforeValidator(_strength_by_name), WithJsonSchema(_STRENGTH_NAMES)]
"""A strength, written by its name in YAML: `min_strength: measured`."""


class SubjectKind(StrEnum):
    """What a control applies to. The values are record kinds."""

    ORGANIZATION = "organization"
    AI_SYSTEM = "ai_system"
    MODEL = "model"
    DATASET = "dataset"
    AGENT = "agent"
    SUPPLIER = "supplier"


class PredicateType(StrEnum):
    """The kinds of evidence: the short names of Kybern's in-toto predicate types."""

    MEASUREMENT = "measurement"
    TEST_RUN = "test-run"
    DOCUMENT = "document"
    ATTESTATION = "attestation"
    APPROVAL = "approval"
    DECISION = "decision"
    TRAINING = "training"
    AUDIT = "audit"
    VERIFICATION = "verification"
    CONTROL_EVIDENCE = "control-evidence"
    ABSENCE = "absence"
    """What was due and did not come: told, dated and signed. No check may ask for it."""


class Relation(StrEnum):
    """Set relation of source to target concept, NIST IR 8477 section 4.3."""

    EQUAL = "equal"
    SUBSET = "subset"
    SUPERSET = "superset"
    INTERSECTS = "intersects"


class Confidence(StrEnum):
    """How sure the catalog is of a row."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
