"""The shapes of clocks: what can be known of an incident, and which report is due to whom, from when and until when."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from kybern.catalog._models import ConclusionName, Model, RequirementRef
from kybern.catalog._scales import Confidence
from kybern.catalog.applicability import Fact
from kybern.catalog.clocks._periods import PERIOD

MomentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*_at$", max_length=60)]
ClockName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=80)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]
Zone = Annotated[str, Field(pattern=r"^[A-Za-z_]+(/[A-Za-z_]+)+$", max_length=60)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Moment(Model):
    """A moment of an incident that clocks start from, with the question that asks for it."""

    name: MomentName
    question: Words
    source: Annotated[tuple[RequirementRef, ...], Field(min_length=1)]


class IncidentFile(Model):
    """`facts.yaml`: what can be known of an incident, and the zones in which days end."""

    version: date
    moments: Annotated[tuple[Moment, ...], Field(min_length=1)]
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    zones: Annotated[dict[Country, Zone], Field(min_length=1)]


class Clock(Model):
    """A report that is due: it runs where one conclusion of `bound` holds and the incident is as `when` says.

    It starts at a moment (`start`), or when the report of another clock is made (`after`: the first of them). `within` is the time there
    is at most; `at_once_from` the moment from which the report is due at once, in the words of `prompt`.
    """

    id: ClockName
    title: Annotated[str, Field(min_length=1, max_length=120)]
    requirement: RequirementRef
    point: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    bound: Annotated[tuple[ConclusionName, ...], Field(min_length=1)]
    when: Any
    start: MomentName | None = None
    after: tuple[ClockName, ...] = ()
    within: Annotated[str, Field(pattern=PERIOD)] | None = None
    at_once_from: MomentName | None = None
    prompt: Words | None = None
    recipient: Words
    content: Annotated[tuple[Words, ...], Field(min_length=1)]
    incomplete_first: Words | None = None
    confidence: Confidence = Confidence.HIGH
    note: Words | None = None

    @model_validator(mode="after")
    def _can_run(self) -> Clock:
        if (self.start is None) == (not self.after):
            msg = "a clock has either `start` or `after`"
            raise ValueError(msg)
        if self.within is None and self.at_once_from is None:
            msg = "a clock has `within`, `at_once_from`, or both"
            raise ValueError(msg)
        if (self.at_once_from is None) != (self.prompt is None):
            msg = "`at_once_from` and `prompt` go together"
            raise ValueError(msg)
        return self

    @property
    def provision(self) -> str:
        """The provision that sets it: `EU_AI_ACT:Art.73(2)`, with its point."""
        return f"{self.requirement}, {self.point}" if self.point else self.requirement


class RegimeClocks(Model):
    """One file of clocks: those of a law, and how its days count. `zone` is where its authority sits, outside the Union."""

    regime: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Words
    status_date: date
    order: Annotated[int, Field(ge=1, le=1000)]
    counting: Literal["union", "calendar"]
    zone: Zone | None = None
    clocks: Annotated[tuple[Clock, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _days_end_somewhere(self) -> RegimeClocks:
        if (self.counting == "calendar") != (self.zone is not None):
            msg = "a regime outside the Union, and only that, says its zone"
            raise ValueError(msg)
        return self
