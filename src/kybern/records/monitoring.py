"""Layer 5, monitoring and measurement (ISO/IEC 42001 clause 9.1, A.6.2.6): what is measured, where it must stay, who watches."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from kybern.catalog import Days, Layer
from kybern.records._base import Record, Text
from kybern.records._refs import OwnerRef, PartOfIndicator, PartOfThing


class Indicator(Record):
    """Something measured, with its definition and the bounds the organisation sets itself."""

    layer: ClassVar[Layer] = Layer.L5
    clause: ClassVar[str] = "9.1"

    kind: Literal["indicator"] = "indicator"
    of: tuple[PartOfThing, ...] = ()
    """What it is measured on; none means the management system as a whole."""
    category: Literal[
        "performance",
        "calibration",
        "fairness",
        "drift",
        "robustness",
        "security",
        "privacy",
        "quality",
        "explainability",
        "oversight",
        "incident",
        "people",
        "environment",
        "process",
    ]
    metric: Text
    definition: Text
    unit: Text
    minimum: float | None = None
    maximum: float | None = None
    measure_every: Days
    why_these_bounds: Text

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.minimum is None and self.maximum is None:
            msg = "an indicator needs a minimum or a maximum: without a bound nothing can be told from it"
            raise ValueError(msg)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            msg = "minimum is above maximum"
            raise ValueError(msg)
        return self


class Monitor(Record):
    """A standing watch over an indicator: how often, by what, and what happens when a bound is crossed."""

    layer: ClassVar[Layer] = Layer.L5
    clause: ClassVar[str] = "A.6.2.6"

    kind: Literal["monitor"] = "monitor"
    indicator: PartOfIndicator
    runs_every: Days
    runs_by: Text
    alert_to: Annotated[tuple[OwnerRef, ...], Field(min_length=1)]
    reaction: Text
